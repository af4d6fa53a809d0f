"""Loads four firms at once with a real scheduler, and compares the rows.

``python -m tests.airflow_trial --times 10`` runs ten rounds. Each round adds a fee to each firm.
One firm, another in each round, fails in the middle and is retried.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from smokeball_sandbox import SandboxServer
from tests.airflow_deployment import DAGS, MISSING_ENVIRONMENTS, Deployment, wait_until
from tests.harness import FEES, sandbox_rows

sys.path.insert(0, str(DAGS))
from smokeball_airflow.config import Deployment as Config

FIRMS = ("alpha", "bravo", "charlie", "delta")


def main(times: int) -> int:
    """Run the trial; return the exit status."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="airflow-trial-"))
        firms = {
            name: stack.enter_context(
                SandboxServer(matters=60, seed=seed, fees=3, exact_fees=True, latency_ms=20),
            )
            for seed, name in enumerate(FIRMS)
        }
        deployment = Deployment(Path(folder), firms)
        pools = Path(folder, "pools.json")
        pools.write_text(json.dumps(Config.read(Path(folder, "smokeball.yml")).pools))
        with deployment.airflow("pools", "import", str(pools)) as command:
            command.wait()
        stack.enter_context(deployment.running("scheduler", "dag-processor"))
        wait_until(lambda: deployment.query_airflow("SELECT 1 FROM serialized_dag"), 300)
        succeeded = 0
        for round_number in range(1, times + 1):
            succeeded += load(deployment, round_number)
    sys.stdout.write(f"{succeeded} of {times} without a difference\n")
    return int(succeeded < times)


def load(deployment: Deployment, round_number: int) -> bool:
    """Load all firms at once; return whether rows, secrets and tasks are right."""
    started = time.monotonic()
    for firm in deployment.firms.values():
        firm.control.add("fees", parent=sandbox_rows(firm, "matters")[round_number]["row"]["id"])
    failing = FIRMS[round_number % len(FIRMS)]
    control = deployment.firms[failing].control
    control.fail(how="status", status=400, template=FEES, count=1, after=30)
    run = f"trial-{round_number}"
    with deployment.airflow("dags", "trigger", "load", "--run-id", run) as command:
        command.wait()
    states = f"SELECT state FROM dag_run WHERE run_id = '{run}'"  # noqa: S608
    wait_until(lambda: deployment.query_airflow(states)[0][0] in {"success", "failed"}, 900)
    tasks = deployment.query_airflow(
        "SELECT rendered_map_index, state, try_number FROM task_instance "  # noqa: S608
        f"WHERE run_id = '{run}' AND task_id = 'practice.load' ORDER BY 1"
    )
    expected = [(name, "success", 2 if name == failing else 1) for name in FIRMS]
    problems = [*deployment.differences(), *deployment.files_with_secrets()]
    problems += [str(task) for task in tasks if task not in expected]
    seconds = time.monotonic() - started
    sys.stdout.write(f"{round_number}: {seconds:.0f} s, {'; '.join(problems) or 'no difference'}\n")
    sys.stdout.flush()
    return not problems and len(tasks) == len(FIRMS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    if MISSING_ENVIRONMENTS:
        sys.exit(f"missing: {', '.join(MISSING_ENVIRONMENTS)}")
    sys.exit(main(options.times))
