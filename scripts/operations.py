"""Write the tap's output for a simulated firm into docs/operations.md.

``python -m scripts.operations`` runs the tap and writes the page. A test compares the page with a
run, except for values that differ between runs.
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
    """Collects log messages."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def after(self, prefix: str) -> list[str]:
        """Return the messages that start with a prefix, without the prefix."""
        return [line.removeprefix(prefix) for line in self.lines if line.startswith(prefix)]


def blocks() -> dict[str, list[str]]:
    """Return the output that the page shows, by name of the block."""
    with SandboxServer(matters=60) as firm:
        config = {
            "api_url": firm.url,
            "auth_url": firm.url,
            **firm.credentials,
            "burst": 100,
        }
        plan = _capture(TapSmokeball.run_plan, config)[0]
        test = _capture(TapSmokeball.run_access_check, config)[0]
        fast = {**config, "requests_per_second": 1000, "burst": 5}
        _, log = _capture(TapSmokeball.run_streams, fast, STREAMS_SHOWN)
    summary = next(
        metric
        for metric in (json.loads(line) for line in log.after("METRIC: "))
        if metric["metric"] == "run_summary"
    )
    return {
        "plan": _fenced("console", "$ tap-smokeball --config=ENV --plan", plan),
        "test": _fenced("console", "$ tap-smokeball --config=ENV --test", test),
        "table": _fenced("text", log.after("Run summary:\n")[0]),
        "line": _fenced("json", json.dumps(summary, indent=2)),
    }


def main() -> None:
    """Write the page."""
    page = read(PAGE)
    for name, lines in blocks().items():
        page = replace_block(page, "<!-- {} -->", name, lines)
    (ROOT / PAGE).write_text(page, encoding="utf-8")


def _capture(
    command: Callable[[TapSmokeball], object],
    config: dict[str, Any],
    selected: tuple[str, ...] = (),
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
                stream.selected = stream.name in selected if selected else stream.selected
            command(tap)
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
