"""Airflow loads firms in parallel, isolated and without leaked secrets."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import SandboxServer
from tap_smokeball.config.settings import CONFIG_JSONSCHEMA
from tests.airflow_deployment import (
    AIRFLOW,
    DAGS,
    MISSING_ENVIRONMENTS,
    STREAMS,
    Deployment,
    DeploymentChanges,
    wait_until,
)
from tests.command_lines import CommandLineRecorder
from tests.harness import FEES, Process, catalog, config, request_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import StartFirm
    from tests.harness import Json

sys.path.insert(0, str(DAGS))
from smokeball_airflow.config import SECRET, ConfigError
from smokeball_airflow.config import Deployment as Config
from smokeball_airflow.summary import Summary

pytestmark = pytest.mark.slow

requires_airflow = pytest.mark.skipif(
    bool(MISSING_ENVIRONMENTS),
    reason=f"no {', '.join(MISSING_ENVIRONMENTS)}: `make test` installs them on Python 3.10-3.12",
)

PARSE_SCRIPT = """
import json, os, sys
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
folder, *configs = sys.argv[1:]
sys.path.insert(0, folder)
def facts(task):
    hooks = task.on_failure_callback
    return {"pool": task.pool, "retries": task.retries, "mapped": task.is_mapped,
            "queue": task.queue, "executor": task.executor_config, "priority": task.priority_weight,
            "is_listed_again": task.is_mapped and task.partial_kwargs["is_listed_again"],
            "hooks": [f"{each.__module__}.{each.__name__}" for each in hooks or []],
            "minutes": task.execution_timeout and task.execution_timeout.total_seconds() / 60}
found = []
for config in configs:
    os.environ["SMOKEBALL_CONFIG"] = config
    bag = DagBag(dag_folder=folder, safe_mode=False)
    found.append({"errors": bag.import_errors, "dags": {
        name: {task.task_id: facts(task) for task in dag.tasks}
        for name, dag in bag.dags.items()}})
from smokeball_airflow.firm_lock import firm_lock
from smokeball_airflow.operator import LoadFirm
app = {"name": "one", "connection": "app", "pool": "p"}
load = LoadFirm(
    task_id="load", firm={"firm": "a", "connection": None, "settings": {}}, app=app,
    extractor="tap-smokeball", loader={"name": "target-x"}, max_run_minutes=1, is_listed_again=True)
with firm_lock("dev:tap-smokeball-to-target-x:a"):
    try:
        load.execute({"ti": SimpleNamespace(try_number=2)})
    except Exception as error:
        retry = f"{type(error).__name__}: {error}"
