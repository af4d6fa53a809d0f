"""What changed since the last run arrives, in every incremental stream, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from tap_smokeball import dotnet_ticks
from tests.harness import Output, catalog, config, run, truth
from tests.recorded_firm import INCREMENTAL, STREAMS, key_of, primary_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

CLEARED = {
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
"""A property of each stream that someone may clear."""

OVERLAP = 300 * dotnet_ticks.PER_SECOND


@pytest.fixture(scope="module")
def runs() -> Iterator[tuple[Output, Output, dict[str, Json]]]:
    """Two runs of a firm; between them a value is cleared and a row deleted in each stream."""
    chosen = catalog(wanted=[*INCREMENTAL, "bank_accounts"])
    with SandboxServer(matters=30) as firm:
        first = run(config(firm), catalog=chosen)
        changes: dict[str, Json] = {}
        for name in INCREMENTAL:
            rows = truth(firm, name)
            holding = [e for e in rows if CLEARED[name] in e["row"]]
            entry = holding[len(holding) // 2]
            cleared = touch(firm, name, entry, {CLEARED[name]: None})
            other = next(e for e in rows if key_of(name, e) != key_of(name, entry))
            changes[name] = {"cleared": cleared, "deleted": delete(firm, name, other)}
        second = run(config(firm), first.state, chosen)
        assert (first.status, second.status) == (0, 0)
        later = {name: {key_of(name, e): e for e in truth(firm, name)} for name in INCREMENTAL}
        yield first, second, {name: {**changes[name], "rows": later[name]} for name in INCREMENTAL}


def where(name: str, entry: Json, firm: SandboxServer) -> Json:
    """Return how the sandbox's controls find a row, with or without an id of its own."""
    siblings = [e for e in truth(firm, name) if e["parent"] == entry["parent"]]
    return {"parent": entry["parent"], "nth": siblings.index(entry)}


def touch(firm: SandboxServer, name: str, entry: Json, change: Json) -> tuple[Any, ...]:
    firm.control.touch(name, **where(name, entry, firm), set=change)
    return key_of(name, entry)


def delete(firm: SandboxServer, name: str, entry: Json) -> tuple[Any, ...] | None:
    """Delete a row softly; return its key, or None if such rows have no mark for that."""
    try:
        firm.control.delete(name, **where(name, entry, firm), hard=False)
    except ControlError:
        return None
    return key_of(name, entry)


def by_key(output: Output, name: str) -> dict[tuple[Any, ...], Json]:
    return {tuple(r[part] for part in primary_keys(name)): r for r in output.records(name)}


Runs = tuple[Output, Output, "dict[str, Json]"]


def test_all_incremental_streams_are_held() -> None:
    assert CLEARED.keys() == set(INCREMENTAL) <= STREAMS.keys()


@pytest.mark.parametrize("name", INCREMENTAL)
def test_a_cleared_value_is_null(runs: Runs, name: str) -> None:
    first, second, changes = runs
    key = changes[name]["cleared"]
    assert by_key(first, name)[key][CLEARED[name]] is not None
    assert by_key(second, name)[key][CLEARED[name]] is None


@pytest.mark.parametrize("name", INCREMENTAL)
def test_a_deleted_row_arrives_as_an_update(runs: Runs, name: str) -> None:
    first, second, changes = runs
    key = changes[name]["deleted"]
    if key is None:
        assert name in {"matter_balances", "matter_stages"}  # nothing tells that they are deleted
        return
    before, after = by_key(first, name)[key], by_key(second, name)[key]
    marks = ("isDeleted", "status", "reversed")
    assert [before.get(mark) for mark in marks] != [after.get(mark) for mark in marks]


@pytest.mark.parametrize("name", INCREMENTAL)
def test_what_did_not_change_is_not_read_again(runs: Runs, name: str) -> None:
    first, second, changes = runs
    bookmark = first.bookmark(name)["replication_key_value"]
    since = (dotnet_ticks.of_stamp(bookmark) or 0) - OVERLAP - dotnet_ticks.PER_SECOND
    # Below a matter that changed everything is read: it may just have come into view.
    changed = {key[0] for part in ("cleared", "deleted") if (key := changes["matters"][part])}
    for key in by_key(second, name):
        entry = changes[name]["rows"][key]
        assert entry["updated"] >= since or entry["parent"] in changed, key
