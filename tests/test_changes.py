"""An incremental run of each stream brings the changed rows and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from tap_smokeball import dotnet_ticks
from tests.harness import Output, catalog, config, run, sandbox_rows
from tests.recorded_firm import INCREMENTAL, STREAMS, primary_key_of, primary_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

CLEARED_COLUMNS = {
    "activity_codes": "description",
    "contacts": "externalSystemId",
    "events": "subject",
    "expenses": "description",
    "fees": "description",
    "invoices": "invoiceNumber",
    "matter_balances": "protectedBalance",
    "matter_stages": "stage",
    "matters": "description",
    "stage_sets": "name",
    "tasks": "subject",
    "transactions": "description",
}
"""A property of each stream that a user can clear."""

OVERLAP_TICKS = 300 * dotnet_ticks.PER_SECOND


@pytest.fixture(scope="module")
def runs() -> Iterator[tuple[Output, Output, dict[str, Json]]]:
    """Yield two runs; between them each stream has a cleared value and a deleted row."""
    selection = catalog(wanted=[*INCREMENTAL, "bank_accounts"])
    with SandboxServer(matters=30) as firm:
        first = run(config(firm), catalog=selection)
        changes: dict[str, Json] = {}
        for name in INCREMENTAL:
            rows = sandbox_rows(firm, name)
            with_value = [e for e in rows if CLEARED_COLUMNS[name] in e["row"]]
            entry = with_value[len(with_value) // 2]
            cleared = touch(firm, name, entry, {CLEARED_COLUMNS[name]: None})
            other = next(e for e in rows if primary_key_of(name, e) != primary_key_of(name, entry))
            changes[name] = {"cleared": cleared, "deleted": delete(firm, name, other)}
        second = run(config(firm), first.state, selection)
        assert (first.status, second.status) == (0, 0)
        later = {
            name: {primary_key_of(name, e): e for e in sandbox_rows(firm, name)}
            for name in INCREMENTAL
        }
        yield first, second, {name: {**changes[name], "rows": later[name]} for name in INCREMENTAL}


def locate(name: str, entry: Json, firm: SandboxServer) -> Json:
    """Return the arguments that locate a row for the sandbox, even without an id."""
    siblings = [e for e in sandbox_rows(firm, name) if e["parent"] == entry["parent"]]
    return {"parent": entry["parent"], "nth": siblings.index(entry)}


def touch(firm: SandboxServer, name: str, entry: Json, change: Json) -> tuple[Any, ...]:
    firm.control.touch(name, **locate(name, entry, firm), set=change)
    return primary_key_of(name, entry)


def delete(firm: SandboxServer, name: str, entry: Json) -> tuple[Any, ...] | None:
    """Delete a row softly; return its key, or None if such rows have no mark."""
    try:
        firm.control.delete(name, **locate(name, entry, firm), hard=False)
    except ControlError:
        return None
    return primary_key_of(name, entry)


def by_key(output: Output, name: str) -> dict[tuple[Any, ...], Json]:
    return {tuple(r[part] for part in primary_keys(name)): r for r in output.records(name)}


TwoRuns = tuple[Output, Output, "dict[str, Json]"]


def test_change_cases_cover_incremental_streams() -> None:
    assert CLEARED_COLUMNS.keys() == set(INCREMENTAL) <= STREAMS.keys()


@pytest.mark.parametrize("name", INCREMENTAL)
def test_cleared_value_arrives_as_null(runs: TwoRuns, name: str) -> None:
    first, second, changes = runs
    key = changes[name]["cleared"]
    assert by_key(first, name)[key][CLEARED_COLUMNS[name]] is not None
    assert by_key(second, name)[key][CLEARED_COLUMNS[name]] is None


@pytest.mark.parametrize("name", INCREMENTAL)
def test_deleted_row_arrives_as_update(runs: TwoRuns, name: str) -> None:
    """The record of a deleted row has another deletion mark or status."""
    first, second, changes = runs
    key = changes[name]["deleted"]
    if key is None:
        assert name in {"matter_balances", "matter_stages"}  # rows without a deletion mark
        return
    before, after = by_key(first, name)[key], by_key(second, name)[key]
    marks = ("isDeleted", "status", "reversed")
    assert [before.get(mark) for mark in marks] != [after.get(mark) for mark in marks]


@pytest.mark.parametrize("name", INCREMENTAL)
def test_second_run_reads_changed_rows_only(runs: TwoRuns, name: str) -> None:
    """Rows outside of the overlap arrive again only if their matter changed."""
    first, second, changes = runs
    bookmark = first.bookmark(name)["replication_key_value"]
    since = (dotnet_ticks.from_timestamp(bookmark) or 0) - OVERLAP_TICKS - dotnet_ticks.PER_SECOND
    # All children of a changed matter are read: it may be new to the view.
    changed = {key[0] for part in ("cleared", "deleted") if (key := changes["matters"][part])}
    for key in by_key(second, name):
        entry = changes[name]["rows"][key]
        assert entry["updated"] >= since or entry["parent"] in changed, key
