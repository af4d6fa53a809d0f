"""Closed matters have a full pass of their own: the table of cases.

`tests.sequences` draws the setting, too: nothing is lost however matters move between the passes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball import dotnet_ticks
from tap_smokeball.sync.parent_digest import bucket_of
from tests.harness import FEES, TargetCrashError, catalog, config, run, run_plan, small_catalog
from tests.interleaving_runner import merge_states
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Json, Output

HOUR = 3600
INTERVAL_HOURS = 10
CATALOG = small_catalog("matters", "fees", "matter_roles")
CLOSED = {"Closed", "Deleted", "Cancelled"}


class Runs:
    """Consecutive runs with one state, a minute apart.

    Attributes:
        state: The state after the last run.
        read: The matters whose fees and roles the last run has read.
    """

    def __init__(self, firm: MemoryFirm) -> None:
        self.firm = firm
        self.state: Json | None = None
        self.read: dict[str, list[str]] = {}

    def __call__(self, hours: float = INTERVAL_HOURS, **settings: Any) -> Output:
        self.wait(60)
        self.firm.control.reset_requests()
        settings = {"lookback_seconds": 1, "closed_matters_interval_hours": hours} | settings
        output = run(config(self.firm, **settings), self.state, CATALOG)
        self.state = output.state or self.state
        log = self.firm.control.requests(log=True)["log"]
        self.read = {
            name: [e["path"].split("/")[2] for e in log if e["path"].endswith(f"/{name}")]
            for name in ("fees", "roles")
        }
        return output

    def reset(self, matters: int) -> None:
        """Make a new firm."""
        self.firm.control.reset(matters=matters, fees=1)
        # Time passes by steps of the sandbox's clock, which must not overtake the tap's.
        self.firm.control.settings(clock_offset_seconds=-24 * HOUR)

    def wait(self, seconds: float) -> None:
        """Let time pass by the sandbox's clock."""
        offset = self.firm.control.settings()["clock_offset_seconds"]
        self.firm.control.settings(clock_offset_seconds=offset + seconds)

    def add_fee(self, matter: str) -> str:
        """Add a fee; the matter does not change."""
        fee: str = self.firm.control.add("fees", parent=matter)["row"]["id"]
        return fee

    @property
    def closed(self) -> list[str]:
        """The closed matters."""
        rows = [entry["row"] for entry in self.firm.control.rows("matters")]
        return sorted(r["id"] for r in rows if str(r["status"]) in CLOSED and not r["isLead"])

    @property
    def live(self) -> list[str]:
        """All other matters, leads included."""
        ids = {entry["row"]["id"] for entry in self.firm.control.rows("matters")}
        return sorted(ids - {*self.closed})

    def matters_of_one_bucket(self, *, matters: int) -> list[str]:
        """Make a larger firm, and return some of its matters that share a bucket of digests."""
        self.reset(matters)
        buckets: dict[int, list[str]] = {}
        for entry in self.firm.control.rows("matters"):
            buckets.setdefault(bucket_of(entry["row"]["id"]), []).append(entry["row"]["id"])
        return max(buckets.values(), key=len)

    def assert_read(self, matters: list[str]) -> None:
        """Check which matters the last run has read, each once, for both streams."""
        assert {name: sorted(ids) for name, ids in self.read.items()} == {
            "fees": sorted(matters),
            "roles": sorted(matters),
        }


@pytest.fixture(scope="module")
def firm() -> MemoryFirm:
    return MemoryFirm(matters=24)


@pytest.fixture
def runs(firm: MemoryFirm) -> Iterator[Runs]:
    runs = Runs(firm)
    runs.reset(24)
    assert len(runs.closed) > 4
    yield runs
    firm.control.clear_faults()
    firm.control.settings(latency_ms=0, hidden_from_login=[])


def closed_state(runs: Runs, stream: str = "fees") -> Json:
    assert runs.state
    state: Json = runs.state["bookmarks"][stream]["closed_matters"]
    return state


