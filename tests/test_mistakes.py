"""Ordinary mistakes: each gives one clear line, and nothing is built or deleted before."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.forked_process import run_forked
from tests.harness import DEFAULT_STREAMS, TAP, Process, catalog, config, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534

MISSPELLED = {
    "TAP_SMOKEBALL_STAR_DATE": "TAP_SMOKEBALL_STAR_DATE: no such setting, ignored; did you mean "
    "TAP_SMOKEBALL_START_DATE?",
    "TAP_SMOKBALL_PAGE_SIZE": "TAP_SMOKBALL_PAGE_SIZE: no such setting, ignored; did you mean "
    "TAP_SMOKEBALL_PAGE_SIZE?",
    "tap_smokeball_page_size": "tap_smokeball_page_size: no such setting, ignored; did you mean "
    "TAP_SMOKEBALL_PAGE_SIZE?",
    "TAP_SMOKEBALL_XYZ": "TAP_SMOKEBALL_XYZ: no such setting, ignored",
}
"""Variables, and the line for each."""

MISSPELLED_IN_FILE = "TAP_SMOKEBALL_MAX_RUN_MINUTE"

RULES = {
    "fee.*": "select: `fee.*` matches no stream, so it selects nothing; did you mean fees?",
    "staff.nosuch": "select: `staff.nosuch` matches no column, so it selects nothing",
    "!contacts.person.nots": "select: `!contacts.person.nots` matches no column, so it excludes "
    "nothing; did you mean contacts.person.notes?",
    "*.nosuch_x*": "select: `*.nosuch_x*` matches no column, so it selects nothing",
}
"""Select rules, and the line for each."""

VALID_RULES = ["fees.*", "!matters.items", "*.*", "staff", "invoices.debtors.contact", "f*.i?"]

# What Meltano 4 sets for a plugin and for those that inherit from it.
MELTANO_VARIABLES = {
    "MELTANO_EXTRACT__SELECT": json.dumps([*RULES, *VALID_RULES]),
    "MELTANO_EXTRACT__SELECT_FILTER": "[]",
    "MELTANO_EXTRACTOR_NAMESPACE": "tap_smokeball",
    "TAP_SMOKEBALL__SELECT": json.dumps([*RULES, *VALID_RULES]),
    "TAP_SMOKEBALL__SELECT_FILTER": "[]",
    "TAP_SMOKEBALL__CATALOG": "",
    "TAP_SMOKEBALL__LOAD_SCHEMA": "tap_smokeball",
    "TAP_SMOKEBALL__LOG_PARSER": "singer-sdk",
    "TAP_SMOKEBALL__METADATA": '{"staff": {"foo": "bar"}}',
    "TAP_SMOKEBALL__METADATA_STAFF_FOO": "bar",
    "TAP_SMOKEBALL__SCHEMA": "{}",
    "TAP_SMOKEBALL__USE_CACHED_CATALOG": "true",
    "TAP_SMOKEBALL_STREAM_MAPS_FEES_NOTE": "'x'",
    "TAP_SMOKEBALL_CORE__SELECT": "[]",
    "TAP_SMOKEBALL_CORE_START_DATE": "2026-01-01",
    "TAP_SMOKEBALL_LOGLEVEL": "info",
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory, shared_server: SandboxServer) -> list[str]:
    """Return the warnings of one run with all of these mistakes, as Meltano starts it."""
    folder = tmp_path_factory.mktemp("names")
    settings = {**config(shared_server), "max_run_minutes": 1e-9}
    variables = {f"TAP_SMOKEBALL_{name.upper()}": str(v) for name, v in settings.items()}
    content = "".join(f"{name}={value}\n" for name, value in variables.items())
    (folder / ".env").write_text(f"{content}{MISSPELLED_IN_FILE}=1\n")
    (folder / ".env").chmod(0o600)
    (folder / "catalog.json").write_text(json.dumps(catalog()))
    done = run_forked(
        [*TAP, "--config=ENV", "--catalog", "catalog.json"],
        cwd=folder,
        env={**os.environ, **MELTANO_VARIABLES, **dict.fromkeys(MISSPELLED, "1")},
    )
    assert done.returncode == 0, done.stderr
    found = re.findall(r"\| WARNING +\| tap-smokeball +\| (.*)", done.stderr.decode())
    return [line for line in found if "time limit" not in line]


class TestNames:
    @pytest.mark.parametrize("name", MISSPELLED)
    def test_misspelled_variable_is_named(self, lines: list[str], name: str) -> None:
        assert lines.count(MISSPELLED[name]) == 1

    def test_misspelled_line_of_env_file_is_named(self, lines: list[str]) -> None:
        expected = f"{MISSPELLED_IN_FILE}: no such setting, ignored; did you mean "
        assert [line for line in lines if line.startswith(MISSPELLED_IN_FILE)] == [
            f"{expected}TAP_SMOKEBALL_MAX_RUN_MINUTES?"
        ]

    @pytest.mark.parametrize("rule", RULES)
    def test_select_rule_without_match_is_named(self, lines: list[str], rule: str) -> None:
        assert lines.count(RULES[rule]) == 1

    def test_names_of_meltano_are_no_mistakes(self, lines: list[str]) -> None:
        """There is no line but one for each mistake."""
        assert len(lines) == len(MISSPELLED) + len(RULES) + 1, lines


def test_variables_are_ignored_without_env_config(firm: SandboxServer, process: Process) -> None:
    output = process.run(config(firm), environment={"TAP_SMOKEBALL_STAR_DATE": "2026-01-01"})
    assert "no such setting" not in output.stderr


def test_catalog_with_unknown_names_is_warned(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A catalog that selects a stream or a column that does not exist."""
    given = catalog()
    staff = next(one for one in given["streams"] if one["tap_stream_id"] == "staff")
    given["streams"].append({**staff, "tap_stream_id": "fee", "stream": "fee"})
    staff["metadata"].append(
        {"breadcrumb": ["properties", "firstNme"], "metadata": {"selected": True}}
    )
    assert run(config(firm), catalog=given).status == 0
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("catalog: ")]
    assert lines == [
        "catalog: `staff` has no column `firstNme`; left out; did you mean firstName?",
        "catalog: there is no stream `fee`; left out; did you mean fees?",
    ]


