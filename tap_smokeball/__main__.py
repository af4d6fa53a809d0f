"""The command line: ``tap-smokeball``, or ``python -m tap_smokeball``."""

import logging
import os
import sys

from tap_smokeball import redaction
from tap_smokeball.tap import TapSmokeball


def main() -> None:
    """Run the tap; nothing that it says holds a secret."""
    redaction.install_redaction()
    for name in ("TAP_SMOKEBALL_LOGLEVEL", "LOGLEVEL"):
        if not isinstance(logging.getLevelName(os.environ.get(name, "").upper() or "INFO"), int):
            sys.exit(f"{name}: takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    TapSmokeball.cli()


if __name__ == "__main__":
    main()
