"""Check the storage of contents with many files and kills: ``python -m benchmarks.documents``.

A simulated firm has files from 0 bytes to a gigabyte. Downloads fail in random ways, and the tap is
killed again and again until a run gets to its end. Then every checksum must be right, no temporary
file may be left, no stored version may have been downloaded twice, and another run must take the
requests of the lists alone. The memory is the largest resident set of all runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.document_host import content_of
from smokeball_sandbox.faults import DOCUMENT_TEMPLATE

STREAM = "file_contents"
LIST = "GET /matters/{matterId}/documents/files"
TOKEN = "POST /oauth2/token"  # noqa: S105 - a path

Json = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the check, print its figures and return 0 if all contents are stored."""
    options = _parser().parse_args(arguments)
    rng = random.Random(options.seed)  # noqa: S311 - not for secrets
    with (
        SandboxServer(matters=max(1, options.files // 20)) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        sandbox.control.settings(rate=0)
        rows = _prepare(sandbox, options, rng)
        tap = _Tap(sandbox, Path(folder))
        began = time.monotonic()
        kills = 0
        downloads: Counter[str] = Counter()
        stored: set[str] = set()
        while True:
            sandbox.control.reset_requests()
            for _ in range(options.faults):
                how = rng.choice(("reset", "truncate", "status"))
                after = rng.randrange(options.files)
                sandbox.control.fail(template=DOCUMENT_TEMPLATE, how=how, after=after)
            is_last = kills >= options.kills
            status = tap.run(None if is_last else rng.uniform(0.5, options.seconds))
            log = sandbox.control.requests(log=True)["log"]
            sandbox.control.clear_faults()
            again = {Path(e["path"]).name for e in log if e["template"] == DOCUMENT_TEMPLATE}
            downloads.update(again & stored)
            stored = {path.parent.name for path in tap.place.glob("manifest/*/*/*/*.json")}
            if status == 0:
                break
            kills += 1
        seconds = time.monotonic() - began
        wrong = _wrong(tap.place, rows)
        left = len(list(tap.place.glob("tmp/*")))
        sandbox.control.reset_requests()
        is_complete = tap.run(None) == 0
        counts = sandbox.control.requests()["by_template"]
        others = counts.keys() - {TOKEN, LIST, "GET /matters"}
        size = sum(row["sizeBytes"] for row in rows.values())
        figures = {
            "files": len(rows),
            "gigabytes": round(size / 1e9, 2),
            "runs killed": kills,
            "seconds": round(seconds, 1),
            "wrong or missing contents": wrong,
            "stored versions downloaded again": downloads.total(),
            "temporary files left": left,
            "requests of the second run besides lists": sum(counts[name] for name in others),
            "largest resident set in MB": round(tap.max_resident_kilobytes / 1000),
        }
    for name, value in figures.items():
        print(f"{name:42} {value:>10,}")  # noqa: T201 - the result
    is_right = not (wrong or left or others or downloads) and is_complete
    return int(not is_right)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--largest-mb", type=float, default=1_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--faults", type=int, default=50, help="faults in each run")
    parser.add_argument("--seconds", type=float, default=10, help="longest time until a kill")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def _prepare(
    sandbox: SandboxServer, options: argparse.Namespace, rng: random.Random
) -> dict[str, Json]:
    """Give the firm its files, and return those that have a content, by id."""
    matters = [each["row"]["id"] for each in sandbox.control.rows("matters")]
    present = {"isDeleted": False, "isUploaded": True, "isCancelled": False}
    while len(sandbox.control.rows("files")) < options.files:
        for matter in matters:
            sandbox.control.add("files", parent=matter)
    entries = sandbox.control.rows("files")
    largest = options.largest_mb * 1e6
    for number, entry in enumerate(entries):
        size = int(largest) if number == 0 else 0 if number == 1 else int(10 ** rng.uniform(0, 6))
        sandbox.control.touch(
            "files",
            entry["row"]["id"],
            parent=entry["parent"],
            set={**present, "sizeBytes": size, "name": f"File {number}"},
        )
    return {each["row"]["id"]: each["row"] for each in sandbox.control.rows("files")}


def _wrong(place: Path, rows: dict[str, Json]) -> int:
    """Return how many files have no content in the storage, or a wrong one."""
    wrong = 0
    for id_, row in rows.items():
        digest = hashlib.sha256()
        content = content_of("files", row)
        for piece in content.pieces(0, content.size):
            digest.update(piece)
        name = digest.hexdigest()
        path = place / "sha256" / name[:2] / name[2:4] / name
        entries = list(place.glob(f"manifest/*/*/{id_}/*.json"))
        is_right = path.exists() and path.stat().st_size == content.size and bool(entries)
        if is_right:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
            is_right = digest.hexdigest() == name
        wrong += not is_right
    return wrong


class _Tap:
    """Runs the tap as a process that may be killed.

    Attributes:
        place: The storage.
        max_resident_kilobytes: The largest resident set of all runs.
    """

    def __init__(self, sandbox: SandboxServer, folder: Path) -> None:
        self.place = folder / "documents"
        self.max_resident_kilobytes = 0
        settings = {
            "api_url": sandbox.url,
            "auth_url": sandbox.url,
            **sandbox.credentials,
            "requests_per_second": 1_000,
            "documents_url": self.place.as_uri(),
        }
        self._command = [sys.executable, "-m", "tap_smokeball"]
        found = subprocess.run(  # noqa: S603
            [*self._command, "--discover"], check=True, capture_output=True
        )
        catalog = json.loads(found.stdout)
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] == STREAM
        for name, content in (("config", settings), ("catalog", catalog)):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content))
            self._command += [f"--{name}", str(path)]
        self._log = folder / "log"

    def run(self, seconds: float | None) -> int:
        """Run the tap, kill it after some seconds if it still runs, and return its status."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                self._command, stdout=subprocess.DEVNULL, stderr=log
            )
        if seconds is not None:
            time.sleep(seconds)
            os.kill(process.pid, signal.SIGKILL)  # without effect if it has ended
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.max_resident_kilobytes = max(self.max_resident_kilobytes, usage.ru_maxrss)
        return process.returncode


if __name__ == "__main__":
    sys.exit(main())
