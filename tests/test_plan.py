"""The estimate of ``--plan`` matches the requests of the run."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.pages import Page
from tap_smokeball.api.pagination import OffsetPaginator
from tap_smokeball.run.request_estimate import page_count
from tests.harness import (
    DEFAULT_STREAMS,
    TOKEN,
    catalog,
    config,
    index_by_id,
    request_count,
    run,
    run_plan,
    sandbox_rows,
)
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


SOME_STREAMS = ("matters", "fees", "contacts", "tasks", "transactions")


@dataclass
class Plan:
    """A parsed plan."""

    streams: dict[str, int]
    total: int
    own_requests: int
    text: str


def parse_plan(text: str) -> Plan:
    lines = text.splitlines()
    table = lines[1 : lines.index("")]
    streams = {}
    for line in table:
        if "failed" not in line:
            name, *figures = re.split(r"  +", line)
            streams[name] = int(figures[-3].replace(",", ""))
    (total,) = re.findall(r"^About ([\d,]+) requests: ", text, re.MULTILINE)
    (own_requests,) = re.findall(r"^This plan took ([\d,]+) requests\.$", text, re.MULTILINE)
    return Plan(streams, int(total.replace(",", "")), int(own_requests.replace(",", "")), text)


def plan_and_run(
    firm: SandboxServer,
    state: Json | None = None,
    wanted: Json | None = None,
    **settings: Any,
) -> tuple[Plan, Output]:
    """Plan a run, run it, and verify the estimate."""
    wanted = wanted or catalog(wanted=DEFAULT_STREAMS)
    firm.control.reset_requests()
    plan = parse_plan(run_plan(config(firm, **settings), state, wanted).stdout)
    assert plan.own_requests == firm.control.requests()["total"] - request_count(firm, TOKEN)
    firm.control.reset_requests()
    output = run(config(firm, **settings), state, wanted)
    actual = firm.control.requests()["total"] - request_count(firm, TOKEN)
    assert plan.total == pytest.approx(actual, rel=0.15), plan.text
    assert plan.total == pytest.approx(sum(plan.streams.values()), abs=len(plan.streams))
    return plan, output


@given(rows=st.integers(0, 300), limit=st.integers(2, 60), has_size=st.booleans())
def test_plan_counts_pages_like_paginator(rows: int, limit: int, has_size: bool) -> None:  # noqa: FBT001
    """The estimate of pages equals the requests of the paginator."""
    all_rows = [{"id": number} for number in range(rows)]
    fetched = []

    def fetch(params: dict[str, int]) -> Page:
        offset, limit = params["Offset"], params["Limit"]
        fetched.append(offset)
        more = "next" if offset + limit < rows else ""
        size = rows if has_size else None
        return Page(all_rows[offset : offset + limit], size, more, limit=limit)

    pages_read = OffsetPaginator(fetch, index_by_id, limit)
    assert sum(len(page) for page in pages_read) == rows
    assert len(fetched) == page_count(rows, limit)


class TestFirms:
    @pytest.mark.parametrize("matters", [0, 1, 12, 80])
    def test_plan_matches_run_for_any_firm_size(self, start: StartFirm, matters: int) -> None:
        """The plan is within 15% of the run, with fewer than 70 requests."""
        firm = start(matters=matters)
        plan, _ = plan_and_run(firm)
        assert plan.streams.keys() == set(DEFAULT_STREAMS)
        assert plan.own_requests < 70

    def test_plan_matches_run_with_many_fees(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=90)
        plan, _ = plan_and_run(firm, wanted=catalog(), page_size=50)
        assert plan.streams["fees"] > 90
        assert plan.own_requests < 60

    def test_plan_samples_matters_of_large_firm(self, start: StartFirm) -> None:
        """The plan samples a few matters and extrapolates to the others."""
        firm = start(matters=400, fees=1, exact_fees=True)
        plan, _ = plan_and_run(firm, wanted=catalog(), page_size=40)
        assert plan.streams["fees"] == 400
        assert plan.own_requests < 15

    def test_plan_matches_run_of_all_streams(self, start: StartFirm) -> None:
        selection = catalog(wanted=STREAMS, select=["intake_submissions.responses"])
        plan, _ = plan_and_run(start(matters=30), wanted=selection)
        assert plan.streams.keys() == STREAMS.keys()
        assert plan.streams["folders"] > 30


class TestSize:
    @pytest.mark.parametrize("size", ["missing", "zero", 40, -40])
    def test_plan_handles_wrong_list_size(self, start: StartFirm, size: object) -> None:
        """The plan finds the end of a list whose `size` is wrong."""
        firm = start(matters=150, fees=1, exact_fees=True)
        firm.control.settings(size=size)
        plan, _ = plan_and_run(firm, wanted=catalog(wanted=SOME_STREAMS), page_size=15)
        assert plan.own_requests < 80

    def test_plan_shows_basis_of_estimate(self, start: StartFirm) -> None:
        firm = start(matters=300, fees=1, exact_fees=True)
        right = run_plan(config(firm, page_size=30)).stdout
        assert re.search(r"^matters .* size, and its last page$", right, re.MULTILINE)
        assert re.search(r"^fees .* 3 of 300 matters$", right, re.MULTILINE)
        firm.control.settings(size="missing")
        missing = run_plan(config(firm, page_size=30)).stdout
        assert re.search(
            r"^matters .*  search for its end \(size is missing or wrong\)$", missing, re.MULTILINE
        )

    def test_plan_handles_pages_shorter_than_limit(self, start: StartFirm) -> None:
        """The plan is right if the server caps the page size."""
        firm = start(matters=90, fees=1, exact_fees=True)
        firm.control.settings(max_page=10)
        plan_and_run(firm, wanted=catalog())


class TestState:
    def test_plan_counts_remaining_parents_of_pass(self, start: StartFirm) -> None:
        """A resumed full pass counts only the remaining matters."""
        firm = start(matters=130, fees=1, exact_fees=True)
        first = run(config(firm), crash_at=130 + 115)
        assert "resume" in first.bookmark("fees")
        plan, second = plan_and_run(firm, first.state, catalog())
        assert plan.streams["fees"] == 30
        assert second.status == 0
        assert "of 30 matters, 130 in all" in plan.text

    def test_plan_counts_changed_parents_of_pass(self, start: StartFirm) -> None:
        """Changed matters before the resume point are counted, too."""
        firm = start(matters=130, fees=1, exact_fees=True)
        settings = {"lookback_seconds": 0}
        first = run(config(firm, **settings), crash_at=130 + 115)
        last_parent_id = first.bookmark("fees")["resume"]["last_parent_id"]
        earlier_parents = [
            e["parent"] for e in sandbox_rows(firm, "fees") if e["parent"] < last_parent_id
        ][:15]
        for matter in earlier_parents:
            firm.control.touch("matters", matter, set={"description": "Moved"})
        plan, _ = plan_and_run(firm, first.state, catalog(), **settings)
        assert plan.streams["fees"] == 30 + 15

    def test_plan_matches_incremental_run(self, start: StartFirm) -> None:
        firm = start(matters=40, fees=90)
        wanted = catalog(wanted=SOME_STREAMS)
        settings = {"page_size": 50, "lookback_seconds": 0}
        first = run(config(firm, **settings), catalog=wanted)
        firm.control.touch("contacts", nth=0, set={"notes": "New"})
        plan, _ = plan_and_run(firm, first.state, wanted, **settings)
        assert plan.streams["fees"] == 40
        assert plan.streams["contacts"] == 1

    def test_plan_respects_filter_settings(self, start: StartFirm) -> None:
        firm = start(matters=80, fees=1, exact_fees=True)
        plan, output = plan_and_run(firm, wanted=catalog(), matter_statuses=["Open"])
        assert plan.streams["fees"] == len(output.records("matters")) < 60
        since = sorted(e["updated"] for e in sandbox_rows(firm, "matters"))[60]
        plan_and_run(
            firm,
            wanted=catalog(deselect=["fees"]),
            page_size=10,
            start_date=dotnet_ticks.to_rfc3339(since),
        )


class TestText:
    def test_plan_derives_time_from_rate_limit(self, start: StartFirm) -> None:
        firm = start(matters=59, fees=1, exact_fees=True)
        text = run_plan(config(firm, requests_per_second=1, burst=60)).stdout
        assert "About 60 requests: 1 minute at 1 per second." in text

    def test_plan_derives_time_from_latency(self, start: StartFirm) -> None:
        """With slow responses, the requests in flight permit less than the rate limit."""
        firm = start(matters=20, fees=1, exact_fees=True, latency_ms=100)
        settings = config(firm, requests_per_second=500, burst=2)
        text = run_plan(settings).stdout
        [latency] = re.findall(
            r"^The latency holds the rate, not the rate limit of 500 per second: a request takes "
            r"(\d\.\d) s, and at most 2 are in flight\.$",
            text,
            re.MULTILINE,
        )
        # A list of one page, then 20 matters, two at a time.
        [seconds] = re.findall(r"^About 21 requests: (\d+) seconds? at ", text, re.MULTILINE)
        assert float(seconds) == pytest.approx(float(latency) * 11, rel=0.6)

    def test_plan_splits_time_limit_into_runs(self, start: StartFirm) -> None:
        firm = start(matters=190, fees=1, exact_fees=True)
        settings = config(firm, requests_per_second=10, burst=60, max_run_minutes=0.1)
        assert "With max_run_minutes that is 4 runs of 6 seconds." in run_plan(settings).stdout
        too_short = config(firm, requests_per_second=0.2, burst=60, max_run_minutes=0.05)
        assert "max_run_minutes is too short" in run_plan(too_short).stdout

    def test_plan_emits_no_messages(self, firm: SandboxServer) -> None:
        assert run_plan(config(firm)).messages == []


class TestFailures:
    def test_plan_reports_missing_scope(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        firm.control.settings(scopes=["matters/read"])
        output = run_plan(config(firm))
        assert output.status == 1
        assert output.stderr == "1 of 2 streams failed: fees"
        assert "Grant the app the scope fees/read" in caplog.text
        assert re.search(r"^fees +failed: 403 access denied$", output.stdout, re.MULTILINE)
        assert parse_plan(output.stdout).streams == {"matters": 1}

    def test_plan_reports_unlisted_parents(self, firm: SandboxServer) -> None:
        firm.control.settings(scopes=["fees/read", "staff/read"])
        output = run_plan(config(firm), catalog=catalog(wanted=["matters", "fees", "staff"]))
        assert output.status == 1
        assert output.stderr == "2 of 3 streams failed: matters, fees"
        assert parse_plan(output.stdout).streams == {"staff": 1}

    def test_plan_ignores_matter_deleted_meanwhile(self, start: StartFirm) -> None:
        firm = start(matters=10, fees=1, exact_fees=True)
        firm.control.fail(
            count=1, how="status", status=404, template="GET /matters/{matterId}/fees"
        )
        assert parse_plan(run_plan(config(firm)).stdout).streams["fees"] == 10


def test_plan_ends_on_signal_despite_slow_server(firm: SandboxServer) -> None:
    firm.control.fail(count=10, how="slow", seconds=20)

    def interrupt() -> None:
        while not firm.control.requests()["max_in_flight"]:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert run_plan(config(firm)).status == 130
    thread.join()


def test_plan_option_leaves_state_unchanged(start: StartFirm, process: Process) -> None:
    """`--plan` prints a resumed plan, without a summary or a new state."""
    firm = start(matters=130, fees=1, exact_fees=True)
    state = run(config(firm), crash_at=130 + 115).state
    output = process.run_for_text(config(firm), "--plan", state=state, catalog=catalog())
    assert output.status == 0
    assert parse_plan(output.stdout).streams == {"matters": 1, "fees": 30}
    assert "Run summary" not in output.stderr
    assert json.dumps(state) == (process.folder / "state.json").read_text()
