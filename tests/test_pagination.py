"""Lists are read without a gap, even if they change during the read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smokeball_sandbox import SandboxServer
from tests.harness import FEES, MATTERS, catalog, config, request_count, run, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm

pytestmark = pytest.mark.slow

ONLY_MATTERS = catalog(deselect=["fees"])


def test_pagination_survives_deleted_matters(start: StartFirm) -> None:
    """Matters deleted during the read cause no gap and no duplicate."""
    firm = start(matters=2600, fees=0, exact_fees=True)
    before = {entry["row"]["id"] for entry in sandbox_rows(firm, "matters")}
    deletions = [
        {"command": "delete", "resource": "matters", "position": p, "hard": True} for p in range(5)
    ]
    firm.control.schedule(MATTERS, deletions, nth=3)
    seen = run(config(firm), catalog=ONLY_MATTERS).ids("matters")
    remaining = {entry["row"]["id"] for entry in sandbox_rows(firm, "matters")}
    assert len(before - remaining) == 5
    assert remaining <= seen.keys()
    assert set(seen.values()) == {1}


def test_pagination_survives_deleted_fees(start: StartFirm) -> None:
    """Fees deleted during the read cause no gap."""
    firm = start(matters=1, fees=200, exact_fees=True)
    parent = sandbox_rows(firm, "matters")[0]["row"]["id"]
    deletions = [
        {"command": "delete", "resource": "fees", "parent": parent, "nth": n, "hard": True}
        for n in range(4)
    ]
    firm.control.schedule(FEES, deletions, nth=2)
    seen = run(config(firm, page_size=50)).ids("fees")
    assert {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")} <= seen.keys()


def test_pagination_survives_deletes_beyond_page(start: StartFirm) -> None:
    firm = start(matters=90, fees=0, exact_fees=True)
    deletions = [{"command": "delete", "resource": "matters", "position": 0, "hard": True}] * 35
    firm.control.schedule(MATTERS, deletions, nth=5)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert {entry["row"]["id"] for entry in sandbox_rows(firm, "matters")} <= output.ids(
        "matters"
    ).keys()


def test_pagination_survives_shrinking_list(start: StartFirm) -> None:
    firm = start(matters=30, fees=0, exact_fees=True)
    deletions = [{"command": "delete", "resource": "matters", "position": 0, "hard": True}] * 25
    firm.control.schedule(MATTERS, deletions, nth=3)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert output.status == 0
    assert {entry["row"]["id"] for entry in sandbox_rows(firm, "matters")} <= output.ids(
        "matters"
    ).keys()


def test_pagination_survives_reordered_list(start: StartFirm) -> None:
    firm = start(matters=1, fees=200, exact_fees=True)
    parent = sandbox_rows(firm, "matters")[0]["row"]["id"]
    for nth in (3, 6):
        reorder = {"command": "reorder", "resource": "fees", "parent": parent}
        firm.control.schedule(FEES, [reorder], nth=nth)
    output = run(config(firm, page_size=50))
    assert output.ids("fees") == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, "fees")}


@pytest.mark.parametrize("rows", [9, 10, 11, 19, 20])
def test_pagination_handles_exactly_full_pages(start: StartFirm, rows: int) -> None:
    firm = start(matters=rows, fees=0, exact_fees=True)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert output.ids("matters") == {
        entry["row"]["id"]: 1 for entry in sandbox_rows(firm, "matters")
    }


@pytest.mark.parametrize("page_size", [1, 2, 3, 499, 500])
def test_pagination_handles_all_page_sizes(start: StartFirm, page_size: int) -> None:
    firm = start(matters=20, fees=4, exact_fees=True)
    output = run(config(firm, page_size=page_size))
    for stream in ("matters", "fees"):
        assert output.ids(stream) == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, stream)}


@pytest.mark.parametrize("size", ["missing", "zero", 5, -5, 1000])
@pytest.mark.parametrize("max_page", [None, 7])
def test_pagination_ignores_wrong_size(start: StartFirm, size: Any, max_page: int | None) -> None:
    """A missing or wrong `size` of the list costs no row."""
    firm = start(matters=25, fees=12, exact_fees=True)
    firm.control.settings(size=size, max_page=max_page)
    output = run(config(firm, page_size=10))
    assert output.status == 0
    for stream in ("matters", "fees"):
        assert output.ids(stream) == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, stream)}


def test_pagination_rejects_pages_of_one_row(start: StartFirm) -> None:
    """Pages of one row share no row, so nothing tells a gap: the stream fails."""
    firm = start(matters=3, fees=0, exact_fees=True)
    firm.control.settings(max_page=1)
    output = run(config(firm), catalog=ONLY_MATTERS)
    assert output.status == 1
    firm.control.settings(max_page=None)
    assert len(run(config(firm), output.state, ONLY_MATTERS).ids("matters")) == 3


@pytest.mark.parametrize(("template", "failed"), [(MATTERS, "matters, fees"), (FEES, "fees")])
def test_pagination_rejects_repeating_page(
    start: StartFirm, template: str, failed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that repeats fails its list within 10 requests, and the stream if all lists do."""
    firm = start(matters=25, fees=12, exact_fees=True)
    first = run(config(firm))
    firm.control.settings(repeat_pages=[template])
    firm.control.reset_requests()
    # Another user_id forces a full read; an incremental one has a single page.
    output = run(config(firm, page_size=5, user_id="someone"), first.state)
    assert output.status == 1
    assert failed in output.stderr
    assert any("the same rows at every offset" in record.getMessage() for record in caplog.records)
    assert request_count(firm, template) <= 10 * (1 if template == MATTERS else 25)
    fees = output.bookmark("fees")["replication_key_value"]
    assert fees == first.bookmark("fees")["replication_key_value"]


