"""Reads the marts through dbt: its adapters know every warehouse, its profile the credentials."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smokeball_page.errors import PageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MACRO = "smokeball.page_rows"
# The rows are events of dbt: they must not reach its log file. `run_results.json` stays that of the
# build.
_GLOBAL_OPTIONS = ("--quiet", "--print", "--log-level-file", "none", "--no-write-json")


@dataclass
class Table:
    """Rows of a mart.

    Attributes:
        columns: Name and kind of each column.
        rows: Values as the text that the warehouse makes of them, or None.
    """

    columns: list[tuple[str, str]]
    rows: list[list[str | None]] = field(default_factory=list)


@dataclass
class Marts:
    """What the page shows.

    Attributes:
        settings: Variables of the package.
        tables: Tables by name.
    """

    settings: dict[str, Any]
    tables: dict[str, Table]


def read_marts(options: Sequence[str], firm: str | None) -> Marts:
    """Read the marts by an operation of dbt.

    Args:
        options: Options for dbt, such as ``--target``.
        firm: Name of the firm in ``source_relation``; None if there is one firm.

    Raises:
        PageError: dbt is not installed or failed, or there are several firms.
    """
    try:
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - tells how to run the command
    except ImportError as error:
        raise PageError(
            f"dbt is not installed for {sys.executable}. Use the Python of the environment of dbt."
        ) from error
    events: list[Any] = []
    arguments = [*_GLOBAL_OPTIONS, "run-operation", _MACRO, *options]
    if firm is not None:
        arguments += ["--args", json.dumps({"firm": firm})]
    with redirect_stdout(io.StringIO()):  # dbt prints the rows there, too
        result = dbtRunner(callbacks=[events.append]).invoke(arguments)
    if not result.success:
        raise PageError(_failure(events, result.exception))
    return _parse(event.data.msg for event in events if event.info.name == "PrintEvent")


def _failure(events: Iterable[Any], exception: BaseException | None) -> str:
    """Return the text of a failure of dbt."""
    messages = [event.info.msg.strip() for event in events if event.info.level == "error"]
    if exception is not None:
        messages.append(str(exception))
    reasons = "\n".join(dict.fromkeys(messages)) or "dbt gave no reason."
    return f"dbt could not read the marts. Run `dbt build`, and check the profile.\n{reasons}"


def _parse(lines: Iterable[str]) -> Marts:
    """Put together the lines that the macro printed.

    Raises:
        PageError: There are several firms, or not the wanted one.
    """
    settings: dict[str, Any] = {}
    tables: dict[str, Table] = {}
    for line in lines:
        try:
            part = json.loads(line)
        except ValueError:  # printed by a macro of the project
            continue
        if not isinstance(part, dict):
            continue
        if "firms" in part:
            raise PageError(f"Pass --firm with one of: {', '.join(map(repr, part['firms']))}")
        if "settings" in part:
            settings = part["settings"]
        elif "columns" in part:
            tables[part["table"]] = Table([(name, kind) for name, kind in part["columns"]])
        elif "rows" in part:
            tables[part["table"]].rows += part["rows"]
    if not settings or not tables:
        raise PageError("dbt printed no rows. Use the program and the package of one version.")
    return Marts(settings, tables)
