"""The table of failures in the docs, taken from the module that acts on it."""

from __future__ import annotations

import re

from tap_smokeball.api import client


def table() -> list[str]:
    """Return the table in the docstring of `tap_smokeball.api.client` as Markdown."""
    lines = (client.__doc__ or "").splitlines()
    first, second, last = (at for at, line in enumerate(lines) if line.startswith("===="))
    starts = [match.start() for match in re.finditer("=+", lines[first])]
    rows: list[list[str]] = []
    for line in [*lines[first + 1 : second], *lines[second + 1 : last]]:
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            rows.append(cells)
        else:  # the row before goes on
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
    head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return [head, "|---" * len(starts) + "|", *body]
