"""Check that all rows arrive although the API keeps failing: ``python -m benchmarks.soak``.

The tap reads a simulated firm with its default number of retries. Requests fail in random ways,
tokens expire after two seconds and are revoked once, and rows are added, changed and deleted during
the run. A second run, with the same faults but without changes, loads the changes that the first
run missed. Then every row of the firm must have been delivered in its current version.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.competitors import catalog, sandbox_settings, write_files
from smokeball_sandbox import SandboxServer

FEES = "GET /matters/{matterId}/fees"
COMPARED = {
    "matters": ("versionId", "description", "status", "isLead"),
    "contacts": ("versionId", "externalSystemId", "isDeleted"),
    "transactions": ("note", "reversed"),
    "fees": ("versionId", "description", "isDeleted"),
    "expenses": ("versionId", "description", "isDeleted"),
    "invoices": ("versionId", "description", "status"),
}
# Without "slow", which is not a failure, and "revoke": no client can retry when two tokens in a row
# are revoked during one request.
KINDS = ("status", "reset", "truncate", "html", "error_document", "empty", "hang")

Json = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the check, print a table and return 0 if all rows were delivered."""
    options = _parser().parse_args(arguments)
    lines: list[tuple[str, ...]] = [
        ("run", "exit", "seconds", "requests", "failed", "retries", "tokens", "changes", "rows")
    ]
    delivered: dict[str, dict[str, Json]] = {name: {} for name in COMPARED}
    state: Json | None = None
    statuses: dict[str, int] = {}
    with (
        SandboxServer(matters=options.matters, token_seconds=2) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        tap = _Tap(sandbox, Path(folder))
        for number, changes in ((1, options.changes), (2, 0.0)):
            sandbox.control.reset_requests()
            sandbox.control.start_chaos(
                seed=options.seed + number,
                fault_rate=options.faults,
                change_rate=changes,
                fault_kinds=KINDS,
            )
            if number == 1:
                revoke = [{"command": "revoke"}]
                sandbox.control.schedule(FEES, revoke, nth=options.matters // 2)
            began = time.monotonic()
            status, rows, state = tap.run(state, delivered)
            seconds = time.monotonic() - began
            events = sandbox.control.stop_chaos()
            report = sandbox.control.requests()
            failed = sum("fault" in event for event in events)
            for code, count in report["by_status"].items():
                statuses[code] = statuses.get(code, 0) + count
            lines.append(
                (
                    str(number),
                    str(status),
                    f"{seconds:.0f}",
                    f"{report['total']:,}",
                    f"{failed:,} ({failed / report['total']:.1%})",
                    f"{failed + report['by_status'].get('401', 0):,}",
                    str(report["by_template"]["POST /oauth2/token"]),
                    f"{sum('command' in event for event in events):,}",
                    f"{rows:,}",
                )
            )
            if status:
                sys.stdout.write(tap.errors() + "\n")
        missing = {name: _missing(sandbox, name, delivered[name]) for name in COMPARED}
        sizes = {name: len(sandbox.control.rows(name)) for name in COMPARED}
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        cells = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells) + "\n")
    responses = ", ".join(f"{code}: {count:,}" for code, count in sorted(statuses.items()))
    sys.stdout.write(f"responses by status (0: none): {responses}\n")
    for name, size in sizes.items():
        sys.stdout.write(f"{name}: {size:,} rows, {missing[name]:,} missing or stale\n")
    return 1 if any(missing.values()) or any(line[1] != "0" for line in lines[1:]) else 0


class _Tap:
    """The tap as a process with its own folder."""

    def __init__(self, sandbox: SandboxServer, folder: Path) -> None:
        self._folder = folder
        config = sandbox_settings(sandbox) | {"lookback_seconds": 0}
        self._files = {"config": config, "catalog": catalog(tuple(COMPARED))}

    def run(
        self, state: Json | None, delivered: dict[str, dict[str, Json]]
    ) -> tuple[int, int, Json | None]:
        """Run once; return the exit status, the number of rows and the last state."""
        files = write_files(self._folder, self._files | {"state": state})
        command = [sys.executable, "-m", "tap_smokeball", *files]
        rows = 0
        with (self._folder / "errors").open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
            for line in process.stdout or ():
                message = json.loads(line)
                if message["type"] == "STATE":
                    state = message["value"]
                elif message["type"] == "RECORD" and message["stream"] in delivered:
                    rows += 1
                    record = message["record"]
                    columns = {name: record[name] for name in COMPARED[message["stream"]]}
                    delivered[message["stream"]][record["id"]] = columns
            return process.wait(), rows, state

    def errors(self) -> str:
        """Return the standard error of the last run."""
        return (self._folder / "errors").read_text()


def _missing(sandbox: SandboxServer, name: str, delivered: dict[str, Json]) -> int:
    """Count the rows that were not delivered in their current version."""
    return sum(
        delivered.get(entry["row"]["id"])
        != {column: entry["row"].get(column) for column in COMPARED[name]}
        for entry in sandbox.control.rows(name)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    add = parser.add_argument
    add("--matters", type=int, default=2000, help="number of matters (default: %(default)s)")
    add(
        "--faults",
        type=float,
        default=0.12,
        help="share of failing requests (default: %(default)s)",
    )
    add(
        "--changes",
        type=float,
        default=0.1,
        help="share of requests during which rows change (default: %(default)s)",
    )
    add(
        "--seed",
        type=int,
        default=1,
        help="seed of the random faults and changes (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