def test_closed_matters_are_read_each_interval(
    runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    """The first run reads all matters, later ones only live matters, until the interval is over."""
    runs()
    runs.assert_read(runs.live + runs.closed)
    quiet, busy = runs.add_fee(runs.closed[0]), runs.add_fee(runs.live[0])
    caplog.set_level("INFO")
    output = runs()
    fees = caplog.text.rpartition('"fees":')[2].partition("}}")[0]
    closed_bookmark = dotnet_ticks.to_rfc3339(closed_state(runs)["replication_key_value"])
    assert f'"closed_matters_bookmark":"{closed_bookmark}"' in fees
    runs.assert_read(runs.live)
    assert output.ids("fees").keys() == {busy}
    runs.wait(INTERVAL_HOURS * HOUR)
    assert quiet in runs().ids("fees")
    runs.assert_read(runs.live + runs.closed)
    runs()
    runs.assert_read(runs.live)
    runs.wait(INTERVAL_HOURS * HOUR - 200)  # a run that starts a little early is not skipped
    runs()
    runs.assert_read(runs.live + runs.closed)


def test_sync_runs_row_knows_closed_pass(runs: Runs) -> None:
    """All changes are loaded only up to the older of the two bookmarks."""
    runs()
    runs()
    settings = config(runs.firm, closed_matters_interval_hours=INTERVAL_HOURS)
    output = run(settings, runs.state, small_catalog("matters", "fees", "sync_runs"))
    row = next(each for each in output.records("sync_runs") if each["stream"] == "fees")
    closed = closed_state(runs)["replication_key_value"]
    assert row["loadedUntil"] == dotnet_ticks.to_column(closed)
    assert row["bookmark"] > row["loadedUntil"]


def test_setting_switched_on_keeps_bookmark(runs: Runs) -> None:
    """Both passes start from the bookmark that covered all matters."""
    runs(0)
    state = json.dumps(runs.state)
    assert "closed_matters" not in state
    fee = runs.add_fee(runs.closed[0])
    output = runs()
    runs.assert_read(runs.live)
    assert not output.records("fees")
    runs.wait(INTERVAL_HOURS * HOUR)
    assert runs().ids("fees").keys() == {fee}


def test_setting_switched_off_reads_all_matters(runs: Runs) -> None:
    """The bookmark of live matters does not count for closed ones: a fee between them arrives."""
    runs()
    fee = runs.add_fee(runs.closed[0])
    runs()
    assert runs(0).ids("fees").keys() == {fee}
    runs.assert_read(runs.live + runs.closed)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_closing_matter_is_read_at_once(runs: Runs, status: str) -> None:
    """Its last fees need not wait for the pass over closed matters, and cost one read."""
    runs()
    matter = runs.live[0]
    fee = runs.add_fee(matter)
    runs.firm.control.touch("matters", matter, set={"status": status, "isLead": False})
    assert fee in runs().ids("fees")
    runs.assert_read([*runs.live, matter])
    runs()
    runs.assert_read(runs.live)


def test_reopened_matter_is_read_in_full(runs: Runs) -> None:
    """A fee that was entered while it was closed is older than the bookmark of live matters."""
    runs()
    matter = runs.closed[0]
    fee = runs.add_fee(matter)
    runs()
    runs.firm.control.touch("matters", matter, set={"status": "Open"})
    assert fee in runs().ids("fees")
    runs.assert_read(runs.live)


def test_reopened_matter_makes_no_other_new(runs: Runs) -> None:
    """It leaves the list of closed matters, whose digest then shows a difference."""
    matter, *others = runs.matters_of_one_bucket(matters=60)
    for each in (matter, *others):
        runs.firm.control.touch("matters", each, set={"status": "Closed", "isLead": False})
    runs()
    runs.firm.control.touch("matters", matter, set={"status": "Open"})
    runs()
    runs.assert_read(runs.live)


def test_matter_of_unknown_status_is_live(runs: Runs) -> None:
    """So is a lead: what its status means is not documented."""
    control, closed = runs.firm.control, runs.closed
    control.touch("matters", closed[0], set={"status": "Archived"})
    control.touch("matters", closed[1], set={"isLead": True})
    control.touch("matters", closed[2], set={"status": ["Closed"]})
    runs()
    runs()
    runs.assert_read([*runs.live])
    assert {*closed[:3]} <= {*runs.live}


def test_changed_closed_matter_is_read_at_once(runs: Runs) -> None:
    runs()
    matter = runs.closed[1]
    fee = runs.add_fee(matter)
    runs.firm.control.touch("matters", matter, set={"description": "Changed"})
    output = runs()
    assert output.ids("fees").keys() == {
        each["row"]["id"] for each in runs.firm.control.rows("fees") if each["parent"] == matter
    }
    assert fee in output.ids("fees")
    runs()
    runs.assert_read(runs.live)


def test_late_change_of_closed_matter_is_read(runs: Runs) -> None:
    """A list may show a change after a later one: the next run looks again."""
    runs()
    late, early = runs.closed[:2]
    runs.wait(300)
    runs.firm.control.touch("matters", early, set={"description": "Changed"})
    runs(lookback_seconds=200)
    runs.wait(-100)
    runs.firm.control.touch("matters", late, set={"description": "Changed"})
    runs.wait(100)
    runs(lookback_seconds=200)
    assert late in runs.read["fees"]
    runs.wait(300)
    runs(lookback_seconds=200)
    runs(lookback_seconds=200)
    runs.assert_read(runs.live)


def test_granted_closed_matter_is_read_once(runs: Runs) -> None:
    """It comes into view without a change; the runs after it do not read it again."""
    granted = runs.closed[0]
    fee = runs.add_fee(granted)
    runs.firm.control.settings(hidden_from_login=[granted])
    runs()
    runs.firm.control.settings(hidden_from_login=[])
    assert fee in runs().ids("fees")
    assert granted in runs.read["fees"]
    runs()
    runs.assert_read(runs.live)


def test_vanished_closed_matter_costs_one_read(runs: Runs) -> None:
    """Those of its bucket are read once, and it counts as new if it comes back."""
    runs()
    vanished = runs.closed[0]
    runs.firm.control.settings(hidden_from_login=[vanished])
    runs()
    fee = runs.add_fee(vanished)
    runs()
    assert len(runs.read["fees"]) == len(runs.live)
    runs.firm.control.settings(hidden_from_login=[])
    assert fee in runs().ids("fees")


def test_unread_closed_matter_is_retried(runs: Runs) -> None:
    """The retry does not wait for the interval, and its rows are those since the failure."""
    denied = runs.closed[0]
    runs.firm.control.fail(count=9, status=403, template=FEES, path_contains=denied)
    runs()
    assert denied in json.dumps(runs.state)
    runs.firm.control.clear_faults()
    runs()
    assert denied in runs.read["fees"]
    assert denied not in json.dumps(runs.state)


def test_failed_live_matter_spares_closed_pass(
    runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    """The pass over closed matters completes, and then the run fails, once."""
    runs.firm.control.fail(count=9, status=418, template=FEES, path_contains=runs.live[0])
    output = runs()
    assert output.status == 1
    assert closed_state(runs)["replication_key_value"]
    assert caplog.text.count("skipped (") == 1
    runs.assert_read(runs.live + runs.closed)


@pytest.mark.parametrize("order", ["old over new", "new over old", "closed matters lost"])
def test_unsplit_state_hides_no_closed_matter(runs: Runs, order: str) -> None:
    """A bookmark of live matters never counts for all, however states are merged."""
    runs(0)
    before = runs.state or {}
    runs()
    runs.wait(INTERVAL_HOURS * HOUR)
    fee = runs.add_fee(runs.closed[0])
    runs(INTERVAL_HOURS * 3)
    runs.assert_read(runs.live)
    split = runs.state or {}
    if order == "closed matters lost":
        for stream_state in split["bookmarks"].values():
            stream_state.pop("closed_matters", None)
    elif order == "old over new":
        runs.state = merge_states(split, before)
    else:
        runs.state = merge_states(before, split)
    assert fee in runs(0).ids("fees")


def test_times_in_future_are_removed(runs: Runs) -> None:
    """Those of closed matters would keep changed ones from being read first."""
    runs()
    future = dotnet_ticks.now() + 100 * HOUR * dotnet_ticks.PER_SECOND
    closed_state(runs)["changed_parents_until"] = future
    closed_state(runs, "matter_roles")["last_full_pass"] = future
    changed = runs.closed[0]
    runs.firm.control.touch("matters", changed, set={"description": "Changed"})
    runs()
    assert sorted(runs.read["fees"]) == sorted([*runs.live, changed])
    assert sorted(runs.read["roles"]) == sorted(runs.live + runs.closed)


def test_plan_counts_matters_of_due_passes(runs: Runs) -> None:
    runs()
    settings = config(runs.firm, closed_matters_interval_hours=INTERVAL_HOURS)
    plan = run_plan(settings, runs.state, CATALOG).stdout
    assert f"one for each of {len(runs.live)} matters, 24 in all" in plan
    runs.wait(INTERVAL_HOURS * HOUR)
    assert "one for each of 24 matters" in run_plan(settings, runs.state, CATALOG).stdout


@pytest.mark.slow
def test_time_limit_leaves_time_for_closed_pass(runs: Runs) -> None:
    """Live matters first; but if they need all the time of each run, the others get a share."""
    runs(0)
    runs.wait(INTERVAL_HOURS * HOUR)
    fees = {runs.add_fee(matter) for matter in runs.closed}
    latency_seconds = 0.12
    runs.firm.control.settings(latency_ms=latency_seconds * 1000)
    found: set[str] = set()
    seconds = 0.8
    while not found >= fees:
        output = runs(max_run_minutes=seconds / 60, burst=1)
        found |= output.ids("fees").keys()
        has_closed = [matter in runs.closed for matter in runs.read["fees"]]
        assert has_closed == sorted(has_closed)
        assert output.status == 0
        seconds += 0 if any(has_closed) else 0.1
        # No run has time for all live matters of one stream.
        assert seconds < latency_seconds * len(runs.live)


def test_cut_closed_pass_is_resumed(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    """The next run resumes it, whatever the interval, and its start stays what it was."""
    caplog.set_level("INFO")
    runs()
    runs.wait(INTERVAL_HOURS * HOUR)
    fees = [runs.add_fee(matter) for matter in runs.closed]

    def crash(message: Json) -> None:
        if message.get("record", {}).get("id") == fees[2]:
            raise TargetCrashError

    settings = {"lookback_seconds": 1, "closed_matters_interval_hours": INTERVAL_HOURS}
    cut = run(config(runs.firm, **settings), runs.state, CATALOG, on_message=crash)
    runs.state = cut.state
    resume = closed_state(runs)["resume"]
    late = runs.add_fee(runs.closed[0])
    output = runs(2 * INTERVAL_HOURS)
    assert f"Resuming fees after 1 of {len(fees)} closed matters" in caplog.text
    assert output.ids("fees").keys() >= {*fees[2:]}
    assert closed_state(runs)["replication_key_value"] == resume["pass_started"]
    runs.wait(INTERVAL_HOURS * HOUR)
    assert late in runs().ids("fees")


def test_batches_hold_closed_matters(runs: Runs, tmp_path: Path) -> None:
    """A batch is closed at the end of a sync, so both passes share one."""
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    output = runs(batch_config=batches)
    runs.assert_read(runs.live + runs.closed)
    assert not output.records("fees")
    assert closed_state(runs)["replication_key_value"]
    runs(batch_config=batches)
    runs.assert_read(runs.live)


def test_replaced_table_holds_closed_matters(runs: Runs) -> None:
    """A new version of a table replaces all rows, so each pass covers all matters."""
    runs()
    settings = {"emit_activate_version_messages": True}
    runs(**settings)
    assert len(runs.read["roles"]) == 24
    assert len(runs.read["fees"]) == len(runs.live)


def test_state_without_firm_keeps_both_passes(runs: Runs) -> None:
    """Bookmarks of a state that named no firm count for the firm that is known now."""
    settings = runs.firm.control.settings()
    scopes = [scope for scope in settings["scopes"] if scope != "firm/read"]
    runs.firm.control.settings(opaque_tokens=True, scopes=scopes)
    runs()
    assert runs.state
    assert "firm" not in runs.state
    fee = runs.add_fee(runs.closed[0])
    runs.firm.control.settings(opaque_tokens=False, scopes=settings["scopes"])
    output = runs()
    runs.assert_read(runs.live)
    runs.wait(INTERVAL_HOURS * HOUR)
    output = runs()
    assert output.ids("fees").keys() == {fee}


def test_matters_tell_firm_of_split_state(runs: Runs) -> None:
    """Where nothing else tells the firm, the digest is compared with that of live matters."""
    control, selection = runs.firm.control, catalog(wanted=["fees"])
    settings = config(runs.firm, closed_matters_interval_hours=INTERVAL_HOURS)
    live = runs.matters_of_one_bucket(matters=60)[0]
    for entry in control.rows("matters"):
        status = "Open" if entry["row"]["id"] == live else "Closed"
        control.touch("matters", entry["row"]["id"], set={"status": status, "isLead": False})
    runs.wait(2 * HOUR)
    state = run(settings, catalog=selection).state
    before = control.settings()
    scopes = [scope for scope in before["scopes"] if scope != "firm/read"]
    control.settings(opaque_tokens=True, scopes=scopes)
    output = run(settings, state, selection)
    control.settings(opaque_tokens=before["opaque_tokens"], scopes=before["scopes"])
    assert output.status == 0
    assert output.messages
