"""Run ``meltano run`` isolated from other runs.

Meltano keeps working files (configuration with secrets, catalog, current state) in its system
directory by plugin name, so two runs of one tap overwrite each other's files. Each run therefore
has its own directory, which is private to the user and removed afterwards, with links to the
plugins. The rows are in the warehouse and the state is in its backend.

This module does not import Airflow.
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
"""Name of the tap's executable, which is the same for all inherited plugins."""

STOP_SECONDS = 120
"""Time for a stopped run to write the rows that it has read."""

POLL_SECONDS = 0.5

# Prefixes of variables that must not reach a run: settings of another firm, and Airflow's secrets.
EXCLUDED_PREFIXES = ("AIRFLOW", "_AIRFLOW", "TAP_SMOKEBALL", "MELTANO_RUN_")


class NotInstalledError(Exception):
    """The worker lacks a program, a plugin or a setting."""


@dataclass(frozen=True)
class Project:
    """A Meltano project whose plugins are installed.

    Attributes:
        root: Folder of ``meltano.yml``.
        meltano: Path of Meltano's executable.
        system: Meltano's system directory, which contains the plugins.
    """

    root: Path
    meltano: str
    system: Path

    @classmethod
    def from_environment(cls, root: Path) -> Project:
        """Find the worker's project.

        Args:
            root: Default of the environment variable ``MELTANO_PROJECT_ROOT``.

        Raises:
            NotInstalledError: Meltano, its project or its state backend is missing.
        """
        root = Path(os.environ.get("MELTANO_PROJECT_ROOT") or root)
        system = Path(os.environ.get("MELTANO_SYS_DIR_ROOT") or root / ".meltano")
        meltano = shutil.which(os.environ.get("SMOKEBALL_MELTANO") or "meltano")
        if not (root / "meltano.yml").is_file():
            raise NotInstalledError(f"No meltano.yml in {root}. Set MELTANO_PROJECT_ROOT.")
        if meltano is None:
            raise NotInstalledError(
                "Meltano is not on the PATH. Set SMOKEBALL_MELTANO to its path."
            )
        if not os.environ.get("MELTANO_STATE_BACKEND_URI"):
            raise NotInstalledError(
                "MELTANO_STATE_BACKEND_URI is not set, so runs on other workers could not resume. "
                "Set it to a state backend that all workers share.",
            )
        return cls(root, meltano, system)


