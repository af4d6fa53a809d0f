"""Log lines for a person at a terminal.

There, standard error has progress, warnings, the run summary and the next step. The lines of the
SDK, such as its metrics, are left out, and each line is its text alone. Where standard error is a
pipe or a file, as under Meltano, all lines are there, in the SDK's format. So they are where the
level of the log or its configuration is set.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LEVEL_VARIABLES = ("TAP_SMOKEBALL_LOGLEVEL", "LOGLEVEL")
_CONFIGURED_BY = (*LEVEL_VARIABLES, "SINGER_SDK_LOG_CONFIG")

_PACKAGE = str(Path(__file__).parent.parent)


class _TextFormatter(logging.Formatter):
    """Writes the text of a line, after its level if that is WARNING or higher."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.levelno < logging.WARNING else f"{record.levelname}: {text}"


def _is_for_people(record: logging.LogRecord) -> bool:
    """Return whether a line says what a person at a terminal needs."""
    return record.levelno >= logging.WARNING or record.pathname.startswith(_PACKAGE)


def adapt_to_terminal() -> None:
    """Let the log suit a person if standard error is a terminal; call it once."""
    if not sys.stderr.isatty() or any(os.environ.get(name) for name in _CONFIGURED_BY):
        return
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_for_people)
        handler.setFormatter(_TextFormatter("%(message)s"))


def log_next_step(logger: logging.Logger, text: str) -> None:
    """Log what to do next, if a person reads the log."""
    handlers = logging.getLogger().handlers
    if any(isinstance(handler.formatter, _TextFormatter) for handler in handlers):
        logger.info("%s", text)
