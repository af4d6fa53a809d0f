"""Lists of parents that take long for the time limit: changes come first, and none ends unnoticed.

`tests.test_delivery_invariant` draws such runs, too: no row is lost between their parts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.event_firm import EventFirm, narrow_catalog
from tests.harness import FEES, MATTERS, config, run, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Json, Output

MATTERS_OF_FIRM, MATTERS_OF_LARGE_FIRM = 8, 24
LIMIT_MINUTES = 1.0
LIST, CHANGES = "list", "changes"
CATALOG = small_catalog("matters", "fees", "matter_roles")


class Firm:
    """A firm whose list of matters takes half of the time limit, as the state says.

    Attributes:
        api: Its sandbox.
        state: The state after the last run.
    """

    def __init__(self, api: MemoryFirm, catalog: Json) -> None:
        self.api = api
        self.catalog = catalog
        self.state = self.run(max_run_minutes=None).state
        self.remember(seconds=30)

    def run(self, *, keeps_state: bool = True, **settings: Any) -> Output:
        """Run with pages of three matters; settings that are None are left out."""
        self.api.control.reset_requests()
        values: Json = {
            "page_size": 3,
            "burst": 1,
            "lookback_seconds": 0,
            "max_run_minutes": LIMIT_MINUTES,
        }
        if isinstance(self.api, EventFirm):
            values |= self.api.settings()
        values = config(self.api, **(values | settings))
        values = {name: value for name, value in values.items() if value is not None}
        output = run(values, getattr(self, "state", None), self.catalog)
        self.state = (output.state if keeps_state else None) or getattr(self, "state", {})
        return output

    def remember(self, *, seconds: int, cut_runs: int = 0) -> None:
        entry = {"seconds": seconds, "cut_runs": cut_runs}
        self.state["bookmarks"]["matters"]["list_time"] = entry

    @property
    def list_time(self) -> Json:
        remembered: Json = self.state["bookmarks"]["matters"].get("list_time", {})
        return remembered

    @property
    def matter_ids(self) -> list[str]:
        return sorted(entry["row"]["id"] for entry in sandbox_rows(self.api, "matters"))

    def change(self, nth: int) -> str:
        """Change a matter and a fee below it; return the id of the matter."""
        matter = self.matter_ids[nth]
        self.wait(10)
        self.api.control.touch("matters", matter, set={"description": "Moved"})
        self.api.control.add("fees", parent=matter)
        self.wait(10)
        return matter

    def wait(self, seconds: float) -> None:
        """Let time pass at the sandbox, whose clock must not overtake that of the tap."""
        offset = self.api.control.settings()["clock_offset_seconds"]
        self.api.control.settings(clock_offset_seconds=offset + seconds)

    def notify(self, event_type: str, matter: str) -> None:
        """Let an event arrive."""
        assert isinstance(self.api, EventFirm)
        self.api.notify(event_type, matter)

    @property
    def log(self) -> list[Json]:
        """The requests of the last run."""
        log: list[Json] = self.api.control.requests(log=True)["log"]
        return log

    @property
    def reads(self) -> list[str]:
        """The requests of the last run: lists of matters, and the matters whose fees it read."""
        found: list[str] = []
        for entry in self.log:
            if entry["template"] == FEES:
                found.append(entry["path"].split("/")[2])
            elif entry["template"] == MATTERS:
                found.append(CHANGES if "LastUpdated=" in entry["query"] else LIST)
        return [each for n, each in enumerate(found) if n == 0 or found[n - 1] != each]


@pytest.fixture(scope="module")
def api() -> MemoryFirm:
    return MemoryFirm(matters=1)


def make_firm(api: MemoryFirm, matters: int) -> Firm:
    api.control.reset(matters=matters, fees=1)
    api.control.settings(clock_offset_seconds=-86_400)
    return Firm(api, CATALOG)


@pytest.fixture
def firm(api: MemoryFirm) -> Firm:
    return make_firm(api, MATTERS_OF_FIRM)


@pytest.fixture
def large_firm(api: MemoryFirm) -> Firm:
    return make_firm(api, MATTERS_OF_LARGE_FIRM)


def schemas(output: Output) -> list[str]:
    return [message["stream"] for message in output.messages_of_type("SCHEMA")]


def test_changes_precede_long_list(firm: Firm) -> None:
    """Changed matters and their fees are read before the list, and not again after it."""
    changed = firm.change(5)
    output = firm.run()
    assert output.status == 0
    others = [matter for matter in firm.matter_ids if matter != changed]
    assert firm.reads == [CHANGES, changed, LIST, *others]
    assert output.records("fees")[0]["matterId"] == changed
    assert sorted(schemas(output)) == ["fees", "matter_roles", "matters"]
    assert {role["matterId"] for role in output.records("matter_roles")} == set(firm.matter_ids)
    assert "resume" not in json.dumps(output.state)


def test_pass_after_changes_counts_from_them(firm: Firm) -> None:
    """A fee that changes after its matter was read first arrives with the next pass."""
    changed = firm.change(5)
    fee = next(e["row"]["id"] for e in sandbox_rows(firm.api, "fees") if e["parent"] == changed)
    late: Json = {"resource": "fees", "id": fee, "parent": changed, "set": {"subject": "Late"}}
    advance = {"clock_offset_seconds": -86_400 + 60}
    commands = [
        {"command": "settings", **advance},
        {"command": "touch", **late},
        {"command": "settings", "clock_offset_seconds": -86_400 + 120},
    ]
    firm.api.control.schedule(FEES, commands, nth=1, when="after")
    first = firm.run()
    assert "Late" not in {record["subject"] for record in first.records("fees")}
    second = firm.run(max_run_minutes=None)
    assert "Late" in {record["subject"] for record in second.records("fees")}


def test_matter_that_changes_again_is_reread(firm: Firm) -> None:
    """A matter that changes again before the list is read is read again after it."""
    changed = firm.change(5)
    later = {"clock_offset_seconds": -86_400 + 60}
    again: Json = {"resource": "matters", "id": changed, "set": {"description": "Again"}}
    commands = [{"command": "settings", **later}, {"command": "touch", **again}]
    firm.api.control.schedule(FEES, commands, nth=1, when="after")
    firm.run()
    assert firm.reads[:4] == [CHANGES, changed, LIST, changed]
    assert len(firm.reads) == 3 + MATTERS_OF_FIRM


def test_matter_in_view_is_read_after_changes(firm: Firm) -> None:
    """A matter that comes into view without a change is read in full with the whole list."""
    hidden = firm.matter_ids[4]
    firm.api.control.settings(hidden_from_login=[hidden])
    firm.run()
    firm.api.control.settings(hidden_from_login=[])
    firm.remember(seconds=30)
    firm.change(5)
    output = firm.run()
    assert hidden in {record["id"] for record in output.records("matters")}
    assert hidden in {record["matterId"] for record in output.records("fees")}


@pytest.mark.parametrize(
    "settings",
    [{"max_run_minutes": None}, {"max_run_minutes": 60}],
    ids=["no limit", "long limit"],
)
def test_ample_time_changes_nothing(firm: Firm, settings: Json) -> None:
    """Without a limit, or with a long one, the list comes first, as it always did."""
    changed = firm.change(5)
    firm.run(**settings)
    assert firm.reads == [LIST, changed, *(m for m in firm.matter_ids if m != changed)]


def test_first_pass_lists_before_all_else(firm: Firm) -> None:
    firm.state = {"bookmarks": {"matters": {}}}
    firm.remember(seconds=30)
    output = firm.run()
    assert firm.reads == [LIST, *firm.matter_ids]
    assert len(output.records("matters")) == MATTERS_OF_FIRM


def test_short_list_is_not_remembered(firm: Firm) -> None:
    del firm.state["bookmarks"]["matters"]["list_time"]
    firm.run(page_size=500, max_run_minutes=0.05)
    assert firm.list_time == {}


def test_long_list_is_remembered(large_firm: Firm) -> None:
    """A list of many requests that take a tenth of the limit is remembered for the next run."""
    del large_firm.state["bookmarks"]["matters"]["list_time"]
    large_firm.run(page_size=2, requests_per_second=100, burst=1, max_run_minutes=2 / 60)
    assert large_firm.list_time["seconds"] >= 1
    assert large_firm.list_time["cut_runs"] == 0


class TestCutList:
    """The list of all matters is cut by the time limit in each run."""

    @pytest.fixture(autouse=True)
    def cut(self, firm: Firm) -> None:
        self.cut_lists(firm, after=0)

    @staticmethod
    def cut_lists(firm: Firm, after: int) -> None:
        """Let requests for the list wait longer than a run takes, after some of them."""
        firm.api.control.clear_faults()
        rule = {"how": "status", "status": 429, "retry_after": 86_400, "after": after}
        firm.api.control.fail(count=10_000, template=MATTERS, **rule)

    def test_changes_arrive_without_list(self, firm: Firm) -> None:
        """The changed rows arrive, the full pass does not move, and the next run repeats none."""
        changed = firm.change(5)
        self.cut_lists(firm, after=1)
        before = firm.state["bookmarks"]["fees"]["replication_key_value"]
        output = firm.run()
        assert (output.status, firm.reads) == (0, [CHANGES, changed, LIST])
        assert {record["matterId"] for record in output.records("fees")} == {changed}
        assert output.bookmark("fees")["replication_key_value"] == before
        firm.api.control.clear_faults()
        firm.run()
        others = [matter for matter in firm.matter_ids if matter != changed]
        assert firm.reads[0] == LIST
        assert sorted(firm.reads[1:]) == sorted([*others, changed])
        assert firm.list_time["cut_runs"] == 0

    def test_second_cut_list_fails(self, firm: Firm) -> None:
        """Two runs in a row that are cut in the list are an error with the time that it needs."""
        firm.change(5)
        self.cut_lists(firm, after=3)
        assert firm.run().status == 0
        firm.api.control.clear_faults()
        self.cut_lists(firm, after=3)
        second = firm.run()
        assert firm.reads == [LIST]
        assert second.status == 1
        assert "1 of 3 streams failed: matters" in second.stderr
        assert firm.list_time["cut_runs"] == 2
        self.cut_lists(firm, after=1)
        third = firm.run()
        assert (third.status, firm.reads[0]) == (1, CHANGES)

    def test_list_beyond_limit_follows_changes(self, firm: Firm) -> None:
        """A list that no run has time for does not keep changes waiting."""
        changed = firm.change(5)
        firm.remember(seconds=90, cut_runs=1)
        self.cut_lists(firm, after=1)
        assert firm.run().status == 1
        assert firm.reads == [CHANGES, changed, LIST]

    def test_cut_list_names_sufficient_limit(
        self, firm: Firm, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.cut_lists(firm, after=3)
        firm.remember(seconds=0, cut_runs=1)
        assert firm.run().status == 1
        assert "matters: the time limit ended 2 runs in a row before the lists were read" in (
            caplog.text
        )
        assert "Set max_run_minutes to at least 1." in caplog.text

    def test_unreachable_list_names_no_limit(
        self, firm: Firm, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without a page there is nothing to estimate the time from."""
        firm.remember(seconds=0)
        assert firm.run().status == 0
        assert firm.run().status == 1
        assert "Increase max_run_minutes, or look in the log for what delays" in caplog.text

    def test_completed_list_forgets_cut_runs(self, firm: Firm) -> None:
        firm.remember(seconds=0)
        assert firm.run().status == 0
        firm.api.control.clear_faults()
        assert firm.run().status == 0
        self.cut_lists(firm, after=0)
        assert firm.run().status == 0


