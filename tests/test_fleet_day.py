"""A day of a small fleet: three firms behind one app, as the DAG runs them, without Airflow.

The runs, their locks and the question which firms are due are those of the DAG. The receiver, the
inbox and the shared rate limit are real; only Meltano is a stub, which costs seconds less.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tap_smokeball.inbox.tables import METADATA, SUBSCRIPTIONS
from tap_smokeball.webhooks.command import webhooks
from tests.airflow_deployment import DAGS, ROOT, replace_refresh_token
from tests.event_firm import narrow_catalog
from tests.harness import FEES, config, decode, request_count, sandbox_rows
from tests.inbox_helpers import new_postgres_url, open_database, postgres
from tests.receiver_process import run_receiver
from tests.test_fleet import age_runs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

sys.path.insert(0, str(DAGS))
from smokeball_airflow.config import SECRET, App, Loader
from smokeball_airflow.inbox import Inbox
from smokeball_airflow.project import Project
from smokeball_airflow.runner import Run, variables
from smokeball_airflow.state import unsaved_streams

__all__ = ["postgres"]

pytestmark = pytest.mark.slow

FIRMS = ("abbott", "baker", "castle")
STREAMS = ("matters", "fees")
PLUGINS = ("tap-smokeball", "target-x")
APP = App("practice", "app", "pool", requests_per_second=100, burst=6, slots=len(FIRMS))
INTERVALS = {"poll_interval_minutes": 60, "full_pass_interval_hours": 24}
KILLED = "castle"
SLOW_MS = 50


class Fleet:
    """Three firms, and what the DAG needs to run them.

    Args:
        project: The Meltano project.
        url: The database of the inbox and of the rate limit.
        firms: The simulated firms by name.
    """

    def __init__(self, project: Project, url: str, firms: dict[str, SandboxServer]) -> None:
        self._project, self.url, self.firms = project, url, firms
        self.logs: defaultdict[str, list[str]] = defaultdict(list)
        self._inbox = Inbox(project, url, Run(project, "", PLUGINS, {}).reader)

    def subscribe(self, address: str) -> None:
        """Subscribe each firm, with its own settings."""
        for name, firm in self.firms.items():
            path = self._project.root / "config.json"
            path.write_text(json.dumps(config(firm, webhook_inbox=self.url)))
            address_of_firm = f"{address}/webhooks/{name}"
            options = ["--config", str(path), "--firm", name, "--url", address_of_firm]
            done = CliRunner().invoke(webhooks, ["subscribe", *options])
            assert done.exit_code == 0, done.output
            path.unlink()

    def due(self, *kinds: str, firms: Iterable[str] = FIRMS, **settings: float) -> list[str]:
        """Return the firms that are due, and claim them, as the DAG does."""
        found = self._inbox.due(firms, kinds, INTERVALS | settings, limit=6, claim_minutes=10)
        return [each["firm"] for each in found["due"]]

    def run_all(self, firms: Iterable[str], killed: str = "", **settings: float) -> None:
        """Run some firms at once; one of them is killed while it reads fees."""
        with ThreadPoolExecutor() as threads:
            for done in [threads.submit(self._run, each, killed, settings) for each in firms]:
                done.result()

    def _run(self, name: str, killed: str, settings: dict[str, float]) -> None:
        firm = self.firms[name]
        tap = {
            **config(firm, user_agent=f"agent-of-{name}", **INTERVALS | settings),
            **APP.rate_limit(is_shared=True),
            "rate_limit_store": self.url,
            "webhook_inbox": self.url,
            "webhook_firm": name,
            "webhook_reader": self._inbox.reader,
        }
        target = Loader("target-x", settings={"default_target_schema": "smokeball_{firm}"})
        values = variables(PLUGINS[0], tap) | variables(target.name, target.settings_for(name))
        secrets = [value for name, value in values.items() if SECRET.search(name.lower())]
        run = Run(self._project, name, PLUGINS, values, secrets, inbox=self._inbox)
        with run:
            if name == killed:
                while request_count(firm, FEES) < 4:
                    time.sleep(0.01)
                return  # the end of the block kills all processes of the run
            status = run.wait(lambda _level, _plugin, text: self.logs[name].append(text))
            assert status == 0, self.logs[name][-20:]
            assert unsaved_streams(run.saved_state(), run.summary.value) == []

    def loaded(self, name: str) -> dict[str, dict[str, Json]]:
        """Return the rows in a firm's schema, by stream and id."""
        rows: dict[str, dict[str, Json]] = {stream: {} for stream in STREAMS}
        for line in self.rows_file(name).read_text().splitlines():
            message = decode(line)
            if message["type"] == "RECORD":
                rows[message["stream"]][message["record"]["id"]] = message["record"]
        return rows

    def rows_file(self, name: str) -> Path:
        return self._project.root / "rows" / f"smokeball_{name}.jsonl"

    def differences(self) -> list[str]:
        """Return each firm and stream whose rows are not those of the firm."""
        return [
            f"{name}: {stream}"
            for name, firm in self.firms.items()
            for stream in STREAMS
            if self.loaded(name)[stream].keys()
            != {each["row"]["id"] for each in sandbox_rows(firm, stream)}
        ]

    def canaries(self, name: str) -> set[str]:
        """Return what only this firm has."""
        firm = self.firms[name]
        with open_database(self.url) as database, database.read() as connection:
            ids = select(SUBSCRIPTIONS.c.subscription_id).where(SUBSCRIPTIONS.c.firm == name)
            subscriptions = list(connection.scalars(ids))
        return {
            name,
            firm.credentials["refresh_token"],
            *subscriptions,
            *(each["row"]["id"] for each in sandbox_rows(firm, "matters")),
        }

    def places(self, name: str) -> dict[str, str]:
        """Return all that is kept of a firm, and what its server was asked."""
        with open_database(self.url) as database, database.read() as connection:
            inbox = [
                str(tuple(row))
                for table in METADATA.sorted_tables
                if "firm" in table.columns
                for row in connection.execute(select(table).where(table.c.firm == name))
            ]
        state = self._project.root / "state" / name
        return {
            "log": "\n".join(self.logs[name]),
            "inbox": "\n".join(inbox),
            "state": state.read_text(),
            "rows": self.rows_file(name).read_text(),
            "requests": json.dumps(self.firms[name].control.requests(log=True)),
        }


