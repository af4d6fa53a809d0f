"""The command line."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from smokeball_page.document import document
from smokeball_page.errors import PageError
from smokeball_page.marts import read_marts

_BYTES_PER_MB = 1_000_000


def main() -> int:
    """Make the page, and return the exit status."""
    options, dbt_options = _parse_arguments()
    try:
        marts = read_marts(dbt_options, options.firm)
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        text = document(marts, created.replace("+00:00", "Z"))
        size_bytes = _write(options.output, text)
    except PageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The page cannot be written: {error.strerror}. Pass --output.\n")
        return 1
    rows = sum(len(table.rows) for table in marts.tables.values())
    size_mb = size_bytes / _BYTES_PER_MB
    sys.stdout.write(f"Page: {options.output}, {size_mb:.1f} MB, {rows:,} rows\n")
    return 0


def _parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and those for dbt."""
    parser = argparse.ArgumentParser(
        prog="python dbt/page",
        description="Make a page of a firm's finances from the marts that `dbt build` has made: "
        "one HTML file with names of clients. Only its owner can read it.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("page.html"),
        help="the file to write (default: %(default)s)",
    )
    parser.add_argument("--firm", help="name of the firm in source_relation, if there are several")
    dbt = parser.add_argument_group("options of dbt")
    names = ("--project-dir", "--profiles-dir", "--profile", "--target", "--target-path", "--vars")
    actions = [dbt.add_argument(name) for name in names]
    options = parser.parse_args()
    given = {name: getattr(options, each.dest) for name, each in zip(names, actions, strict=True)}
    return options, [part for name, value in given.items() if value for part in (name, value)]


def _write(path: Path, text: str) -> int:
    """Write a file that only its owner can read, and return its size."""
    content = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
    return len(content)
