"""The pipeline on one machine: a simulated Smokeball, the tap, Meltano and DuckDB.

``make demo`` runs this. The first time everything is loaded; each further time some things have
happened at the simulated firm in the meantime, and only those are loaded.
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
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import demo_page, demo_report
from scripts.demo_firm import History
from smokeball_sandbox import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "output" / "demo"
DATABASE = FOLDER / "demo.duckdb"
PAGE = FOLDER / "report.html"
LOG = FOLDER / "meltano.log"
# Not the project's own: whoever has a real account keeps their plugins, runs and state apart.
MELTANO_FOLDER = ROOT / ".meltano" / "demo"
PLUGINS = ("tap-smokeball", "target-duckdb")
# What the plugins are installed from: when one of these changes, they are installed again.
SOURCES = (
    "meltano.yml",
    "pyproject.toml",
    "requirements/demo.txt",
    "requirements/target-duckdb.txt",
    "loaders/target-duckdb-strict/target_duckdb_strict.py",
)
# Lines of the tap and the loader that say nothing to someone who watches.
TEDIOUS = ("METRIC:", "Skipping ", "Added '", "Beginning sync", "Table '", "Schema '", "Creat")
TAIL = 30


class DemoError(Exception):
    """What the demo cannot go on from, in a sentence."""


class Meltano:
    """Meltano, with a log of its own and the demo's environment.

    Args:
        settings: Environment variables for the plugins.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        # A real account's settings, from the shell or from .env, must not get into the demo.
        foreign = ("TAP_", "TARGET_", "MELTANO_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        self._environment = {
            **kept,
            **settings,
            "MELTANO_SYS_DIR_ROOT": str(MELTANO_FOLDER),
            "MELTANO_STATE_BACKEND_URI": (FOLDER / "state").as_uri(),
            "MELTANO_CLI_LOG_FORMAT": "json",
            "NO_COLOR": "1",
        }

    def install(self) -> None:
        """Install the plugins, unless they are."""
        files = b"".join((ROOT / name).read_bytes() for name in SOURCES)
        wanted = hashlib.sha256(files + sys.version.encode()).hexdigest()
        stamp = MELTANO_FOLDER / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        say("Installing the tap and the loader (once) ...")
        self._run("install", "--clean", *PLUGINS, show=False)
        stamp.write_text(wanted)

    def run(self) -> None:
        """Run the pipeline, showing what the tap says."""
        self._run("--environment", "dev", "run", "--state-id-suffix", "demo", *PLUGINS, show=True)

    @staticmethod
    def python() -> Path:
        """The Python of the loader, which has a DuckDB that fits."""
        return MELTANO_FOLDER / "loaders" / PLUGINS[1] / "venv" / "bin" / "python"

    def _run(self, *arguments: str, show: bool) -> None:
        program = Path(sys.executable).with_name("meltano")
        command = [str(program), "--env-file", os.devnull, *arguments]
        tail: deque[str] = deque(maxlen=TAIL)
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
                who, what = plain(line)
                tail.append(f"  {who}: {what}")
                if show and who in PLUGINS and not what.startswith(TEDIOUS):
                    say(tail[-1])
        if process.returncode:
            lines = ["Meltano failed. The end of its log:", *tail, f"All of it: {shown(LOG)}"]
            raise DemoError("\n".join(lines))


def plain(line: str) -> tuple[str, str]:
    """Who said what, of a line of Meltano's log."""
    try:
        entry = json.loads(line)
        return str(entry.get("name", "meltano")), str(entry["event"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "meltano", line.rstrip()


def shown(path: Path) -> str:
    """A path as it is best typed by someone who stands in the project."""
    return str(path.relative_to(ROOT))


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def demonstrate(options: argparse.Namespace) -> None:
    """Load the firm, or what has changed at it, and report.

    Raises:
        DemoError: Something went wrong, or rows are missing.
    """
    firm = {"matters": options.matters, "seed": options.seed}
    history = History.read(FOLDER / "history.json", firm)
    if options.fresh or history.loads == 0 or not DATABASE.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        history = History(FOLDER / "history.json", firm)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rate = options.requests_per_second
    anchor = date.fromisoformat(history.anchor)
    with SandboxServer(**firm, rate=rate, burst=5, anchor=anchor) as sandbox:
        credentials = {f"TAP_SMOKEBALL_{k.upper()}": v for k, v in sandbox.credentials.items()}
        meltano = Meltano(
            {
                **credentials,
                "TAP_SMOKEBALL_API_URL": sandbox.url,
                "TAP_SMOKEBALL_AUTH_URL": sandbox.url,
                "TAP_SMOKEBALL_REQUESTS_PER_SECOND": str(rate),
                "TARGET_DUCKDB_PATH": str(DATABASE),
            }
        )
        meltano.install()
        say(
            f"A simulated firm of {options.matters:,} matters and leads answers at {sandbox.url},\n"
            f"{rate} requests a second. (Smokeball answers 5.)"
        )
        history.replay(sandbox.control)
        tell(history)
        database = demo_report.Database(DATABASE, Meltano.python())
        before = database.latest_load() if history.loads else demo_report.LONG_AGO
        say()
        meltano.run()
        history.loaded()
        held = database.totals()
        true = demo_report.truth(sandbox.control, held.rows)
    say()
    summarize(database.rows_since(before), held.rows)
    answers = database.answers()
    PAGE.write_text(demo_page.page(answers), encoding="utf-8")
    say()
    for line in demo_report.unbilled(answers):
        say(line)
    say()
    if held != true:
        raise DemoError(
            f"Smokeball has {true}.\nDuckDB has    {held}.\n"
            "They differ, and must not. If the sandbox's own program has changed, begin anew:\n"
            "make demo DEMO_ARGS=--fresh"
        )
    say(f"Smokeball and DuckDB agree, to the row and to the cent: {held}.")
    say(f"The database: {shown(DATABASE)}")
    say(f"All the firm's answers on a page, for a browser: {shown(PAGE)}")
    if history.loads == 1:
        say("Run `make demo` again: things will have happened, and only those will be loaded.")


def tell(history: History) -> None:
    """Say what is about to be loaded."""
    if history.loads == 0:
        say("This is the first run: everything is loaded.")
        return
    say("Since the last run:")
    for each in history.news:
        say(f"  - {each}")


def summarize(since: demo_report.Rows, held: demo_report.Rows) -> None:
    """Say how much of the database this run has loaded."""
    for line in demo_report.loaded(since, held):
        say(line)
    if since != held:
        say(
            "\nWhere Smokeball can tell what changed, only that was loaded, and once more what\n"
            "changed in the five minutes before the last run. A row that comes twice is found by\n"
            "its key."
        )


def main() -> int:
    """Run the demo from the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--matters", type=int, default=200, help="size of the firm (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="which firm (%(default)s)")
    parser.add_argument(
        "--requests-per-second",
        type=int,
        default=50,
        help="what the simulated Smokeball allows (%(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    options = parser.parse_args()
    try:
        demonstrate(options)
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
