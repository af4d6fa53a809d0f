"""The command line: ``tap-smokeball-login``, or ``python -m tap_smokeball.login``."""

import importlib.util
import sys

from tap_smokeball.redaction import install_redaction


def main() -> None:
    """Run the command with all of its error output redacted."""
    install_redaction()
    if importlib.util.find_spec("oauthlib") is None:
        sys.exit(
            "tap-smokeball-login requires the package oauthlib. "
            "Install tap-smokeball with its extra `login`"
        )
    from tap_smokeball.login.command import login  # noqa: PLC0415 - imports oauthlib

    login(prog_name="tap-smokeball-login")


if __name__ == "__main__":
    main()
