"""Starts a program, and tells what it took: ``python launch.py REPORT PROGRAM ARGUMENT…``.

A process of its own, and a small one: the system counts the memory of whoever starts a program as
the program's, until that takes more. The report is CPU in seconds and peak memory as `getrusage`
has it; the exit status is the program's.
"""

from __future__ import annotations

import os
import sys


def main(report: str, *command: str) -> int:
    """Run the program, write the report, and return the exit status."""
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not small
        file.write(f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}\n")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
