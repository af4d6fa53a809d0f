"""The dbt package compiles for the cloud warehouses, and each statement is of their SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlglot
from sqlglot import exp

from tests.dbt_project import PACKAGE, DbtProject
from tests.servers import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_package_compiles_for_cloud(tmp_path: Path, dialect: str) -> None:
    """The adapter compiles each model; sqlglot reads all of them. Neither runs a statement."""
    with DbtProject(tmp_path, dialect, {"smokeball__timezone": "Australia/Sydney"}) as project:
        try:
            files = project.compile_offline()
        except UnavailableError as error:
            pytest.skip(str(error))
    names = ("models", "analyses")
    models = {path.stem for name in names for path in PACKAGE.glob(f"{name}/**/*.sql")}
    assert models <= {path.stem for path in files}
    for path in files:
        for statement in sqlglot.parse(path.read_text(encoding="utf-8"), dialect=dialect):
            # sqlglot keeps what it cannot read as a command.
            assert statement is not None
            assert not list(statement.find_all(exp.Command)), path.name
