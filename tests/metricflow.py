"""Queries the metrics of the dbt package with MetricFlow."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.dbt_project import PACKAGE, PROFILES
from tests.servers import environment_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project import DbtProject


@dataclass
class MetricFlow:
    """MetricFlow on a built project. It reads the manifest in the folder of the project alone.

    Attributes:
        project: The project, built in DuckDB.
        folder: An empty folder.
    """

    project: DbtProject
    folder: Path

    def __post_init__(self) -> None:
        self._copy = self.folder / "package"
        shutil.copytree(PACKAGE, self._copy, ignore=shutil.ignore_patterns("target", "logs"))
        (self._copy / "target").symlink_to(self.project.folder / "target")

    def is_valid(self) -> bool:
        """Return whether all metrics can be queried in the warehouse."""
        return self._run("validate-configs").returncode == 0

    def query(self, *metrics: str, group_by: str | None = None) -> list[dict[str, Any]]:
        """Return the values of metrics, those that are numbers as decimals."""
        output = self.folder / "values.csv"
        groups = ("--group-by", group_by) if group_by else ()
        done = self._run("query", "--metrics", ",".join(metrics), *groups, "--csv", str(output))
        assert done.returncode == 0, done.stdout + done.stderr
        with output.open(encoding="utf-8", newline="") as rows:
            return [
                {k: Decimal(v or 0) if k in metrics else v for k, v in row.items()}
                for row in csv.DictReader(rows)
            ]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(environment_python("dbt-cloud").with_name("mf")), *arguments],
            cwd=self._copy,
            env={
                **os.environ,
                "DBT_PROFILES_DIR": str(PROFILES),
                "DBT_TEST_DUCKDB": str(self.project.database_link),
            },
            capture_output=True,
            text=True,
            check=False,
        )
