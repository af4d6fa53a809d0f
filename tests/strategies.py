"""Hypothesis strategies for runs with changes, faults, kills and time limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.harness import Json

STREAMS = ["matters", "fees", "contacts", "transactions"]
VIEWS: list[Json] = [{}, {"include_leads": False}, {"matter_statuses": ["Open", "Pending"]}]


@dataclass(frozen=True)
class Step:
    """One run, and the changes before it.

    Attributes:
        changes: Changes before the run, each with a number that selects the row.
        pause_seconds: Time since the previous run, by the sandbox's clock.
        seed: Seed of the faults and changes during the run.
        changed_streams: The streams whose rows change during the run.
        max_changes: Largest number of changes before one request.
        fault_rate: Share of the requests that fail.
        change_rate: Share of the requests before which rows change.
        clock_jump_seconds: Largest jump of the clock at a request.
        max_retries: Number of retries of a request.
        end: How the run ends: see `InterleavingRunner.run_step`.
        end_index: Index of the message, request or line at which the run ends.
        child_streams_only: Whether `end_index` counts messages and requests of child streams only.
        target_loses_unflushed: Whether the target dies with the tap and loses the rows after the
            last STATE.
        is_full_refresh: Whether the run starts without a state, as ``meltano run --full-refresh``.
    """

    changes: list[tuple[str, int]]
    pause_seconds: float
    seed: int
    changed_streams: list[str]
    max_changes: int
    fault_rate: float
    change_rate: float
    clock_jump_seconds: float
    max_retries: int
    end: str
    end_index: int
    child_streams_only: bool
    target_loses_unflushed: bool
    is_full_refresh: bool


@dataclass(frozen=True)
class Interleaving:
    """A firm, the settings of the tap, and the runs.

    A list that changes its order between two pages without a changed row cannot be read by
    offset. Where ``page_size`` is small, therefore only changed rows move.

    Attributes:
        merges_states: Which states the orchestrator merges over the one before: those of
            interrupted runs, as Meltano does, or all, as with ``--state-strategy=merge``.
        lists_take_long: Whether runs have a time limit of which the list of matters takes a large
            part: they begin with what changed.
    """

    matters: int
    firm_seed: int
    page_size: int
    burst: int
    view: Json
    quirks: Json
    merges_states: str
    lists_take_long: bool
    steps: list[Step]


def interleavings(ends: list[str], max_runs: int) -> st.SearchStrategy[Interleaving]:
    """Draw interleavings.

    Args:
        ends: The ways in which a run may end.
        max_runs: Largest number of runs before the final ones without faults.
    """
    changes = [
        *("fee", "contact", "transaction", "matter", "convert", "status", "delete fee"),
        *("new fee", "new contact", "new transaction", "new matter", "new lead"),
        *("remove fee", "remove contact", "remove transaction", "remove matter"),
    ]
    step = st.builds(
        Step,
        changes=st.lists(st.tuples(st.sampled_from(changes), st.integers(0, 30)), max_size=4),
        pause_seconds=st.sampled_from([0, 0.5, 3, 60]),
        seed=st.integers(0, 2**32),
        changed_streams=st.sampled_from([STREAMS, *([name] for name in STREAMS)]),
        max_changes=st.sampled_from([3, 8]),
        fault_rate=st.sampled_from([0, 0, 0.05, 0.15]),
        change_rate=st.sampled_from([0, 0.1, 0.3, 0.8]),
        clock_jump_seconds=st.sampled_from([0, 2, 10]),
        max_retries=st.sampled_from([0, 8]),
        end=st.sampled_from(ends),
        end_index=st.one_of(st.integers(0, 12), st.integers(0, 80)),
        child_streams_only=st.booleans(),
        target_loses_unflushed=st.booleans(),
        is_full_refresh=st.sampled_from([False, False, False, True]),
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
        firm_seed=st.integers(0, 1000),
        page_size=st.sampled_from([500, 500, 3, 5, 9]),
        burst=st.sampled_from([1, 2, 5]),
        view=st.sampled_from(VIEWS),
        quirks=quirks,
        merges_states=st.sampled_from(["never", "interrupted", "always"]),
        lists_take_long=st.booleans(),
        steps=st.lists(step, min_size=1, max_size=max_runs),
    )
