"""Does everything arrive though the API fails all the time? ``python -m benchmarks.soak``.

The tap, as a process and with its default number of retries, reads a simulated firm. Requests fail
in random ways, tokens live two seconds and are revoked once in the middle, and rows change, come
and vanish meanwhile. A second run, through such faults but without changes, brings what changed
behind the back of the first. Then each row of the firm must have arrived as it is.
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

from benchmarks.competitors import catalog, files_of, settings_of
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
# Not "slow", which does not fail, nor "revoke": two tokens that die within one request are more
# than bad luck.
KINDS = ("status", "reset", "truncate", "html", "error_document", "empty", "hang")

Json = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the soak, print a table, and return 0 if everything has arrived."""
    options = _parser().parse_args(arguments)
    lines: list[tuple[str, ...]] = [
        ("run", "exit", "seconds", "requests", "failed", "retries", "logins", "changes", "rows")
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
    answers = ", ".join(f"{code}: {count:,}" for code, count in sorted(statuses.items()))
    sys.stdout.write(f"answers by status (0: none): {answers}\n")
    for name, size in sizes.items():
        sys.stdout.write(f"{name}: {size:,} rows, {missing[name]:,} missing or stale\n")
    return 1 if any(missing.values()) or any(line[1] != "0" for line in lines[1:]) else 0


class _Tap:
    """The tap as a process, in a folder of its own."""

    def __init__(self, sandbox: SandboxServer, folder: Path) -> None:
        self._folder = folder
        config = settings_of(sandbox) | {"lookback_seconds": 0}
        self._files = {"config": config, "catalog": catalog(tuple(COMPARED))}

    def run(
        self, state: Json | None, delivered: dict[str, dict[str, Json]]
    ) -> tuple[int, int, Json | None]:
        """Run once; the exit status, the number of rows, and the state of then."""
        files = files_of(self._folder, self._files | {"state": state})
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
                    kept = {name: record[name] for name in COMPARED[message["stream"]]}
                    delivered[message["stream"]][record["id"]] = kept
            return process.wait(), rows, state

    def errors(self) -> str:
        """What the last run wrote to standard error."""
        return (self._folder / "errors").read_text()


def _missing(sandbox: SandboxServer, name: str, delivered: dict[str, Json]) -> int:
    """How many rows of the firm did not arrive, or not as they are now."""
    return sum(
        delivered.get(entry["row"]["id"])
        != {column: entry["row"].get(column) for column in COMPARED[name]}
        for entry in sandbox.control.rows(name)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    add = parser.add_argument
    add("--matters", type=int, default=2000, help="size of the firm (%(default)s)")
    add("--faults", type=float, default=0.12, help="share of failing requests (%(default)s)")
    add("--changes", type=float, default=0.1, help="share of requests with changes (%(default)s)")
    add("--seed", type=int, default=1, help="what faults and changes are drawn from (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