def test_lists_without_time_for_rest_fail(firm: Firm) -> None:
    """Lists that end with the run leave no time for child streams: the second such run fails."""
    statuses = []
    for cut_runs in range(2):
        firm.remember(seconds=0, cut_runs=cut_runs)
        firm.api.control.fail(template=MATTERS, how="slow", seconds=0.7, count=1)
        statuses.append(firm.run(page_size=500, max_run_minutes=0.5 / 60).status)
        assert firm.reads == [LIST]
    assert statuses == [0, 1]


def test_unread_changed_matter_is_reported_once(
    firm: Firm, caplog: pytest.LogCaptureFixture
) -> None:
    """A changed matter that cannot be read is requested once, and remembered."""
    changed = firm.change(5)
    rule = {"how": "status", "status": 500, "path_contains": changed}
    firm.api.control.fail(count=10, template=FEES, **rule)
    output = firm.run(max_retries=0)
    assert firm.reads.count(changed) == 1
    assert output.status == 1
    assert list(output.bookmark("fees")["unread_parents"]) == [changed]
    assert caplog.text.count("fees: 1 matters skipped") == 1
    firm.api.control.clear_faults()
    again = firm.run(max_run_minutes=None)
    assert "unread_parents" not in again.bookmark("fees")
    assert changed in {record["matterId"] for record in again.records("fees")}