WRONG_SETTINGS: dict[str, Json] = {
    "secret": {"client_secret": "wrong-secret"},
    "refresh token": {"refresh_token": "wrong-token"},
    "key": {"api_key": "wrong-key"},
    "path": {"api_url": "{url}/v1"},
    "https": {"api_url": "{tls_url}", "auth_url": "{tls_url}"},
    "port": {"api_url": "http://127.0.0.1:1", "max_retries": 0},
}
ERRORS = {
    "secret": "401: invalid_client from the token endpoint. Check client_id and client_secret, ",
    "refresh token": "400: invalid_grant from the token endpoint. The refresh token is expired ",
    "key": "403 …: access denied to every stream. Check api_key ",
    "path": "403 …: access denied to every stream, and api_url has a path, which Smokeball's hosts "
    "have not. Remove the path from api_url, ",
    "https": "login …: the server does not speak TLS on this port. Check the port of api_url and ",
    "port": "activity_codes …: no connection, tried once. Check the network, api_url ",
}
"""The last and only error; a request is between parentheses."""


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_wrong_setting_is_one_error_at_end(
    shared_server: SandboxServer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    urls = {"url": shared_server.url, "tls_url": shared_server.url.replace("http:", "https:")}
    settings = {
        key: value.format(**urls) if isinstance(value, str) else value
        for key, value in config(shared_server, **WRONG_SETTINGS[name]).items()
    }
    output = run(settings, catalog=catalog(wanted=DEFAULT_STREAMS))
    assert output.status == 1
    lines = [record.getMessage() for record in caplog.records if record.levelname != "INFO"]
    assert len(lines) == 1, lines
    text = (
        re.sub(r"(?:\w+ )?\([A-Z]+ .*?\)", "…", lines[0]) if name in {"key", "path"} else lines[0]
    )
    text = re.sub(r" \([A-Z]+ .*?\)", " …", text)
    assert text.startswith(f"All {len(DEFAULT_STREAMS)} streams failed: {ERRORS[name]}")
    assert caplog.records[-1].levelname == "ERROR"


def test_sandbox_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "smokeball_sandbox", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} is in use. Stop the other program or pass --port; 0 chooses a free one.\n"
    )


