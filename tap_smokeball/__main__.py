"""The command line: ``tap-smokeball``, or ``python -m tap_smokeball``."""

import logging
import os
import sys

from tap_smokeball import redaction
from tap_smokeball.reporting import console
from tap_smokeball.tap import TapSmokeball


def main() -> None:
    """Run the tap; no output of the process holds a secret."""
    redaction.install_redaction()
    for name in console.LEVEL_VARIABLES:
        if not isinstance(logging.getLevelName(os.environ.get(name, "").upper() or "INFO"), int):
            sys.exit(f"{name}: takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    command = TapSmokeball.cli  # reading it sets up the log
    console.adapt_to_terminal()
    command()


if __name__ == "__main__":
    main()
