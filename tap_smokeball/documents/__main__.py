"""The command line: ``tap-smokeball-documents``, or ``python -m tap_smokeball.documents``."""

from tap_smokeball.redaction import install_redaction


def main() -> None:
    """Run a command with all of its error output redacted."""
    install_redaction()
    from tap_smokeball.documents.command import documents  # noqa: PLC0415 - imports click

    documents(prog_name="tap-smokeball-documents")


if __name__ == "__main__":
    main()
