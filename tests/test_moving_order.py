"""A list whose order moves between requests is delivered whole, or ends with an error."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tap_smokeball.api.response_parsers import PAGED, VALUE, ResponseFormat
from tap_smokeball.errors import PaginationError
from tests.harness import config, index_by_id, run, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Json

    Order = Callable[[int, int], list[Json]]


def rows_in(seed: int, rows: list[Json]) -> list[Json]:
    """Return rows in an order that follows from a seed; 0 keeps theirs."""
    if seed:
        rows = rows.copy()
        Random(seed).shuffle(rows)  # noqa: S311 - repeatable, not secret
    return rows


ORDERS: dict[str, Callable[[list[Json], int], Order]] = {
    "shuffled": lambda rows, seed: lambda request, _: rows_in(seed + request, rows),
    "sometimes": lambda rows, seed: (
        lambda request, _: rows_in(seed * (Random(seed + request).random() < 0.3), rows)  # noqa: S311
    ),
    "reversed": lambda rows, seed: lambda request, _: rows[:: 1 if (request + seed) % 2 else -1],
    "midway": lambda rows, seed: lambda request, _: rows_in(seed if request > 2 else 0, rows),
    "by offset": lambda rows, seed: lambda _, offset: rows_in(seed if offset > 5 else 0, rows),
    "by page": lambda rows, seed: lambda _, offset: rows_in(seed + offset, rows),
    "stable": lambda rows, seed: lambda _request, _offset: rows_in(seed, rows),
}
"""How a list is ordered, by the number of the request and its offset."""


@settings(max_examples=200)
@given(
    order=st.sampled_from(list(ORDERS)),
    seed=st.integers(1, 1_000_000),
    count=st.integers(0, 40),
    page_size=st.integers(2, 12),
    max_page=st.sampled_from([500, 500, 3]),
    size=st.sampled_from(["right", "missing", -1, -3, 2]),
    limit=st.sampled_from(["request", "rows", "missing"]),
    response_format=st.sampled_from([PAGED, PAGED, VALUE]),
    has_next=st.booleans(),
)
def test_moving_list_is_whole_or_an_error(  # noqa: PLR0913
    *,
    order: str,
    seed: int,
    count: int,
    page_size: int,
    max_page: int,
    size: Any,
    limit: str,
    response_format: ResponseFormat,
    has_next: bool,
) -> None:
    # Without a link, a length or a limit, a page that was cut looks like the last one.
    most_rows = page_size if response_format is PAGED else 500
    has_next = has_next or (max_page < most_rows and limit != "rows")
    rows = [{"id": str(number)} for number in range(count)]
    ordered, requests = ORDERS[order](rows, seed), []

    def fetch(params: Json) -> Any:
        offset, most = params.get("Offset", 0), min(params.get("Limit", 500), max_page)
        requests.append(offset)
        found = ordered(len(requests), offset)[offset : offset + most]
        body: Json = {"value": found, "limit": params.get("Limit", 500)}
        if limit != "request":
            body["limit"] = len(found)
        if limit == "missing":
            del body["limit"]
        if has_next and offset + len(found) < count and found:
            body["next"] = {"href": "next"}
        if size != "missing":
            body["size"] = max(0, count + (0 if size == "right" else size))
        return response_format.parse(body)

    pages = response_format.paginator(fetch, index_by_id, page_size)
    delivered: list[str] = []
    try:
        for page in pages:
            delivered += [row["id"] for row in page]
    except PaginationError:
        assert order != "stable"
    else:
        assert sorted(delivered) == sorted(row["id"] for row in rows)


def test_moving_list_fails_alone_and_keeps_state() -> None:
    """A stream whose list does not settle ends with an error that names it."""
    firm = MemoryFirm(matters=3)
    firm.control.settings(answers={"order": "moving"})
    for _ in range(40):
        firm.control.add("tasks")
    selection = small_catalog("contacts", "tasks", "firm")
    output = run(config(firm, page_size=2), catalog=selection)
    assert output.status == 1
    assert "tasks" in output.stderr
    assert "replication_key_value" not in output.bookmark("tasks")
    assert "replication_key_value" in output.bookmark("contacts")  # it has a Sort
    next_run = run(config(firm), output.state, selection)  # a page holds the whole list
    assert next_run.status == 0
    tasks = {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, "tasks")}
    assert next_run.ids("tasks") == tasks
