"""Airflow loads firms: one task each, at once, without disturbing each other or telling secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import SandboxServer
from tap_smokeball.config.settings import CONFIG
from tests.airflow_deployment import (
    AIRFLOW,
    DAGS,
    MISSING,
    STREAMS,
    CommandLines,
    Deployment,
    wait_until,
)
from tests.harness import FEES, Process, asked, catalog, config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartFirm
    from tests.harness import Json

sys.path.insert(0, str(DAGS))
from smokeball_airflow.config import SECRET, ConfigError
from smokeball_airflow.config import Deployment as Config
from smokeball_airflow.summary import Summary

pytestmark = pytest.mark.slow

with_airflow = pytest.mark.skipif(
    bool(MISSING),
    reason=f"no {', '.join(MISSING)}: `make test` installs them on Python 3.10 to 3.12",
)

PARSE = """
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


def parse(folder: Path, **environment: str) -> Json:
    done = subprocess.run(
        [AIRFLOW / "bin" / "python", "-c", PARSE, DAGS],
        env={**os.environ, "AIRFLOW_HOME": str(folder), **environment},
        capture_output=True,
        check=True,
    )
    found: Json = json.loads(done.stdout.splitlines()[-1])
    return found


@with_airflow
def test_each_app_has_its_pool_and_the_tap_stops_before_airflow_does(tmp_path: Path) -> None:
    parsed = parse(tmp_path)
    assert parsed["errors"] == {}
    [dag] = parsed["dags"].values()
    config = Config.read(DAGS / "smokeball.yml")
    [job] = config.jobs
    for name, app in config.apps.items():
        load = dag[f"{name}.load"]
        assert load["mapped"]
        assert load["pool"] == app.pool in config.pools
        assert load["minutes"] >= job.max_run_minutes + 5


@with_airflow
@pytest.mark.timeout(900)
def test_firms_at_once_of_which_some_fail(start: StartFirm, tmp_path: Path) -> None:
    """Two are left alone; one fails, one is told to end, one is killed: those go on."""
    left_alone, disturbed = ("alpha", "bravo"), ("failing", "ended", "killed")
    firms = {
        name: start(matters=300, seed=seed, fees=1, exact_fees=True, latency_ms=50)
        for seed, name in enumerate((*left_alone, *disturbed))
    }
    firms["failing"].control.fail(how="status", status=400, template=FEES, count=1, after=200)
    deployment = Deployment(tmp_path, firms)
    with (
        CommandLines() as command_lines,
        deployment.serving(),
        deployment.airflow("dags", "test", "--use-executor", "load") as done,
    ):
        wait_until(lambda: done.poll() is not None or asked(firms["ended"], FEES) >= 150, 600)
        os.kill(deployment.task_process("ended"), signal.SIGTERM)
        wait_until(lambda: done.poll() is not None or "resume" in deployment.state("killed"), 600)
        os.kill(deployment.task_process("killed"), signal.SIGKILL)
        assert done.wait() == 0, (tmp_path / "dags.out").read_text()[-3000:]

    assert deployment.differences() == []
    assert {name: deployment.attempts(name) for name in firms} == {
        **dict.fromkeys(left_alone, 1),
        **dict.fromkeys(disturbed, 2),
    }
    summaries = deployment.summaries()
    assert all(each["complete"] for each in summaries.values())
    requests = {name: each["streams"]["fees"]["requests"] for name, each in summaries.items()}
    assert [requests[name] for name in left_alone] == [300] * 2
    assert all(requests[name] < 300 for name in disturbed)
    assert asked(firms["failing"], FEES) <= 300 * 1.3
    assert asked(firms["ended"], FEES) <= 300 * 1.1
    assert {name: summaries[name]["rows"] for name in left_alone} == {
        name: sum(len(deployment.loaded(name, stream)) for stream in STREAMS) for name in left_alone
    }

    # The tap told all that it was given, secrets too; and they are nowhere.
    logs = "".join(each.read_text() for each in deployment.home.rglob("attempt=*.log"))
    assert logs.count("TAP_SMOKEBALL_TWO_REFRESH_TOKEN=***") >= len(firms)
    assert deployment.leaks() == []
    assert not list((tmp_path / "tmp").glob("smokeball-*"))
    lines = b"\n".join(command_lines.seen)
    assert b"--state-id-suffix\0killed" in lines
    assert not [secret for secret in deployment.secrets if secret.encode() in lines]


def read(folder: Path, **changes: Any) -> Config:
    content = {
        "apps": {"one": {"connection": "app"}},
        "firms": {"file": "firms.yml"},
        "dags": {"load": {"schedule": None, "max_run_minutes": 5, "loader": {"name": "target-x"}}},
    }
    (folder / "smokeball.yml").write_text(json.dumps(content | changes))
    return Config.read(folder / "smokeball.yml")


def test_what_is_secret_is_known_to_be() -> None:
    properties: Json = CONFIG["properties"]
    secret = {name for name, prop in properties.items() if prop.get("secret")}
    assert {name for name in properties if SECRET.search(name)} == secret


@pytest.mark.parametrize(
    ("firms", "complaint"),
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
def test_a_bad_list_of_firms_is_refused(tmp_path: Path, firms: Any, complaint: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path).listed(firms)
    assert complaint in str(error.value)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
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
def test_a_bad_configuration_is_refused(tmp_path: Path, changes: Json, complaint: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, **changes)
    assert complaint in str(error.value)
    assert "canary" not in str(error.value)


def test_firms_share_the_allowance_of_their_app(tmp_path: Path) -> None:
    config = read(tmp_path, apps={"one": {"connection": "app", "slots": 2}})
    assert config.apps["one"].share == {"requests_per_second": 2.5, "burst": 2}
    assert config.pools["smokeball_one"]["slots"] == 2


def test_the_pools_are_written_for_airflow_to_import() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smokeball_airflow", "smokeball.yml"],
        cwd=DAGS,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == Config.read(DAGS / "smokeball.yml").pools


def test_the_example_of_a_list_fits() -> None:
    config = Config.read(DAGS / "smokeball.yml")
    firms = config.listed(config.read_file())
    assert [each["connection"] for each in firms] == ["smokeball_abbott", "smokeball_baker", None]
    assert {each["app"] for each in firms} == {"practice"}


def test_the_summary_is_read_as_the_tap_writes_it(tmp_path: Path) -> None:
    with SandboxServer(matters=6) as firm:
        firm.control.fail(how="status", status=403, template=FEES, count=100)
        ended = Process(tmp_path).run(config(firm), catalog=catalog(wanted=["matters", "fees"]))
    summary = Summary()
    assert not summary.report("alpha", 1)["complete"]
    for line in [*ended.stderr.splitlines(), "METRIC: {not JSON}"]:
        summary.read("target-duckdb", line)
    assert summary.report("alpha", 1)["rows"] == 0
    for line in [*ended.stderr.splitlines(), "METRIC: {not JSON}"]:
        summary.read("tap-smokeball", line)
    assert summary.failed == ["fees"]
    report = summary.report("alpha", 9.87)
    assert (report["firm"], report["seconds"], report["rows"]) == ("alpha", 9.9, 6)
    assert report["requests"] == summary.value["requests"] > 1
    assert not report["complete"]
    assert report["streams"]["fees"]["error"] == "AccessDeniedError"
