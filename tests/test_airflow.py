"""Airflow loads firms in parallel, isolated and without leaked secrets."""

from __future__ import annotations

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
    wait_until,
)
from tests.command_lines import CommandLineRecorder
from tests.harness import FEES, Process, catalog, config, request_count

if TYPE_CHECKING:
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
import json, sys
from airflow.dag_processing.dagbag import DagBag
sys.path.insert(0, sys.argv[1])
bag = DagBag(dag_folder=sys.argv[1], safe_mode=False)
def facts(task):
    return {"pool": task.pool, "retries": task.retries, "mapped": task.is_mapped,
            "minutes": task.execution_timeout and task.execution_timeout.total_seconds() / 60}
print(json.dumps({"errors": bag.import_errors, "dags": {
    name: {task.task_id: facts(task) for task in dag.tasks} for name, dag in bag.dags.items()}}))
"""


FAILED_REQUESTS = 40
"""Of 20 parents, tried twice each: then the stream fails."""


def parse_dags(folder: Path, **environment: str) -> Json:
    done = subprocess.run(
        [AIRFLOW / "bin" / "python", "-c", PARSE_SCRIPT, DAGS],
        env={**os.environ, "AIRFLOW_HOME": str(folder), **environment},
        capture_output=True,
        check=True,
    )
    found: Json = json.loads(done.stdout.splitlines()[-1])
    return found


@requires_airflow
def test_dag_has_app_pools_and_time_limits(tmp_path: Path) -> None:
    """Each app has a pool, and the tap stops before Airflow's timeout."""
    parsed = parse_dags(tmp_path)
    assert parsed["errors"] == {}
    [dag] = parsed["dags"].values()
    config = Config.read(DAGS / "smokeball.yml")
    [job] = config.jobs
    for name, app in config.apps.items():
        load = dag[f"{name}.load"]
        assert load["mapped"]
        assert load["pool"] == app.pool in config.pools
        assert load["minutes"] >= job.max_run_minutes + 5


def repair(deployment: Deployment, firm: str, dag_run: subprocess.Popen[bytes]) -> None:
    """Let a firm work again once its task has failed."""
    query = f"SELECT state FROM task_instance WHERE rendered_map_index = '{firm}'"  # noqa: S608

    def has_failed() -> bool:
        return deployment.query_airflow(query) == [("up_for_retry",)] or (
            request_count(deployment.firms[firm], FEES) >= 200 + FAILED_REQUESTS + 3
        )

    wait_until(lambda: dag_run.poll() is not None or has_failed(), 600)
    deployment.firms[firm].control.clear_faults()


@requires_airflow
@pytest.mark.timeout(900)
def test_dag_retries_failed_firms_only(start: StartFirm, tmp_path: Path) -> None:
    """Failed, terminated and killed tasks resume; other firms load once."""
    undisturbed, disturbed = ("alpha", "bravo"), ("failing", "ended", "killed")
    firms = {
        name: start(matters=300, seed=seed, fees=1, exact_fees=True, latency_ms=50)
        for seed, name in enumerate((*undisturbed, *disturbed))
    }
    # So many parents fail alike that the stream fails, and the next attempt resumes it.
    firms["failing"].control.fail(how="status", status=503, template=FEES, count=9999, after=200)
    deployment = Deployment(tmp_path, firms, {"failing": {"max_retries": 1}})
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
        assert done.returncode == 0, output.read_text()[-3000:]

    assert deployment.differences() == []
    assert {name: deployment.attempts(name) for name in firms} == {
        **dict.fromkeys(undisturbed, 1),
        **dict.fromkeys(disturbed, 2),
    }
    summaries = deployment.summaries()
    assert all(each["complete"] for each in summaries.values())
    requests = {name: each["streams"]["fees"]["requests"] for name, each in summaries.items()}
    assert [requests[name] for name in undisturbed] == [300] * 2
    assert all(requests[name] < 300 for name in disturbed)
    assert request_count(firms["failing"], FEES) <= 300 * 1.3
    assert request_count(firms["ended"], FEES) <= 300 * 1.1
    assert {name: summaries[name]["rows"] for name in undisturbed} == {
        name: sum(len(deployment.loaded_ids(name, stream)) for stream in STREAMS)
        for name in undisturbed
    }

    # The tap logged its environment with the secrets; all of them must be redacted.
    logs = "".join(each.read_text() for each in deployment.home.rglob("attempt=*.log"))
    assert logs.count("TAP_SMOKEBALL_TWO_REFRESH_TOKEN=***") >= len(firms)
    assert deployment.files_with_secrets() == []
    assert not list((tmp_path / "tmp").glob("smokeball-*"))
    lines = b"\n".join(recorder.seen)
    assert b"--state-id-suffix\0killed" in lines
    assert not [secret for secret in deployment.secrets if secret.encode() in lines]


def read_config(folder: Path, **changes: Any) -> Config:
    content = {
        "apps": {"one": {"connection": "app"}},
        "firms": {"file": "firms.yml"},
        "dags": {"load": {"schedule": None, "max_run_minutes": 5, "loader": {"name": "target-x"}}},
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
