"""The tap is exact in combinations of the sandbox's switches; `tests.pairwise_runner` runs all."""

from __future__ import annotations

import pytest

from tests.pairwise_runner import PairwiseRunner
from tests.tenant_switches import all_pairs, pairs_of, pairwise

pytestmark = pytest.mark.slow

COMBINATIONS = pairwise()


def test_combinations_hold_all_pairs() -> None:
    assert set().union(*map(pairs_of, COMBINATIONS)) == all_pairs()


@pytest.mark.parametrize(
    ("number", "changes_midway"), [(0, False), (1, True), (6, False), (10, True)]
)
def test_tap_is_exact_in_combination(number: int, *, changes_midway: bool) -> None:
    """A run delivers all rows, or ends with an error and loses none."""
    runner = PairwiseRunner(COMBINATIONS[number], page_size=5)
    assert not runner.run(changes_midway=changes_midway)
