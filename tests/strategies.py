"""Runs, and the changes, faults, kills and time limits among them, as data to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.harness import Json

READ = ["matters", "fees", "contacts", "transactions"]
VIEWS: list[Json] = [{}, {"include_leads": False}, {"matter_statuses": ["Open", "Pending"]}]


@dataclass(frozen=True)
class Step:
    """One run, and what came before it.

    Attributes:
        changes: Changes before the run, each with a number that says of what.
        pause: Seconds since the run before, by the sandbox's clock.
        seed: Of what the sandbox does by itself during the run.
        where: The streams whose rows it changes.
        most: The most changes at once.
        faults: Share of the requests that go wrong.
        turmoil: Share of the requests before which something changes.
        leap: How far the clock may leap at a request, in seconds.
        patience: How often a request is tried again.
        end: How the run ends: see `Play.step`.
        at: At which message, request or line it does.
        below: Whether only messages and requests for what hangs below parents are counted.
        forgetful: Whether the target dies with the tap, and what came after the last STATE is lost.
    """

    changes: list[tuple[str, int]]
    pause: float
    seed: int
    where: list[str]
    most: int
    faults: float
    turmoil: float
    leap: float
    patience: int
    end: str
    at: int
    below: bool
    forgetful: bool


@dataclass(frozen=True)
class Interleaving:
    """A firm, the settings that it is read with, and the runs.

    Lists that come in another order while they are read page by page, without a change that would
    tell, cannot be read by offsets: where ``page_size`` is small, only rows that change move.
    """

    matters: int
    firm: int
    page_size: int
    burst: int
    view: Json
    quirks: Json
    steps: list[Step]


def interleavings(ends: list[str], most: int) -> st.SearchStrategy[Interleaving]:
    """Draw interleavings.

    Args:
        ends: How runs may end.
        most: The most runs, but for those that come to an end at last.
    """
    kinds = [
        *("fee", "contact", "transaction", "matter", "convert", "status", "delete fee"),
        *("new fee", "new contact", "new transaction", "new matter", "new lead"),
        *("remove fee", "remove contact", "remove transaction", "remove matter"),
    ]
    step = st.builds(
        Step,
        changes=st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 30)), max_size=4),
        pause=st.sampled_from([0, 0.5, 3, 60]),
        seed=st.integers(0, 2**32),
        where=st.sampled_from([READ, *([name] for name in READ)]),
        most=st.sampled_from([3, 8]),
        faults=st.sampled_from([0, 0, 0.05, 0.15]),
        turmoil=st.sampled_from([0, 0.1, 0.3, 0.8]),
        leap=st.sampled_from([0, 2, 10]),
        patience=st.sampled_from([0, 8]),
        end=st.sampled_from(ends),
        at=st.one_of(st.integers(0, 12), st.integers(0, 80)),
        below=st.booleans(),
        forgetful=st.booleans(),
    )
    quirks = st.fixed_dictionaries(
        {},
        optional={
            "size": st.sampled_from(["missing", "zero", -1, 2]),
            "max_page": st.just(3),
        },
    )
    return st.builds(
        Interleaving,
        matters=st.integers(3, 9),
        firm=st.integers(0, 1000),
        page_size=st.sampled_from([500, 500, 3, 5, 9]),
        burst=st.sampled_from([1, 2, 5]),
        view=st.sampled_from(VIEWS),
        quirks=quirks,
        steps=st.lists(step, min_size=1, max_size=most),
    )
