"""Lets a real scheduler load four firms at once, many times over, and compares what was loaded.

``python -m tests.airflow_trial --times 10``. Each time there are new fees at each firm, and
another one of the firms fails in the middle and is tried again.
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
from tests.airflow_deployment import DAGS, MISSING, Deployment, wait_until
from tests.harness import FEES, truth

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
        stack.enter_context(deployment.serving("scheduler", "dag-processor"))
        wait_until(lambda: deployment.ask_airflow("SELECT 1 FROM serialized_dag"), 300)
        good = 0
        for number in range(1, times + 1):
            good += load(deployment, number)
    sys.stdout.write(f"{good} of {times} without a difference\n")
    return int(good < times)


def load(deployment: Deployment, number: int) -> bool:
    """Load all firms at once; return whether all went as it must."""
    began = time.monotonic()
    for firm in deployment.firms.values():
        firm.control.add("fees", parent=truth(firm, "matters")[number]["row"]["id"])
    failing = FIRMS[number % len(FIRMS)]
    control = deployment.firms[failing].control
    control.fail(how="status", status=400, template=FEES, count=1, after=30)
    run = f"trial-{number}"
    with deployment.airflow("dags", "trigger", "load", "--run-id", run) as command:
        command.wait()
    states = f"SELECT state FROM dag_run WHERE run_id = '{run}'"  # noqa: S608
    wait_until(lambda: deployment.ask_airflow(states)[0][0] in {"success", "failed"}, 900)
    tasks = deployment.ask_airflow(
        "SELECT rendered_map_index, state, try_number FROM task_instance "  # noqa: S608
        f"WHERE run_id = '{run}' AND task_id = 'practice.load' ORDER BY 1"
    )
    expected = [(name, "success", 2 if name == failing else 1) for name in FIRMS]
    wrong = [*deployment.differences(), *deployment.leaks()]
    wrong += [str(task) for task in tasks if task not in expected]
    seconds = time.monotonic() - began
    sys.stdout.write(f"{number}: {seconds:.0f} s, {'; '.join(wrong) or 'no difference'}\n")
    sys.stdout.flush()
    return not wrong and len(tasks) == len(FIRMS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    if MISSING:
        sys.exit(f"missing: {', '.join(MISSING)}")
    sys.exit(main(options.times))
