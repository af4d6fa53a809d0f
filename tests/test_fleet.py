"""The commands `due` and `fleet-status`: which firms of an inbox need a run, and how they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.runs import RunLog
from tap_smokeball.inbox.tables import RUNS
from tap_smokeball.webhooks.command import webhooks
from tests.event_firm import EventFirm, narrow_catalog
from tests.harness import TOKEN
from tests.inbox_helpers import FIRM, inbox_url, open_database, postgres
from tests.test_events import shifted

if TYPE_CHECKING:
    from tests.harness import Json

__all__ = ["inbox_url", "postgres"]

ROOT = Path(__file__).parent.parent
RULES = ROOT / "orchestrate" / "prometheus" / "tap-smokeball.rules.yml"
READER = "default"
INTERVALS = ("--poll-interval-minutes", "30", "--full-pass-interval-hours", "24")
MINUTE = 60 * dotnet_ticks.PER_SECOND


def call(command: str, url: str, *arguments: str, given: str = "") -> str:
    done = CliRunner().invoke(webhooks, [command, "--inbox", url, *arguments], input=given)
    assert done.exit_code == 0, done.output
    return done.output


def due(url: str, *arguments: str, given: str = "") -> Json:
    found: Json = json.loads(call("due", url, *INTERVALS, *arguments, given=given))
    return found


def reasons(url: str, *arguments: str) -> list[str]:
    """Return why the firm is due."""
    return [reason for each in due(url, *arguments)["due"] for reason in each["reasons"]]


def status(url: str) -> Json:
    [found] = json.loads(call("fleet-status", url, "--format", "json"))["firms"]
    return dict(found)


def age_runs(url: str, minutes: float) -> None:
    """Let all runs have ended earlier."""
    names = ("ended", "attempted", "last_poll", "last_full_pass", "last_closed_pass")
    earlier = {name: RUNS.c[name] - round(minutes * MINUTE) for name in names}
    with open_database(url) as database, database.read() as connection:
        connection.execute(RUNS.update().values(earlier))


@pytest.fixture
def event_firm(tmp_path: Path) -> EventFirm:
    return EventFirm(tmp_path, matters=4)


def run(firm: EventFirm, state: Json | None = None, **changed: Any) -> Json:
    streams = narrow_catalog("matters", "fees", "bank_accounts")
    return dict(firm.run(state, streams, webhook_reader=READER, **changed).state)


def test_due_firm_has_event_that_no_run_saw(event_firm: EventFirm) -> None:
    """An event makes the firm due, and once more when reads cannot lag any more."""
    url = event_firm.inbox
    assert reasons(url) == ["first_run"]
    state = run(event_firm)
    assert due(url) == {**due(url), "due": [], "idle": 1}
    event_firm.notify("fee.created", event_firm.matter_ids[0], age_seconds=3)
    [found] = due(url)["due"]
    assert (found["firm"], found["reasons"], found["waiting_events"]) == (FIRM, ["events"], 1)
    assert 3 <= found["oldest_event_seconds"] < 60
    state = run(event_firm, state)
    assert reasons(url) == []
    event_firm.age_inbox(70)
    age_runs(url, 1)
    assert reasons(url) == ["events"]
    state = run(event_firm, state)
    assert reasons(url) == []
    assert status(url)["waiting_events"] == 0
    event_firm.add_gap()
    assert reasons(url) == ["events"]


def test_due_firm_is_polled_and_read_in_full(event_firm: EventFirm) -> None:
    """Polls and full passes are due at their intervals, and by the reasons that are asked for."""
    url = event_firm.inbox
    state = run(event_firm)
    age_runs(url, 29)
    assert reasons(url) == []
    age_runs(url, 2)
    assert reasons(url) == ["poll"]
    assert reasons(url, "--for", "full_pass") == []
    age_runs(url, 24 * 60)
    assert reasons(url) == ["poll", "full_pass"]
    # What is recorded is what the state says: the last full pass is still the first one.
    run(event_firm, state, full_pass_interval_hours=8000)
    assert reasons(url) == []
    assert 0 <= status(url)["last_full_pass_seconds"] < 600


def test_due_firm_completes_its_first_pass(event_firm: EventFirm) -> None:
    """A first run that its time limit ended is due again before any interval is over."""
    url = event_firm.inbox
    state = run(event_firm, max_run_minutes=0.0001)
    assert reasons(url, "--for", "first_run") == ["first_run"]
    run(event_firm, state)
    assert reasons(url) == []


def test_due_firm_has_closed_pass_of_its_own(event_firm: EventFirm) -> None:
    """Closed matters are due at their interval, and as long as a gap is not made good for them."""
    url = event_firm.inbox
    event_firm.control.settings(clock_offset_seconds=-20 * 86_400)  # recent changes are read, too
    for number, matter in enumerate(event_firm.matter_ids):
        changed = {"status": "Open" if number else "Closed", "isLead": False}
        event_firm.control.touch("matters", matter, set=changed)
    event_firm.control.settings(clock_offset_seconds=0)
    intervals: Json = {"full_pass_interval_hours": 240, "closed_matters_interval_hours": 48}
    options = [f"--{name.replace('_', '-')}={hours}" for name, hours in intervals.items()]
    options.append("--for=full_pass")
    first = run(event_firm, **intervals)
    age_runs(url, 47 * 60)
    assert reasons(url, *options) == []
    age_runs(url, 2 * 60)
    assert reasons(url, *options) == ["full_pass"]
    assert reasons(url, options[0], options[-1]) == []
    event_firm.control.reset_requests()
    state = run(event_firm, shifted(first, 49), **intervals)
    assert event_firm.requests()["GET /matters/{matterId}/fees"] == 1
    assert reasons(url, *options) == []
    assert 0 <= status(url)["last_closed_pass_seconds"] < 600
    assert status(url)["last_full_pass_seconds"] > 48 * 3600

    event_firm.add_gap()
    state = run(event_firm, state, **intervals)
    fees = state["bookmarks"]["fees"]
    assert reasons(url, *options) == []
    # As after a run that ended between the two passes; the next run ends before it reads anything.
    fees["full_pass_due"]["closed_pass_started"] = None
    fees["closed_matters"] = shifted(fees["closed_matters"], 1)
    run(event_firm, state, **intervals, max_run_minutes=0.0001)
    assert reasons(url, *options) == ["full_pass"]
    run(event_firm, state, **intervals)
    assert reasons(url, *options) == []


def test_due_firm_waits_after_failures(event_firm: EventFirm) -> None:
    """Each failure doubles the delay, and the status shows the advice; a success ends both."""
    url = event_firm.inbox
    state = run(event_firm)
    event_firm.control.fail(how="status", status=400, template=TOKEN, count=100)
    event_firm.notify("fee.created", event_firm.matter_ids[0])
    run(event_firm, state)
    assert due(url)["delayed"] == [FIRM]
    age_runs(url, 1.1)
    assert reasons(url) == ["events", "retry"]
    run(event_firm, state)
    age_runs(url, 1.1)
    assert due(url)["delayed"] == [FIRM]
    found = status(url)
    assert (found["failures"], found["waiting_events"]) == (2, 1)
    assert (found["failure"]["error"], found["failure"]["is_permanent"]) == (
        "AuthenticationError",
        True,
    )
    assert found["failure"]["advice"] in call("fleet-status", url)
    age_runs(url, 1)
    assert reasons(url) == ["events", "retry"]
    event_firm.control.clear_faults()
    run(event_firm, state)
    assert (status(url)["failures"], status(url)["failure"]) == (0, None)


def test_due_firm_is_claimed_once(inbox_url: str) -> None:
    """A claimed firm is not listed again until its run ends; the limit counts it."""
    with open_database(inbox_url) as database:
        listed = ("--firms", "-", "--limit", "2", "--claim-minutes", "5")
        first = due(inbox_url, *listed, given="a\nb\nc\n")
        assert ([each["firm"] for each in first["due"]], first["postponed"]) == (["a", "b"], ["c"])
        second = due(inbox_url, *listed, given="a\nb\nc\n")
        assert (second["due"], second["busy"]) == ([], ["a", "b"])
        run_log = RunLog(database, "a", READER)
        assert run_log.acquire()
        assert due(inbox_url, "--firms", "-", given="a")["busy"] == ["a"]
        run_log.release()  # without a success: it was killed
        assert due(inbox_url, "--firms", "-", given="a")["delayed"] == ["a"]
        age_runs(inbox_url, 1.1)
        assert [each["reasons"] for each in due(inbox_url, "--firms", "-", given="a")["due"]] == [
            ["retry"]
        ]
        call("run-failed", inbox_url, "--firm", "b", given='{"reason": "the loader crashed"}')
        assert "the loader crashed" in call("fleet-status", inbox_url)


def test_due_lists_readers_apart(inbox_url: str) -> None:
    """What one reader does says nothing about another reader of the firm."""
    with open_database(inbox_url) as database:
        assert RunLog(database, "a", "production").acquire()
        other = due(inbox_url, "--firms", "-", given="a")
        assert [each["firm"] for each in other["due"]] == ["a"]


def test_fleet_metrics_match_alert_rules(event_firm: EventFirm, tmp_path: Path) -> None:
    """Each rule uses metrics that exist, and the file is replaced at once."""
    issued = "2026-11-01T00:00:00Z"
    run(event_firm, refresh_token_issued_at=issued, closed_matters_interval_hours=48)
    call("run-failed", event_firm.inbox, "--firm", FIRM, given='{"error": "X", "advice": "a\\"b"}')
    output = tmp_path / "smokeball.prom"
    call("fleet-status", event_firm.inbox, "--format", "prometheus", "--output", str(output))
    text = output.read_text()
    exported = set(re.findall(r"^# TYPE (\S+) gauge$", text, re.MULTILINE))
    samples = set(re.findall(r"^(tap_smokeball_firm_\w+)\{", text, re.MULTILINE))
    assert samples == exported
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    used = {name for rule in rules for name in re.findall(r"tap_smokeball_\w+", rule["expr"])}
    receiver = {name for name in used if name.startswith("tap_smokeball_webhooks_")}
    assert used - receiver <= exported
    assert receiver == {"tap_smokeball_webhooks_inbox_up"}
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    assert all({"summary", "description"} <= rule["annotations"].keys() for rule in rules)


def test_fleet_commands_do_not_import_the_tap(tmp_path: Path) -> None:
    """They run every minute: the Singer SDK would take most of their time and memory."""
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    with open_database(url):
        pass
    program = (
        "import sys; from tap_smokeball.webhooks.command import webhooks\n"
        "for command in (['due'], ['fleet-status'], ['run-failed', '--help']):\n"
        "    webhooks([*command, '--inbox', sys.argv[1]], standalone_mode=False)\n"
        "sys.exit(sorted({'singer_sdk', 'requests', 'starlette'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, check=False)
    assert done.stderr == b"[]\n"
