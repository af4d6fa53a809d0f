"""Pages that shift cost few requests, and an overlap is a row that did not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_smokeball.api.pages import Page
from tap_smokeball.api.pagination import OffsetPaginator
from tests.harness import FEES, MATTERS, catalog, config, index_by_id, request_count, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import StartFirm
    from tests.harness import Json

ONLY_MATTERS = catalog(deselect=["fees"])


def test_large_shift_takes_few_requests(start: StartFirm) -> None:
    """The rewind doubles its steps until pages overlap again."""
    firm = start(matters=300, fees=0, exact_fees=True)
    deletion = {"command": "delete", "resource": "matters", "position": 0, "hard": True}
    firm.control.schedule(MATTERS, [deletion] * 150, nth=25)
    output = run(config(firm, page_size=10), catalog=ONLY_MATTERS)
    assert output.status == 0
    remaining = {entry["row"]["id"] for entry in firm.control.rows("matters")}
    assert len(remaining) == 150
    assert remaining <= output.ids("matters").keys()
    # 24 pages to offset 216, rewinds of 5, 10, 20, 40, 80 and 160 rows, and then 17 pages.
    assert request_count(firm, MATTERS) <= 50


def read_changing_list(rows: list[Json], change_before: dict[int, Callable[[], None]]) -> list[str]:
    """Return the ids of a list that changes before some of its requests."""
    requests = 0

    def fetch(params: dict[str, Any]) -> Page:
        nonlocal requests
        requests += 1
        change_before.get(requests, lambda: None)()
        start = params["Offset"]
        page = rows[start : start + params["Limit"]]
        return Page(
            list(page), len(rows), next_link="next" if start + len(page) < len(rows) else ""
        )

    pages = OffsetPaginator(fetch, index_by_id, page_size=3)
    return [row["id"] for page in pages for row in page]


def test_updated_row_does_not_join_pages() -> None:
    """A row that moved because it was updated says nothing about the rows before it."""
    rows = [{"id": letter, "versionId": "1"} for letter in "abcdefghij"]

    def update_c() -> None:
        del rows[:4]  # a and b vanish, c moves behind f, and so does d
        rows[2:2] = [{"id": "c", "versionId": "2"}, {"id": "d", "versionId": "1"}]

    ids = read_changing_list(rows, {2: update_c})
    assert set("efghij") <= set(ids)
    assert len(ids) == len(set(ids))


def test_repeating_page_fails_within_few_requests(start: StartFirm) -> None:
    """An API that ignores the offset does not keep the tap busy for ever."""
    firm = start(matters=25, fees=0, exact_fees=True)
    firm.control.settings(repeat_pages=[MATTERS])
    output = run(config(firm, page_size=5), catalog=ONLY_MATTERS)
    assert output.status == 1
    assert "replication_key_value" not in output.bookmark("matters")
    assert request_count(firm, MATTERS) < 100
    assert request_count(firm, FEES) == 0


def test_later_title_of_same_version_is_kept() -> None:
    """A row that changed without a new version comes again if two pages show it."""
    rows = [{"id": letter, "versionId": "1", "title": "first"} for letter in "abcdefg"]

    def fetch(params: Json) -> Page:
        if params["Offset"]:
            rows[2] = {**rows[2], "title": "second"}  # the last row of the first page
        page = rows[params["Offset"] :][: params["Limit"]]
        return Page(list(page), len(rows))

    pages = OffsetPaginator(fetch, index_by_id, page_size=3)
    titles = [(row["id"], row["title"]) for page in pages for row in page]
    assert titles[3] == ("c", "second")
    assert len(titles) == len(rows) + 1


def test_two_titles_of_a_version_end_with_later(start: StartFirm) -> None:
    """The later title is delivered in the same run or in the next one; no fee comes twice."""
    firm = start(matters=12, fees=1, exact_fees=True)
    matters = sorted(firm.control.rows("matters"), key=lambda entry: int(entry["updated"]))
    title = {"set": {"title": "later"}, "command": "touch", "resource": "matters"}
    overlap, newest = matters[4], matters[-1]
    change = {**title, "id": overlap["row"]["id"], "updated": int(overlap["updated"])}
    firm.control.schedule(MATTERS, [change], nth=2)
    first = run(config(firm, page_size=5, lookback_seconds=1))
    delivered = {row["id"]: row["title"] for row in first.records("matters")}
    assert delivered[overlap["row"]["id"]] == "later"
    assert set(first.ids("fees").values()) == {1}
    assert request_count(firm, FEES) == len(matters)
    updated = int(newest["updated"])
    firm.control.touch("matters", newest["row"]["id"], set=title["set"], updated=updated)
    second = run(config(firm, lookback_seconds=1), first.state)
    delivered = {row["id"]: row["title"] for row in second.records("matters")}
    assert delivered[newest["row"]["id"]] == "later"