@dataclass
class Run:
    """A run of Meltano as a context manager, which removes all working files.

    Args:
        project: The Meltano project.
        firm: Name of the firm, which is the suffix of the state id.
        plugins: Names of the extractor and the loader.
        settings: Environment variables for the plugins, including secrets.
        secrets: Values to redact from the log.
        environment: Meltano environment, or None for the project's default.
        summary: The run summary that the tap logs.
    """

    project: Project
    firm: str
    plugins: tuple[str, str]
    settings: Mapping[str, str]
    secrets: Iterable[str] = ()
    environment: str | None = None
    summary: Summary = field(default_factory=Summary)
    _is_stopping: bool = False

    def __enter__(self) -> Self:
        """Start the run.

        Raises:
            NotInstalledError: A plugin is not installed.
        """
        _remove_leftovers(self.firm)
        self._folder = tempfile.TemporaryDirectory(prefix=f"smokeball-{os.getpid()}-{self.firm}-")
        system = Path(self._folder.name)
        try:
            self._prepare(system)
            output = system / "output"
            self._log = output.open("wb")
            self._output = output.open(encoding="utf-8", errors="replace")
            self._process = psutil.Popen(
                self._command(),
                cwd=self.project.root,
                env=self._environment(system),
                stdin=subprocess.DEVNULL,
                # A file, not a pipe: Meltano can finish its work after this process was killed.
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # Signals reach this process only; `stop` forwards them to the tap.
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
        """Kill the run if it is still running, and remove its folder."""
        try:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        finally:
            self._log.close()
            self._output.close()
            self._folder.cleanup()

    def wait(self, log: Callable[[str, str, str], None], seconds: float | None = None) -> int:
        """Wait for the run to exit and forward its log.

        Args:
            log: Receives the level, the plugin and the text of each log line.
            seconds: Maximum time, after which the run is killed. None means no limit.

        Returns:
            Meltano's exit status.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            status = self._process.poll()
            for line in _lines(self._output):
                level, plugin, text = parse_log_line(_redact(line, self.secrets))
                self.summary.read(plugin, text)
                log(level, plugin, text)
            if status is not None:
                return int(status)
            if deadline is not None and time.monotonic() > deadline:
                os.killpg(self._process.pid, signal.SIGKILL)
                deadline = None
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Send the tap a signal to stop, without waiting.

        The tap then writes its state, the loader its rows, and Meltano saves the state. A signal
        to Meltano would also stop the loader, which would lose rows.
        """
        if self._is_stopping:  # a second signal would make the tap exit without a state
            return
        self._is_stopping = True
        with contextlib.suppress(psutil.NoSuchProcess):
            children = self._process.children()
            taps = [each for each in children if _is_tap(each)]
            for each in taps or ([] if children else [self._process]):
                each.terminate()

    def _prepare(self, system: Path) -> None:
        for kind, name in zip(("extractors", "loaders"), self.plugins, strict=True):
            if not (self.project.system / kind).is_dir():
                raise NotInstalledError(f"{name} is not installed. Run `meltano install`.")
        for kind in ("extractors", "loaders", "mappers", "utilities"):
            if (self.project.system / kind).is_dir():
                (system / kind).symlink_to(self.project.system / kind)
        database = self.project.system / "meltano.db"
        if database.is_file():  # a copy is 1.5 s faster than creating the tables
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
        # If this process is killed, its run must stop: it would overlap with the next one.
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else command

    def _environment(self, system: Path) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(EXCLUDED_PREFIXES)}
        return {
            **inherited,
            **self.settings,
            "MELTANO_PROJECT_ROOT": str(self.project.root),
            "MELTANO_SYS_DIR_ROOT": str(system),
            "MELTANO_CLI_LOG_FORMAT": "json",
            "NO_COLOR": "1",
        }


def variables(plugin: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Convert a plugin's settings to Meltano's environment variables."""
    prefix = plugin.upper().replace("-", "_")
    return {
        f"{prefix}_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
        if value is not None
    }


def parse_log_line(line: str) -> tuple[str, str, str]:
    """Return the level, the plugin and the text of a line of Meltano's log."""
    try:
        entry = json.loads(line)
        return str(entry.get("level", "info")), str(entry.get("name", "meltano")), entry["event"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "info", "meltano", line.rstrip()


def _redact(line: str, secrets: Iterable[str]) -> str:
    """Redact secrets in a line, including their JSON and URL encodings.

    Airflow redacts them in task logs, but not in the output of ``airflow dags test``.
    """
    for secret in secrets:
        for encoded in {
            secret,
            json.dumps(secret)[1:-1],
            quote(secret, safe=""),
            quote_plus(secret),
        }:
            line = line.replace(encoded, "***")
    return line


def _lines(file: Any) -> Iterator[str]:
    """Yield complete lines; an incomplete last line stays for the next call."""
    while True:
        position = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(position)
            return
        yield line


def _is_tap(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(Path(part).name == TAP for part in process.cmdline()[:2])
    return False


def _remove_leftovers(firm: str) -> None:
    """Remove the folders of runs whose worker was killed, because they hold secrets."""
    name = re.compile(rf"smokeball-(\d+)-{re.escape(firm)}-[a-z0-9_]+")
    for folder in Path(tempfile.gettempdir()).glob("smokeball-*"):
        if (match := name.fullmatch(folder.name)) and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)
