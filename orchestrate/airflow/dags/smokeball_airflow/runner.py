"""One run of ``meltano run`` that no other run can disturb, nor be disturbed by.

Meltano keeps what it works with (configuration with its secrets, catalog, state at hand) in its
system directory, by the plugin's name: two runs of one tap overwrite each other's. So each run has
a directory of its own, private to the user and gone afterwards; the plugins are linked into it.
What must outlive the run is elsewhere: the rows in the warehouse, the state in its backend.

Nothing here needs Airflow.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import psutil

from smokeball_airflow.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

TAP = "tap-smokeball"
"""The tap's program, whatever the plugin is called."""

STOP_SECONDS = 120
"""How long a run that is told to stop may take to write what it has read."""

POLL_SECONDS = 0.5

# A firm has what it is given, and nothing of the worker's: neither the settings of another firm nor
# Airflow's own secrets.
FOREIGN = ("AIRFLOW", "_AIRFLOW", "TAP_SMOKEBALL", "MELTANO_RUN_")


class NotInstalled(Exception):  # noqa: N818 - reads as what is wrong
    """Something that a run needs is not on this worker."""


@dataclass(frozen=True)
class Project:
    """A Meltano project whose plugins are installed.

    Attributes:
        root: Where ``meltano.yml`` is.
        meltano: The program.
        system: Meltano's system directory that the plugins are installed in.
    """

    root: Path
    meltano: str
    system: Path

    @classmethod
    def here(cls, root: Path) -> Project:
        """Return the worker's project, as its environment says.

        Args:
            root: Where it is unless ``MELTANO_PROJECT_ROOT`` says otherwise.

        Raises:
            NotInstalled: Something is missing.
        """
        root = Path(os.environ.get("MELTANO_PROJECT_ROOT") or root)
        system = Path(os.environ.get("MELTANO_SYS_DIR_ROOT") or root / ".meltano")
        meltano = shutil.which(os.environ.get("SMOKEBALL_MELTANO") or "meltano")
        if not (root / "meltano.yml").is_file():
            raise NotInstalled(f"no meltano.yml in {root}: set MELTANO_PROJECT_ROOT")
        if meltano is None:
            raise NotInstalled("no program `meltano`: set SMOKEBALL_MELTANO to its path")
        if not os.environ.get("MELTANO_STATE_BACKEND_URI"):
            raise NotInstalled(
                "MELTANO_STATE_BACKEND_URI is not set: without a place that all workers share, "
                "each run would begin anew",
            )
        return cls(root, meltano, system)


