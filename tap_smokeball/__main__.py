"""The command line: ``tap-smokeball``, or ``python -m tap_smokeball``."""

import logging
import os
import sys

from tap_smokeball import redaction
from tap_smokeball.reporting import console
from tap_smokeball.run.allocator import use_one_arena
from tap_smokeball.run.gc_tuning import collect_rarely_until_exit
from tap_smokeball.run.lean_start import import_requests


def main() -> None:
    """Run the tap; no output of the process holds a secret."""
    collect_rarely_until_exit()
    use_one_arena()
    import_requests()
    redaction.install_redaction()
    for name in console.LEVEL_VARIABLES:
        if not isinstance(logging.getLevelName(os.environ.get(name, "").upper() or "INFO"), int):
            sys.exit(f"{name}: takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    # Here, and not above: imports are most of the start, and so are the objects they leave.
    from tap_smokeball.tap import TapSmokeball  # noqa: PLC0415

    command = TapSmokeball.cli  # reading it sets up the log
    console.adapt_to_terminal()
    command()


if __name__ == "__main__":
    main()
