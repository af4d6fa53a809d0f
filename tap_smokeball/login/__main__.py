"""The command line: ``tap-smokeball-login``, or ``python -m tap_smokeball.login``."""

import importlib.util
import sys

from tap_smokeball import redaction


def main() -> None:
    """Sign in; nothing that it says holds a secret."""
    redaction.install()
    if importlib.util.find_spec("oauthlib") is None:
        sys.exit("tap-smokeball-login needs one package more: pip install 'tap-smokeball[login]'")
    from tap_smokeball.login.command import login  # noqa: PLC0415 - needs that package

    login(prog_name="tap-smokeball-login")


if __name__ == "__main__":
    main()