def test_denied_stream_leaves_no_trace(large_firm: Firm) -> None:
    """A missing scope fails the stream; the changed matters are not remembered as unread."""
    for nth in range(3):
        large_firm.change(nth)
    large_firm.api.control.fail(count=1_000, template=FEES, how="status", status=403)
    output = large_firm.run()
    assert output.status == 1
    assert "unread_parents" not in output.bookmark("fees")
    requested = large_firm.reads[1:4] + large_firm.reads[5:]
    assert 20 <= len(requested) == len(set(requested)) < MATTERS_OF_LARGE_FIRM


def test_many_changes_leave_time_for_list(
    large_firm: Firm, caplog: pytest.LogCaptureFixture
) -> None:
    """Changes that would take longer make room for the list; the run may still complete."""
    for matter in large_firm.matter_ids:
        large_firm.api.control.touch("matters", matter, set={"description": "Moved"})
    large_firm.wait(10)
    large_firm.api.control.settings(latency_ms=25)
    large_firm.remember(seconds=3)
    output = large_firm.run(max_run_minutes=4 / 60, page_size=24)
    large_firm.api.control.settings(latency_ms=0)
    assert (output.status, large_firm.reads[0]) == (0, CHANGES)
    assert set(large_firm.reads) == {CHANGES, LIST, *large_firm.matter_ids}
    paths = [entry["path"] for entry in large_firm.log]
    roles = [path for path in paths if path.endswith("/roles")]
    assert len(roles) == len(set(roles)) == MATTERS_OF_LARGE_FIRM
    after_list = len(paths) - paths[::-1].index("/matters")
    assert any(path.endswith("/roles") for path in paths[after_list:])
    assert summary(caplog)["complete"]


