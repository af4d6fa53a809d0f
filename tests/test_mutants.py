"""The mutation check reports changes that no test detects and rows that do not fit the code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts.mutants import ROOT, TABLE, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.mutants import Mutant

SMALL_TABLE = """
[ticks-of-second]
file = "dotnet_ticks.py"
before = "PER_SECOND = 10_000_000"
after = "PER_SECOND = 1_000_000"
tests = ["test_dotnet_ticks.py::test_ticks_from_datetime_keep_microseconds"]

[other-docstring]
file = "dotnet_ticks.py"
before = "Ticks in a day."
after = "Ticks of a day."
tests = ["test_dotnet_ticks.py::test_ticks_from_datetime_keep_microseconds"]

[text-that-is-gone]
file = "dotnet_ticks.py"
before = "PER_CENTURY"
after = "PER_DAY"
tests = ["test_dotnet_ticks.py"]

[test-that-is-gone]
file = "dotnet_ticks.py"
before = "Ticks in a second."
after = "Ticks of a second."
tests = ["test_dotnet_ticks.py::test_that_does_not_exist"]
"""


def check(table: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the check with a table."""
    command = [sys.executable, "-m", "scripts.mutants", "--table", str(table), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.toml"
    path.write_text(SMALL_TABLE)
    return path


@pytest.mark.slow
def test_mutants_report_survivor_and_stale_row(table: Path) -> None:
    code = (ROOT / "tap_smokeball" / "dotnet_ticks.py").read_text()
    done = check(
        table, "--only", "ticks-of-second", "--only", "other-docstring", "--only=text-that-is-gone"
    )
    assert done.returncode == 1
    lines = {line.split()[-1]: line.split()[0] for line in done.stdout.splitlines()[:2]}
    assert lines == {"ticks-of-second": "detected", "other-docstring": "SURVIVED"}
    assert "text-that-is-gone: stale row: its text occurs 0 times in dotnet_ticks.py" in done.stdout
    assert done.stdout.endswith("Not detected: other-docstring\nErrors: text-that-is-gone\n")
    assert (ROOT / "tap_smokeball" / "dotnet_ticks.py").read_text() == code


@pytest.mark.slow
def test_mutants_report_missing_test(table: Path) -> None:
    """A change is not detected by a test that cannot run."""
    done = check(table, "--only", "test-that-is-gone")
    assert done.returncode == 1
    assert "fails without the change: test_dotnet_ticks.py::test_that_does_not_exist" in done.stdout


@pytest.mark.slow
def test_mutants_pass_if_all_are_detected(table: Path) -> None:
    done = check(table, "--only", "ticks-of-second")
    assert (done.returncode, done.stdout.count("detected")) == (0, 1)


def test_mutants_list_names_all_rows(table: Path) -> None:
    done = check(table, "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "ticks-of-second",
        "other-docstring",
        "text-that-is-gone",
        "test-that-is-gone",
    ]
    assert check(table, "--only", "unknown").returncode == 2


@pytest.mark.parametrize("mutant", read_table(TABLE), ids=lambda mutant: mutant.name)
def test_mutants_table_fits_code(mutant: Mutant) -> None:
    """Each row changes text that exists; `make mutants` runs its tests."""
    assert mutant.stale_reason(ROOT) is None
    assert mutant.before != mutant.after
