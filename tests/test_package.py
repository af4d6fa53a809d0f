"""The released packages install and run with their own dependencies alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / ".venv-runtime" / "bin" / "python"
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+) - \d{4}-\d\d-\d\d")


def build(project: Path, folder: Path, *more: str) -> list[Path]:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--directory",
        folder,
        *more,
    ]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the source distribution and the wheel."""
    return sorted(build(ROOT, tmp_path_factory.mktemp("dist")), key=lambda path: path.suffix)


def test_wheel_of_sdist_equals_wheel_of_source(packages: list[Path], tmp_path: Path) -> None:
    source, wheel = packages
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    rebuilt = build(
        tmp_path / source.name.removesuffix(".tar.gz"), tmp_path / "dist", "-t", "wheel"
    )
    assert [path.name for path in rebuilt] == [wheel.name]
    first, second = (zipfile.ZipFile(path) for path in (wheel, *rebuilt))
    assert {path: first.read(path) for path in first.namelist()} == {
        path: second.read(path) for path in second.namelist()
    }


@pytest.mark.skipif(not RUNTIME.exists(), reason="`make test` sets up the environment")
def test_wheel_runs_with_runtime_dependencies(packages: list[Path], tmp_path: Path) -> None:
    """The wheel needs no development dependency, and names the extras that it lacks."""
    zipfile.ZipFile(packages[1]).extractall(tmp_path)  # noqa: S202 - our own

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [RUNTIME, "-m", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run("pip", "--version").returncode, (
        "the environment has more packages than the runtime ones"
    )
    for option in ("--help", "--version", "--discover"):
        done = run("tap_smokeball", option)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    scripts = next(tmp_path.glob("*.dist-info/entry_points.txt")).read_text()
    assert "tap-smokeball = tap_smokeball.__main__:main" in scripts
    assert "tap-smokeball-login = tap_smokeball.login.__main__:main" in scripts
    assert "tap-smokeball-webhooks = tap_smokeball.webhooks.__main__:main" in scripts
    missing = run("tap_smokeball.login", "--help")
    assert missing.returncode == 1
    assert "with its extra `login`" in missing.stderr
    receiver = run("tap_smokeball.webhooks", "serve", "--help")
    assert (receiver.returncode, receiver.stderr) == (0, ""), receiver.stderr


@pytest.mark.skipif(not RUNTIME.exists(), reason="`make test` sets up the environment")
def test_wheel_runs_without_extras(packages: list[Path], tmp_path: Path) -> None:
    """The runtime environment has the receiver's packages; the tap runs without them."""
    zipfile.ZipFile(packages[1]).extractall(tmp_path)  # noqa: S202 - our own
    hidden = ("h11", "prometheus_client", "psycopg", "starlette", "uvicorn")
    program = f"""
import importlib.util, runpy, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in {hidden} else find(name, *more)
sys.modules.update(dict.fromkeys({hidden}))
sys.argv[:] = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [RUNTIME, "-c", program, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("tap_smokeball", "--discover")
    assert done.returncode == 0, done.stderr
    missing = run("tap_smokeball.webhooks", "--help")
    assert missing.returncode == 1
    assert "with its extra `webhooks`" in missing.stderr


def test_changelog_lists_versions_in_order() -> None:
    unreleased, *released = HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if unreleased != "Unreleased":
        released.insert(0, unreleased)
    found = [RELEASE.fullmatch(heading) for heading in released]
    assert all(found), released
    versions = [tuple(map(int, match.groups())) for match in found if match]
    assert versions == sorted(set(versions), reverse=True)
