"""Parents that come into view without a change: a digest of the listed ids shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tap_smokeball.sync.parent_digest import BUCKETS, ParentDigest, bucket_of
from tests.harness import FEES, MATTERS, config, run, small_catalog
from tests.interleaving_runner import merge_states
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json, Output

STREAMS = small_catalog("matters", "fees", "invoices")
BANK = small_catalog("bank_accounts", "transactions")


@pytest.fixture(scope="module")
def module_firm() -> MemoryFirm:
    return MemoryFirm(matters=20)


@pytest.fixture
def memory_firm(module_firm: MemoryFirm) -> Iterator[MemoryFirm]:
    yield module_firm
    module_firm.control.settings(hidden_from_login=[])
    module_firm.control.clear_faults()
    module_firm.control.reset_requests()


def matter_ids(firm: MemoryFirm) -> list[str]:
    return sorted(each["row"]["id"] for each in firm.control.rows("matters"))


def rows_below(firm: MemoryFirm, stream: str, parents: set[str]) -> set[str]:
    return {e["row"]["id"] for e in firm.control.rows(stream) if e["parent"] in parents}


def busy_matters(firm: MemoryFirm) -> list[str]:
    """Return the matters that have both fees and invoices, by id."""
    parents = [{e["parent"] for e in firm.control.rows(name)} for name in ("fees", "invoices")]
    return sorted(parents[0] & parents[1])


def request_counts(firm: MemoryFirm) -> dict[str, int]:
    counts: dict[str, int] = firm.control.requests()["by_template"]
    return counts


def test_granted_matter_is_read_with_its_rows(memory_firm: MemoryFirm) -> None:
    """It costs one more read of the list of matters, and no more requests for the others."""
    firm = memory_firm
    granted = busy_matters(firm)[1]
    firm.control.settings(hidden_from_login=[granted])
    first = run(config(firm), catalog=STREAMS)
    assert granted not in first.ids("matters")
    firm.control.settings(hidden_from_login=[])
    firm.control.reset_requests()
    second = run(config(firm), first.state, STREAMS)
    assert granted in second.ids("matters")
    for stream in ("fees", "invoices"):
        assert second.ids(stream).keys() >= rows_below(firm, stream, {granted})
        same_bucket = {id_ for id_ in matter_ids(firm) if bucket_of(id_) == bucket_of(granted)}
        assert second.ids(stream).keys() <= rows_below(firm, stream, same_bucket)
    counts = request_counts(firm)
    assert (counts[MATTERS], counts[FEES]) == (2, 20)
    third = run(config(firm), second.state, STREAMS)
    assert len(third.records("matters")) <= 1  # the newest one, by the overlap
    assert not third.records("fees")


def test_granted_bank_account_is_read(memory_firm: MemoryFirm) -> None:
    firm = memory_firm
    granted = firm.control.rows("transactions")[0]["parent"]
    firm.control.settings(hidden_from_login=[granted])
    state = run(config(firm), catalog=BANK).state
    firm.control.settings(hidden_from_login=[])
    output = run(config(firm), state, BANK)
    assert output.ids("transactions").keys() >= rows_below(firm, "transactions", {granted})


def test_changed_matters_explain_their_bucket(memory_firm: MemoryFirm) -> None:
    """New and changed matters make no other matter be read in full."""
    firm = memory_firm
    state = run(config(firm), catalog=STREAMS).state
    new = firm.control.add("matters")["row"]["id"]
    touched = matter_ids(firm)[3]
    firm.control.touch("matters", touched, set={"title": "New"})
    output = run(config(firm), state, STREAMS)
    firm.control.delete("matters", new, hard=True)
    assert output.ids("matters").keys() >= {new, touched}
    assert len(output.ids("matters")) <= 3  # with the newest one before, by the overlap
    assert output.ids("fees").keys() <= rows_below(firm, "fees", set(output.ids("matters")))


def test_digest_adds_little_to_the_state(memory_firm: MemoryFirm) -> None:
    """Streams that read the same list share one digest, whose size has a limit."""
    state = run(config(memory_firm), catalog=STREAMS).state
    assert len(state["parent_digests"]) == 1
    again = run(config(memory_firm), state, STREAMS).state
    assert again["parent_digests"] == state["parent_digests"]
    assert len(ParentDigest.of(str(number) for number in range(10_000)).text) < 1_500


@pytest.mark.parametrize("position", [0, -1])
def test_matter_granted_during_full_pass_is_read(memory_firm: MemoryFirm, position: int) -> None:
    """Its turn may be over by then: the run that sees it reads it, whatever comes first."""
    firm = memory_firm
    granted = busy_matters(firm)[position]
    firm.control.settings(hidden_from_login=[granted])
    complete = run(config(firm), catalog=STREAMS)
    firm.control.fail(count=1000, status=401, template=FEES, after=10)
    cut = run(config(firm, burst=1), complete.state, STREAMS)
    assert "resume" in cut.bookmark("fees")
    firm.control.clear_faults()
    firm.control.settings(hidden_from_login=[])
    output = run(config(firm), cut.state, STREAMS)
    assert output.ids("fees").keys() >= rows_below(firm, "fees", {granted})
    assert not run(config(firm), output.state, STREAMS).records("fees")


def test_matter_that_returns_is_read_in_full(memory_firm: MemoryFirm) -> None:
    """It was never read, vanished, and came back while one full pass took several runs."""
    firm = memory_firm
    returning = busy_matters(firm)[-1]
    deny = {"count": 1000, "status": 403, "template": FEES, "path_contains": returning}
    firm.control.fail(**deny)
    state = run(config(firm), catalog=STREAMS).state
    assert list(state["bookmarks"]["fees"]["unread_parents"]) == [returning]
    firm.control.clear_faults()
    firm.control.settings(hidden_from_login=[returning])
    firm.control.fail(count=1000, status=401, template=FEES)
    state = run(config(firm, burst=1), state, STREAMS).state
    firm.control.clear_faults()
    firm.control.settings(hidden_from_login=[])
    assert "unread_parents" not in state["bookmarks"]["fees"]
    output = run(config(firm), state, STREAMS)
    assert output.ids("fees").keys() >= rows_below(firm, "fees", {returning})


@pytest.fixture(scope="module")
def state_before_grant(module_firm: MemoryFirm) -> Json:
    """Return the state of a run that did not see one matter."""
    module_firm.control.settings(hidden_from_login=busy_matters(module_firm)[:1])
    state = run(config(module_firm), catalog=STREAMS).state
    module_firm.control.settings(hidden_from_login=[])
    return state


def damage(state: Json, how: str) -> Json:
    """Return a state whose digests are damaged."""
    damaged: Json = json.loads(json.dumps(state))
    if how == "no list":
        del damaged["parent_digests"]
    elif how in {"null", "number", "text", "object"}:
        values: dict[str, Any] = {"null": None, "number": [7], "text": ["AAAA"], "object": {}}
        damaged["parent_digests"] = values[how]
    elif how == "other digest":
        damaged["parent_digests"] = [ParentDigest.of(["a", "b"]).text]
    elif how == "other bookmark":
        for stream in damaged["bookmarks"].values():
            stream["parent_digest"]["from_bookmark"] = 3
    else:
        for stream in damaged["bookmarks"].values():
            stream["parent_digest"] = {"no name": None, "wrong name": "x"}[how]
    return damaged


@pytest.mark.parametrize(
    "how",
    [
        *("no list", "null", "number", "text", "object", "other digest", "other bookmark"),
        *("no name", "wrong name"),
    ],
)
def test_unknown_digest_causes_full_read(
    memory_firm: MemoryFirm, state_before_grant: Json, how: str
) -> None:
    """Whatever digest is in the state, no row is lost."""
    firm, granted = memory_firm, busy_matters(memory_firm)[0]
    output = run(config(firm), damage(state_before_grant, how), STREAMS)
    assert output.status == 0
    assert output.ids("matters").keys() == set(matter_ids(firm))
    assert output.ids("fees").keys() >= rows_below(firm, "fees", {granted})
    assert len(output.state["parent_digests"]) == 1


def numbers(low: int, high: int, most: int) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(low, high), max_size=most)


@given(
    numbers(0, 400, 60),
    st.tuples(numbers(401, 800, 3), numbers(0, 400, 5)),
    st.tuples(numbers(801, 1200, 20), numbers(0, 400, 20)),
    numbers(0, BUCKETS - 1, 5),
)
def test_digest_misses_no_granted_parent(
    listed: set[int],
    changes_of_view: tuple[set[int], set[int]],
    changes: tuple[set[int], set[int]],
    unknown: set[int],
) -> None:
    (granted, vanished), (new, updated) = changes_of_view, changes
    before = ParentDigest.of(map(str, listed)).with_unknown(unknown)
    in_view = (listed | granted | new) - vanished
    now = ParentDigest.of(map(str, in_view))
    buckets = now.unexplained_buckets(before, map(str, in_view & (new | updated)))
    assert {bucket_of(str(number)) for number in granted} <= buckets
    assert unknown <= buckets
    decoded = ParentDigest.decode(before.text)
    assert decoded is not None
    assert decoded.buckets == before.buckets
    if not (granted or vanished or unknown) and len(new | updated) < 3:
        assert not buckets


Event = tuple[str, int]


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["hide", "show", "add", "touch", "cut", "deny"]), st.integers(0)),
        max_size=10,
    ),
    merges=st.booleans(),
)
@settings(
    max_examples=4,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.slow
def test_grants_lose_no_row(memory_firm: MemoryFirm, events: list[Event], *, merges: bool) -> None:
    """Whatever comes into view, vanishes and is cut, in whatever order: nothing is lost."""
    firm = memory_firm
    firm.control.reset(matters=8, seed=3, fees=2)
    settings_ = config(firm, burst=1, max_retries=0)
    hidden: set[str] = set()
    delivered: set[str] = set()
    state: Json = {}

    def deliver(output: Output) -> None:
        nonlocal state
        for stream in ("matters", "fees", "invoices"):
            delivered.update(output.ids(stream))
        state = merge_states(state, output.state) if merges else output.state or state

    for kind, number in events:
        ids = matter_ids(firm)
        one = ids[number % len(ids)]
        if kind == "hide":
            hidden.add(one)
        elif kind == "show":
            hidden.discard(sorted(hidden)[number % len(hidden)] if hidden else one)
        elif kind == "add":
            firm.control.add("fees", parent=one)
        elif kind == "touch":
            firm.control.touch("matters", one, set={"title": f"{number}"})
        elif kind == "cut":
            firm.control.fail(count=1000, status=401, template=FEES, after=number % 8)
        else:
            firm.control.fail(count=1, status=403, template=FEES, path_contains=one)
        firm.control.settings(hidden_from_login=sorted(hidden))
        deliver(run(settings_, state, STREAMS))
        firm.control.clear_faults()
    firm.control.settings(hidden_from_login=[])
    for _ in range(2):
        deliver(run(settings_, state, STREAMS))
    expected = {
        each["row"]["id"]
        for stream in ("matters", "fees", "invoices")
        for each in firm.control.rows(stream)
    }
    assert delivered >= expected