@dataclass
class Run:
    """A run, for the length of a ``with`` block; at its end nothing of it is left.

    Args:
        project: What is run.
        firm: Name of the firm, the suffix of its state's id.
        plugins: The extractor's and the loader's names.
        settings: Environment variables for them, secrets included.
        secrets: What must not be passed on of what they say.
        environment: Meltano's environment, or None for the project's default.
    """

    project: Project
    firm: str
    plugins: tuple[str, str]
    settings: Mapping[str, str]
    secrets: Iterable[str] = ()
    environment: str | None = None
    summary: Summary = field(default_factory=Summary)
    _told: bool = False

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            NotInstalled: A plugin is not installed.
        """
        _sweep(self.firm)
        self._folder = tempfile.TemporaryDirectory(prefix=f"smokeball-{os.getpid()}-{self.firm}-")
        system = Path(self._folder.name)
        try:
            self._prepare(system)
            output = system / "output"
            self._log = output.open("wb")
            self._said = output.open(encoding="utf-8", errors="replace")
            self._process = psutil.Popen(
                self._command(),
                cwd=self.project.root,
                env=self._environment(system),
                stdin=subprocess.DEVNULL,
                # Not a pipe: what is left to do after the death of this process can still be done.
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # A signal is for this process, which passes on what is meant for the tap.
                start_new_session=True,
            )
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, if it has not ended."""
        try:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        finally:
            self._log.close()
            self._said.close()
            self._folder.cleanup()

    def wait(self, log: Callable[[str, str, str], None], seconds: float | None = None) -> int:
        """Wait until the run has ended, and pass on what it says.

        Args:
            log: Takes a level, who said something, and what.
            seconds: How long to wait at most; a run that takes longer is ended.

        Returns:
            The exit status of Meltano.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            status = self._process.poll()
            for line in _lines(self._said):
                level, who, what = plain(_redacted(line, self.secrets))
                self.summary.read(who, what)
                log(level, who, what)
            if status is not None:
                return int(status)
            if until is not None and time.monotonic() > until:
                os.killpg(self._process.pid, signal.SIGKILL)
                until = None
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Tell the tap to stop, and return at once.

        The tap writes its place, the loader all rows, and Meltano the state. Meltano itself would
        send the signal to the loader, too, which loses the rows at hand.
        """
        if self._told:  # a second signal would end the tap at once, without its place
            return
        self._told = True
        with contextlib.suppress(psutil.NoSuchProcess):
            children = self._process.children()
            taps = [each for each in children if _is_tap(each)]
            for each in taps or ([] if children else [self._process]):
                each.terminate()

    def _prepare(self, system: Path) -> None:
        for kind, name in zip(("extractors", "loaders"), self.plugins, strict=True):
            if not (self.project.system / kind).is_dir():
                raise NotInstalled(f"{name} is not installed: run `meltano install`")
        for kind in ("extractors", "loaders", "mappers", "utilities"):
            if (self.project.system / kind).is_dir():
                (system / kind).symlink_to(self.project.system / kind)
        database = self.project.system / "meltano.db"
        if database.is_file():  # a copy with its tables is 1.5 s faster than one made anew
            with (
                contextlib.closing(
                    sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
                ) as old,
                contextlib.closing(sqlite3.connect(system / "meltano.db")) as new,
            ):
                old.backup(new)

    def _command(self) -> list[str]:
        command = [self.project.meltano, "--env-file", os.devnull]
        if self.environment:
            command += ["--environment", self.environment]
        command += ["run", "--no-install", "--state-id-suffix", self.firm, *self.plugins]
        # Should this process be killed, the run must not go on beside the one that follows.
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else command

    def _environment(self, system: Path) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
        return {
            **kept,
            **self.settings,
            "MELTANO_PROJECT_ROOT": str(self.project.root),
            "MELTANO_SYS_DIR_ROOT": str(system),
            "MELTANO_CLI_LOG_FORMAT": "json",
            "NO_COLOR": "1",
        }


def variables(plugin: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as the environment variables that Meltano takes them from."""
    prefix = plugin.upper().replace("-", "_")
    return {
        f"{prefix}_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
        if value is not None
    }


def plain(line: str) -> tuple[str, str, str]:
    """Return the level, the speaker and the text of a line of Meltano's log."""
    try:
        entry = json.loads(line)
        return str(entry.get("level", "info")), str(entry.get("name", "meltano")), entry["event"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "info", "meltano", line.rstrip()


def _redacted(line: str, secrets: Iterable[str]) -> str:
    """Return a line without secrets, however they are written.

    Airflow hides them in the logs of tasks, but not in what ``airflow dags test`` prints.
    """
    for secret in secrets:
        for form in {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}:
            line = line.replace(form, "***")
    return line


def _lines(file: Any) -> Iterator[str]:
    """Yield the lines that are complete, and leave the rest for the next time."""
    while True:
        place = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(place)
            return
        yield line


def _is_tap(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(Path(part).name == TAP for part in process.cmdline()[:2])
    return False


def _sweep(firm: str) -> None:
    """Remove what a run left behind whose worker was killed: it holds secrets."""
    name = re.compile(rf"smokeball-(\d+)-{re.escape(firm)}-[a-z0-9_]+")
    for folder in Path(tempfile.gettempdir()).glob("smokeball-*"):
        if (found := name.fullmatch(folder.name)) and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
