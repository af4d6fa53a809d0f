"""Run a program and report its CPU time and peak memory.

``python run_and_measure.py REPORT PROGRAM [ARGUMENT ...]`` writes user CPU seconds, system CPU
seconds and the peak memory of `getrusage` to the file REPORT, and exits with the program's status.
It is a small process of its own because the system counts the memory of the starting process as the
program's.
"""

from __future__ import annotations

import os
import sys


def main(report: str, *command: str) -> int:
    """Run the program, write the report and return the exit status."""
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not small
        file.write(f"{usage.ru_utime} {usage.ru_stime} {usage.ru_maxrss}\n")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
