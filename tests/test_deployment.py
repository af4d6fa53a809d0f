"""The Compose file of near real time, whose commands run here without containers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml

from tests.harness import run, small_catalog
from tests.servers import ROOT, UnavailableError, postgres_server
from tests.webhook_site import WebhookSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\$\{(\w+)(:?[?-])?(\w*)\}")
SECRET = re.compile(r"\w*(PASSWORD|SECRET|TOKEN|KEY)")


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def example_variables() -> set[str]:
    return set(re.findall(r"^(\w+)=", read(".env.example"), re.MULTILINE))


def value(match: re.Match[str]) -> str:
    """Return the value of a variable: a secret of its own name, or the default."""
    name, operator, default = match.groups()
    return f"value{name}" if operator == ":?" or SECRET.fullmatch(name) else default


def services() -> dict[str, Any]:
    """Return the services of the Compose file with values for all variables."""
    found: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, read("compose.yml")))["services"]
    return found


@pytest.fixture
def port() -> Iterator[int]:
    try:
        with postgres_server() as port:
            yield port
    except UnavailableError as error:
        pytest.skip(str(error))


def test_compose_variables_are_in_example() -> None:
    used = {name for name, _, _ in VARIABLE.findall(read("compose.yml"))}
    assert used == example_variables()


def test_compose_services_get_their_own_secrets() -> None:
    text = {name: str(service.get("environment")) for name, service in services().items()}
    having = {
        variable: {name for name, content in text.items() if f"value{variable}" in content}
        for variable in example_variables()
        if SECRET.fullmatch(variable)
    }
    owners = {"receiver", "prune", "webhooks"}
    assert having == {
        "POSTGRES_PASSWORD": {"postgres"},
        "RECEIVER_PASSWORD": {"postgres", "grants", *owners},
        "TAP_PASSWORD": {"postgres", "pipeline"},
        "LOADER_PASSWORD": {"postgres", "pipeline"},
        "TAP_SMOKEBALL_API_KEY": {"pipeline", "webhooks"},
        "TAP_SMOKEBALL_CLIENT_SECRET": {"pipeline", "webhooks"},
        "TAP_SMOKEBALL_REFRESH_TOKEN": {"pipeline", "webhooks"},
    }


def test_compose_exposes_proxy_alone() -> None:
    found = services()
    assert {name for name, each in found.items() if "ports" in each} == {"proxy"}
    assert found["receiver"]["command"] == ["serve", "--host", "0.0.0.0"]  # noqa: S104
    assert "path /webhooks/*" in read("Caddyfile")


def test_deployment_image_is_pinned_and_complete() -> None:
    image, ignored = read("pipeline.Dockerfile"), read("pipeline.Dockerfile.dockerignore")
    base = re.findall(r"^FROM (\S+)", image, re.MULTILINE)
    assert base == list(
        dict.fromkeys(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    )
    copied = [
        path
        for line in re.findall(r"^COPY (.*) \S+$", image, re.MULTILINE)
        for path in line.split()
    ]
    kept = re.findall(r"^!(\S+)$", ignored, re.MULTILINE)
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / path).exists() for path in copied)
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists()


def test_deployment_loads_what_events_name(port: int, tmp_path: Path) -> None:
    """Databases, roles, receiver, grants and tap fit together."""
    found = services()
    server = {"PGHOST": "127.0.0.1", "PGPORT": str(port)}

    def execute(*command: str, **environment: str) -> None:
        subprocess.run(command, check=True, env={**os.environ, **server, **environment})

    execute("sh", str(DEPLOY / "create-databases.sh"), **found["postgres"]["environment"])

    def inbox_of(service: str) -> str:
        url: str = found[service]["environment"]["TAP_SMOKEBALL_WEBHOOK_INBOX"]
        return url.replace("@postgres/", f"@127.0.0.1:{port}/")

    with WebhookSite(tmp_path, inbox_of("receiver")) as site:
        site.sandbox.control.reset(matters=3)
        site.subscribe()
        grants = found["grants"]
        command = [
            each.replace("/grants.sql", str(DEPLOY / "grants.sql")) for each in grants["command"]
        ]
        execute(*command, **{**grants["environment"], **server})
        settings = {
            **site.settings,
            "webhook_inbox": inbox_of("pipeline"),
            "full_pass_interval_hours": 24,
        }
        streams = small_catalog("matters", "fees")
        state = run(settings, catalog=streams).state
        fee = site.sandbox.control.rows("fees")[0]
        site.sandbox.control.touch("fees", fee["row"]["id"], parent=fee["parent"])
        site.sandbox.control.send_events(all=True)
        output = run(settings, state, streams)
        assert (output.status, output.ids("fees")) == (0, {fee["row"]["id"]: 1})
        check = found["receiver"]["healthcheck"]["test"][1:]
        health = [each.replace("http://127.0.0.1:8766", site.admin_url) for each in check]
        execute(sys.executable, *health[1:])
        site.kill_receiver()
        with pytest.raises(subprocess.CalledProcessError):
            execute(sys.executable, *health[1:])
    warehouse = f"postgresql://127.0.0.1:{port}/warehouse"
    with psycopg.connect(warehouse, user="loader") as connection:
        connection.execute("CREATE SCHEMA smokeball")
    with pytest.raises(psycopg.Error, match="permission denied"):
        psycopg.connect(warehouse, user="tap")


def test_pipeline_repeats_until_stopped(tmp_path: Path) -> None:
    failed, runs, works = tmp_path / "failed", tmp_path / "runs", tmp_path / "works"
    program = f"echo >> {runs}; test -e {works}"
    with subprocess.Popen(
        [str(DEPLOY / "run-every.sh"), "/bin/sh", "-c", program],
        env={**os.environ, "RUN_EVERY_SECONDS": "0.05", "LAST_RUN_FAILED": str(failed)},
    ) as process:
        wait_until(failed.exists)
        works.touch()
        wait_until(lambda: not failed.exists())
        count = len(runs.read_text())
        wait_until(lambda: len(runs.read_text()) > count)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def wait_until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError


def test_grants_are_those_of_docs() -> None:
    page = (ROOT / "docs" / "near-real-time.md").read_text(encoding="utf-8")
    statements = re.findall(r"^GRANT [^;]*;$", read("grants.sql"), re.MULTILINE)
    assert re.findall(r"^GRANT [^;]*;$", page, re.MULTILINE) == statements
