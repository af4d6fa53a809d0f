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

from smokeball_airflow.firm_lock import BusyError
from smokeball_airflow.inbox import BUSY_STATUS
from smokeball_airflow.project import NotInstalledError, inherited_environment
from smokeball_airflow.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from smokeball_airflow.inbox import Inbox
    from smokeball_airflow.project import Project

TAP = "tap-smokeball"
"""Name of the tap's executable, which is the same for all inherited plugins."""

STOP_SECONDS = 120
"""Time for a stopped run to write the rows that it has read."""

POLL_SECONDS = 0.5


class StateError(Exception):
    """The state cannot be read or changed."""


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
        inbox: The webhook inbox, whose lock the run takes; or None.
        lock: File that all processes of the run inherit, or None.
        refresh: Streams to read from the start, ``*`` for all of them.
        build: Command of a utility that runs after the load, or None.
        summary: The run summary that the tap logs.
    """

    project: Project
    firm: str
    plugins: tuple[str, str]
    settings: Mapping[str, str]
    secrets: Iterable[str] = ()
    environment: str | None = None
    inbox: Inbox | None = None
    lock: int | None = None
    refresh: Sequence[str] = ()
    build: str | None = None
    summary: Summary = field(default_factory=Summary)
    _is_stopping: bool = False

    @property
    def reader(self) -> str:
        """What the states of all firms of this job have in common."""
        extractor, loader = self.plugins
        return f"{self.environment or self.project.environment}:{extractor}-to-{loader}"

    @property
    def state_id(self) -> str:
        """Meltano's name of the state."""
        return f"{self.reader}:{self.firm}"

    def __enter__(self) -> Self:
        """Start the run.

        Raises:
            NotInstalledError: A plugin is not installed.
            StateError: The state cannot be changed.
        """
        _remove_leftovers(self.firm)
        self._folder = tempfile.TemporaryDirectory(prefix=f"smokeball-{os.getpid()}-{self.firm}-")
        system = Path(self._folder.name)
        try:
            self._prepare(system)
            if self.refresh:
                self._forget_state()
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
                pass_fds=() if self.lock is None else (self.lock,),
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

        Raises:
            BusyError: Another run of the firm is active, on whatever machine.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            status = self._process.poll()
            for line in _lines(self._output):
                level, plugin, text = parse_log_line(_redact(line, self.secrets))
                self.summary.read(plugin, text)
                log(level, plugin, text)
            if status is not None:
                if status == BUSY_STATUS and self.inbox:
                    raise BusyError(f"{self.state_id}: another run is active")
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

    def saved_state(self) -> dict[str, Any]:
        """Return the state in the backend; empty if there is none.

        Raises:
            StateError: It cannot be read.
        """
        done = self._call_meltano("state", "get", self.state_id)
        lines = [line for line in done.splitlines() if line.startswith("{")]
        try:
            found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        except ValueError:
            raise StateError("the state in the backend is not JSON") from None
        return found

    def _forget_state(self) -> None:
        """Remove streams from the state, so that the run reads them from the start."""
        state = self.saved_state()
        bookmarks = state.get("singer_state", {}).get("bookmarks", {})
        for name in list(bookmarks):
            if name in self.refresh or "*" in self.refresh:
                del bookmarks[name]
        if not state:
            return
        path = Path(self._folder.name, "new_state.json")
        path.write_text(json.dumps(state), encoding="utf-8")
        self._call_meltano("state", "set", "--force", "--input-file", str(path), self.state_id)

    def _call_meltano(self, *arguments: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the program of the project
                [self.project.meltano, "--env-file", os.devnull, *arguments],
                cwd=self.project.root,
                env={**inherited_environment(), **self._own_variables(Path(self._folder.name))},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=STOP_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StateError("the state backend does not respond") from None
        if done.returncode:
            raise StateError(
                f"meltano {' '.join(arguments[:2])} exited with status {done.returncode}. "
                "Check MELTANO_STATE_BACKEND_URI and the rights of the worker."
            )
        return done.stdout

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
        command += ["--environment", self.environment or self.project.environment]
        # --force: after a kill, Meltano's own lock would last five minutes. The locks here do not.
        command += ["run", "--no-install", "--force", "--state-id-suffix", self.firm]
        command += [*self.plugins, *([self.build] if self.build else [])]
        if self.inbox:
            command = [*self.inbox.exclusive(self.firm), *command]
        # If this process is killed, its run must stop: it would overlap with the next one.
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else command

    def _environment(self, system: Path) -> dict[str, str]:
        variables = {**inherited_environment(), **self._build_variables()}
        variables |= {**self.settings, **self._own_variables(system)}
        return variables | (self.inbox.variables if self.inbox else {})

    def _build_variables(self) -> dict[str, str]:
        """Give each firm a folder for dbt, whose parsed project saves time in the next run."""
        if not self.build:
            return {}
        folder = self.project.system / "dbt" / self.firm
        paths = {"target_path": str(folder / "target"), "log_path": str(folder / "logs")}
        return variables(self.build.partition(":")[0], paths)

    def _own_variables(self, system: Path) -> dict[str, str]:
        return {
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
