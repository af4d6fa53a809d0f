"""Run the pipeline on one machine: a simulated Smokeball, the tap, Meltano and DuckDB.

``make demo`` runs this. The first run loads everything. Before each further run, rows change at the
simulated firm, and the run loads only the changed rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import demo_documents, demo_live, demo_report
from scripts.demo_firm import History
from smokeball_sandbox import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "output" / "demo"
DATABASE = FOLDER / "demo.duckdb"
PAGE = FOLDER / "page.html"
LOG = FOLDER / "meltano.log"
# Separate from the project's own folder, which may hold plugins, runs and state of a real account.
MELTANO_FOLDER = ROOT / ".meltano" / "demo"
PLUGINS = ("tap-smokeball", "target-duckdb")
DBT = "dbt-duckdb"
# The staff records as much time as that of a real firm.
FEES_PER_MATTER = 100
# A change of one of these files requires a new installation of the plugins.
SOURCES = (
    "meltano.yml",
    "pyproject.toml",
    "requirements/dbt.txt",
    "requirements/demo.txt",
    "requirements/target-duckdb.txt",
    "loaders/target-duckdb-strict/target_duckdb_strict.py",
)
# Log lines of the tap and the loader that the terminal does not show.
HIDDEN_PREFIXES = (
    "METRIC:",
    "Skipping ",
    "Added '",
    "Beginning sync",
    "Table '",
    "Schema '",
    "Creat",
)
TAIL_LINES = 30


class DemoError(Exception):
    """The demo failed. The text says why and what to do."""


class Meltano:
    """Meltano with the demo's environment and log file.

    Args:
        settings: Environment variables for the plugins.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        # Settings of a real account, from the shell or from .env, must not reach the demo.
        excluded = ("TAP_", "TARGET_", "DBT_", "MELTANO_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(excluded)}
        self._environment = {
            **inherited,
            **settings,
            "MELTANO_SYS_DIR_ROOT": str(MELTANO_FOLDER),
            "MELTANO_STATE_BACKEND_URI": (FOLDER / "state").as_uri(),
            "MELTANO_CLI_LOG_FORMAT": "json",
            "NO_COLOR": "1",
        }

    def install(self) -> None:
        """Install the plugins, unless this version is installed."""
        files = b"".join((ROOT / name).read_bytes() for name in SOURCES)
        fingerprint = hashlib.sha256(files + sys.version.encode()).hexdigest()
        marker = MELTANO_FOLDER / "installed"
        if marker.exists() and marker.read_text() == fingerprint:
            return
        say("Installing the tap, the loader and dbt (first run only) ...")
        self._run("install", "--clean", *PLUGINS, DBT, show=False)
        marker.write_text(fingerprint)

    def run(self) -> None:
        """Run the pipeline and show the log lines of the tap and the loader."""
        steps = (*PLUGINS, f"{DBT}:build", f"{DBT}:page")
        self._run("--environment", "dev", "run", "--state-id-suffix", "demo", *steps, show=True)

    @staticmethod
    def python() -> Path:
        """Return the loader's Python, which has a compatible DuckDB."""
        return MELTANO_FOLDER / "loaders" / PLUGINS[1] / "venv" / "bin" / "python"

    def _run(self, *arguments: str, show: bool) -> None:
        program = Path(sys.executable).with_name("meltano")
        command = [str(program), "--env-file", os.devnull, *arguments]
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        with (
            LOG.open("a", encoding="utf-8") as log,
            subprocess.Popen(  # noqa: S603 - Meltano, and no shell
                command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            for line in process.stdout or ():
                log.write(line)
                plugin, text = parse_log_line(line)
                tail.append(f"  {plugin}: {text}")
                if show and plugin in PLUGINS and not text.startswith(HIDDEN_PREFIXES):
                    say(tail[-1])
        if process.returncode:
            lines = ["Meltano failed. End of its log:", *tail, f"Full log: {relative(LOG)}"]
            raise DemoError("\n".join(lines))


def parse_log_line(line: str) -> tuple[str, str]:
    """Return the plugin's name and the text of a line of Meltano's log."""
    try:
        entry = json.loads(line)
        return str(entry.get("name", "meltano")), str(entry["event"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "meltano", line.rstrip()


def relative(path: Path) -> str:
    """Return a path relative to the project's root."""
    return str(path.relative_to(ROOT))


def say(text: str = "") -> None:
    """Print a line and flush, in case the output is a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_demo(options: argparse.Namespace) -> None:
    """Load the firm or its changes, and report.

    Raises:
        DemoError: Meltano failed, or the database differs from the firm.
    """
    firm = {"matters": options.matters, "fees": FEES_PER_MATTER, "seed": options.seed}
    history = History.read(FOLDER / "history.json", firm)
    if options.fresh or history.loads == 0 or not DATABASE.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        history = History(FOLDER / "history.json", firm)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rate = options.requests_per_second
    anchor = date.fromisoformat(history.anchor)
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxServer(**firm, rate=rate, burst=5, anchor=anchor))
        history.replay(sandbox.control)
        live = None
        if options.live:
            live = stack.enter_context(demo_live.open_webhooks(FOLDER, sandbox))
        credentials = {f"TAP_SMOKEBALL_{k.upper()}": v for k, v in sandbox.credentials.items()}
        meltano = Meltano(
            {
                **credentials,
                "TAP_SMOKEBALL_API_URL": sandbox.url,
                "TAP_SMOKEBALL_AUTH_URL": sandbox.url,
                "TAP_SMOKEBALL_REQUESTS_PER_SECOND": str(rate),
                "TARGET_DUCKDB_PATH": str(DATABASE),
                **(live.settings if live else {}),
                **(demo_documents.settings(ROOT, FOLDER) if options.documents else {}),
                "DBT_DUCKDB_PATH": str(DATABASE),
                "DBT_DUCKDB_PAGE": str(PAGE),
            }
        )
        meltano.install()
        say(
            f"A simulated firm with {options.matters:,} matters and leads runs at {sandbox.url}.\n"
            f"It allows {rate} requests per second; Smokeball allows 5."
        )
        announce(history)
        database = demo_report.Database(DATABASE, Meltano.python())
        before = database.latest_load() if history.loads else demo_report.LONG_AGO
        say()
        meltano.run()
        history.record_load()
        loaded = database.totals()
        expected = demo_report.source_totals(sandbox.control, loaded.rows)
        report(database, before)
        compare(loaded, expected)
        if options.documents:
            say()
            for line in demo_documents.show(database, sandbox.control, FOLDER):
                say(line)
        if live:
            for line in live.show(history, database, meltano.run, LOG):
                say(line)
            history.record_load()
    if history.loads == 1:
        say("Run `make demo` again to see an incremental load: some rows will have changed.")


def report(database: demo_report.Database, before: str) -> None:
    """Print what was loaded since a time, and the work in progress."""
    say()
    summarize(database.rows_since(before), database.rows_since(demo_report.LONG_AGO))
    say()
    for line in demo_report.unbilled(database.work_in_progress()):
        say(line)
    say()


def compare(loaded: demo_report.Totals, expected: demo_report.Totals) -> None:
    """Compare the database with the firm.

    Raises:
        DemoError: They differ.
    """
    if loaded != expected:
        raise DemoError(
            f"DuckDB differs from Smokeball.\nSmokeball: {expected}\nDuckDB:    {loaded}\n"
            "If the sandbox's code has changed since the last run, start over:\n"
            "make demo DEMO_ARGS=--fresh"
        )
    say(f"Smokeball and DuckDB match, row by row and to the cent: {loaded}.")
    say(f"Database: {relative(DATABASE)}")
    say(f"Page (open in a browser): {relative(PAGE)}")


def announce(history: History) -> None:
    """Print what the run will load."""
    if history.loads == 0:
        say("First run: loading everything.")
        return
    say("Changes since the last run:")
    for each in history.news:
        say(f"  - {each}")


def summarize(since: demo_report.Rows, total: demo_report.Rows) -> None:
    """Print the rows of each table that this run has loaded."""
    for line in demo_report.loaded_rows(since, total):
        say(line)
    if since != total:
        say(
            "\nWhere the API can filter by time of change, the run loaded only changed rows. The\n"
            "filter starts five minutes before the last run, so some rows arrive a second time;\n"
            "the loader updates them by their key."
        )


def main() -> int:
    """Run the demo from the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--matters",
        type=int,
        default=200,
        help="number of matters and leads (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="seed of the simulated data (default: %(default)s)"
    )
    parser.add_argument(
        "--requests-per-second",
        type=int,
        default=50,
        help="rate limit of the simulated Smokeball (default: %(default)s)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="delete earlier runs and load everything"
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="then show what webhooks do: rows change, and a run reads just these",
    )
    parser.add_argument(
        "--documents",
        action="store_true",
        help="also store the files and invoices themselves, in output/demo/documents",
    )
    options = parser.parse_args()
    try:
        run_demo(options)
    except (
        DemoError,
        demo_documents.DocumentsDemoError,
        demo_live.LiveDemoError,
    ) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
