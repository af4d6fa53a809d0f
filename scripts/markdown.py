"""Tables and durations for the docs."""

from __future__ import annotations

DAY_SECONDS = 86_400


def format_duration(seconds: float) -> str:
    """Return a duration for people, rounded."""
    for unit, size in (("days", DAY_SECONDS), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def format_table(head: tuple[str, ...], *rows: tuple[str, ...]) -> list[str]:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
