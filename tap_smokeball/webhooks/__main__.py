"""The command line: ``tap-smokeball-webhooks``, or ``python -m tap_smokeball.webhooks``."""

import importlib.util
import sys

from tap_smokeball.redaction import install_redaction

PACKAGES = ("h11", "prometheus_client", "sqlalchemy", "starlette", "uvicorn")


def main() -> None:
    """Run a command with all of its error output redacted."""
    install_redaction()
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        sys.exit(
            f"tap-smokeball-webhooks requires {', '.join(missing)}. "
            "Install tap-smokeball with its extra `webhooks`"
        )
    from tap_smokeball.webhooks.command import webhooks  # noqa: PLC0415 - imports click

    webhooks(prog_name="tap-smokeball-webhooks")


if __name__ == "__main__":
    main()
