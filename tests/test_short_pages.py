"""A page is short only against the limit that the API applied, not against the one asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tap_smokeball.api.response_parsers import FOLDERS, OBJECT, PAGED, PAGED_OR_OBJECT, VALUE
from tap_smokeball.errors import UnexpectedResponseError
from tests.harness import index_by_id


@pytest.mark.parametrize(
    "envelope", [{"limit": 100}, {"limit": "100"}, {}, {"size": "300"}, {"size": 300, "limit": 100}]
)
def test_short_page_of_capped_list_is_not_last(envelope: dict[str, Any]) -> None:
    """300 rows arrive if the API sends 100 a page where 500 were asked for."""
    rows = [{"id": str(number)} for number in range(300)]

    def fetch(params: dict[str, Any]) -> Any:
        offset = params["Offset"]
        return PAGED.parse({"value": rows[offset : offset + 100], **envelope})

    pages = PAGED.paginator(fetch, index_by_id, 500)
    assert [row for page in pages for row in page] == rows


@pytest.mark.parametrize("envelope", [{"limit": 500}, {"size": 3}])
def test_short_page_takes_one_request(envelope: dict[str, Any]) -> None:
    requests = []

    def fetch(params: dict[str, Any]) -> Any:
        requests.append(params)
        return PAGED.parse({"value": [{"id": "a"}, {"id": "b"}, {"id": "c"}], **envelope})

    assert len([row for page in PAGED.paginator(fetch, index_by_id, 500) for row in page]) == 3
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("envelope", "row_count", "request_count"),
    [
        ({"limit": 100}, 300, 5),
        ({"limit": "100", "size": 100}, 300, 5),
        ({"size": 300}, 300, 4),
        ({"limit": 100}, 100, 2),
        ({"limit": 500}, 100, 1),
        ({}, 100, 1),
    ],
)
def test_full_page_of_unpaged_list_is_not_last(
    envelope: dict[str, Any], row_count: int, request_count: int
) -> None:
    """An endpoint that takes no limit may apply one, or may always send all of its rows."""
    rows = [{"id": str(number)} for number in range(row_count)]
    requests = []

    def fetch(params: dict[str, Any]) -> Any:
        requests.append(params)
        offset = params.get("Offset", 0) if row_count > 100 else 0
        return VALUE.parse({"value": rows[offset : offset + 100], **envelope})

    pages = VALUE.paginator(fetch, index_by_id, 500)
    assert [row for page in pages for row in page] == rows
    assert len(requests) == request_count


def test_list_without_envelope_is_whole() -> None:
    """An endpoint that should be paged may send all rows whatever the offset is."""
    rows = [{"id": str(number)} for number in range(30)]
    pages = PAGED_OR_OBJECT.paginator(
        lambda _: PAGED_OR_OBJECT.parse({"value": rows}), index_by_id, 500
    )
    assert [row for page in pages for row in page] == rows


@pytest.mark.parametrize("file_count", [1, 3])
def test_unpaged_listing_takes_two_requests(file_count: int) -> None:
    """Its limit is the number of its entries, so that it looks like a full page."""
    files = [{"id": str(number)} for number in range(file_count)]
    requests = []

    def fetch(params: dict[str, Any]) -> Any:
        requests.append(params)
        return FOLDERS.parse({"value": [{"files": files}], "limit": file_count})

    pages = FOLDERS.paginator(fetch, index_by_id, 500)
    assert [row["id"] for page in pages for row in page] == [file["id"] for file in files]
    assert len(requests) == 2


def test_single_object_without_id_is_no_row() -> None:
    with pytest.raises(UnexpectedResponseError):
        OBJECT.parse({"message": "Internal server error"})
