"""Answers of every shape, also those that the description and the guide disagree about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.api import response_parsers
from tap_smokeball.api.pagination import read_all
from tap_smokeball.errors import UnexpectedResponseError
from tests.harness import by_id

if TYPE_CHECKING:
    from tap_smokeball.api.response_parsers import ResponseFormat

A, B = {"id": "a"}, {"id": "b"}


@pytest.mark.parametrize(
    ("shape", "body", "rows"),
    [
        (response_parsers.PAGED, {"value": [A, B], "size": 2}, [A, B]),
        (response_parsers.VALUE, {"value": [A]}, [A]),
        (response_parsers.VALUE, {"value": []}, []),
        (response_parsers.ARRAY, [A, B], [A, B]),
        (response_parsers.OBJECT, A, [A]),
        (response_parsers.PAGED_OR_OBJECT, {"value": [A], "size": 1}, [A]),
        (response_parsers.PAGED_OR_OBJECT, A, [A]),
        (response_parsers.VALUE_OR_ITEMS, {"value": [A]}, [A]),
        (response_parsers.VALUE_OR_ITEMS, {"items": [A]}, [A]),
        (
            response_parsers.ROLES,
            {"matterId": "m", "versionId": "v", "roles": [A]},
            [{"versionId": "v", "id": "a"}],
        ),
        (response_parsers.ROLES, {"matterId": "m"}, []),
        (
            response_parsers.FOLDERS,
            {"value": [{"folders": [A, {"name": "root"}], "files": [B]}]},
            [{"id": "a", "folder": A}, {"id": "b", "folder": None}],
        ),
        (response_parsers.FOLDERS, {"value": [{"href": "…"}]}, []),
    ],
)
def test_rows_are_taken_out(shape: ResponseFormat, body: Any, rows: Any) -> None:
    assert shape.read(body).rows == rows


@pytest.mark.parametrize(
    "shape",
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
def test_what_is_no_such_answer_is_refused(shape: ResponseFormat, body: Any) -> None:
    if shape is response_parsers.OBJECT and isinstance(body, dict) and body:
        return  # an object is taken as it is
    with pytest.raises(UnexpectedResponseError):
        shape.read(body)


def pages(shape: ResponseFormat, bodies: dict[int, Any]) -> tuple[list[str], list[int]]:
    """Return the ids that a list read by a shape has, and the offsets that it was asked at."""
    asked = []

    def fetch(offset: int, _limit: int) -> Any:
        asked.append(offset)
        return shape.read(bodies[offset])

    rows = [row for piece in read_all(fetch, by_id, 500) for row in piece]
    return [row["id"] for row in rows], asked


def test_a_list_at_once_is_asked_for_once() -> None:
    many = [{"id": str(number)} for number in range(700)]
    for shape, body in [(response_parsers.VALUE, {"value": many}), (response_parsers.ARRAY, many)]:
        ids, asked = pages(shape, {0: body})
        assert (len(ids), asked) == (700, [0])


def test_a_list_that_says_it_has_more_is_asked_for_the_rest() -> None:
    first, rest = {"value": [A], "size": 2}, {"value": [A, B], "size": 2}
    assert pages(response_parsers.VALUE, {0: first, 1: rest}) == (["a", "b"], [0, 1])
