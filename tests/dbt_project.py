"""Runs the dbt package in a test."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers import ROOT, environment_python
from tests.warehouses import Session

if sys.version_info >= (3, 12):
    from typing import Self
else:
    from typing_extensions import Self

if TYPE_CHECKING:
    from types import TracebackType

PACKAGE = ROOT / "dbt"
PROFILES = Path(__file__).parent / "dbt_profiles"
UNIT_TESTS = "--exclude-resource-type=unit_test"


@dataclass
class DbtProject:
    """The dbt package with a warehouse, as a context manager that ends dbt's process.

    Attributes:
        folder: Folder of the compiled statements and results.
        target: Name of the profile's target.
        variables: Variables of the package.
        environment: Environment variables of the profile.
        database: File for the next command in DuckDB. dbt sees all files at one path, because it
            parses the package again when the profile has changed.
        messages: What dbt said about each node that failed in the last command.
    """

    folder: Path
    target: str
    variables: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    database: Path | None = None
    messages: list[str] = field(default_factory=list, init=False)
    _session: Session | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            self._session.close()

    def build(self, *arguments: str) -> dict[str, str]:
        """Build all models, and return the status of each node and test that is not a success."""
        return self.run("build", *arguments)

    def run(self, command: str, *arguments: str, options: tuple[str, ...] = ()) -> dict[str, str]:
        """Run a command, and return the status of each node that is not a success."""
        results = self._folder_of(command)
        results.unlink(missing_ok=True)
        self._invoke(command, *arguments, options=options)
        found = json.loads(results.read_bytes())["results"]
        assert found
        self.messages = [
            f"{each['unique_id']}: {each['message']}"
            for each in found
            if each["status"] in {"error", "fail"} and "message" in each
        ]
        return {
            ".".join(each["unique_id"].split(".")[2:]): each["status"]
            for each in found
            if each["status"] not in {"success", "pass"}
        }

    def compile_offline(self) -> list[Path]:
        """Compile all statements without a connection, and return the files."""
        self.variables["smokeball__introspect"] = False
        assert self._invoke("compile", "--no-introspect", options=("--no-populate-cache",))
        return sorted((self.folder / "target" / "compiled").rglob("*.sql"))

    def _folder_of(self, command: str) -> Path:
        name = "sources.json" if command == "source" else "run_results.json"
        return self.folder / "target" / name

    def _invoke(self, command: str, *arguments: str, options: tuple[str, ...] = ()) -> bool:
        """Run a command, and return whether all of its nodes succeeded."""
        if self._session is None:
            self._session = self._start()
        if self.database:
            self.database_link.unlink(missing_ok=True)
            self.database_link.symlink_to(self.database)
        first, rest = arguments[:1], arguments[1:]
        subcommand = first if command == "source" else ()
        done = self._session(
            "invoke",
            json.dumps(
                [
                    *("--quiet", "--no-use-colors", "--log-level-file", "none", *options),
                    *(command, *subcommand),
                    *("--target", self.target, "--vars", json.dumps(self.variables)),
                    *(rest if subcommand else arguments),
                ]
            ),
        )
        assert done["error"] is None, done["error"]
        succeeded: bool = done["succeeded"]
        return succeeded

    @property
    def database_link(self) -> Path:
        """Return where dbt sees the file of DuckDB."""
        # Views hold the name of the database, which is that of the file.
        name = self.database.name if self.database else "warehouse.duckdb"
        return self.folder / "database" / name

    def _start(self) -> Session:
        cloud = self.target in {"snowflake", "bigquery"}
        self.database_link.parent.mkdir(parents=True, exist_ok=True)
        return Session(
            environment_python("dbt-cloud" if cloud else "dbt"),
            "dbt",
            DBT_TEST_DUCKDB=str(self.database_link),
            **self.environment,
            DBT_PROJECT_DIR=str(PACKAGE),
            DBT_PROFILES_DIR=str(PROFILES),
            DBT_TARGET_PATH=str(self.folder / "target"),
            DBT_LOG_PATH=str(self.folder / "logs"),
        )
