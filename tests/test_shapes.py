"""Answers of every shape, also those that the description and the guide disagree about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import shapes
from tap_smokeball.errors import UnexpectedAnswer
from tap_smokeball.pagination import read_all
from tests.harness import by_id

if TYPE_CHECKING:
    from tap_smokeball.shapes import Shape

A, B = {"id": "a"}, {"id": "b"}


@pytest.mark.parametrize(
    ("shape", "body", "rows"),
    [
        (shapes.PAGED, {"value": [A, B], "size": 2}, [A, B]),
        (shapes.VALUE, {"value": [A]}, [A]),
        (shapes.VALUE, {"value": []}, []),
        (shapes.ARRAY, [A, B], [A, B]),
        (shapes.OBJECT, A, [A]),
        (shapes.PAGED_OR_OBJECT, {"value": [A], "size": 1}, [A]),
        (shapes.PAGED_OR_OBJECT, A, [A]),
        (shapes.VALUE_OR_ITEMS, {"value": [A]}, [A]),
        (shapes.VALUE_OR_ITEMS, {"items": [A]}, [A]),
        (
            shapes.ROLES,
            {"matterId": "m", "versionId": "v", "roles": [A]},
            [{"versionId": "v", "id": "a"}],
        ),
        (shapes.ROLES, {"matterId": "m"}, []),
        (
            shapes.FOLDERS,
            {"value": [{"folders": [A, {"name": "root"}], "files": [B]}]},
            [{"id": "a", "folder": A}, {"id": "b", "folder": None}],
        ),
        (shapes.FOLDERS, {"value": [{"href": "…"}]}, []),
    ],
)
def test_rows_are_taken_out(shape: Shape, body: Any, rows: Any) -> None:
    assert shape.read(body).rows == rows


@pytest.mark.parametrize(
    "shape",
    [
        shapes.PAGED,
        shapes.VALUE,
        shapes.ARRAY,
        shapes.OBJECT,
        shapes.ROLES,
        shapes.PAGED_OR_OBJECT,
        shapes.VALUE_OR_ITEMS,
        shapes.FOLDERS,
    ],
)
@pytest.mark.parametrize("body", [None, {}, "text", ["text"], {"value": "text"}, {"message": 1}])
def test_what_is_no_such_answer_is_refused(shape: Shape, body: Any) -> None:
    if shape is shapes.OBJECT and isinstance(body, dict) and body:
        return  # an object is taken as it is
    with pytest.raises(UnexpectedAnswer):
        shape.read(body)


def pages(shape: Shape, bodies: dict[int, Any]) -> tuple[list[str], list[int]]:
    """Return the ids that a list read by a shape has, and the offsets that it was asked at."""
    asked = []

    def fetch(offset: int, _limit: int) -> Any:
        asked.append(offset)
        return shape.read(bodies[offset])

    rows = [row for piece in read_all(fetch, by_id, 500) for row in piece]
    return [row["id"] for row in rows], asked


def test_a_list_at_once_is_asked_for_once() -> None:
    many = [{"id": str(number)} for number in range(700)]
    for shape, body in [(shapes.VALUE, {"value": many}), (shapes.ARRAY, many)]:
        ids, asked = pages(shape, {0: body})
        assert (len(ids), asked) == (700, [0])


def test_a_list_that_says_it_has_more_is_asked_for_the_rest() -> None:
    first, rest = {"value": [A], "size": 2}, {"value": [A, B], "size": 2}
    assert pages(shapes.VALUE, {0: first, 1: rest}) == (["a", "b"], [0, 1])
