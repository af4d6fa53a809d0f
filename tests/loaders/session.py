"""The loop of a session, and a function that runs a target in it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def serve(**commands: Callable[[str], Any]) -> None:
    """Serve commands ``{"command": argument}`` until standard input ends."""
    output = sys.stdout
    for line in sys.stdin:
        [(name, argument)] = json.loads(line).items()
        with contextlib.redirect_stdout(sys.stderr):
            result = commands[name](argument)
        output.write(json.dumps(result, default=str) + "\n")
        output.flush()


def load(target: Any, messages: str) -> Any:
    """Run a target of the Singer SDK on a file of messages; return the last state, if any."""
    states = io.StringIO()
    with Path(messages).open(encoding="utf-8") as lines, contextlib.redirect_stdout(states):
        target.listen(lines)
    written = states.getvalue().splitlines()
    return json.loads(written[-1]) if written else {}