LOCK_FILES = [f"requirements/{name}.txt" for name in ("uv", "dev", "demo")]


class Clone:
    """A folder with the Makefile, and programs in place of Python and uv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("bash", "sh", "sed", "paste", "mv", "rm", "touch", "mkdir", "cp"):
            (self.programs / name).symlink_to(shutil.which(name) or name)
        self.write("programs/git", "exit 0")
        self.python("3.11")
        shutil.copy(ROOT / "Makefile", folder)
        for name in (*LOCK_FILES, "codespell/house-words.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()

    def write(self, name: str, script: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def python(self, version: str) -> None:
        """Make Python have a version, and its environments an uv that succeeds."""
        status = int(version.startswith("3.9"))
        self.write(
            "programs/python3.11",
            f'case "$2" in *print*) echo {version};; *version_info*) exit {status};; esac\n'
            'if [ "$2" = venv ]; then mkdir -p "${@: -1}/bin"; cp -r uv-bin/* "${@: -1}/bin"; fi',
        )

    def uv(self, sync: str) -> None:
        """Make uv create environments, and run a script for `uv pip sync`."""
        self.write(
            "uv-bin/uv", f'if [ "$1" = venv ]; then mkdir -p "${{@: -1}}/bin"; else {sync}; fi'
        )
        self.write("uv-bin/python", "exit 0")

    def make(self, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("make") or "make", "--silent", *arguments],
            cwd=self.folder,
            env={"PATH": str(self.programs), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            user=user,
        )


@pytest.fixture
def clone() -> Iterator[Clone]:
    """Yield a folder that another user can read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        clone = Clone(Path(name))
        clone.uv("exit 0")
        yield clone
        Path(name).chmod(0o755)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
class TestMake:
    def test_old_python_is_refused(self, clone: Clone) -> None:
        clone.python("3.9")
        self.assert_refused(
            clone.make("demo", "PYTHON=python3.11"),
            clone,
            "python3.11 is Python 3.9, and 3.10 or later is needed. Pass one: make "
            "PYTHON=/path/to/python3.11",
        )

    def test_missing_python_is_refused(self, clone: Clone) -> None:
        self.assert_refused(
            clone.make("demo", "PYTHON=python4"),
            clone,
            "No Python 3.10 or later found. Pass one: make PYTHON=/path/to/python3.11",
        )

    def test_missing_git_is_refused(self, clone: Clone) -> None:
        (clone.programs / "git").unlink()
        self.assert_refused(
            clone.make("test"), clone, "git is not installed. Install it, then run make again."
        )

    def test_read_only_folder_is_refused(self, clone: Clone) -> None:
        clone.folder.chmod(0o555)
        self.assert_refused(
            clone.make("demo", user=NOBODY if IS_ROOT else None),
            clone,
            f"The folder {clone.folder} cannot be written. Use a clone in a folder of your own.",
        )

    def test_environment_survives_failed_build(self, clone: Clone) -> None:
        """The old environment is back after a failure, and gone after a success."""
        environment = clone.folder / ".venv"
        marker = ".venv/dependencies-3.11"
        (environment / "bin").mkdir(parents=True)
        (environment / "works").touch()
        clone.uv("echo no network >&2; exit 2")
        failed = clone.make(marker)
        assert failed.returncode != 0
        assert ".venv is as before." in failed.stderr
        assert (environment / "works").exists()
        assert not (clone.folder / marker).exists()
        self.kill_build(clone, environment)
        shutil.rmtree(clone.folder / ".venv-uv")
        clone.uv("exit 0")
        assert clone.make(marker).returncode == 0
        assert (clone.folder / marker).exists()
        assert not (environment / "works").exists()
        assert not list(clone.folder.glob(".venv*-before"))

    def kill_build(self, clone: Clone, environment: Path) -> None:
        """Leave what a killed build leaves, and build again without success."""
        environment.rename(clone.folder / ".venv-before")
        environment.mkdir()
        assert clone.make(".venv/dependencies-3.11").returncode != 0
        assert (environment / "works").exists()

    @staticmethod
    def assert_refused(done: subprocess.CompletedProcess[str], clone: Clone, message: str) -> None:
        """Fail unless there is one line, and nothing was built."""
        lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert (done.returncode, lines) == (2, [message])
        assert not list(clone.folder.glob(".venv*"))
