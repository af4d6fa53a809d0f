"""Warehouses that the tests load a firm into: real ones, and what stands in for them here."""

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
from tests.servers import ROOT, bqemulator, postgres, python

if sys.version_info >= (3, 12):
    from typing import Self, override
else:
    from typing_extensions import Self, override

if TYPE_CHECKING:
    from tests.harness import Json

SESSIONS = Path(__file__).parent / "loaders"
UTC = {"TZ": "UTC", "PGTZ": "UTC"}
LAUNCHER = ROOT / "loaders" / "target-duckdb-strict" / "target_duckdb_strict.py"


class Session:
    """A program of `tests.loaders`, running in a loader's environment."""

    def __init__(self, python: Path, program: str, *arguments: str, **environment: str) -> None:
        command = [str(python), str(SESSIONS / f"{program}_session.py"), *arguments]
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
        """Have a command carried out; numbers with decimals come as they are written."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({command: argument}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._log.seek(0)
            raise AssertionError(self._log.read().decode()[-20000:])
        return json.loads(answer, parse_float=Decimal)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


class Warehouse:
    """A database, its loader, and the little of its SQL that differs.

    Attributes:
        name: What the documentation calls it.
        environment: The environment of its loader.
        decimals: Whether its loader needs amounts as decimals, not as numbers.
        grows: Whether a table can be given a column.
    """

    name: ClassVar[str]
    environment: ClassVar[str]
    decimals: ClassVar[bool] = False
    grows: ClassVar[bool] = True
    session: Session

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.python = python(self.environment)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start what it takes."""

    def load(self, messages: Path) -> Json:
        """Load the messages of a run; return the state that the loader passes on."""
        state: Json = self.session("load", str(messages))
        return state

    def ask(self, query: str) -> list[list[Any]]:
        """Return the rows of a query."""
        rows: list[list[Any]] = self.session("ask", query)
        return rows

    def answers(self, script: str) -> list[dict[str, Any]]:
        """Run statements; return the rows of the last, by column."""
        rows: list[dict[str, Any]] = self.session("answers", script)
        return rows

    def types(self, stream: str) -> dict[str, str]:
        """Return the type of each column of a table."""
        found: dict[str, str] = self.session("types", f"smokeball.{stream}")
        return found

    def table(self, stream: str) -> str:
        """Return what stands for a stream's table in a query."""
        return f"smokeball.{stream}"

    def column(self, name: str) -> str:
        """Return a column's name in a query."""
        return f'"{name}"'

    def text(self, name: str) -> str:
        """Return an expression for a column's value as a text."""
        return f"CAST({self.column(name)} AS VARCHAR)"

    def inside(self, name: str, key: str) -> str:
        """Return an expression for a text in a column with an object."""
        return f"{self.column(name)} ->> '{key}'"

    def amount(self, name: str) -> str:
        """Return an expression for an amount that can be added up."""
        return self.column(name)

    def _settings(self, **settings: Any) -> Path:
        """Write the loader's settings: those that ``meltano.yml`` ships, and how to get in here."""
        project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
        name = self.environment
        [loader] = [each for each in project["plugins"]["loaders"] if each["name"] == name]
        path = self._folder / "target.json"
        path.write_text(json.dumps({**loader["config"], **settings}))
        return path

    def _run_target(self, command: list[str], messages: Path) -> Json:
        with messages.open("rb") as lines:
            done = subprocess.run(command, stdin=lines, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        state: Json = json.loads(done.stdout.splitlines()[-1])
        return state

    def _start_session(self, program: str, *arguments: str, **environment: str) -> None:
        self.session = Session(self.python, program, *arguments, **environment)
        self._stack.callback(self.session.close)


class DuckDB(Warehouse):
    name = "DuckDB"
    environment = "target-duckdb"

    @override
    def start(self) -> None:
        # Not smokeball.duckdb: DuckDB could not tell the database from the schema.
        self.database = self._folder / "warehouse.duckdb"
        settings = self._settings(path=str(self.database))
        self._command = [str(self.python), str(LAUNCHER), "--config", str(settings)]
        self._start_session("duckdb", str(self.database))

    @override
    def load(self, messages: Path) -> Json:
        return self._run_target(self._command, messages)

    @override
    def amount(self, name: str) -> str:
        return f'CAST("{name}" AS DECIMAL(18, 2))'


class Postgres(Warehouse):
    name = "Postgres"
    environment = "target-postgres"

    @override
    def start(self) -> None:
        port = self._stack.enter_context(postgres())
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
    def load(self, messages: Path) -> Json:
        return self._run_target(self._command, messages)


class Snowflake(Warehouse):
    name = "Snowflake"
    environment = "target-snowflake"
    decimals = True

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
    def inside(self, name: str, key: str) -> str:
        return f"CAST({name.upper()}:{key} AS VARCHAR)"

    @override
    def amount(self, name: str) -> str:
        # Snowflake adds up decimals as they are, fakesnow makes floats of long ones.
        return f"CAST({name.upper()} AS NUMBER(18, 2))"


class BigQuery(Warehouse):
    name = "BigQuery"
    environment = "target-bigquery"
    decimals = True
    grows = False  # the loader leaves it to BigQuery's load jobs, of which the emulator lacks that

    @override
    def start(self) -> None:
        port = self._stack.enter_context(bqemulator(self._folder))
        settings = self._settings(
            project="law",
            options={"max_workers": 1},
        )
        address = f"http://127.0.0.1:{port}"
        self._start_session("bigquery", str(settings), BIGQUERY_EMULATOR_HOST=address)

    @override
    def table(self, stream: str) -> str:
        """Return the newest row of each key, as the documentation's view has it."""
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
    def text(self, name: str) -> str:
        return f"`{name}`"

    @override
    def inside(self, name: str, key: str) -> str:
        if name == "extraFields":
            return f"JSON_VALUE(`{name}`, '$.{key}')"
        return f"`{name}`.`{key}`"

    @override
    def amount(self, name: str) -> str:
        return f"CAST(`{name}` AS BIGNUMERIC)"