@pytest.fixture
def fleet(
    start: StartFirm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: int
) -> Fleet:
    programs = tmp_path / ".meltano" / "extractors" / "tap-smokeball" / "venv" / "bin"
    for folder in (programs, tmp_path / ".meltano" / "loaders", tmp_path / "state"):
        folder.mkdir(parents=True)
    (tmp_path / "rows").mkdir()
    meltano, commands = tmp_path / "meltano", programs / "tap-smokeball-webhooks"
    stub = ROOT / "tests" / "meltano_stub.py"
    meltano.write_text(f'#!/bin/sh\nexec {sys.executable} -S {stub} "$@"\n')
    commands.write_text(f'#!/bin/sh\nexec {sys.executable} -m tap_smokeball.webhooks "$@"\n')
    for program in (meltano, commands):
        program.chmod(0o755)
    (tmp_path / "meltano.yml").write_text("default_environment: prod")
    (tmp_path / "catalog.json").write_text(json.dumps(narrow_catalog(*STREAMS)))
    monkeypatch.setenv("SMOKEBALL_MELTANO", str(meltano))
    monkeypatch.setenv("MELTANO_STATE_BACKEND_URI", f"file://{tmp_path}/state")
    for name in ("MELTANO_PROJECT_ROOT", "MELTANO_SYS_DIR_ROOT", "MELTANO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    limit = {"rate": APP.requests_per_second, "burst": APP.burst}
    firms = {
        name: start(matters=12, seed=seed, fees=1, exact_fees=True, **limit)
        for seed, name in enumerate(FIRMS)
    }
    for firm in firms.values():
        replace_refresh_token(firm)
    return Fleet(Project.from_environment(tmp_path), new_postgres_url(postgres), firms)


def test_fleet_loads_firms_apart_and_in_full(fleet: Fleet) -> None:
    """A run is killed, an event is lost, and each firm has its rows and nothing of another.

    Each firm accepts a refresh token of its own alone, and has a user agent of its own.
    """
    with run_receiver(fleet.url) as receiver:
        fleet.subscribe(receiver.url)
        fleet.firms[KILLED].control.settings(latency_ms=SLOW_MS)
        assert sorted(fleet.due("first_run")) == sorted(FIRMS)
        fleet.run_all(FIRMS, killed=KILLED)
        age_runs(fleet.url, 2)
        assert fleet.due("events", "retry") == [KILLED]
        fleet.run_all([KILLED])
        assert fleet.differences() == []

        for name in (FIRMS[0], FIRMS[2]):
            firm, is_lost = fleet.firms[name], name == FIRMS[0]
            firm.control.settings(events={"delay_scale": 0, "lost": float(is_lost)})
            parent = sandbox_rows(firm, "matters")[0]["row"]["id"]
            firm.control.add("fees", parent=parent)
        while "waiting" in str([firm.control.deliveries() for firm in fleet.firms.values()]):
            time.sleep(0.05)
        assert fleet.due("events", "retry", "poll") == [FIRMS[2]]
        fleet.run_all([FIRMS[2]])
        assert fleet.differences() == [f"{FIRMS[0]}: fees"]
        age_runs(fleet.url, 25 * 60)
        assert fleet.due("full_pass", firms=FIRMS[:1]) == [FIRMS[0]]
        fleet.run_all(FIRMS[:1], full_pass_interval_hours=0.0001)
        assert fleet.differences() == []

    for name in FIRMS:
        others = set().union(*(fleet.canaries(other) for other in FIRMS if other != name))
        places = fleet.places(name)
        assert not others & fleet.canaries(name)
        for place, content in places.items():
            assert any(canary in content for canary in fleet.canaries(name)), place
            assert not [canary for canary in others if canary in content], place
        requests_log: list[Any] = json.loads(places["requests"])["log"]
        agents = {e["user_agent"] for e in requests_log if e["template"] == FEES}
        assert agents == {f"agent-of-{name}"}
        assert 429 not in {each["status"] for each in requests_log}
        secrets = {fleet.url, *fleet.firms[name].credentials.values()} - {"sandbox-client"}
        assert not [secret for secret in secrets if secret in places["log"]]
