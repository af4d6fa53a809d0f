"""Lists are read without a gap, whatever happens to them while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smokeball_sandbox import SandboxServer
from tests.harness import FEES, MATTERS, asked, catalog, config, run, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm

pytestmark = pytest.mark.slow

ONLY_MATTERS = catalog(deselect=["fees"])


def test_matters_deleted_while_they_are_listed_cost_no_other(start: StartFirm) -> None:
    firm = start(matters=2600, fees=0, exact_fees=True)
    before = {entry["row"]["id"] for entry in truth(firm, "matters")}
    gone = [
        {"command": "delete", "resource": "matters", "position": p, "hard": True} for p in range(5)
    ]
    firm.control.script(MATTERS, gone, nth=3)
    seen = run(config(firm), catalog=ONLY_MATTERS).ids("matters")
    left = {entry["row"]["id"] for entry in truth(firm, "matters")}
    assert len(before - left) == 5
    assert left <= seen.keys()
    assert set(seen.values()) == {1}


def test_fees_deleted_while_they_are_listed_cost_no_other(start: StartFirm) -> None:
    firm = start(matters=1, fees=200, exact_fees=True)
    parent = truth(firm, "matters")[0]["row"]["id"]
    gone = [
        {"command": "delete", "resource": "fees", "parent": parent, "nth": n, "hard": True}
        for n in range(4)
    ]
    firm.control.script(FEES, gone, nth=2)
    seen = run(config(firm, page_size=50)).ids("fees")
    assert {entry["row"]["id"] for entry in truth(firm, "fees")} <= seen.keys()


def test_more_rows_deleted_than_a_page_holds(start: StartFirm) -> None:
    firm = start(matters=90, fees=0, exact_fees=True)
    gone = [{"command": "delete", "resource": "matters", "position": 0, "hard": True}] * 35
    firm.control.script(MATTERS, gone, nth=5)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert {entry["row"]["id"] for entry in truth(firm, "matters")} <= output.ids("matters").keys()


def test_the_list_shrinks_to_less_than_was_read(start: StartFirm) -> None:
    firm = start(matters=30, fees=0, exact_fees=True)
    gone = [{"command": "delete", "resource": "matters", "position": 0, "hard": True}] * 25
    firm.control.script(MATTERS, gone, nth=3)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert output.status == 0
    assert {entry["row"]["id"] for entry in truth(firm, "matters")} <= output.ids("matters").keys()


def test_a_list_that_comes_in_another_order_while_it_is_read(start: StartFirm) -> None:
    firm = start(matters=1, fees=200, exact_fees=True)
    parent = truth(firm, "matters")[0]["row"]["id"]
    for nth in (3, 6):
        another = {"command": "reorder", "resource": "fees", "parent": parent}
        firm.control.script(FEES, [another], nth=nth)
    output = run(config(firm, page_size=50))
    assert output.ids("fees") == {entry["row"]["id"]: 1 for entry in truth(firm, "fees")}


@pytest.mark.parametrize("rows", [9, 10, 11, 19, 20])
def test_pages_exactly_full(start: StartFirm, rows: int) -> None:
    firm = start(matters=rows, fees=0, exact_fees=True)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert output.ids("matters") == {entry["row"]["id"]: 1 for entry in truth(firm, "matters")}


@pytest.mark.parametrize("page_size", [1, 2, 3, 499, 500])
def test_page_sizes(start: StartFirm, page_size: int) -> None:
    firm = start(matters=20, fees=4, exact_fees=True)
    output = run(config(firm, page_size=page_size))
    for stream in ("matters", "fees"):
        assert output.ids(stream) == {entry["row"]["id"]: 1 for entry in truth(firm, stream)}


@pytest.mark.parametrize("size", ["missing", "zero", 5, -5, 1000])
@pytest.mark.parametrize("max_page", [None, 7])
def test_a_size_that_is_missing_or_wrong(start: StartFirm, size: Any, max_page: int | None) -> None:
    firm = start(matters=25, fees=12, exact_fees=True)
    firm.control.settings(size=size, max_page=max_page)
    output = run(config(firm, page_size=10))
    assert output.status == 0
    for stream in ("matters", "fees"):
        assert output.ids(stream) == {entry["row"]["id"]: 1 for entry in truth(firm, stream)}


@pytest.mark.parametrize(("template", "failed"), [(MATTERS, "matters, fees"), (FEES, "fees")])
def test_a_page_that_repeats_for_ever_is_an_error(
    start: StartFirm, template: str, failed: str, caplog: pytest.LogCaptureFixture
) -> None:
    firm = start(matters=25, fees=12, exact_fees=True)
    first = run(config(firm))
    firm.control.settings(repeat_pages=[template])
    firm.control.reset_requests()
    # A forced full view, since an incremental one has nothing to page through.
    output = run(config(firm, page_size=5, user_id="someone"), first.state)
    assert output.status == 1
    assert failed in output.stderr
    assert any("the same rows again" in record.getMessage() for record in caplog.records)
    assert asked(firm, template) < 100
    fees = output.bookmark("fees")["replication_key_value"]
    assert fees == first.bookmark("fees")["replication_key_value"]


def test_a_page_that_repeats_for_ever_though_it_is_short(start: StartFirm) -> None:
    firm = start(matters=8, fees=0, exact_fees=True)
    firm.control.settings(repeat_pages=[MATTERS], size=100)
    assert run(config(firm), catalog=ONLY_MATTERS).status == 1


@pytest.mark.parametrize(
    ("turmoil", "quirks", "page_size"),
    [
        ({"what": ["add"], "most": 4}, {}, 2),
        ({"what": ["touch"], "most": 4}, {}, 2),
        ({"what": ["touch", "add", "add", "remove"], "most": 4}, {}, 2),
        # It has fewer rows than it tells, so there is always more to look for.
        ({"what": ["add"], "most": 1}, {"size": 100}, 10),
        ({"what": ["add"], "most": 1, "changes": 0.7}, {"size": 100}, 10),
    ],
)
def test_a_list_that_changes_as_fast_as_it_is_read_is_an_error(
    start: StartFirm,
    turmoil: dict[str, Any],
    quirks: dict[str, Any],
    page_size: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    firm = start(matters=5, fees=0, exact_fees=True)
    chosen = catalog(wanted=["contacts", "tasks"])
    first = run(config(firm), catalog=chosen)
    firm.control.settings(**quirks)
    firm.control.hostility(**{"seed": 1, "changes": 1, "resources": ["contacts"], **turmoil})
    output = run(config(firm, page_size=page_size), catalog=chosen)
    firm.control.calm()
    firm.control.settings(size="right")
    assert output.status == 1
    assert any("as fast as it is read" in record.getMessage() for record in caplog.records)
    assert "replication_key_value" not in output.bookmark("contacts")
    assert output.ids("tasks") == first.ids("tasks")
    settled = run(config(firm), output.state, chosen)
    assert settled.ids("contacts") == {e["row"]["id"]: 1 for e in truth(firm, "contacts")}


@pytest.mark.parametrize("size", ["missing", "zero"])
def test_a_list_of_more_pages_than_its_size_tells_is_read_to_its_end(
    start: StartFirm, size: Any
) -> None:
    firm = start(matters=1100, fees=0, exact_fees=True)
    firm.control.settings(size=size)
    output = run(config(firm, page_size=2), catalog=ONLY_MATTERS)
    assert output.status == 0
    assert len(output.ids("matters")) == 1100


def test_a_row_without_its_key_is_an_error(start: StartFirm) -> None:
    firm = start(matters=3, fees=2, exact_fees=True)
    fee = truth(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"id": None})
    output = run(config(firm, max_retries=0))
    assert output.status == 1
    assert None not in output.ids("fees")


@pytest.fixture(scope="module")
def big() -> Iterator[SandboxServer]:
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


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    page_size=st.integers(2, 15),
    script=st.lists(
        st.tuples(st.integers(1, 12), st.lists(changes, min_size=1, max_size=6)), max_size=5
    ),
)
def test_no_row_is_lost_while_the_list_changes(
    big: SandboxServer,
    page_size: int,
    script: list[tuple[int, list[dict[str, Any]]]],
) -> None:
    """Rows that were there before and after a read, in two runs, are all delivered.

    Rows that change or come during the first run may be the second's: what counts is that after
    both nothing is missing, and that no row that never changed was missed by the first.
    """
    while len(truth(big, "matters")) < 40:
        big.control.add("matters")
    before = {entry["row"]["id"]: entry["row"]["versionId"] for entry in truth(big, "matters")}
    for nth, commands in script:
        existing = [c for c in commands if c.get("position", c.get("nth", 0)) < 10]
        big.control.script(
            MATTERS, existing or [{"command": "add", "resource": "matters"}], nth=nth
        )
    first = run(config(big, page_size=page_size), catalog=ONLY_MATTERS)
    big.control.clear_scripts()
    after = {entry["row"]["id"]: entry["row"]["versionId"] for entry in truth(big, "matters")}
    assert first.status == 0
    assert set(first.ids("matters").values()) <= {1}
    unchanged = {key for key, version in before.items() if after.get(key) == version}
    assert unchanged <= first.ids("matters").keys()
    second = run(config(big, page_size=page_size), first.state, ONLY_MATTERS)
    delivered = {
        r["id"]: r["versionId"] for r in (*first.records("matters"), *second.records("matters"))
    }
    final = {entry["row"]["id"]: entry["row"]["versionId"] for entry in truth(big, "matters")}
    assert final.items() <= delivered.items()
