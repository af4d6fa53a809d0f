"""Writes into docs/operations.md what the tap says, taken from a simulated firm.

``python -m scripts.operations`` runs the tap and writes; a test holds the page against a run, less
what differs from one to the next.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

from scripts.generate_docs import ROOT, read, replace_block
from smokeball_sandbox import SandboxServer
from tap_smokeball.tap import TapSmokeball

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = "docs/operations.md"
STREAMS_SHOWN = ("matters", "fees", "tasks")


class _Log(logging.Handler):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def after(self, begin: str) -> list[str]:
        """Return what follows a beginning, in each message that has it."""
        return [line[len(begin) :] for line in self.lines if line.startswith(begin)]


def blocks() -> dict[str, list[str]]:
    """Return what the page shows, by the name of the part."""
    with SandboxServer(matters=60) as firm:
        config = {
            "api_url": firm.url,
            "auth_url": firm.url,
            **firm.credentials,
            "burst": 100,
        }
        plan = _said(TapSmokeball.run_plan, config)[0]
        test = _said(TapSmokeball.run_access_check, config)[1].after("Access check:\n")[0]
        fast = {**config, "requests_per_second": 1000, "burst": 5}
        _, log = _said(TapSmokeball.run_streams, fast, STREAMS_SHOWN)
    point = next(
        point
        for point in (json.loads(each) for each in log.after("METRIC: "))
        if point["metric"] == "run_summary"
    )
    return {
        "plan": _fenced("console", "$ tap-smokeball --config=ENV --plan", plan),
        "test": _fenced("console", "$ tap-smokeball --config=ENV --test > /dev/null", test),
        "table": _fenced("text", log.after("Run summary:\n")[0]),
        "line": _fenced("json", json.dumps(point, indent=2)),
    }


def main() -> None:
    """Write the page."""
    page = read(PAGE)
    for name, lines in blocks().items():
        page = replace_block(page, "<!-- {} -->", name, lines)
    (ROOT / PAGE).write_text(page, encoding="utf-8")


def _said(
    what: Callable[[TapSmokeball], object], config: dict[str, Any], only: tuple[str, ...] = ()
) -> tuple[str, _Log]:
    log, loggers = _Log(), [logging.getLogger(n) for n in ("tap-smokeball", METRICS_LOGGER_NAME)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(log)
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        with contextlib.redirect_stdout(out):
            tap = TapSmokeball(config=dict(config))
            for stream in tap.streams.values():
                stream.selected = stream.name in only if only else stream.selected
            what(tap)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(log)
    out.flush()
    return out.buffer.getvalue().decode(), log


def _fenced(language: str, *texts: str) -> list[str]:
    return [f"```{language}", *(line for text in texts for line in text.splitlines()), "```"]


if __name__ == "__main__":
    main()
