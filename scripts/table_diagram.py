"""Draw the tables and their foreign keys as SVG, for the documentation site.

Mermaid would need a script from another host. A table stands to the right of the tables that it
references, and each of its foreign keys has a line to one of them.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHARACTER_PX = 7.3
ROW_PX = 20
PADDING_PX = 10
COLUMN_GAP_PX = 90
TABLE_GAP_PX = 18
SELF_REFERENCE = " ↺"


class ForeignKey(NamedTuple):
    """A column of a table whose values are those of another table's column."""

    table: str
    column: str
    target: str
    target_column: str


class Box(NamedTuple):
    """A table in the picture. Sizes and places are in pixels."""

    table: str
    keys: list[ForeignKey]
    x: float
    y: float
    width: float

    @property
    def height(self) -> float:
        """The height, with a row for the name."""
        return ROW_PX * (1 + len(self.keys))


def draw(keys: Sequence[ForeignKey], label: str) -> str:
    """Return an SVG picture of some tables.

    Args:
        keys: The foreign keys.
        label: What the picture shows, for a screen reader.
    """
    boxes = _boxes(keys)
    width = max(box.x + box.width for box in boxes.values())
    height = max(box.y + box.height for box in boxes.values())
    lines = [
        (
            f'<div class="tables"><svg viewBox="-1 -1 {width + 2:.0f} {height + 2:.0f}" '
            f'width="{width + 2:.0f}" role="img" aria-label="{escape(label)}">'
        ),
        *(line for box in boxes.values() for line in _connections(box, boxes)),
        *(line for box in boxes.values() for line in _table(box)),
        "</svg></div>",
    ]
    return "\n".join(lines)


def _boxes(keys: Sequence[ForeignKey]) -> dict[str, Box]:
    columns = _columns(keys)
    boxes: dict[str, Box] = {}
    x = 0.0
    own = {
        name: [key for key in keys if key.table == name] for tables in columns for name in tables
    }
    total = max(sum(_height(own[name]) for name in tables) for tables in columns)
    for tables in columns:
        width = max(_width(name, own[name]) for name in tables)
        height = sum(_height(own[name]) for name in tables)
        y = (total - height) / 2
        for name in tables:
            boxes[name] = Box(name, own[name], x, y, width)
            y += _height(own[name])
        x += width + COLUMN_GAP_PX
    return boxes


def _height(keys: Sequence[ForeignKey]) -> float:
    return ROW_PX * (1 + len(keys)) + TABLE_GAP_PX


def _width(name: str, keys: Sequence[ForeignKey]) -> float:
    texts = [name, *(f"{key.column}{SELF_REFERENCE}" for key in keys)]
    return max(map(len, texts)) * CHARACTER_PX + 2 * PADDING_PX


def _columns(keys: Sequence[ForeignKey]) -> list[list[str]]:
    """Return the tables from left to right: each is right of the tables that it references."""
    names = list(dict.fromkeys(name for key in keys for name in (key.target, key.table)))
    ranks = dict.fromkeys(names, 0)
    # Of two tables that reference each other, the key that comes first counts.
    counted: list[ForeignKey] = []
    for key in keys:
        if not _leads(counted, key.target, key.table):
            counted.append(key)
    for _ in names:
        for key in counted:
            ranks[key.table] = max(ranks[key.table], ranks[key.target] + 1)
    columns = [
        [name for name in names if ranks[name] == rank] for rank in sorted({*ranks.values()})
    ]
    for left, right in pairwise(columns):
        place = {name: index for index, name in enumerate(left)}
        right.sort(key=lambda name: _mean_place(name, keys, place))
    return columns


def _leads(keys: Sequence[ForeignKey], start: str, end: str) -> bool:
    """Return whether a table is another one, or references it over some keys."""
    return start == end or any(_leads(keys, key.target, end) for key in keys if key.table == start)


def _mean_place(name: str, keys: Sequence[ForeignKey], place: dict[str, int]) -> float:
    places = [place[key.target] for key in keys if key.table == name and key.target in place]
    return sum(places) / len(places) if places else len(place)


def _connections(box: Box, boxes: dict[str, Box]) -> Iterator[str]:
    for index, key in enumerate(box.keys, 1):
        target = boxes[key.target]
        if target is box:
            continue
        y, end_y = box.y + ROW_PX * (index + 0.5), target.y + ROW_PX / 2
        is_back = target.x >= box.x
        x, end_x = (box.x + box.width, target.x) if is_back else (box.x, target.x + target.width)
        bend = COLUMN_GAP_PX / 2 * (1 if is_back else -1)
        yield (
            f'<path d="M{x:.0f} {y:.0f}C{x + bend:.0f} {y:.0f} {end_x - bend:.0f} {end_y:.0f} '
            f'{end_x:.0f} {end_y:.0f}"/>'
        )


def _table(box: Box) -> Iterator[str]:
    x, y = f"{box.x:.0f}", box.y
    yield f'<rect x="{x}" y="{y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}"/>'
    text_x = f"{box.x + PADDING_PX:.0f}"
    name = escape(box.table)
    yield (
        f'<a href="../streams/#{name}"><text class="name" x="{text_x}" y="{y + 14:.0f}">{name}'
        "</text></a>"
    )
    for index, key in enumerate(box.keys, 1):
        mark = SELF_REFERENCE if key.target == key.table else ""
        yield (
            f'<text x="{text_x}" y="{y + ROW_PX * index + 14:.0f}">{escape(key.column)}{mark}'
            f"<title>{escape(f'{key.table}.{key.column} = {key.target}.{key.target_column}')}"
            "</title></text>"
        )
