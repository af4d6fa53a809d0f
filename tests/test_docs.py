"""Every command and snippet of the documentation is run here, run elsewhere, or cannot be run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from smokeball_sandbox import SandboxServer
from tap_smokeball.config.settings import CONFIG
from tests.harness import TAP, catalog, config, run, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples/analytics/README.md",
    ROOT / "smokeball_sandbox/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RUN_ELSEWHERE = {
    "make demo": (".github/workflows/ci.yml", "run: make demo"),
    "make test": (".github/workflows/ci.yml", "run: make test"),
    "make drift OLD=old.json NEW=new.json": (".github/workflows/drift.yml", "run: make drift"),
    "pip install .": (".github/workflows/ci.yml", "pip install"),
    "meltano install": ("scripts/demo.py", 'self._run("install"'),
    "meltano run tap-smokeball target-duckdb": ("scripts/demo.py", '"run", "--state-id-suffix"'),
    "TAP_SMOKEBALL_START_DATE=2026-01-01 meltano run tap-smokeball target-duckdb": (
        "scripts/demo.py",
        '"TAP_SMOKEBALL_REQUESTS_PER_SECOND"',
    ),
    "tap-smokeball-login": ("tests/login_helpers.py", "tap_smokeball.login"),
    "tap-smokeball-login --port=9000": ("tests/login_helpers.py", "--port="),
    "tap-smokeball-login --redirect-uri=http://127.0.0.1:9000/": (
        "tests/test_login.py",
        "--redirect-uri=",
    ),
    "tap-smokeball --config=ENV --plan": ("tests/test_operations.py", "operations"),
    "tap-smokeball --config=ENV --test > /dev/null": ("tests/test_operations.py", "operations"),
    "python - <<'END'": ("tests/test_recipes.py", "python - <<'END'"),
    "psql < examples/analytics/postgres/work_in_progress.sql": (
        "tests/test_analytics.py",
        "Postgres",
    ),
    "duckdb output/warehouse.duckdb < examples/analytics/duckdb/work_in_progress.sql": (
        "tests/test_analytics.py",
        "DuckDB",
    ),
}
CANNOT_RUN = {
    "meltano run --full-refresh tap-smokeball target-duckdb": "a project with an account's state",
    "meltano state get dev:tap-smokeball-to-target-duckdb > state.json": "the same",
    "meltano state set --force dev:tap-smokeball-to-target-duckdb --input-file state.json": (
        "the same"
    ),
    "dbt build --vars '{smokeball_schema: raw_smokeball}'": "a dbt project",
    "docker build --tag tap-smokeball .": "a Docker daemon; image.yml builds the same",
    "docker run --rm --read-only --cap-drop ALL --env-file firm.env "
    '-v "$PWD/catalog.json:/catalog.json:ro" '
    "tap-smokeball --config=ENV --catalog /catalog.json | target-jsonl": "a Docker daemon",
    "pip install 'tap-smokeball[login]'": "fetches from the package index",
    "pip install meltano": "fetches from the package index; the demo's lock has the same",
    "snow sql -f examples/analytics/snowflake/work_in_progress.sql": "a Snowflake account",
    "bq query --use_legacy_sql=false < examples/analytics/bigquery/work_in_progress.sql": (
        "a Google Cloud project"
    ),
}
STAND_IN = """#!{python}
# What any Singer target does: keep the rows, and say how far it is.
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]))
"""


class Snippet(NamedTuple):
    """A block of code on a page."""

    page: str
    language: str
    text: str


def snippets() -> list[Snippet]:
    return [
        Snippet(str(page.relative_to(ROOT)), language, text)
        for page in PAGES
        for language, text in FENCE.findall(page.read_text(encoding="utf-8"))
    ]


def commands() -> dict[str, list[str]]:
    """Return each command, with what is shown of its output."""
    found: dict[str, list[str]] = {}
    for snippet in snippets():
        if snippet.language == "console":
            command = ""
            # A command goes on where a line ends with a backslash, and to the end of its input.
            text = re.sub(r" \\\n *", " ", snippet.text)
            text = re.sub(r"(<<'(\w+)')\n.*?^\2$", r"\1", text, flags=re.DOTALL | re.MULTILINE)
            for line in text.splitlines():
                if line.startswith("$ "):
                    command = line[2:]
                    found.setdefault(command, [])
                else:
                    found[command].append(line)
    return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(matters=12) as sandbox:
        yield sandbox


@pytest.fixture
def desk(tmp_path: Path, sandbox: SandboxServer) -> Path:
    """Return a folder as the pages suppose it: installed programs, and files of earlier steps."""
    programs = tmp_path / "bin"
    programs.mkdir()
    executables = {
        "tap-smokeball": f'#!/bin/sh\nexec {" ".join(TAP)} "$@"\n',
        "target-jsonl": STAND_IN.format(python=sys.executable),
    }
    for name, text in executables.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    settings = config(sandbox)
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog()))
    (tmp_path / "state.json").write_text("{}")
    names = {f"TAP_SMOKEBALL_{name.upper()}": value for name, value in settings.items()}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in names.items()))
    return tmp_path


def shell(desk: Path, command: str) -> subprocess.CompletedProcess[str]:
    programs = f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=desk,
        env={**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


PIPE = "tap-smokeball --config config.json --catalog catalog.json"
BOOKMARK = '"replication_key_value"'
RUN_HERE = {
    "tap-smokeball --config=ENV --test": ("standard error", "matter_stages"),
    "tap-smokeball --config config.json --discover > catalog.json": ("catalog.json", '"fees"'),
    f"{PIPE} | target-jsonl | tail -n 1 > state.json": ("state.json", BOOKMARK),
    f"{PIPE} --state state.json | target-jsonl | tail -n 1 > later.json": ("later.json", BOOKMARK),
    f"{PIPE} --state state.json | target-jsonl": ("standard output", BOOKMARK),
}
"""Commands that are run here; where they leave something, and what is in it."""
SERVERS = {
    "python -m smokeball_sandbox --matters 200 --seed 7",
    ".venv-demo/bin/python -m smokeball_sandbox --matters 200 --seed 7",
}


def test_every_command_is_accounted_for() -> None:
    known = [*RUN_HERE, *SERVERS, *RUN_ELSEWHERE, *CANNOT_RUN]
    assert sorted(known) == sorted(commands())


@pytest.mark.parametrize("command", RUN_HERE)
def test_a_command_does_what_the_page_says(desk: Path, command: str) -> None:
    done = shell(desk, command)
    assert done.returncode == 0, done.stderr
    place, words = RUN_HERE[command]
    said = {"standard output": done.stdout, "standard error": done.stderr}
    assert words in (said[place] if place in said else (desk / place).read_text())


@pytest.mark.parametrize("command", sorted(SERVERS))
def test_a_server_says_what_the_page_says(command: str) -> None:
    shown = commands()[command]
    program, *arguments = command.split()
    assert program.endswith("python")
    with subprocess.Popen(
        [sys.executable, *arguments, "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        line = process.stdout.readline() if process.stdout else ""
        process.kill()
    port = re.compile(r":\d+$")
    for expected in shown or ["smokeball-sandbox listening on http://127.0.0.1:8787"]:
        assert port.sub("", line.strip()) == port.sub("", expected)


@pytest.mark.parametrize("command", RUN_ELSEWHERE)
def test_a_command_is_run_where_it_is_said_to_be(command: str) -> None:
    place, words = RUN_ELSEWHERE[command]
    assert words in (ROOT / place).read_text(encoding="utf-8")


def in_language(language: str, having: str = "") -> list[Any]:
    found = [each for each in snippets() if each.language == language and having in each.text]
    return [pytest.param(each, id=f"{each.page}-{at}") for at, each in enumerate(found)]


def test_every_language_is_accounted_for() -> None:
    # The diagrams are held against a firm in test_joins.py, stream maps run in test_recipes.py, the
    # view is asked in test_load.py, what a task tells in test_airflow.py. Images are not built.
    # What a run prints is taken from one by scripts/operations.py.
    known = {"Dockerfile", "console", "json", "mermaid", "python", "shell", "sql", "text", "yaml"}
    assert {each.language for each in snippets()} <= known


@pytest.mark.parametrize("snippet", in_language("shell"))
def test_settings_exist(snippet: Snippet) -> None:
    subprocess.run(["/bin/bash", "-n"], input=snippet.text, text=True, check=True)
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    known = {f"TAP_SMOKEBALL_{name.upper()}" for name in CONFIG["properties"]} | {
        f"{loader['name']}_{setting['name']}".replace("-", "_").upper()
        for loader in project["plugins"]["loaders"]
        for setting in loader["settings"]
    }
    names = re.findall(r"(?:TAP_SMOKEBALL|TARGET)_[A-Z_]+", snippet.text)
    assert {*names} <= known
    assert names or "meltano " in snippet.text


@pytest.mark.parametrize("snippet", in_language("yaml", having="select:"))
def test_a_selection_names_what_there_is(snippet: Snippet) -> None:
    streams = {each["tap_stream_id"]: each for each in catalog()["streams"]}
    settings = yaml.safe_load(snippet.text)
    for extractor in settings["plugins"]["extractors"] if "plugins" in settings else [settings]:
        for rule in extractor["select"]:
            stream, *path = rule.lstrip("!").split(".")
            schema = streams[stream]["schema"]
            for name in path:
                assert name == "*" or name in schema["properties"]
                schema = schema["properties"].get(name, schema)


@pytest.mark.parametrize("snippet", in_language("json", having="bookmarks"))
def test_a_state_looks_like_a_real_one(snippet: Snippet) -> None:
    """Crash while an unfinished pass of a later run is noted, and compare what the state holds."""
    with SandboxServer(matters=120, fees=1, exact_fees=True) as firm:
        first = run(config(firm))
        second = run(config(firm), first.state)
        whole = len(second.messages)
        states = [
            run(config(firm), first.state, crash_at=at).state for at in range(whole - 1, 0, -1)[:3]
        ]
    noted = [state for state in states if "resume" in state.get("bookmarks", {}).get("fees", {})]
    assert noted
    shown = json.loads(snippet.text)["bookmarks"]["fees"]
    assert shown.keys() == noted[0]["bookmarks"]["fees"].keys()
    assert shown["resume"].keys() == noted[0]["bookmarks"]["fees"]["resume"].keys()


@pytest.mark.parametrize("snippet", in_language("python"))
def test_a_piece_of_python_runs(snippet: Snippet) -> None:
    with SandboxServer(matters=200, seed=7, fees=4, exact_fees=True) as same:
        fees: list[Json] = truth(same, "fees")
        names = {"SandboxServer": SandboxServer, "sandbox": same, "matter_id": fees[0]["parent"]}
        exec(snippet.text, names)  # noqa: S102 - our own page


@pytest.mark.parametrize(
    "words",
    [
        "401",
        "403",
        "404",
        "429",
        "invalid_grant",
        "invalid_client",
        "token expired",
        "missing matters",
        "missing fees",
        "slow",
        "certificate",
        "no connection",
        "no end to the list",
        "disk full",
        "loader died",
    ],
)
def test_what_one_would_search_for_is_found_with_its_cure(words: str) -> None:
    """All words stand in one row, whose last cell says what to do."""
    rows = (ROOT / "docs/errors.md").read_text(encoding="utf-8").splitlines()
    found = [row for row in rows if row.startswith("|") and all(w in row for w in words.split())]
    assert found
    assert all(row.rstrip("| ").rsplit("|", 1)[-1].strip() for row in found)
