"""A run of the DAG: its lock, its state, and why it failed. Without Airflow and Meltano."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_smokeball.inbox.due import KINDS
from tests.airflow_deployment import DAGS, ROOT
from tests.harness import FEES, Process, catalog, config, run_until_time_limit

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

sys.path.insert(0, str(DAGS))
from smokeball_airflow import schema
from smokeball_airflow.config import Deployment as Config
from smokeball_airflow.firm_lock import BusyError, firm_lock
from smokeball_airflow.project import NotInstalledError, Project
from smokeball_airflow.runner import Run, StateError
from smokeball_airflow.state import unsaved_streams
from smokeball_airflow.summary import Summary

# Stands for Meltano: it keeps the state in a file, and may lose it.
MELTANO = """#!/bin/sh
case "$*" in
  *"state get"*) [ -e "$STATE_FILE" ] && cat "$STATE_FILE" || echo '{}';;
  *"state set"*) for last; do :; done; echo "$last" > "$STATE_FILE.id"
    while [ "$1" != --input-file ]; do shift; done; cp "$2" "$STATE_FILE";;
  *" run "*) echo '{"level": "info", "name": "meltano", "event": "done"}';;
esac
"""


def summarize(process: Process, settings: Json) -> Summary:
    output = process.run(settings, catalog=catalog(wanted=["matters", "fees"]))
    summary = Summary()
    for line in output.stderr.splitlines():
        summary.read("tap-smokeball", line)
    return summary


def test_dag_failure_of_bad_token_is_permanent(firm: SandboxServer, process: Process) -> None:
    firm.control.revoke(refresh=True)
    failure = summarize(process, config(firm)).failure
    assert (failure["error"], failure["is_permanent"]) == ("AuthenticationError", True)
    assert "tap-smokeball-login" in failure["advice"]


def test_dag_failure_of_bad_setting_is_permanent(firm: SandboxServer, process: Process) -> None:
    """The tap rejects a setting before the run, so there is no summary."""
    failure = summarize(process, config(firm, region="mars")).failure
    assert failure["is_permanent"]
    assert failure["reason"].startswith("region")


def test_dag_failure_of_outage_is_retried(firm: SandboxServer, process: Process) -> None:
    firm.control.fail(how="status", status=503, template=FEES, count=100)
    failure = summarize(process, config(firm, max_retries=0)).failure
    assert (failure["stream"], failure["is_permanent"]) == ("fees", False)


def test_dag_failure_of_loader_is_retried(firm: SandboxServer, process: Process) -> None:
    """The first error of the loader is the cause, also if the tap is well."""
    summary = summarize(process, config(firm))
    summary.read("target-x", "2026-01-01 | ERROR    | target_x | disk full")
    summary.read("meltano", "Loader failed", "error")
    failure = summary.failure
    assert (failure["reason"], failure["is_permanent"]) == ("target-x: disk full", False)
    killed = Summary()
    assert not killed.failure["is_permanent"]


def test_dag_run_notices_unsaved_state(firm: SandboxServer, process: Process) -> None:
    """A state that was not saved differs from what the tap reports; a merged one does not."""
    output = process.run(config(firm), catalog=catalog(wanted=["matters", "fees"]))
    summary = Summary()
    for line in output.stderr.splitlines():
        summary.read("tap-smokeball", line)
    assert unsaved_streams({"singer_state": output.state}, summary.value) == []
    assert unsaved_streams({}, summary.value) == ["matters", "fees"]
    merged: Json = json.loads(json.dumps(output.state))
    merged["bookmarks"]["fees"]["resume"] = {"last_parent_id": "of the run before"}
    assert unsaved_streams({"singer_state": merged}, summary.value) == []
    old: Json = json.loads(json.dumps(output.state))
    old["bookmarks"]["fees"]["replication_key_value"] -= 1
    assert unsaved_streams({"singer_state": old}, summary.value) == ["fees"]


def test_dag_run_at_time_limit_saves_its_position(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """The position of an unfinished pass counts, so that no run repeats it forever."""
    caplog.set_level("INFO")
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=25)
    output = run_until_time_limit(config(firm, burst=1))
    summary = Summary()
    for line in caplog.text.splitlines():
        summary.read("tap-smokeball", line)
    assert unsaved_streams({"singer_state": output.state}, summary.value) == []
    old: Json = json.loads(json.dumps(output.state))
    old["bookmarks"]["fees"]["resume"]["last_parent_id"] = "another"
    assert unsaved_streams({"singer_state": old}, summary.value) == ["fees"]


def test_dag_lock_lasts_as_long_as_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that outlive the task keep the lock; each firm has its own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with firm_lock("prod:a-to-b:one") as lock:
        with pytest.raises(BusyError), firm_lock("prod:a-to-b:one"):
            pass
        with firm_lock("prod:a-to-b:two") as other:
            assert other.last_started == 0
        lock.record_success(123.5)
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.descriptor,)
        )
    with pytest.raises(BusyError), firm_lock("prod:a-to-b:one"):
        pass
    child.communicate(b"\n")
    with firm_lock("prod:a-to-b:one", wait_seconds=30) as lock:
        assert lock.last_started == 123.5


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose Meltano is a script."""
    meltano = tmp_path / "meltano"
    meltano.write_text(MELTANO)
    meltano.chmod(0o755)
    for kind in ("extractors", "loaders"):
        (tmp_path / ".meltano" / kind).mkdir(parents=True)
    (tmp_path / "meltano.yml").write_text("default_environment: prod")
    monkeypatch.setenv("SMOKEBALL_MELTANO", str(meltano))
    monkeypatch.setenv("MELTANO_STATE_BACKEND_URI", "file:///nowhere")
    monkeypatch.setenv("STATE_FILE", str(tmp_path / "state.json"))
    for name in ("MELTANO_PROJECT_ROOT", "MELTANO_SYS_DIR_ROOT", "MELTANO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    return Project.from_environment(tmp_path)


@pytest.mark.parametrize(("refresh", "left"), [(["fees"], ["matters"]), (["*"], []), ([], None)])
def test_dag_full_refresh_forgets_streams(
    project: Project, refresh: list[str], left: list[str] | None
) -> None:
    """The run starts without the state of these streams; the others keep theirs."""
    path = project.root / "state.json"
    before = {"singer_state": {"bookmarks": {"matters": {"a": 1}, "fees": {"b": 2}}}}
    path.write_text(json.dumps(before))
    run = Run(project, "abbott", ("tap-smokeball", "target-x"), {}, refresh=refresh)
    assert run.state_id == "prod:tap-smokeball-to-target-x:abbott"
    with run:
        assert run.wait(lambda *_: None) == 0
        saved = run.saved_state()
    if left is None:
        assert saved == before
    else:
        assert list(saved["singer_state"]["bookmarks"]) == left
        assert (project.root / "state.json.id").read_text().strip() == run.state_id


def test_dag_run_builds_after_the_load(project: Project, tmp_path: Path) -> None:
    """Each firm has a folder of its own for dbt; the first failed test is the cause."""
    (tmp_path / "meltano").write_text(
        """#!/bin/sh
echo "$* in $DBT_DUCKDB_TARGET_PATH"
echo '{"name": "dbt-duckdb", "event": "07:00:01  Failure in test not_null_x (models/x.yml)"}'
echo '{"name": "meltano", "level": "error", "event": "Run invocation failed"}'
exit 1
"""
    )
    lines: list[str] = []
    plugins = ("tap-smokeball", "target-duckdb")
    with Run(project, "abbott", plugins, {}, build="dbt-duckdb:build") as run:
        assert run.wait(lambda _level, _plugin, text: lines.append(text)) == 1
    folder = project.system / "dbt" / "abbott" / "target"
    assert f"tap-smokeball target-duckdb dbt-duckdb:build in {folder}" in lines[0]
    assert run.summary.failure["reason"] == "dbt-duckdb: Failure in test not_null_x"


def test_dag_run_reports_broken_state_backend(project: Project, tmp_path: Path) -> None:
    (tmp_path / "meltano").write_text("#!/bin/sh\ncase $* in *get*) exit 1;; esac\n")
    with (
        Run(project, "abbott", ("tap-smokeball", "target-x"), {}) as run,
        pytest.raises(StateError, match="MELTANO_STATE_BACKEND_URI"),
    ):
        run.saved_state()


def test_dag_project_needs_meltano_environment(project: Project) -> None:
    """Without an environment, Meltano saves no state."""
    (project.root / "meltano.yml").write_text("version: 1")
    with pytest.raises(NotInstalledError, match="default_environment"):
        Project.from_environment(project.root)


def test_dag_due_reasons_are_those_of_the_inbox() -> None:
    assert schema.KINDS == KINDS


def test_fleet_example_keeps_slots_for_events() -> None:
    found = Config.read(DAGS / "smokeball-fleet.yml")
    events, nightly = found.jobs
    [app] = found.apps.values()
    assert events.priority > nightly.priority
    assert events.limit_for(app) >= app.slots > nightly.limit_for(app)
    assert events.loader == nightly.loader
    assert events.extractor == nightly.extractor


def hours(cron: str) -> set[int]:
    """Return the hours of a schedule."""
    found: set[int] = set()
    field: Any = cron.split()[1]
    for part in field.split(","):
        first, _, last = part.partition("-")
        found |= {*range(24)} if part == "*" else {*range(int(first), int(last or first) + 1)}
    return found


def test_schedules_leave_time_for_nightly_run() -> None:
    """Both write one DuckDB file: none starts within four hours after the nightly run."""
    content = yaml.safe_load((ROOT / "meltano.yml").read_text())
    schedules = {each["name"]: hours(each["interval"]) for each in content["schedules"]}
    [night] = schedules.pop("nightly-everything")
    for busy in schedules.values():
        assert not busy & {(night + more) % 24 for more in range(-1, 5)}
