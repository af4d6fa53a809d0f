"""Warehouses that the tests load: local servers, and emulators of cloud services."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from tests.recorded_firm import primary_keys
from tests.servers import ROOT, bigquery_emulator, environment_python, postgres_server

if sys.version_info >= (3, 12):
    from typing import Self, override
else:
    from typing_extensions import Self, override

if TYPE_CHECKING:
    from tests.dbt_project import DbtProject
    from tests.harness import Json

SESSIONS = Path(__file__).parent / "loaders"
UTC = {"TZ": "UTC", "PGTZ": "UTC"}
LAUNCHER = ROOT / "loaders" / "target-duckdb-strict" / "target_duckdb_strict.py"


class Session:
    """A program of `tests.loaders` that runs in a loader's environment."""

    def __init__(
        self, python_path: Path, program: str, *arguments: str, **environment: str
    ) -> None:
        command = [str(python_path), str(SESSIONS / f"{program}_session.py"), *arguments]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **UTC, **environment},
            text=True,
        )

    def __call__(self, command: str, argument: str) -> Any:
        """Run a command and return its result, with numbers as decimals."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({command: argument}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise AssertionError(self._log.read().decode()[-20000:])
        return json.loads(line, parse_float=Decimal)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


class Warehouse:
    """A database, its loader, and the differences of its SQL.

    Attributes:
        name: The name in the documentation.
        environment: The environment of the loader.
        needs_decimals: Whether the loader needs amounts as decimals instead of numbers.
        can_add_columns: Whether the loader can add a column to a table.
    """

    name: ClassVar[str]
    environment: ClassVar[str]
    needs_decimals: ClassVar[bool] = False
    can_add_columns: ClassVar[bool] = True
    session: Session

    def __init__(self, folder: Path, schema: str = "smokeball") -> None:
        self._folder = folder
        self._schema = schema
        self._stack = ExitStack()
        self.python = environment_python(self.environment)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the database and the session."""

    def load(self, messages: Path) -> Json:
        """Load the messages of a run; return the state that the loader writes."""
        state: Json = self.session("load", str(messages))
        return state

    def query(self, statement: str) -> list[list[Any]]:
        """Return the rows of a query."""
        rows: list[list[Any]] = self.session("query", statement)
        return rows

    def run_script(self, script: str) -> list[dict[str, Any]]:
        """Run statements; return the rows of the last one as dictionaries."""
        rows: list[dict[str, Any]] = self.session("run_script", script)
        return rows

    def connect(self, project: DbtProject) -> None:
        """Let the next command of dbt use this warehouse."""
        raise NotImplementedError

    def types(self, stream: str) -> dict[str, str]:
        """Return the type of each column of a table."""
        found: dict[str, str] = self.session("types", f"smokeball.{stream}")
        return found

    def table(self, stream: str) -> str:
        """Return the expression for a stream's table in a query."""
        return f"smokeball.{stream}"

    def column(self, name: str) -> str:
        """Return a column's name in a query."""
        return f'"{name}"'

    def as_text(self, name: str) -> str:
        """Return an expression for a column's value as text."""
        return f"CAST({self.column(name)} AS VARCHAR)"

    def json_field(self, name: str, key: str) -> str:
        """Return an expression for a text field of a column with an object."""
        return f"{self.column(name)} ->> '{key}'"

    def amount(self, name: str) -> str:
        """Return an expression for an amount that SUM accepts."""
        return self.column(name)

    def _settings(self, **settings: Any) -> Path:
        """Write the loader's settings: those of ``meltano.yml``, and the connection."""
        project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
        name = self.environment
        [loader] = [entry for entry in project["plugins"]["loaders"] if entry["name"] == name]
        path = self._folder / f"target-{self._schema}.json"
        path.write_text(json.dumps({**loader["config"], **settings}))
        return path

    def _run_target(self, command: list[str], messages: Path) -> Json:
        with messages.open("rb") as lines:
            done = subprocess.run(command, stdin=lines, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        states = done.stdout.splitlines()
        state: Json = json.loads(states[-1]) if states else {}
        return state

    def _start_session(self, program: str, *arguments: str, **environment: str) -> None:
        self.session = Session(self.python, program, *arguments, **environment)
        self._stack.callback(self.session.close)


class DuckDB(Warehouse):
    name = "DuckDB"
    environment = "target-duckdb"

    @override
    def start(self) -> None:
        # The name smokeball.duckdb would be ambiguous: the schema is called smokeball, too.
        self.database = self._folder / "warehouse.duckdb"
        settings = self._settings(path=str(self.database), default_target_schema=self._schema)
        self._command = [str(self.python), str(LAUNCHER), "--config", str(settings)]
        self._start_session("duckdb", str(self.database))

    @override
    def load(self, messages: Path) -> Json:
        return self._run_target(self._command, messages)

    @override
    def connect(self, project: DbtProject) -> None:
        project.database = self.database

    @override
    def amount(self, name: str) -> str:
        return f'CAST("{name}" AS DECIMAL(18, 2))'


class Postgres(Warehouse):
    name = "Postgres"
    environment = "target-postgres"

    @override
    def start(self) -> None:
        self.port = port = self._stack.enter_context(postgres_server())
        settings = self._settings(
            host="127.0.0.1",
            port=port,
            user="postgres",
            password="-",  # noqa: S106 - the server asks for none
            database="postgres",
        )
        target = self.python.with_name("target-postgres")
        self._command = [str(target), "--config", str(settings)]
        self._start_session("postgres", f"host=127.0.0.1 port={port} user=postgres")

    @override
    def connect(self, project: DbtProject) -> None:
        project.environment["DBT_TEST_PORT"] = str(self.port)

    @override
    def load(self, messages: Path) -> Json:
        return self._run_target(self._command, messages)


class Snowflake(Warehouse):
    name = "Snowflake"
    environment = "target-snowflake"
    needs_decimals = True

    @override
    def start(self) -> None:
        settings = self._settings(
            account="account",
            user="user",
            password="-",  # noqa: S106 - fakesnow asks for none
            database="LAW",
        )
        self._start_session("snowflake", str(settings))

    @override
    def column(self, name: str) -> str:
        return name.upper()

    @override
    def json_field(self, name: str, key: str) -> str:
        return f"CAST({name.upper()}:{key} AS VARCHAR)"

    @override
    def amount(self, name: str) -> str:
        # Snowflake sums decimals exactly; fakesnow turns long ones into floats.
        return f"CAST({name.upper()} AS NUMBER(18, 2))"


class BigQuery(Warehouse):
    name = "BigQuery"
    environment = "target-bigquery"
    needs_decimals = True
    can_add_columns = False  # the emulator's load jobs cannot

    @override
    def start(self) -> None:
        port = self._stack.enter_context(bigquery_emulator(self._folder))
        settings = self._settings(
            project="law",
            options={"max_workers": 1},
        )
        address = f"http://127.0.0.1:{port}"
        self._start_session("bigquery", str(settings), BIGQUERY_EMULATOR_HOST=address)

    @override
    def table(self, stream: str) -> str:
        """Return the newest row of each key, by the view in the documentation."""
        page = (ROOT / "docs" / "warehouses.md").read_text(encoding="utf-8")
        [view] = re.findall(
            r"```sql\nCREATE VIEW smokeball.fees_newest AS\n(.*?);\n```", page, re.DOTALL
        )
        key = ", ".join(f"`{name}`" for name in primary_keys(stream))
        query = view.replace("`smokeball`.`fees`", f"`smokeball`.`{stream}`")
        return f"({query.replace('PARTITION BY `id`', f'PARTITION BY {key}')})"

    @override
    def column(self, name: str) -> str:
        return f"`{name}`"

    @override
    def as_text(self, name: str) -> str:
        return f"`{name}`"

    @override
    def json_field(self, name: str, key: str) -> str:
        if name == "extraFields":
            return f"JSON_VALUE(`{name}`, '$.{key}')"
        return f"`{name}`.`{key}`"

    @override
    def amount(self, name: str) -> str:
        return f"CAST(`{name}` AS BIGNUMERIC)"
