"""Responses of each format, including those with inconsistent documentation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.api import response_parsers
from tap_smokeball.api.pagination import Paginator
from tap_smokeball.errors import UnexpectedResponseError
from tests.harness import index_by_id

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pages import Row
    from tap_smokeball.api.response_parsers import ResponseFormat

ROW_A, ROW_B = {"id": "a"}, {"id": "b"}


@pytest.mark.parametrize(
    ("response_format", "body", "rows"),
    [
        (response_parsers.PAGED, {"value": [ROW_A, ROW_B], "size": 2}, [ROW_A, ROW_B]),
        (response_parsers.VALUE, {"value": [ROW_A]}, [ROW_A]),
        (response_parsers.VALUE, {"value": []}, []),
        (response_parsers.ARRAY, [ROW_A, ROW_B], [ROW_A, ROW_B]),
        (response_parsers.OBJECT, ROW_A, [ROW_A]),
        (response_parsers.PAGED_OR_OBJECT, {"value": [ROW_A], "size": 1}, [ROW_A]),
        (response_parsers.PAGED_OR_OBJECT, ROW_A, [ROW_A]),
        (response_parsers.VALUE_OR_ITEMS, {"value": [ROW_A]}, [ROW_A]),
        (response_parsers.VALUE_OR_ITEMS, {"items": [ROW_A]}, [ROW_A]),
        (
            response_parsers.ROLES,
            {"matterId": "m", "versionId": "v", "roles": [ROW_A]},
            [{"versionId": "v", "id": "a"}],
        ),
        (response_parsers.ROLES, {"matterId": "m"}, []),
        (
            response_parsers.FOLDERS,
            {"value": [{"folders": [ROW_A, {"name": "root"}], "files": [ROW_B]}]},
            [{"id": "a", "folder": ROW_A}, {"id": "b", "folder": None}],
        ),
        (response_parsers.FOLDERS, {"value": [{"href": "…"}]}, []),
    ],
)
def test_response_parser_extracts_rows(
    response_format: ResponseFormat, body: Any, rows: Any
) -> None:
    assert response_format.parse(body).rows == rows


@pytest.mark.parametrize(
    "response_format",
    [
        response_parsers.PAGED,
        response_parsers.VALUE,
        response_parsers.ARRAY,
        response_parsers.OBJECT,
        response_parsers.ROLES,
        response_parsers.PAGED_OR_OBJECT,
        response_parsers.VALUE_OR_ITEMS,
        response_parsers.FOLDERS,
    ],
)
@pytest.mark.parametrize("body", [None, {}, "text", ["text"], {"value": "text"}, {"message": 1}])
def test_response_parser_rejects_unexpected_body(
    response_format: ResponseFormat, body: Any
) -> None:
    with pytest.raises(UnexpectedResponseError):
        response_format.parse(body)


def read_pages(
    response_format: ResponseFormat, bodies: dict[int, Any]
) -> tuple[list[str], list[int]]:
    """Return the ids of a list that is read in a format, and the requested offsets."""
    offsets = []

    def fetch(params: dict[str, Any]) -> Any:
        offset = params.get("Offset", 0)
        offsets.append(offset)
        return response_format.parse(bodies[offset])

    rows = [row for page in response_format.paginator(fetch, index_by_id, 500) for row in page]
    return [row["id"] for row in rows], offsets


class CursorPaginator(Paginator):
    """Pages by a cursor, which no endpoint of today does."""

    @classmethod
    @override
    def first_params(cls, max_rows: int) -> dict[str, Any]:
        return {"Limit": max_rows}

    @override
    def __iter__(self) -> Iterator[list[Row]]:
        params = self.first_params(self.page_size)
        while True:
            page = self.fetch(params)
            yield list(self.key_of_rows(page.rows).values())
            if not page.next_link:
                return
            params = {"Limit": self.page_size, "Cursor": page.next_link}


def test_new_way_of_paging_is_one_class() -> None:
    """A paginator of another kind reads and samples lists of the present formats."""
    response_format = response_parsers.PAGED._replace(paginator=CursorPaginator)
    bodies = {"": {"value": [ROW_A], "next": "two"}, "two": {"value": [ROW_B]}}
    requests = []

    def fetch(params: dict[str, Any]) -> Any:
        requests.append(params)
        return response_format.parse(bodies[params.get("Cursor", "")])

    paginator = response_format.paginator(fetch, index_by_id, 1)
    assert list(paginator) == [[ROW_A], [ROW_B]]
    assert requests == [{"Limit": 1}, {"Limit": 1, "Cursor": "two"}]
    assert paginator.sample(1) == [ROW_A]
    assert not response_format.is_paged


def test_unpaged_list_takes_one_request() -> None:
    """A list that is not paged is read with one request."""
    many = [{"id": str(number)} for number in range(700)]
    for response_format, body in [
        (response_parsers.VALUE, {"value": many}),
        (response_parsers.ARRAY, many),
    ]:
        ids, offsets = read_pages(response_format, {0: body})
        assert (len(ids), offsets) == (700, [0])


def test_unpaged_list_with_larger_size_reads_on() -> None:
    """If `size` exceeds the rows received, the tap requests the rest."""
    first, rest = {"value": [ROW_A, ROW_B], "size": 3}, {"value": [ROW_B, {"id": "c"}], "size": 3}
    assert read_pages(response_parsers.VALUE, {0: first, 1: rest}) == (["a", "b", "c"], [0, 1])
