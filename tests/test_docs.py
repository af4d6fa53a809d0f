"""Commands and snippets of the documentation are tested or listed as untested."""

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

from scripts import check_docs
from smokeball_sandbox import SandboxServer
from tap_smokeball.config.settings import CONFIG_JSONSCHEMA
from tests.harness import TAP, catalog, config, run, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "smokeball_sandbox/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]

ALERT_COMMANDS = re.findall(
    r"^\$ (.*)$", (ROOT / "docs/alerts.md").read_text(encoding="utf-8"), re.MULTILINE
)
RUN_ELSEWHERE = {
    "make demo": (".github/workflows/ci.yml", "run: make demo"),
    "make demo DEMO_ARGS=--documents": (".github/workflows/ci.yml", "DEMO_ARGS=--documents"),
    "make demo DEMO_ARGS=--live": (".github/workflows/ci.yml", "DEMO_ARGS=--live"),
    "make test": (".github/workflows/ci.yml", "run: make test"),
    "make drift OLD=old.json NEW=new.json": (".github/workflows/drift.yml", "run: make drift"),
    "TAP_SMOKEBALL_START_DATE=2026-01-01 meltano run tap-smokeball target-duckdb": (
        "scripts/demo.py",
        '"TAP_SMOKEBALL_REQUESTS_PER_SECOND"',
    ),
    "tap-smokeball-login": ("tests/login_helpers.py", "tap_smokeball.login"),
    "tap-smokeball-webhooks subscribe --config ENV --url https://example.com/webhooks/default": (
        "tests/test_webhook_commands.py",
        '["subscribe", "--config", "ENV", "--url"',
    ),
    "tap-smokeball-webhooks test --config ENV": (
        "tests/test_webhook_commands.py",
        '["test", "--config", "ENV"',
    ),
    "tap-smokeball-documents unreferenced": ("tests/test_documents.py", '"unreferenced"'),
    "tap-smokeball-login --port=9000": ("tests/login_helpers.py", "--port="),
    "tap-smokeball-login --redirect-uri=http://127.0.0.1:9000/": (
        "tests/test_login.py",
        "--redirect-uri=",
    ),
    "tap-smokeball --config=ENV --plan": ("tests/test_operations.py", "operations"),
    **dict.fromkeys(ALERT_COMMANDS, ("tests/test_alerts.py", "docs/alerts.md")),
    "python - <<'END'": ("tests/test_recipes.py", "python - <<'END'"),
    "tap-smokeball-webhooks serve --inbox sqlite:///inbox.db": (
        "tests/receiver_process.py",
        '"serve"',
    ),
    "tap-smokeball-webhooks due --poll-interval-minutes 60 --full-pass-interval-hours 24": (
        "tests/test_fleet.py",
        '"--poll-interval-minutes"',
    ),
    "tap-smokeball-webhooks fleet-status": ("tests/test_fleet.py", '"fleet-status"'),
    'echo \'{"reason": "the loader crashed", "advice": "Check its log"}\' | '
    'tap-smokeball-webhooks run-failed --firm "$FIRM" --reader prod': (
        "tests/test_fleet.py",
        '"run-failed"',
    ),
    "tap-smokeball-webhooks prune --keep-days 30": ("tests/test_receiver.py", '"prune"'),
    "meltano run tap-smokeball target-duckdb dbt-duckdb:build": (
        "scripts/demo.py",
        'f"{DBT}:build"',
    ),
    "dbt build": ("tests/dbt_project.py", '"build"'),
    "mf query --metrics wip_fees,cash_collected --group-by metric_time__month": (
        "tests/metricflow.py",
        '"query", "--metrics"',
    ),
    "dbt source freshness": ("tests/test_dbt_package.py", '"source", "freshness"'),
    "meltano run dbt-duckdb:page": ("scripts/demo.py", 'f"{DBT}:page"'),
    "python dbt/page --output page.html": ("tests/firm_page.py", 'PACKAGE / "page"'),
}
BULK_LOAD = "python loaders/bulk-load/bulk_load.py"
RUN_ELSEWHERE |= {
    f"{BULK_LOAD} {output} messages.jsonl > {file}": (
        "tests/test_bulk_load.py",
        f'bulk_load("{output}"',
    )
    for output, file in (
        ("tables", "tables.jsonl"),
        ("postgres", "load.sql"),
        ("state", "state.json"),
    )
}
RUN_ELSEWHERE['psql "$DATABASE_URL" --file load.sql'] = ("tests/test_bulk_load.py", '"psql"')