def test_pagination_rejects_repeating_short_page(start: StartFirm) -> None:
    firm = start(matters=8, fees=0, exact_fees=True)
    firm.control.settings(repeat_pages=[MATTERS], size=100)
    assert run(config(firm), catalog=ONLY_MATTERS).status == 1


@pytest.mark.parametrize(
    ("chaos", "quirks", "page_size"),
    [
        ({"change_kinds": ["add"], "max_changes": 4}, {}, 2),
        ({"change_kinds": ["touch"], "max_changes": 4}, {}, 2),
        ({"change_kinds": ["touch", "add", "add", "remove"], "max_changes": 4}, {}, 2),
        # The list has fewer rows than its size, so a next page always seems to exist.
        ({"change_kinds": ["add"], "max_changes": 1}, {"size": 100}, 10),
        ({"change_kinds": ["add"], "max_changes": 1, "change_rate": 0.7}, {"size": 100}, 10),
    ],
)
def test_pagination_rejects_list_that_never_ends(
    start: StartFirm,
    chaos: dict[str, Any],
    quirks: dict[str, Any],
    page_size: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A list that changes as fast as it is read fails its stream alone."""
    firm = start(matters=5, fees=0, exact_fees=True)
    selection = catalog(wanted=["contacts", "tasks"])
    first = run(config(firm), catalog=selection)
    firm.control.settings(**quirks)
    firm.control.start_chaos(**{"seed": 1, "change_rate": 1, "resources": ["contacts"], **chaos})
    output = run(config(firm, page_size=page_size), catalog=selection)
    firm.control.stop_chaos()
    firm.control.settings(size="right")
    assert output.status == 1
    assert any("as fast as it is read" in record.getMessage() for record in caplog.records)
    assert "replication_key_value" not in output.bookmark("contacts")
    assert output.ids("tasks") == first.ids("tasks")
    final_run = run(config(firm), output.state, selection)
    assert final_run.ids("contacts") == {e["row"]["id"]: 1 for e in sandbox_rows(firm, "contacts")}


@pytest.mark.parametrize("size", ["missing", "zero"])
def test_pagination_reads_long_list_without_size(start: StartFirm, size: Any) -> None:
    """A list without `size` is read to its end, over 1,000 pages."""
    firm = start(matters=1100, fees=0, exact_fees=True)
    firm.control.settings(size=size)
    output = run(config(firm, page_size=2), catalog=ONLY_MATTERS)
    assert output.status == 0
    assert len(output.ids("matters")) == 1100


def test_pagination_rejects_row_without_key(start: StartFirm) -> None:
    firm = start(matters=3, fees=2, exact_fees=True)
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"id": None})
    output = run(config(firm, max_retries=0))
    assert output.status == 1
    assert None not in output.ids("fees")


@pytest.fixture(scope="module")
def large_firm() -> Iterator[SandboxServer]:
    with SandboxServer(matters=40, fees=0, exact_fees=True) as firm:
        yield firm


changes = st.one_of(
    st.builds(
        lambda position: {
            "command": "delete",
            "resource": "matters",
            "position": position,
            "hard": True,
        },
        st.integers(0, 39),
    ),
    st.builds(
        lambda nth: {
            "command": "touch",
            "resource": "matters",
            "nth": nth,
            "set": {"clientCode": "x"},
        },
        st.integers(0, 39),
    ),
    st.just({"command": "add", "resource": "matters"}),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    page_size=st.integers(2, 15),
    script=st.lists(
        st.tuples(st.integers(1, 12), st.lists(changes, min_size=1, max_size=6)), max_size=5
    ),
)
def test_pagination_loses_no_row_of_changing_list(
    large_firm: SandboxServer,
    page_size: int,
    script: list[tuple[int, list[dict[str, Any]]]],
) -> None:
    """Two runs deliver all rows; the first delivers all rows that do not change.

    The second run may deliver rows that change or appear during the first one.
    """
    while len(sandbox_rows(large_firm, "matters")) < 40:
        large_firm.control.add("matters")
    before = {
        entry["row"]["id"]: entry["row"]["versionId"]
        for entry in sandbox_rows(large_firm, "matters")
    }
    for nth, commands in script:
        existing = [c for c in commands if c.get("position", c.get("nth", 0)) < 10]
        large_firm.control.schedule(
            MATTERS, existing or [{"command": "add", "resource": "matters"}], nth=nth
        )
    first = run(config(large_firm, page_size=page_size), catalog=ONLY_MATTERS)
    large_firm.control.clear_schedule()
    after = {
        entry["row"]["id"]: entry["row"]["versionId"]
        for entry in sandbox_rows(large_firm, "matters")
    }
    assert first.status == 0
    assert set(first.ids("matters").values()) <= {1}
    unchanged = {key for key, version in before.items() if after.get(key) == version}
    assert unchanged <= first.ids("matters").keys()
    second = run(config(large_firm, page_size=page_size), first.state, ONLY_MATTERS)
    delivered = {
        r["id"]: r["versionId"] for r in (*first.records("matters"), *second.records("matters"))
    }
    final = {
        entry["row"]["id"]: entry["row"]["versionId"]
        for entry in sandbox_rows(large_firm, "matters")
    }
    assert final.items() <= delivered.items()
