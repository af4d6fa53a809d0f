"""Entry point of ``python -m smokeball_sandbox``."""

from __future__ import annotations

from smokeball_sandbox.cli import main

if __name__ == "__main__":
    main()