CANNOT_RUN = {
    "meltano run tap-smokeball-first-load target-duckdb": (
        "test_bulk_load.py has the tap and the loader; Meltano would install them again"
    ),
    "meltano invoke tap-smokeball-first-load > messages.jsonl": "the same",
    "meltano invoke target-postgres < tables.jsonl": "the same",
    "meltano run tap-smokeball target-postgres": "the same",
    "meltano state copy --force dev:tap-smokeball-first-load-to-target-duckdb "
    "dev:tap-smokeball-to-target-duckdb": "a project with an account's state",
    "meltano state set --force dev:tap-smokeball-to-target-postgres --input-file state.json": (
        "the same"
    ),
    "uv tool install --reinstall '.[webhooks,postgres]'": "fetches from the package index",
    "cd deploy && cp .env.example .env && chmod 600 .env": "the secrets of a deployment",
    "docker compose up --build --detach proxy": "a Docker daemon; test_deployment.py has its parts",
    "docker compose up --build --detach": "the same",
    "docker compose run --rm webhooks subscribe --config ENV "
    "--url https://example.com/webhooks/default": "a Docker daemon",
    "docker compose run --rm webhooks test --config ENV": "a Docker daemon",
    "meltano run --full-refresh tap-smokeball target-duckdb": "a project with an account's state",
    "meltano state get dev:tap-smokeball-to-target-duckdb > state.json": "the same",
    "meltano state set --force dev:tap-smokeball-to-target-duckdb --input-file state.json": (
        "the same"
    ),
    "docker build --tag tap-smokeball .": "a Docker daemon; image.yml builds the same",
    "docker run --rm --read-only --cap-drop ALL --env-file firm.env "
    '-v "$PWD/catalog.json:/catalog.json:ro" '
    "tap-smokeball --config=ENV --catalog /catalog.json | target-jsonl": "a Docker daemon",
    "uv tool install --reinstall '.[login]'": "fetches from the package index",
}
TARGET_SCRIPT = """#!{python}
# A Singer target reduced to its states.
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]))
"""


class Snippet(NamedTuple):
    """A fenced block of code on a page."""

    page: str
    language: str
    text: str


def snippets() -> list[Snippet]:
    return [
        Snippet(str(page.relative_to(ROOT)), language, text)
        for page in PAGES
        for language, text in check_docs.FENCE.findall(page.read_text(encoding="utf-8"))
    ]


