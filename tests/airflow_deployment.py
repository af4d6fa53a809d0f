"""An Airflow that loads simulated firms with a Meltano project, all in one folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import requests

from tests.harness import sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json

ROOT = Path(__file__).resolve().parent.parent
DAGS = ROOT / "orchestrate" / "airflow" / "dags"
AIRFLOW = ROOT / ".venv-airflow"
MELTANO = ROOT / ".venv-demo" / "bin" / "meltano"
LOADER = ROOT / ".venv-target-duckdb"
POSTGRES_LOADER = ROOT / ".venv-target-postgres"
LAUNCHER = ROOT / "loaders" / "target-duckdb-strict" / "target_duckdb_strict.py"
MISSING_ENVIRONMENTS = [
    str(path.relative_to(ROOT)) for path in (AIRFLOW, MELTANO, LOADER) if not path.exists()
]
"""The environments that are missing on this machine."""

STREAMS = ("matters", "fees")
# Two streams are enough to show that firms do not mix.
PLUGIN_YAML = """
  - name: tap-smokeball-two
    inherit_from: tap-smokeball
    select: [matters.*, fees.*]

  loaders:
"""
# A tap that logs its settings and environment: the secrets must be redacted even so.
LEAKY_TAP = f"""#!/bin/sh
env >&2
cat "$@" >&2 2> /dev/null
exec {ROOT}/.venv/bin/tap-smokeball "$@"
"""
# Stands for dbt: records for which database it was started, and with which command.
DBT = """#!/bin/sh
echo "$1" > "$DBT_DUCKDB_PATH.$1"
"""
WEBHOOKS = f"""#!/bin/sh
exec {ROOT}/.venv/bin/tap-smokeball-webhooks "$@"
"""
QUERY = """
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall()
print(json.dumps(rows, default=str))
"""


@dataclass(frozen=True)
class DeploymentChanges:
    """What a test changes of a deployment.

    Attributes:
        app: Fields of the app.
        dags: The DAGs, each with its changed fields.
        extra: Secret settings of the app, in its connection.
        slots: Tasks at once; None for one of each firm.
        connections: More connections.
    """

    app: Json = field(default_factory=dict)
    dags: dict[str, Json] = field(default_factory=lambda: {"load": {}})
    extra: Json = field(default_factory=dict)
    slots: int | None = None
    connections: Json = field(default_factory=dict)


class Deployment:
    """The files that an Airflow worker and its Meltano need.

    Args:
        folder: The folder of the files.
        firms: The simulated firms by name.
        settings: Settings of the tap by firm.
        changes: What differs from a DAG that loads all firms into DuckDB.
    """

    def __init__(
        self,
        folder: Path,
        firms: Mapping[str, SandboxServer],
        settings: Mapping[str, Json] | None = None,
        changes: DeploymentChanges | None = None,
    ) -> None:
        self.folder = folder
        self._settings = settings or {}
        self._changes = changes or DeploymentChanges()
        self.firms = firms
        self.home = folder / "airflow"
        for firm in firms.values():
            replace_refresh_token(firm)
        self.secrets = sorted(
            {
                value
                for firm in firms.values()
                for name, value in firm.credentials.items()
                if name != "client_id"
            }
        )
        self._port = _free_port()
        self._server = f"http://127.0.0.1:{self._port}/execution"
        for name in ("airflow", "project", "tmp", "rows"):
            (folder / name).mkdir()
        self._create_database()
        self._write_project(folder / "project")
        self._write_connections()
        self._write("firms.yml", [self._firm_entry(name) for name in firms])
        loader = {
            "name": "target-duckdb",
            "settings": {
                "path": f"{folder}/rows/{{firm}}.duckdb",
                "default_target_schema": "smokeball",
                "batch_size_rows": 100,
                "flush_all_streams": True,
            },
        }
        entry = {
            "schedule": None,
            "max_run_minutes": 5,
            "extractor": "tap-smokeball-two",
            "loader": loader,
            "retries": 1,
            "retry_delay_seconds": 0,
        }
        slots = len(firms)
        app = {
            "connection": "app",
            "requests_per_second": 200 * slots,
            "burst": 5 * slots,
            "slots": slots,
            **self._changes.app,
        }
        dags = {name: entry | more for name, more in self._changes.dags.items()}
        self._write(
            "smokeball.yml",
            {"apps": {"practice": app}, "firms": {"file": "firms.yml"}, "dags": dags},
        )

    @property
    def environment(self) -> dict[str, str]:
        """The environment of Airflow's processes."""
        # Settings of a real account or of another Airflow must not leak into the test.
        foreign = ("TAP_", "TARGET_", "MELTANO_", "AIRFLOW")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        backend = {"connections_file_path": str(self.folder / "connections.json")}
        return {
            **kept,
            "PATH": f"{AIRFLOW / 'bin'}:{kept['PATH']}",
            "TMPDIR": str(self.folder / "tmp"),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef" * 4,
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._server}/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": str(1 + (self._changes.slots or len(self.firms))),
            # A process that finds the database locked fails, and the others then wait forever.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db?timeout=120",
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(backend),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a machine may be busy
            "MELTANO_PROJECT_ROOT": str(self.folder / "project"),
            "MELTANO_STATE_BACKEND_URI": (self.folder / "state").as_uri(),
            "SMOKEBALL_CONFIG": str(self.folder / "smokeball.yml"),
            "SMOKEBALL_MELTANO": str(MELTANO),
        }

    @contextmanager
    def airflow(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command of Airflow, and stop it when the block ends.

        The output is in a file with the name of the command.
        """
        with (self.folder / f"{arguments[0]}.out").open("ab") as log:
            process = subprocess.Popen(
                [str(AIRFLOW / "bin" / "airflow"), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            _stop(process)

    @contextmanager
    def running(self, *services: str) -> Iterator[None]:
        """Run the execution API and other services while the block lasts."""
        server = ["api-server", "--apps", "execution", "--host", "127.0.0.1", "--workers", "1"]
        with ExitStack() as stack:
            stack.enter_context(self.airflow(*server, "--port", str(self._port)))
            for name in services:
                stack.enter_context(self.airflow(name))
            wait_until(self._is_ready, 300)
            yield

    def attempts(self, firm: str) -> int:
        """Return the number of attempts of a firm's task."""
        query = f"SELECT try_number FROM task_instance WHERE rendered_map_index = '{firm}'"  # noqa: S608
        [(number,)] = self.query_airflow(query)
        return int(number)

    def query_airflow(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query of Airflow's database."""
        database = sqlite3.connect(f"file:{self.home}/airflow.db", uri=True, timeout=60)
        with database:
            rows = database.execute(query).fetchall()
        database.close()
        return rows

    def summaries(self) -> dict[str, Json]:
        """Return each firm's summary, the output of its task."""
        query = "SELECT value FROM xcom WHERE task_id = 'practice.load' ORDER BY timestamp"
        found = [json.loads(value) for (value,) in self.query_airflow(query)]
        return {summary["firm"]: summary for summary in found}

    def loaded_ids(self, firm: str, stream: str) -> list[str]:
        """Return the ids of the rows in a firm's database."""
        database = self.folder / "rows" / f"{firm}.duckdb"
        command = [str(LOADER / "bin" / "python"), "-c", QUERY, str(database)]
        query = f'SELECT "id" FROM smokeball.{stream} ORDER BY 1'  # noqa: S608
        done = subprocess.run([*command, query], capture_output=True, check=True)
        return [row[0] for row in json.loads(done.stdout)]

    def differences(self, *firms: str) -> list[str]:
        """Return each firm, of all or some, and stream whose rows differ from the sandbox."""
        return [
            f"{name}: {stream}"
            for name, firm in self.firms.items()
            if name in (firms or self.firms)
            for stream in STREAMS
            if self.loaded_ids(name, stream)
            != sorted(e["row"]["id"] for e in sandbox_rows(firm, stream))
        ]

    def files_with_secrets(self) -> list[str]:
        """Return the files that hold a secret, except for the connections."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        credentials = self.folder / "connections.json"
        wanted = [secret.encode() for secret in self.secrets]
        assert all(secret in credentials.read_bytes() for secret in wanted)
        return [
            str(path.relative_to(self.folder))
            for path in files
            if path != credentials and any(secret in path.read_bytes() for secret in wanted)
        ]

    def logs(self, firm: str) -> str:
        """Return the logs of all attempts to load a firm."""
        query = f"SELECT map_index FROM task_instance WHERE rendered_map_index = '{firm}'"  # noqa: S608
        [(index,)] = self.query_airflow(query)
        files = self.home.rglob(f"task_id=practice.load/map_index={index}/attempt=*.log")
        return "".join(path.read_text() for path in files)

    def state(self, firm: str) -> str:
        """Return a firm's state from the backend that all workers share."""
        files = (self.folder / "state").glob(f"*:{firm}/state.json")
        return "".join(path.read_text() for path in files)

    def task_process_id(self, firm: str) -> int:
        """Return the id of the process that runs a firm's task."""
        [folder] = (self.folder / "tmp").glob(f"smokeball-*-{firm}-*")
        return int(folder.name.split("-")[1])

    def _is_ready(self) -> bool:
        with (
            suppress(OSError),
            urlopen(  # noqa: S310 - ours
                f"{self._server}/health", timeout=60
            ) as response,
        ):
            return bool(response.status == HTTPStatus.OK)
        return False

    def _create_database(self) -> None:
        shutil.copy(AIRFLOW / "home" / "airflow.db", self.home)
        database = sqlite3.connect(self.home / "airflow.db")
        # Readers and a writer do not lock each other out.
        database.execute("PRAGMA journal_mode = WAL")
        database.close()

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content))  # JSON is YAML

    def _firm_entry(self, name: str) -> Json:
        url = self.firms[name].url
        settings = {"api_url": url, "auth_url": url, **self._settings.get(name, {})}
        return {"firm": name, "settings": settings}

    def _write_project(self, folder: Path) -> None:
        """Write a Meltano project whose plugins are the existing environments."""
        text = (ROOT / "meltano.yml").read_text()
        assert text.count("\n  loaders:\n") == 1
        (folder / "meltano.yml").write_text(text.replace("\n  loaders:\n", PLUGIN_YAML))
        (folder / ".meltano").mkdir()
        shutil.copy(AIRFLOW / "home" / "meltano.db", folder / ".meltano")
        launch = f'#!/bin/sh\nexec {LOADER}/bin/python {LAUNCHER} "$@"\n'
        postgres = f'#!/bin/sh\nexec {POSTGRES_LOADER}/bin/target-postgres "$@"\n'
        for kind, plugin, program, script in (
            ("extractors", "tap-smokeball", "tap-smokeball", LEAKY_TAP),
            ("extractors", "tap-smokeball", "tap-smokeball-webhooks", WEBHOOKS),
            ("loaders", "target-duckdb", "target-duckdb-strict", launch),
            ("utilities", "dbt-duckdb", "dbt", DBT),
            ("loaders", "target-postgres", "target-postgres", postgres),
        ):
            programs = folder / ".meltano" / kind / plugin / "venv" / "bin"
            programs.mkdir(parents=True, exist_ok=True)
            (programs / program).write_text(script)
            (programs / program).chmod(0o755)

    def _write_connections(self) -> None:
        credentials = next(iter(self.firms.values())).credentials
        app = {
            "conn_type": "generic",
            "login": credentials["client_id"],
            "password": credentials["client_secret"],
            "extra": {"api_key": credentials["api_key"], **self._changes.extra},
        }
        firms = {
            f"smokeball_{name}": {
                "conn_type": "generic",
                "password": firm.credentials["refresh_token"],
                "extra": {"user_agent": f"agent-of-{name}"},
            }
            for name, firm in self.firms.items()
        }
        self._write("connections.json", {"app": app, **firms, **self._changes.connections})


def replace_refresh_token(firm: SandboxServer) -> None:
    """Let a firm accept a refresh token of its own, and that of no other firm."""
    credentials = firm.credentials
    firm.control.settings(rotate_refresh_tokens="invalidate")
    form = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    client = (credentials["client_id"], credentials["client_secret"])
    response = requests.post(f"{firm.url}/oauth2/token", form, auth=client, timeout=30)
    credentials["refresh_token"] = response.json()["refresh_token"]
    firm.control.settings(rotate_refresh_tokens=False)


def wait_until(
    condition: Callable[[], object], seconds: float, explain: Callable[[], str] = str
) -> None:
    """Wait until a condition holds.

    Args:
        condition: The condition.
        seconds: Maximum time.
        explain: Returns what the error shows.

    Raises:
        TimeoutError: The condition did not hold in time.
    """
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not true after {seconds} s: {condition} {explain()}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.wait()
        return
