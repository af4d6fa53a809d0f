"""The page of alerts: its queries, the metrics and the rules, on the summary of a real run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.harness import DEFAULT_STREAMS, FEES, MATTERS, catalog, config

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("jq"), reason="needs jq"),
]

ROOT = Path(__file__).parent.parent
COMMANDS = re.findall(r"^\$ (.*)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
BAD_RUN = {
    '"failed"': "bank_accounts\nmatter_balances\ntransactions\n",
    ".unread_parents": "fees\n",
    ".kept_fields": "clientIds\n",
    "retries_by_cause": "429",
}
"""Part of a query, and the beginning of its output after a run with each kind of problem."""


@pytest.fixture
def log(firm: SandboxServer, process: Process) -> Path:
    """Return the folder with the log of a run with each kind of problem."""
    scopes = [each for each in firm.control.settings()["scopes"] if each != "bankaccounts/read"]
    firm.control.settings(scopes=scopes)
    firm.control.fail(count=6, how="status", status=429, retry_after=0, template=MATTERS)
    firm.control.fail(count=1, how="status", status=404, template=FEES)
    settings = {**config(firm), "refresh_token_issued_at": "2026-11-01"}
    output = process.run(
        settings,
        "--format=json",
        catalog=catalog(wanted=DEFAULT_STREAMS),
    )
    assert output.status == 1
    (process.folder / "run.log").write_text(output.stderr)
    (process.folder / "examples").symlink_to(ROOT / "examples")
    return process.folder


def run_command(folder: Path, command: str) -> str:
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_alert_queries_find_each_problem(log: Path) -> None:
    """The commands of the page run as printed, in their order."""
    outputs = {command: run_command(log, command) for command in COMMANDS}
    for part, beginning in BAD_RUN.items():
        [text] = [outputs[command] for command in COMMANDS if part in command]
        assert beginning in text, part
    metrics = {
        sample.name: sample
        for family in text_string_to_metric_families((log / "smith.prom").read_text())
        for sample in family.samples
    }
    rules = yaml.safe_load((ROOT / "examples/alerts/rules.yml").read_text())["groups"][0]["rules"]
    for rule in rules:
        names = set(re.findall(r"smokeball_\w+", rule["expr"]))
        assert names, rule
        assert names <= metrics.keys(), rule
    assert metrics["smokeball_run_exit_status"].value == 1
    assert metrics["smokeball_run_exit_status"].labels == {"firm": "smith"}
