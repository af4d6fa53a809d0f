"""Switches of the sandbox for each open question about the API, and combinations of them."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from smokeball_sandbox.tenant_answers import TenantAnswers

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.memory_firm import MemoryFirm

Combination = dict[str, Any]

SETTINGS: dict[str, tuple[Any, ...]] = {
    "inclusive": (True, False),
    "size": ("right", "missing", "zero", 2),
    "max_page": (None, 3),
    "undeclared_paging": (True, False),
    "folder_offsets": ("listings", "entries"),
    "webhook_types": ("live", "guide"),
}
"""Values of the sandbox's own settings; the first is the default."""

ANSWERS: dict[str, tuple[Any, ...]] = {
    name: get_args(hint) for name, hint in get_type_hints(TenantAnswers).items()
}
"""Values of the tenant's answers; the first is the default."""

SWITCHES = {**SETTINGS, **ANSWERS}

Pair = tuple[tuple[str, Any], tuple[str, Any]]


def apply(firm: SandboxServer | MemoryFirm, combination: Combination) -> None:
    """Let a sandbox behave as a combination says, and otherwise by default."""
    firm.control.settings(**patch_of(combination))


def patch_of(combination: Combination) -> dict[str, Any]:
    """Return the sandbox's settings for a combination."""
    settings = {name: combination.get(name, values[0]) for name, values in SETTINGS.items()}
    answers = {name: value for name, value in combination.items() if name in ANSWERS}
    return {**settings, "answers": answers}


def pairs_of(combination: Combination) -> set[Pair]:
    """Return all pairs of values in a combination."""
    items = sorted(combination.items())
    return {(first, second) for first, second in combinations(items, 2)}


def all_pairs() -> set[Pair]:
    """Return all pairs of values of two switches."""
    return {
        ((first, a), (second, b))
        for first, second in combinations(sorted(SWITCHES), 2)
        for a in SWITCHES[first]
        for b in SWITCHES[second]
    }


def pairwise(seed: int = 0) -> list[Combination]:
    """Return combinations that hold each pair of values of two switches at least once."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    left, found = all_pairs(), []
    while left:
        candidates = [_candidate(random, left) for _ in range(10)]
        best = max(candidates, key=lambda each: len(left & pairs_of(each)))
        left -= pairs_of(best)
        found.append(best)
    return found


def _candidate(random: Random, left: set[Pair]) -> Combination:
    """Return a combination that begins with a pair that is left, and adds the best values."""
    combination: Combination = dict(random.choice(sorted(left, key=repr)))
    names = [name for name in SWITCHES if name not in combination]
    random.shuffle(names)
    for name in names:
        gains = {
            value: sum(tuple(sorted([(name, value), item])) in left for item in combination.items())
            for value in SWITCHES[name]
        }
        most = max(gains.values())
        combination[name] = random.choice([v for v in gains if gains[v] == most])
    return combination
