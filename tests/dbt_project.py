"""Runs the dbt package in a test."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import ROOT, environment_python

PACKAGE = ROOT / "dbt"
PROFILES = Path(__file__).parent / "dbt_profiles"
UNIT_TESTS = "--exclude-resource-type=unit_test"


@dataclass
class DbtProject:
    """The dbt package with a warehouse.

    Attributes:
        folder: Folder of the compiled statements and results.
        target: Name of the profile's target.
        variables: Variables of the package.
        environment: Environment variables of the profile.
    """

    folder: Path
    target: str
    variables: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def build(self, *arguments: str) -> dict[str, str]:
        """Build all models, and return the status of each node and test that is not a success."""
        self._run("build", *arguments)
        results = json.loads((self.folder / "target" / "run_results.json").read_bytes())["results"]
        assert results
        return {
            ".".join(each["unique_id"].split(".")[2:]): each["status"]
            for each in results
            if each["status"] not in {"success", "pass"}
        }

    def compile_offline(self) -> list[Path]:
        """Compile all statements without a connection, and return the files."""
        self.variables["smokeball__introspect"] = False
        done = self._run("compile", "--no-introspect", options=("--no-populate-cache",))
        assert done.returncode == 0, done.stdout
        return sorted((self.folder / "target" / "compiled").rglob("*.sql"))

    def _run(
        self, command: str, *arguments: str, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        cloud = self.target in {"snowflake", "bigquery"}
        program = environment_python("dbt-cloud" if cloud else "dbt").with_name("dbt")
        self.folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [
                str(program),
                *("--quiet", "--no-use-colors", "--log-level-file", "none", *options),
                *(command, "--target", self.target, "--vars", json.dumps(self.variables)),
                *arguments,
            ],
            cwd=PACKAGE,
            env={
                **os.environ,
                **self.environment,
                "DBT_PROFILES_DIR": str(PROFILES),
                "DBT_TARGET_PATH": str(self.folder / "target"),
                "DBT_LOG_PATH": str(self.folder / "logs"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        # 1: a node or a test failed; 2: dbt itself failed.
        assert done.returncode < 2, done.stdout + done.stderr
        return done
