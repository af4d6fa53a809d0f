"""What ``--plan`` promises, held against what the run then takes."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.pagination import Page, read_all
from tap_smokeball.run.request_estimate import pages
from tests.harness import DEFAULT, TOKEN, asked, by_id, catalog, config, planned, run, truth
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


SOME = ("matters", "fees", "contacts", "tasks", "transactions")


@dataclass
class Plan:
    """A plan as people read it."""

    streams: dict[str, int]
    total: int
    asked: int
    text: str


def read(text: str) -> Plan:
    lines = text.splitlines()
    table = lines[1 : lines.index("")]
    streams = {}
    for line in table:
        if "failed" not in line:
            name, *figures = re.split(r"  +", line)
            streams[name] = int(figures[-3].replace(",", ""))
    (total,) = re.findall(r"^About ([\d,]+) requests: ", text, re.MULTILINE)
    (took,) = re.findall(r"^This plan took ([\d,]+) requests\.$", text, re.MULTILINE)
    return Plan(streams, int(total.replace(",", "")), int(took.replace(",", "")), text)


def compared(
    firm: SandboxServer,
    state: Json | None = None,
    wanted: Json | None = None,
    **settings: Any,
) -> tuple[Plan, Output]:
    """Plan a run, make it, and see to it that the plan was right."""
    wanted = wanted or catalog(wanted=DEFAULT)
    firm.control.reset_requests()
    plan = read(planned(config(firm, **settings), state, wanted).stdout)
    assert plan.asked == firm.control.requests()["total"] - asked(firm, TOKEN)
    firm.control.reset_requests()
    output = run(config(firm, **settings), state, wanted)
    real = firm.control.requests()["total"] - asked(firm, TOKEN)
    assert plan.total == pytest.approx(real, rel=0.15), plan.text
    assert plan.total == pytest.approx(sum(plan.streams.values()), abs=len(plan.streams))
    return plan, output


@given(rows=st.integers(0, 300), limit=st.integers(2, 60), told=st.booleans())
def test_the_model_counts_pages_as_the_paginator_does(rows: int, limit: int, told: bool) -> None:  # noqa: FBT001
    everything = [{"id": number} for number in range(rows)]
    fetched = []

    def fetch(offset: int, limit: int) -> Page:
        fetched.append(offset)
        more = offset + limit < rows
        return Page(everything[offset : offset + limit], rows if told else None, more)

    pieces = read_all(fetch, by_id, limit)
    assert sum(len(piece) for piece in pieces) == rows
    assert len(fetched) == pages(rows, limit)


class TestFirms:
    @pytest.mark.parametrize("matters", [0, 1, 12, 80])
    def test_of_any_size(self, start: StartFirm, matters: int) -> None:
        firm = start(matters=matters)
        plan, _ = compared(firm)
        assert plan.streams.keys() == set(DEFAULT)
        assert plan.asked < 70

    def test_with_many_fees(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=90)
        plan, _ = compared(firm, wanted=catalog(), page_size=50)
        assert plan.streams["fees"] > 90
        assert plan.asked < 60

    def test_with_more_matters_than_are_looked_at(self, start: StartFirm) -> None:
        firm = start(matters=400, fees=1, exact_fees=True)
        plan, _ = compared(firm, wanted=catalog(), page_size=40)
        assert plan.streams["fees"] == 400
        assert plan.asked < 15

    def test_with_all_streams(self, start: StartFirm) -> None:
        chosen = catalog(wanted=STREAMS, select=["intake_submissions.responses"])
        plan, _ = compared(start(matters=30), wanted=chosen)
        assert plan.streams.keys() == STREAMS.keys()
        assert plan.streams["folders"] > 30


class TestSize:
    @pytest.mark.parametrize("size", ["missing", "zero", 40, -40])
    def test_it_need_not_be_right(self, start: StartFirm, size: object) -> None:
        firm = start(matters=150, fees=1, exact_fees=True)
        firm.control.settings(size=size)
        plan, _ = compared(firm, wanted=catalog(wanted=SOME), page_size=15)
        assert plan.asked < 80

    def test_the_plan_says_what_it_rests_on(self, start: StartFirm) -> None:
        firm = start(matters=300, fees=1, exact_fees=True)
        right = planned(config(firm, page_size=30)).stdout
        assert re.search(r"^matters .* size, and the page at its end$", right, re.MULTILINE)
        assert re.search(r"^fees .* 3 of 300 matters$", right, re.MULTILINE)
        firm.control.settings(size="missing")
        missing = planned(config(firm, page_size=30)).stdout
        assert re.search(r"^matters .* a search for its end", missing, re.MULTILINE)

    def test_pages_may_be_cut_shorter_than_asked_for(self, start: StartFirm) -> None:
        firm = start(matters=90, fees=1, exact_fees=True)
        firm.control.settings(max_page=10)
        compared(firm, wanted=catalog())


class TestState:
    def test_a_pass_that_is_gone_on_with(self, start: StartFirm) -> None:
        firm = start(matters=130, fees=1, exact_fees=True)
        first = run(config(firm), crash_at=130 + 115)
        assert "resume" in first.bookmark("fees")
        plan, second = compared(firm, first.state, catalog())
        assert plan.streams["fees"] == 30
        assert second.status == 0
        assert "of 30 matters, 130 in all" in plan.text

    def test_what_changed_behind_that_place_is_counted(self, start: StartFirm) -> None:
        firm = start(matters=130, fees=1, exact_fees=True)
        settings = {"lookback_seconds": 0}
        first = run(config(firm, **settings), crash_at=130 + 115)
        place = first.bookmark("fees")["resume"]["after"]
        behind = [e["parent"] for e in truth(firm, "fees") if e["parent"] < place][:15]
        for matter in behind:
            firm.control.touch("matters", matter, set={"description": "Moved"})
        plan, _ = compared(firm, first.state, catalog(), **settings)
        assert plan.streams["fees"] == 30 + 15

    def test_an_incremental_run(self, start: StartFirm) -> None:
        firm = start(matters=40, fees=90)
        wanted = catalog(wanted=SOME)
        settings = {"page_size": 50, "lookback_seconds": 0}
        first = run(config(firm, **settings), catalog=wanted)
        firm.control.touch("contacts", nth=0, set={"notes": "New"})
        plan, _ = compared(firm, first.state, wanted, **settings)
        assert plan.streams["fees"] == 40
        assert plan.streams["contacts"] == 1

    def test_the_settings_count(self, start: StartFirm) -> None:
        firm = start(matters=80, fees=1, exact_fees=True)
        plan, output = compared(firm, wanted=catalog(), matter_statuses=["Open"])
        assert plan.streams["fees"] == len(output.records("matters")) < 60
        since = sorted(e["updated"] for e in truth(firm, "matters"))[60]
        compared(
            firm,
            wanted=catalog(deselect=["fees"]),
            page_size=10,
            start_date=dotnet_ticks.to_rfc3339(since),
        )


class TestWords:
    def test_time_is_that_of_the_allowance(self, start: StartFirm) -> None:
        firm = start(matters=59, fees=1, exact_fees=True)
        text = planned(config(firm, requests_per_second=1, burst=60)).stdout
        assert "About 60 requests: 1 minute at 1 a second." in text

    def test_a_time_limit_makes_several_runs_of_it(self, start: StartFirm) -> None:
        firm = start(matters=190, fees=1, exact_fees=True)
        few = config(firm, requests_per_second=10, burst=60, max_run_minutes=0.1)
        assert "With max_run_minutes that is 4 runs of 6 seconds." in planned(few).stdout
        fewer = config(firm, requests_per_second=0.2, burst=60, max_run_minutes=0.05)
        assert "max_run_minutes is too short" in planned(fewer).stdout

    def test_nothing_is_written_and_nothing_is_kept(self, firm: SandboxServer) -> None:
        assert planned(config(firm)).messages == []


class TestFailures:
    def test_a_scope_that_is_missing(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        firm.control.settings(scopes=["matters/read"])
        output = planned(config(firm))
        assert output.status == 1
        assert output.stderr == "1 of 2 streams failed: fees"
        assert "grant the app the scope fees/read" in caplog.text
        assert re.search(r"^fees +failed: AccessDeniedError$", output.stdout, re.MULTILINE)
        assert read(output.stdout).streams == {"matters": 1}

    def test_parents_that_cannot_be_listed(self, firm: SandboxServer) -> None:
        firm.control.settings(scopes=["fees/read", "staff/read"])
        output = planned(config(firm), catalog=catalog(wanted=["matters", "fees", "staff"]))
        assert output.status == 1
        assert output.stderr == "2 of 3 streams failed: matters, fees"
        assert read(output.stdout).streams == {"staff": 1}

    def test_a_matter_that_goes_while_it_is_planned(self, start: StartFirm) -> None:
        firm = start(matters=10, fees=1, exact_fees=True)
        firm.control.fail(
            count=1, how="status", status=404, template="GET /matters/{matterId}/fees"
        )
        assert read(planned(config(firm)).stdout).streams["fees"] == 10


def test_a_signal_ends_it_without_waiting_for_answers(firm: SandboxServer) -> None:
    firm.control.settings(latency_ms=20_000)
    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    assert planned(config(firm)).status == 130


def test_from_the_command_line(start: StartFirm, process: Process) -> None:
    firm = start(matters=130, fees=1, exact_fees=True)
    state = run(config(firm), crash_at=130 + 115).state
    output = process.text(config(firm), "--plan", state=state, catalog=catalog())
    assert output.status == 0
    assert read(output.stdout).streams == {"matters": 1, "fees": 30}
    assert "How it went" not in output.stderr
    assert json.dumps(state) == (process.folder / "state.json").read_text()
