"""The loop of a session, and the way to run a target inside of one."""

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
    """Answer requests ``{"command": argument}`` until there are no more."""
    answers = sys.stdout
    for line in sys.stdin:
        [(name, argument)] = json.loads(line).items()
        with contextlib.redirect_stdout(sys.stderr):
            answer = commands[name](argument)
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def load(target: Any, messages: str) -> Any:
    """Run a target of the Singer SDK over a file of messages; return the last state it gives."""
    states = io.StringIO()
    with Path(messages).open(encoding="utf-8") as lines, contextlib.redirect_stdout(states):
        target.listen(lines)
    return json.loads(states.getvalue().splitlines()[-1])