def commands() -> dict[str, list[str]]:
    """Return each command with the output that the page shows."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        for command in check_docs.console_commands(page.read_text(encoding="utf-8")):
            found.setdefault(command.name, []).extend(command.output)
    return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(matters=12) as sandbox:
        yield sandbox


@pytest.fixture
def project_folder(tmp_path: Path, sandbox: SandboxServer) -> Path:
    """Return a folder with the programs and files that the pages assume."""
    programs = tmp_path / "bin"
    programs.mkdir()
    executables = {
        "tap-smokeball": f'#!/bin/sh\nexec {" ".join(TAP)} "$@"\n',
        "target-jsonl": TARGET_SCRIPT.format(python=sys.executable),
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


def run_shell(project_folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    programs = f"{project_folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=project_folder,
        env={**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


PIPE = "tap-smokeball --config config.json --catalog catalog.json"
BOOKMARK = '"replication_key_value"'
RUN_HERE = {
    "tap-smokeball --config=ENV --test": ("standard output", "matter_stages"),
    "tap-smokeball --config=ENV --probe": ("smokeball-probe.json", '"event_times"'),
    "tap-smokeball --config config.json --discover > catalog.json": ("catalog.json", '"fees"'),
    f"{PIPE} | target-jsonl | tail -n 1 > state.json": ("state.json", BOOKMARK),
    f"{PIPE} --state state.json | target-jsonl | tail -n 1 > later.json": ("later.json", BOOKMARK),
    f"{PIPE} --state state.json | target-jsonl": ("standard output", BOOKMARK),
}
"""Commands that are run here, with the file or stream that they write and its content."""
SERVERS = {"python -m smokeball_sandbox --matters 200 --seed 7"}


def test_docs_commands_are_all_tested_or_listed() -> None:
    """Each command of the pages is run here, run elsewhere or cannot be run."""
    known = [*RUN_HERE, *SERVERS, *RUN_ELSEWHERE, *CANNOT_RUN]
    assert len(known) == len({*known})
    assert {*known} | check_docs.walked_commands() == commands().keys()


@pytest.mark.parametrize("command", RUN_HERE)
def test_docs_command_produces_shown_result(project_folder: Path, command: str) -> None:
    done = run_shell(project_folder, command)
    assert done.returncode == 0, done.stderr
    path, text = RUN_HERE[command]
    outputs = {"standard output": done.stdout, "standard error": done.stderr}
    assert text in (outputs[path] if path in outputs else (project_folder / path).read_text())


@pytest.mark.parametrize("command", sorted(SERVERS))
def test_docs_server_command_prints_shown_line(command: str) -> None:
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
def test_docs_command_is_run_in_named_file(command: str) -> None:
    """The file that runs the command contains it."""
    path, text = RUN_ELSEWHERE[command]
    assert text in (ROOT / path).read_text(encoding="utf-8")


def snippet_params(language: str, containing: str = "") -> list[Any]:
    found = [
        snippet
        for snippet in snippets()
        if snippet.language == language and containing in snippet.text
    ]
    return [
        pytest.param(snippet, id=f"{snippet.page}-{index}") for index, snippet in enumerate(found)
    ]


def test_docs_snippet_languages_are_known() -> None:
    """A snippet in a new language needs a test."""
    # test_joins.py tests the diagrams, test_recipes.py the stream maps, test_warehouse_load.py the
    # view, test_airflow.py the output of a task. scripts/operations.py generates the output of a
    # run. Images are not built.
    known = {"Dockerfile", "console", "json", "mermaid", "python", "shell", "sql", "text", "yaml"}
    assert {snippet.language for snippet in snippets()} <= known


@pytest.mark.parametrize("snippet", snippet_params("shell"))
def test_docs_shell_snippets_use_real_settings(snippet: Snippet) -> None:
    subprocess.run(["/bin/bash", "-n"], input=snippet.text, text=True, check=True)
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    known = {f"TAP_SMOKEBALL_{name.upper()}" for name in CONFIG_JSONSCHEMA["properties"]} | {
        f"{loader['name']}_{setting['name']}".replace("-", "_").upper()
        for loader in project["plugins"]["loaders"]
        for setting in loader["settings"]
    }
    names = re.findall(r"(?:TAP_SMOKEBALL|TARGET)_[A-Z_]+", snippet.text)
    assert {*names} <= known
    assert names or "meltano " in snippet.text or "tap-smokeball --config=ENV" in snippet.text


@pytest.mark.parametrize("snippet", snippet_params("yaml", containing="select:"))
def test_docs_selections_match_catalog(snippet: Snippet) -> None:
    """Select rules name streams and columns of the catalog."""
    streams = {entry["tap_stream_id"]: entry for entry in catalog()["streams"]}
    settings = yaml.safe_load(snippet.text)
    for extractor in settings["plugins"]["extractors"] if "plugins" in settings else [settings]:
        for rule in extractor["select"]:
            stream, *path = rule.lstrip("!").split(".")
            schema = streams[stream]["schema"]
            for name in path:
                assert name == "*" or name in schema["properties"]
                schema = schema["properties"].get(name, schema)


@pytest.mark.parametrize("snippet", snippet_params("json", containing="bookmarks"))
def test_docs_state_matches_interrupted_run(snippet: Snippet) -> None:
    """The state shown has the keys of a run that stopped during a full pass."""
    with SandboxServer(matters=120, fees=1, exact_fees=True) as firm:
        first = run(config(firm))
        second = run(config(firm), first.state)
        message_count = len(second.messages)
        states = [
            run(config(firm), first.state, crash_at=index).state
            for index in range(message_count - 1, 0, -1)[:3]
        ]
    resumable = [
        state for state in states if "resume" in state.get("bookmarks", {}).get("fees", {})
    ]
    assert resumable
    shown = json.loads(snippet.text)["bookmarks"]["fees"]
    assert shown.keys() == resumable[0]["bookmarks"]["fees"].keys()
    assert shown["resume"].keys() == resumable[0]["bookmarks"]["fees"]["resume"].keys()


@pytest.mark.parametrize("snippet", snippet_params("python", containing="sandbox"))
def test_docs_python_snippets_run(snippet: Snippet) -> None:
    with SandboxServer(matters=200, seed=7, fees=4, exact_fees=True) as page_sandbox:
        fees: list[Json] = sandbox_rows(page_sandbox, "fees")
        names = {
            "SandboxServer": SandboxServer,
            "sandbox": page_sandbox,
            "matter_id": fees[0]["parent"],
        }
        exec(snippet.text, names)  # noqa: S102 - our own page


@pytest.mark.parametrize("snippet", snippet_params("python", containing="ApiClient"))
def test_docs_library_example_prints_all_fees(snippet: Snippet, sandbox: SandboxServer) -> None:
    """The example prints each fee of a matter, with its placeholders filled."""
    fees = sandbox_rows(sandbox, "fees")
    matter = fees[0]["parent"]
    settings = '{"api_key": "…", "client_id": "…", "refresh_token": "…"}'
    text = snippet.text.replace(settings, repr(config(sandbox)))
    text = text.replace('{"matterId": "…"}', repr({"matterId": matter}))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    shown = [f"{e['row']['id']} {e['row']['amount']}" for e in fees if e["parent"] == matter]
    assert sorted(done.stdout.splitlines()) == sorted(shown)
