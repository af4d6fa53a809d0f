"""Compare the freshness model with real runs of the tap on a small firm.

The model predicts which children of which matters each run reads. The runs, which end at their time
limit, must read exactly these. The number of requests per run is compared as well.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

from benchmarks.competitors import TAP, simulated_firm
from benchmarks.freshness_model import BURST, Stream, Tap

CHILDREN = {
    "billing_configurations": "/billingconfiguration",
    "expenses": "/expenses",
    "fees": "/fees",
    "files": "/documents/files",
    "invoices": "/invoices",
    "matter_layouts": "/layouts",
    "matter_roles": "/roles",
    "memos": "/memos",
}
MATTERS, RUNS, CHANGED_PER_RUN = 40, 6, 2
RATE, RUN_LIMIT_SECONDS = 20.0, 5.0
SERVER_CLOCK_SECONDS = 1.1
"""Time after which the server's clock, in whole seconds, is later than a change before it: a full
pass reads again what changed in the second in which it started."""


def check() -> dict[str, Any]:
    """Run the tap and the model in parallel and compare their reads."""
    requests: list[int] = []
    same_reads = True
    with simulated_firm(matters=MATTERS, rate=RATE, burst=BURST) as firm:
        ids = sorted(entry["row"]["id"] for entry in firm.sandbox.control.rows("matters"))
        numbers = {
            f"/matters/{matter}{suffix}": (stream, number)
            for stream, suffix in enumerate(CHILDREN.values())
            for number, matter in enumerate(ids)
        }
        model = Tap([Stream(name, n) for n, name in enumerate(CHILDREN)], [0.0] * MATTERS, 1)
        state = None
        for run in range(1, RUNS + 1):
            result = firm.run(
                TAP,
                state,
                streams=("matters", *CHILDREN),
                requests_per_second=RATE,
                burst=BURST,
                max_run_minutes=RUN_LIMIT_SECONDS / 60,
            )
            state = result.state
            log = firm.sandbox.control.requests(log=True)["log"]
            reads = [numbers[entry["path"]] for entry in log if entry["path"] in numbers]
            expected = model.run(float(run))
            predicted = sorted(islice(expected, len(reads)))
            same_reads = same_reads and predicted == sorted(reads)
            next(expected, None)  # the model records a read when the next one is requested
            requests.append(len(log))
            for nth in range(CHANGED_PER_RUN):
                matter = (run * 7 + nth * 11) % MATTERS
                firm.sandbox.control.touch("matters", id=ids[matter])
                model.changed[matter] = run + 0.5 + nth / 10
            time.sleep(SERVER_CLOCK_SECONDS)
    return {
        "matters": MATTERS,
        "streams": len(CHILDREN),
        "runs": RUNS,
        "limit_seconds": RUN_LIMIT_SECONDS,
        "rate": RATE,
        "same_reads": same_reads,
        "requests_per_run": sum(requests) / RUNS,
        "predicted_requests_per_run": RUN_LIMIT_SECONDS * RATE + BURST,
    }