print(json.dumps([retry, found]))
"""


def parse_dags(folder: Path, *configs: Path) -> tuple[str, list[Json]]:
    """Return the tasks of the DAGs that Airflow creates from each `smokeball.yml`.

    In the same process, which takes seconds to start, a firm of a fleet is retried while another
    run of it is active. Its error comes first.
    """
    done = subprocess.run(
        [AIRFLOW / "bin" / "python", "-c", PARSE_SCRIPT, DAGS, *configs],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW_CONN_APP": '{"conn_type": "generic"}',
            "MELTANO_PROJECT_ROOT": str(folder),
            "MELTANO_ENVIRONMENT": "dev",
            "MELTANO_STATE_BACKEND_URI": "file:///nowhere",
            "SMOKEBALL_MELTANO": sys.executable,
            "TMPDIR": str(folder),
        },
        capture_output=True,
        check=True,
    )
    retry, found = json.loads(done.stdout.splitlines()[-1])
    assert [each["errors"] for each in found] == [{}] * len(configs)
    return retry, [each["dags"] for each in found]


@requires_airflow
def test_dag_tasks_have_settings_of_config(tmp_path: Path) -> None:
    """Each app has a pool; the tap stops before Airflow's timeout; hook, queue and pod arrive.

    A retry of a firm that `due` lists again gives way to the run that is active.
    """
    (tmp_path / "meltano.yml").touch()
    (tmp_path / "config").mkdir()  # Airflow finds modules there
    (tmp_path / "config" / "smokeball_alerts.py").write_text("def record(context): ...")
    options = {
        "on_failure": "smokeball_alerts.record",
        "queue": "warehouse",
        "pod_template_file": "/opt/pod.yml",
        "priority": 7,
    }
    read_config(tmp_path, dags={"load": {**MINIMAL_DAG, **options}})
    shipped, fleet = DAGS / "smokeball.yml", DAGS / "smokeball-fleet.yml"
    retry, (*parsed, changed) = parse_dags(tmp_path, shipped, fleet, tmp_path / "smokeball.yml")
    assert retry.startswith("AirflowSkipException: ")
    for path, dags in zip((shipped, fleet), parsed, strict=True):
        config = Config.read(path)
        assert len(dags) == len(config.jobs)
        for job, (name, app) in itertools.product(config.jobs, config.apps.items()):
            load = dags[job.dag_id][f"{name}.load"]
            assert load["mapped"]
            assert load["pool"] == app.pool in config.pools
            assert load["minutes"] >= job.max_run_minutes + 5
            assert (load["retries"], load["priority"]) == (job.retries, job.priority)
            assert (load["hooks"], load["executor"]) == ([], {})
            assert load["is_listed_again"] == bool(job.due)
    for task in changed["load"].values():
        assert task["hooks"] == ["smokeball_alerts.record"]
        assert task["queue"] == "warehouse"
        assert task["executor"] == {"pod_template_file": "/opt/pod.yml"}
        assert task["priority"] == 7


def repair(deployment: Deployment, firm: str, dag_run: subprocess.Popen[bytes]) -> None:
    """Let a firm work again once its task has failed."""
    query = (
        f"SELECT 1 FROM task_instance WHERE rendered_map_index = '{firm}' "  # noqa: S608
        "AND (state = 'up_for_retry' OR try_number > 1)"
    )

    def has_failed() -> bool:
        return bool(deployment.query_airflow(query))

    wait_until(lambda: dag_run.poll() is not None or has_failed(), 600)
    deployment.firms[firm].control.clear_faults()


@requires_airflow
@pytest.mark.timeout(900)
def test_dag_retries_failed_firms_only(start: StartFirm, tmp_path: Path) -> None:
    """Failed, terminated and killed tasks resume; others run once, also without a valid token."""
    disturbed = ("failing", "ended", "killed")
    loaded = ("alpha", *disturbed)
    firms = {
        name: start(matters=300, seed=seed, fees=1, exact_fees=True, latency_ms=50)
        for seed, name in enumerate((*loaded, "revoked"))
    }
    # So many parents fail alike that the stream fails, and the next attempt resumes it.
    firms["failing"].control.fail(how="status", status=503, template=FEES, count=9999, after=200)
    build = {"name": "dbt-duckdb:build", "settings": {"path": f"{tmp_path}/rows/{{firm}}.duckdb"}}
    changes = DeploymentChanges(dags={"load": {"build": build}})
    deployment = Deployment(tmp_path, firms, {"failing": {"max_retries": 1}}, changes)
    firms["revoked"].control.revoke(refresh=True)
    with (
        CommandLineRecorder() as recorder,
        deployment.running(),
        deployment.airflow("dags", "test", "--use-executor", "load") as done,
        ThreadPoolExecutor() as threads,
    ):
        repaired = threads.submit(repair, deployment, "failing", done)
        wait_until(
            lambda: done.poll() is not None or request_count(firms["ended"], FEES) >= 150, 600
        )
        os.kill(deployment.task_process_id("ended"), signal.SIGTERM)
        wait_until(lambda: done.poll() is not None or "resume" in deployment.state("killed"), 600)
        os.kill(deployment.task_process_id("killed"), signal.SIGKILL)
        output = tmp_path / "dags.out"
        wait_until(lambda: done.poll() is not None, 300, lambda: output.read_text()[-3000:])
        repaired.result()

    assert deployment.differences(*loaded) == [], output.read_text()[-3000:]
    built = {path.name for path in (tmp_path / "rows").glob("*.duckdb.build")}
    assert built == {f"{name}.duckdb.build" for name in loaded}
    attempts = {name: deployment.attempts(name) for name in firms}
    assert attempts == {"alpha": 1, "revoked": 1, **dict.fromkeys(disturbed, 2)}
    summaries = deployment.summaries()
    assert "tap-smokeball-login" in summaries.pop("revoked")["failure"]["advice"]
    assert all(each["complete"] for each in summaries.values())
    requests = {name: each["streams"]["fees"]["requests"] for name, each in summaries.items()}
    assert requests["alpha"] == 300
    # What a killed task has started may complete the full pass before the retry gets the lock.
    assert {name for name in disturbed if requests[name] >= 300} <= {"killed"}, requests
    assert request_count(firms["failing"], FEES) <= 300 * 1.3
    assert request_count(firms["ended"], FEES) <= 300 * 1.1
    rows = sum(len(deployment.loaded_ids("alpha", stream)) for stream in STREAMS)
    assert summaries["alpha"]["rows"] == rows
    for name, firm in firms.items():
        assert names_in(deployment.logs(name), firms) == {name}
        assert names_in(str(firm.control.requests(log=True)), firms) == {name}

    # The tap logged its environment with the secrets; all of them must be redacted.
    logs = "".join(each.read_text() for each in deployment.home.rglob("attempt=*.log"))
    assert logs.count("TAP_SMOKEBALL_TWO_REFRESH_TOKEN=***") >= len(firms)
    assert deployment.files_with_secrets() == []
    assert not list((tmp_path / "tmp").glob("smokeball-*"))
    lines = b"\n".join(recorder.seen)
    assert b"--state-id-suffix\0killed" in lines
    assert not [secret for secret in deployment.secrets if secret.encode() in lines]


def names_in(text: str, firms: Iterable[str]) -> set[str]:
    """Return the firms whose settings occur in a text: each has a user agent of its own."""
    return {name for name in firms if f"agent-of-{name}" in text}


MINIMAL_DAG = {"schedule": None, "max_run_minutes": 5, "loader": {"name": "target-x"}}


def read_config(folder: Path, **changes: Any) -> Config:
    content = {
        "apps": {"one": {"connection": "app"}},
        "firms": {"file": "firms.yml"},
        "dags": {"load": MINIMAL_DAG},
    }
    (folder / "smokeball.yml").write_text(json.dumps(content | changes))
    return Config.read(folder / "smokeball.yml")


def test_dag_config_knows_all_secret_settings() -> None:
    """The DAG's pattern of secret names matches the tap's secret settings."""
    properties: Json = CONFIG_JSONSCHEMA["properties"]
    secret = {name for name, prop in properties.items() if prop.get("secret")}
    assert {name for name in properties if SECRET.search(name)} == secret


@pytest.mark.parametrize(
    ("firms", "message"),
    [
        ([{"firm": "a", "settings": {"api_key": "canary"}}], "a: api_key is secret"),
        ([{"firm": "a", "settings": {"burst": 7}}], "a: burst cannot be set"),
        ([{"firm": "a", "app": "two"}], "a: app must be one of one"),
        ([{"firm": "a"}, {"firm": "a"}], "listed more than once: a"),
        ([{"firm": "../a"}], "0.firm: invalid value, expected pattern"),
        ([{"firm": "a", "secret": "canary"}], "unknown entries: secret"),
        ({"a": "canary"}, "invalid value, expected type array"),
        (None, "invalid value, expected type array"),
    ],
)
def test_dag_firm_list_rejects_bad_entries(tmp_path: Path, firms: Any, message: str) -> None:
    """The error names the entry and does not show a secret."""
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path).listed(firms)
    assert message in str(error.value)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"apps": {}}, "apps: invalid value, expected minProperties"),
        ({"firms": {"file": "a", "variable": "b"}}, "firms: invalid value, expected maxProperties"),
        (
            {"apps": {name: {"connection": "c", "pool": "p"} for name in ("a", "b")}},
            "two apps have the same pool",
        ),
        (
            {
                "dags": {
                    "load": {
                        "schedule": None,
                        "max_run_minutes": 5,
                        "loader": {"name": "x", "settings": {"password": "canary"}},
                    }
                }
            },
            "password is secret. Move it to a connection",
        ),
    ],
)
def test_dag_config_rejects_bad_values(tmp_path: Path, changes: Json, message: str) -> None:
    """The error names the setting and does not show a secret."""
    with pytest.raises(ConfigError) as error:
        read_config(tmp_path, **changes)
    assert message in str(error.value)
    assert "canary" not in str(error.value)


def test_dag_firms_share_rate_limit_of_app(tmp_path: Path) -> None:
    """Each slot of an app gets an equal share of its rate limit, or all draw from one store."""
    config = read_config(tmp_path, apps={"one": {"connection": "app", "slots": 2}})
    app = config.apps["one"]
    assert app.rate_limit(is_shared=False) == {"requests_per_second": 2.5, "burst": 2}
    assert app.rate_limit(is_shared=True) == {"requests_per_second": 5, "burst": 5}
    assert config.pools["smokeball_one"]["slots"] == 2


def test_pool_command_prints_pools_as_json() -> None:
    """The command prints the pools in the format of `airflow pools import`."""
    done = subprocess.run(
        [sys.executable, "-m", "smokeball_airflow", "smokeball.yml"],
        cwd=DAGS,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == Config.read(DAGS / "smokeball.yml").pools


def test_dag_example_firm_list_is_valid() -> None:
    """The example list of firms passes validation."""
    config = Config.read(DAGS / "smokeball.yml")
    firms = config.listed(config.read_file())
    assert [each["connection"] for each in firms] == ["smokeball_abbott", "smokeball_baker", None]
    assert {each["app"] for each in firms} == {"practice"}


def test_dag_summary_parses_tap_metric(tmp_path: Path) -> None:
    """The DAG parses the run_summary metric of the tap and of no other plugin."""
    with SandboxServer(matters=6) as firm:
        firm.control.fail(how="status", status=403, template=FEES, count=100)
        output = Process(tmp_path).run(config(firm), catalog=catalog(wanted=["matters", "fees"]))
    summary = Summary()
    assert not summary.report("alpha", 1)["complete"]
    for line in [*output.stderr.splitlines(), "METRIC: {not JSON}"]:
        summary.read("target-duckdb", line)
    assert summary.report("alpha", 1)["rows"] == 0
    for line in [*output.stderr.splitlines(), "METRIC: {not JSON}"]:
        summary.read("tap-smokeball", line)
    assert summary.failed == ["fees"]
    report = summary.report("alpha", 9.87)
    assert (report["firm"], report["seconds"], report["rows"]) == ("alpha", 9.9, 6)
    assert report["requests"] == summary.value["requests"] > 1
    assert not report["complete"]
    assert report["streams"]["fees"]["error"] == "AccessDeniedError"
