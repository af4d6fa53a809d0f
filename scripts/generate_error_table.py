"""Generate the table of API errors in docs/errors.md from the code that handles them."""

from __future__ import annotations

import re

from tap_smokeball.api import client


def table() -> list[str]:
    """Return the table in the docstring of `tap_smokeball.api.client` as Markdown."""
    lines = (client.__doc__ or "").splitlines()
    top, middle, bottom = (at for at, line in enumerate(lines) if line.startswith("===="))
    starts = [match.start() for match in re.finditer("=+", lines[top])]
    rows: list[list[str]] = []
    for line in [*lines[top + 1 : middle], *lines[middle + 1 : bottom]]:
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0]:
            rows.append(cells)
        else:  # a row without a status continues the previous one
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
    header, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return [header, "|---" * len(starts) + "|", *body]
