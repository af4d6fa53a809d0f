"""The request counts of docs/scale.md match those of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scripts.scale import JOBS, Job
from tests.harness import DEFAULT_STREAMS, catalog, config, run, sandbox_rows

if TYPE_CHECKING:
    from tests.conftest import StartFirm
    from tests.harness import Json

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("job", "settings", "wanted"),
    [
        (JOBS[0], {}, DEFAULT_STREAMS),
        (JOBS[1], {"closed_matters_interval_hours": 24}, DEFAULT_STREAMS),
        (
            JOBS[2],
            {},
            [
                name
                for name in DEFAULT_STREAMS
                if name not in {"fees", "expenses", "invoices", "matter_roles"}
            ],
        ),
    ],
    ids=lambda value: value.title.replace(" ", "-") if isinstance(value, Job) else "",
)
def test_scale_page_request_counts_match_run(
    start: StartFirm, job: Job, settings: Json, wanted: list[str]
) -> None:
    """A run makes the number of requests in the tables of docs/scale.md."""
    firm = start(matters=60, fees=1)
    selection = catalog(wanted=wanted)
    first = run(config(firm, **settings), catalog=selection)
    firm.control.reset_requests()
    run(config(firm, **settings), first.state, selection)
    rows = [entry["row"] for entry in sandbox_rows(firm, "matters")]
    live = [row for row in rows if row["isLead"] or row["status"] in {"Open", "Pending"}]
    share = len(live) / len(rows) if settings else 1
    assert firm.control.requests()["total"] == replace(job, share=share).requests(len(rows))
