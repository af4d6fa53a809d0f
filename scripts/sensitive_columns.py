"""Generate the table of sensitive columns from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.records.columns import sensitivities, walk_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_smokeball.records.columns import Breadcrumb, Sensitivity
    from tap_smokeball.sync.declared_stream import DeclaredStream


def table(streams: Sequence[DeclaredStream]) -> list[str]:
    """Return the Markdown table: a row for each stream."""
    return [
        "| Stream | Sensitive columns | Columns not selected by default |",
        "|---|---|---|",
        *map(_row, streams),
    ]


def _row(stream: DeclaredStream) -> str:
    star = "" if stream.selected_by_default else " \\*"
    off = [crumb for crumb, column in walk_columns(stream.columns) if not column.selected]
    sensitive = "; ".join(_groups(stream)) or "none"
    return f"| [`{stream.name}`](streams.md#{stream.name}){star} | {sensitive} | {_names(off)} |"


def _groups(stream: DeclaredStream) -> Iterator[str]:
    """Yield the columns of each sensitivity, without those that are nested in one of them."""
    marks = dict(sensitivities(stream.columns, stream.sensitivity))
    groups: dict[Sensitivity, list[Breadcrumb]] = {}
    for breadcrumb, mark in marks.items():
        if mark != marks.get(breadcrumb[:-2], stream.sensitivity):
            groups.setdefault(mark, []).append(breadcrumb)
    if stream.sensitivity:
        yield f"*{stream.sensitivity}*: all{' others' if groups else ''}"
    for mark, breadcrumbs in groups.items():
        yield f"*{mark}*: {_names(breadcrumbs)}"


def _names(breadcrumbs: Sequence[Breadcrumb]) -> str:
    return ", ".join(f"`{'.'.join(breadcrumb[1::2])}`" for breadcrumb in breadcrumbs)
