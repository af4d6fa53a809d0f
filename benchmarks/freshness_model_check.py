"""Holds the model of a day against the tap: some short runs on a small firm, request by request.

The model says which child is read below which matter, and in which order; the tap's runs, cut short
by their time limit, must have read the very same. How many requests fit into a run is compared too.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from benchmarks.competitors import TAP, lab
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
MATTERS, RUNS, CHANGED = 40, 6, 2
RATE, LIMIT = 20.0, 5.0


def check() -> dict[str, Any]:
    """Run the tap and the model side by side."""
    real: list[int] = []
    same = True
    with lab(matters=MATTERS, rate=RATE, burst=BURST) as firm:
        ids = sorted(entry["row"]["id"] for entry in firm.sandbox.control.rows("matters"))
        numbers = {
            f"/matters/{matter}{below}": (stream, number)
            for stream, below in enumerate(CHILDREN.values())
            for number, matter in enumerate(ids)
        }
        model = Tap([Stream(name, n) for n, name in enumerate(CHILDREN)], [0.0] * MATTERS, 1)
        state = None
        for run in range(1, RUNS + 1):
            outcome = firm.run(
                TAP,
                state,
                streams=("matters", *CHILDREN),
                requests_per_second=RATE,
                burst=BURST,
                max_run_minutes=LIMIT / 60,
            )
            state = outcome.state
            log = firm.sandbox.control.requests(log=True)["log"]
            reads = [numbers[entry["path"]] for entry in log if entry["path"] in numbers]
            expected = model.run(float(run))
            same = same and sorted(islice(expected, len(reads))) == sorted(reads)
            next(expected, None)  # so that what was read counts as done
            real.append(len(log))
            for nth in range(CHANGED):
                matter = (run * 7 + nth * 11) % MATTERS
                firm.sandbox.control.touch("matters", id=ids[matter])
                model.changed[matter] = run + 0.5 + nth / 10
    return {
        "matters": MATTERS,
        "streams": len(CHILDREN),
        "runs": RUNS,
        "limit_seconds": LIMIT,
        "rate": RATE,
        "same_reads": same,
        "requests_a_run": sum(real) / RUNS,
        "predicted_requests_a_run": LIMIT * RATE + BURST,
    }
