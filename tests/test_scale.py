"""The page on many firms rests on how many requests a run makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.scale import JOBS, LIVE, Job
from tests.harness import DEFAULT, catalog, config, run, truth

if TYPE_CHECKING:
    from tests.conftest import StartFirm
    from tests.harness import Json


@pytest.mark.parametrize(
    ("job", "settings", "wanted"),
    [
        (JOBS[0], {}, DEFAULT),
        (JOBS[1], {"matter_statuses": ["Open", "Pending"]}, DEFAULT),
        (
            JOBS[2],
            {},
            [
                name
                for name in DEFAULT
                if name not in {"fees", "expenses", "invoices", "matter_roles"}
            ],
        ),
    ],
    ids=lambda value: value.title.replace(" ", "-") if isinstance(value, Job) else "",
)
def test_a_run_makes_the_requests_that_the_figures_count(
    start: StartFirm, job: Job, settings: Json, wanted: list[str]
) -> None:
    firm = start(matters=60, fees=1)
    chosen = catalog(wanted=wanted)
    first = run(config(firm, **settings), catalog=chosen)
    firm.control.reset_requests()
    run(config(firm, **settings), first.state, chosen)
    statuses = settings.get("matter_statuses")
    matters = [each["row"] for each in truth(firm, "matters")]
    live = [each for each in matters if not statuses or each["status"] in statuses]
    share = LIVE if statuses else 1
    assert firm.control.requests()["total"] == job.requests(round(len(live) / share))
