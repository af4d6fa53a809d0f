"""Check that the tests detect deliberate bugs: mutation testing with a table of chosen bugs.

Coverage says that a line runs, not that a test fails when the line is wrong. ``tests/mutants.toml``
lists the lines that carry the promises of the README, each with a wrong version and the tests that
must detect it. ``python -m scripts.mutants`` makes one change at a time in a temporary copy of the
checkout, runs the named tests, and prints the changes that no test detects.

To add a row::

    [redirects-followed]                      the bug, as the report names it
    file = "api/transport.py"                 relative to tap_smokeball/, or in dbt/
    before = "allow_redirects=False"          text that occurs exactly once in the file
    after = "allow_redirects=True"            what replaces it
    tests = ["test_x.py::test_y"]             relative to tests/; choose fast ones

Then run ``python -m scripts.mutants --only redirects-followed``. A row is an error if its text does
not occur exactly once, or if its tests fail without the change. The exit status is 1 if a change is
not detected or a row is an error.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "tests" / "mutants.toml"
COPIED = (
    *("tap_smokeball", "smokeball_sandbox", "tests", "scripts", "pyproject.toml"),
    *("dbt", "loaders", "meltano.yml"),
)
PROCESSES = 2
TEST_TIMEOUT_SECONDS = 60
TESTS_PASS, TESTS_FAIL = 0, 1
"""Exit statuses of pytest; any other one means that the tests could not run."""


class Outcome(Enum):
    """What the tests say about a change."""

    DETECTED = "detected"
    SURVIVED = "SURVIVED"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Mutant:
    """One deliberate bug.

    Attributes:
        name: What it breaks.
        file: The file that it changes, relative to ``tap_smokeball``, or a path in ``dbt``.
        before: Text in the file that it replaces; occurs exactly once.
        after: The text that replaces it.
        tests: Ids of the tests that must detect it, relative to ``tests``.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def path(self, checkout: Path) -> Path:
        """Return the file in a checkout."""
        folder = "" if self.file.startswith("dbt/") else "tap_smokeball"
        return checkout / folder / self.file

    def stale_reason(self, checkout: Path) -> str | None:
        """Return why the row does not fit the code, or None if it does."""
        path = self.path(checkout)
        if not path.exists():
            return f"there is no file {self.file}"
        count = path.read_text(encoding="utf-8").count(self.before)
        return None if count == 1 else f"stale row: its text occurs {count} times in {self.file}"

    @contextlib.contextmanager
    def applied(self, checkout: Path) -> Iterator[None]:
        """Change the file in a checkout, and restore it after the block."""
        path = self.path(checkout)
        original = path.read_text(encoding="utf-8")
        # A compiled file counts as current if time and size of its source are the same.
        Path(cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(original.replace(self.before, self.after), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(original, encoding="utf-8")


@dataclass(frozen=True)
class Result:
    """The outcome of one row, with a remark where one is needed."""

    mutant: Mutant
    outcome: Outcome
    seconds: float = 0.0
    remark: str = ""


def read_table(path: Path) -> list[Mutant]:
    """Return the rows of a table."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Mutant(name, row["file"], row["before"], row["after"], tuple(row["tests"]))
        for name, row in table.items()
    ]


def copy_checkout(target: Path) -> Path:
    """Copy what the tests need into a new folder, and return the folder."""
    target.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        else:
            shutil.copy(source, target / name)
    for environment in ROOT.glob(".venv-*"):
        (target / environment.name).symlink_to(environment)
    return target


def run_tests(checkout: Path, tests: Sequence[str], *options: str) -> tuple[int, str]:
    """Run tests in a copy of the checkout.

    Returns:
        The exit status of pytest and its output.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(  # noqa: S603
        [*command, f"--timeout={TEST_TIMEOUT_SECONDS}", *(f"tests/{test}" for test in tests)],
        cwd=checkout,
        # The tap that the tests start as a process comes from the copy, too.
        env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def failing_tests(checkout: Path, mutants: Sequence[Mutant]) -> set[str]:
    """Return the tests of a table that fail without any change: they prove nothing."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    workers = min(PROCESSES, len(tests))
    status, output = run_tests(checkout, tests, f"-n{workers if workers > 1 else 0}", "-rfE")
    if status == TESTS_PASS:
        return set()
    lines = [line.partition(" - ")[0] for line in output.splitlines()]
    failed = [line.split(" ", 1)[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    found = {test for test in tests for name in failed if f"tests/{test}" in _prefixes(name)}
    if not found:  # a test that does not exist stops pytest before any other runs
        found = {test for test in tests if f"tests/{test}" in output} or set(tests)
    return found


def _prefixes(test_id: str) -> set[str]:
    """Return the names under which a test can be selected: itself, its function, class, file."""
    parts = test_id.partition("[")[0].split("::")
    return {test_id, *("::".join(parts[:end]) for end in range(1, len(parts) + 1))}


def check(mutant: Mutant, checkout: Path, failing: set[str]) -> Result:
    """Apply one change and run its tests."""
    if reason := mutant.stale_reason(checkout):
        return Result(mutant, Outcome.ERROR, remark=reason)
    if broken := failing.intersection(mutant.tests):
        remark = f"fails without the change: {', '.join(sorted(broken))}"
        return Result(mutant, Outcome.ERROR, remark=remark)
    started = time.monotonic()
    with mutant.applied(checkout):
        status, output = run_tests(checkout, mutant.tests, "-x")
    seconds = time.monotonic() - started
    if status == TESTS_PASS:
        return Result(mutant, Outcome.SURVIVED, seconds)
    if status == TESTS_FAIL:
        return Result(mutant, Outcome.DETECTED, seconds)
    last_lines = " / ".join(output.splitlines()[-2:])
    return Result(mutant, Outcome.ERROR, seconds, f"pytest ended with {status}: {last_lines}")


def check_all(mutants: Sequence[Mutant]) -> Iterator[Result]:
    """Yield the result of each row, as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [copy_checkout(Path(folder, str(number))) for number in range(PROCESSES)]
        usable = [mutant for mutant in mutants if not mutant.stale_reason(copies[0])]
        failing = failing_tests(copies[0], usable) if usable else set()
        idle: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for copy in copies:
            idle.put(copy)

        def check_in_copy(mutant: Mutant) -> Result:
            copy = idle.get()
            try:
                return check(mutant, copy, failing)
            finally:
                idle.put(copy)

        with ThreadPoolExecutor(PROCESSES) as pool:
            yield from pool.map(check_in_copy, mutants)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the output of a command


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all rows of the table; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--table", type=Path, default=TABLE, help="table of changes (TOML)")
    parser.add_argument("--only", action="append", metavar="NAME", help="check only this row")
    parser.add_argument("--list", action="store_true", help="list the rows, then exit")
    options = parser.parse_args(arguments)
    mutants = read_table(options.table)
    if unknown := set(options.only or ()) - {mutant.name for mutant in mutants}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; see --list")
    if options.list:
        for mutant in mutants:
            _print(f"{mutant.name:42} {mutant.file:26} {', '.join(mutant.tests)}")
        return 0
    wanted = [mutant for mutant in mutants if not options.only or mutant.name in options.only]
    started = time.monotonic()
    results = []
    for result in check_all(wanted):
        results.append(result)
        line = f"{result.outcome.value:8} {result.seconds:5.1f} s  {result.mutant.name}"
        _print(f"{line}: {result.remark}" if result.remark else line)
    _print(f"{len(results)} changes in {time.monotonic() - started:.0f} s")
    for outcome, label in ((Outcome.SURVIVED, "Not detected"), (Outcome.ERROR, "Errors")):
        if names := [result.mutant.name for result in results if result.outcome is outcome]:
            _print(f"{label}: {', '.join(names)}")
    return int(any(result.outcome is not Outcome.DETECTED for result in results))


if __name__ == "__main__":
    sys.exit(main())