def test_run_cut_in_changes_lists_next(firm: Firm, caplog: pytest.LogCaptureFixture) -> None:
    """A run whose changes leave no time for the list is not complete; the next one lists first."""
    changed = firm.change(5)
    firm.remember(seconds=30)
    firm.api.control.fail(template=FEES, how="slow", seconds=0.8, count=1)
    assert firm.run(max_run_minutes=0.6 / 60).status == 0
    assert firm.reads == [CHANGES, changed]
    assert summary(caplog)["streams"]["matters"]["status"] == "time_limit"
    assert firm.list_time == {"seconds": 30, "cut_runs": 1}
    firm.run()
    assert firm.reads[0] == LIST


def summary(caplog: pytest.LogCaptureFixture) -> Json:
    """Return the summary of the last run."""
    texts = [record.getMessage() for record in caplog.records]
    found = [text for text in texts if '"metric":"run_summary"' in text]
    value: Json = json.loads(found[-1].partition("METRIC: ")[2])["value"]
    return value


class TestEvents:
    """With events, what they name comes first, also where the list takes long."""

    @pytest.fixture
    def firm(self, tmp_path: Path) -> Firm:
        """Return a firm whose fees follow events, while a full pass over roles is due."""
        api = EventFirm(tmp_path, matters=6)
        firm = Firm(api, narrow_catalog("matters", "fees", "matter_roles"))
        due = {"since": 3_000_000_000_000_000_000, "pass_started": None}
        firm.state["bookmarks"]["matter_roles"]["full_pass_due"] = due
        return firm

    def test_named_matter_precedes_long_list(self, firm: Firm) -> None:
        """What an event names is read before the list, and its position moves."""
        before = firm.state["bookmarks"]["fees"]["events"]["seq"]
        firm.notify("fee.updated", named := firm.matter_ids[3])
        output = firm.run()
        assert (output.status, firm.reads) == (0, [CHANGES, named, LIST])
        assert output.bookmark("fees")["events"]["seq"] > before
        assert firm.list_time["cut_runs"] == 0

    def test_failure_between_passes_is_reported(self, firm: Firm) -> None:
        """A changed matter that fails is reported although the list shows nothing more to read."""
        changed = firm.matter_ids[3]
        firm.api.control.touch("matters", changed, set={"description": "Moved"})
        firm.api.control.fail(count=10, template=FEES, how="status", status=500)
        output = firm.run(max_retries=0)
        assert firm.reads.count(changed) == 1
        assert output.status == 1
        assert "1 of 3 streams failed: fees" in output.stderr
        assert list(output.bookmark("fees")["unread_parents"]) == [changed]


def test_batches_are_read_after_list(firm: Firm, tmp_path: Path) -> None:
    """A batch ends with its sync, so a run with batches lists first."""
    changed = firm.change(5)
    batches = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    assert firm.run(batch_config=batches).status == 0
    assert firm.reads[:2] == [LIST, changed]
    assert len(firm.reads) == 1 + MATTERS_OF_FIRM
