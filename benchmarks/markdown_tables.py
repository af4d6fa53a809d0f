"""Render Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Render a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(line)} |".replace("| --- ", "|---").replace("---|", "---|")
        for line in lines
    ]
