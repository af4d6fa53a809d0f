"""The webhook inbox, on SQLite and on Postgres: log, readers, subscriptions and keys."""

from __future__ import annotations

import dataclasses
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import InboxError
from tap_smokeball.inbox import open_reader
from tap_smokeball.inbox.append import append_deliveries, append_gaps
from tap_smokeball.inbox.events import START, Event, InboxEvent, Position
from tap_smokeball.inbox.keys import load_keys, record_first_use
from tap_smokeball.inbox.prune import prune_events
from tap_smokeball.inbox.receivers import count_rows, record_heartbeat, record_start
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.inbox.tables import EVENTS, KEYS, RECEIVERS
from tests.inbox_helpers import (
    FIRM,
    SUBSCRIPTION,
    append,
    delivery,
    inbox_url,
    new_postgres_url,
    open_database,
    postgres,
    run_sql,
)

__all__ = ["inbox_url", "postgres"]

ROOT = Path(__file__).parent.parent
MINUTE = 60 * dotnet_ticks.PER_SECOND
FEE = Event("fee.created", 638_000_000_000_000_000, "fee-1", "matter-1")


def rows(url: str, firm: str = FIRM) -> list[InboxEvent]:
    with open_reader(url, firm) as reader:
        return reader.events_after(START, 1_000)


def gaps(url: str, firm: str = FIRM) -> list[str | None]:
    return [row.resource_id for row in rows(url, firm) if row.type == "gap"]


def subscribe(url: str, firm: str = FIRM, key: str | None = "first-key") -> None:
    with Subscriptions(url) as subscriptions:
        subscriptions.save(
            firm,
            SUBSCRIPTION,
            client_id="client",
            event_types=["fee.created"],
            url="https://receiver.example/webhooks/default",
            key=key,
        )


def change_time(url: str, column: str, ticks: int) -> None:
    """Set the time of all rows, as if they were written then."""
    tables = {"arrived": EVENTS, "heartbeat": RECEIVERS, "previous_ends": KEYS}
    with open_database(url) as database, database.write() as (connection, _):
        connection.execute(update(tables[column]).values({column: ticks}))


def valid_keys(url: str) -> list[str]:
    """Return the keys that are valid now, the newest first."""
    with open_database(url) as database:
        now = database.now()
        found = load_keys(database).get(FIRM, [])
    return [each.key for each in found if each.ends is None or each.ends > now]


def test_inbox_returns_events_of_firm_in_order(inbox_url: str) -> None:
    others = [Event(f"task.{name}") for name in ("created", "updated", "deleted")]
    assert append(inbox_url, FEE, *others).stored_rows == 4
    append(inbox_url, FEE, firm="other")
    found = rows(inbox_url)
    assert [row.type for row in found] == ["fee.created", *(each.type for each in others)]
    assert dataclasses.astuple(FEE) == dataclasses.astuple(found[0])[3:]
    with open_reader(inbox_url, FIRM) as reader:
        assert reader.events_after(found[1].position, 1) == [found[2]]
        assert reader.events_after(found[3].position, 9) == []
        assert reader.newest() == found[3].position
        assert 0 <= reader.now() - found[0].arrived < MINUTE
        assert reader.newest(arrived_before=found[0].arrived) == START
        assert reader.newest(arrived_before=reader.now()) == found[3].position
        assert reader.gap_reason(START) is reader.gap_reason(found[1].position) is None


def test_inbox_skips_duplicates_of_event(inbox_url: str) -> None:
    assert append(inbox_url, FEE, FEE).stored_rows == 1
    assert append(inbox_url, FEE).stored_rows == 0
    changed = [
        dataclasses.replace(FEE, type="fee.updated"),
        dataclasses.replace(FEE, resource_id="fee-2"),
        dataclasses.replace(FEE, ticks=1),
    ]
    assert append(inbox_url, *changed).stored_rows == 3
    assert append(inbox_url, FEE, subscription_id="other").stored_rows == 1


def test_inbox_signature_takes_one_body(inbox_url: str) -> None:
    """A signature covers no body: a second one under it is refused, in any transaction."""
    first = delivery(FEE, signature_digest="s", body_digest="a")
    second = dataclasses.replace(first, body_digest="b", event=Event("fee.deleted"))
    with open_database(inbox_url) as database:
        done = append_deliveries(database, [first, second, first])
        assert (done.stored_rows, done.is_accepted) == (1, [True, False, True])
    with open_database(inbox_url) as database:  # as after a restart
        done = append_deliveries(database, [second, first])
        assert (done.stored_rows, done.is_accepted) == (0, [False, True])
    assert [row.type for row in rows(inbox_url)] == ["fee.created"]


def test_inbox_writers_hide_no_rows_from_reader(inbox_url: str) -> None:
    """Rows become visible in their order: a later writer waits for an earlier one."""
    append(inbox_url)  # creates the tables
    with open_database(inbox_url) as database, ThreadPoolExecutor() as pool:
        with database.write() as (connection, now):
            append_gaps(connection, now, [FIRM], "overflow")
            later = pool.submit(append, inbox_url, FEE)
            wait([later], timeout=0.5)
            assert rows(inbox_url) == []
        assert later.result().stored_rows == 1
    assert [row.type for row in rows(inbox_url)] == ["gap", "fee.created"]


def test_newest_row_precedes_rows_after_young_one(inbox_url: str) -> None:
    append(inbox_url, *(Event("matter.updated", ticks, "m", "m") for ticks in (1, 2, 3)))
    with open_reader(inbox_url, FIRM) as reader:
        first, second, third = reader.events_after(START, 9)
        with open_database(inbox_url) as database, database.write() as (connection, _):
            earlier = first.arrived - 100
            old = update(EVENTS).where(EVENTS.c.seq.in_([first.seq, third.seq]))
            connection.execute(old.values(arrived=earlier))
        assert reader.newest(arrived_before=second.arrived) == first.position
        assert reader.newest(arrived_before=earlier) == START


def test_inbox_prune_leaves_newest_and_shows_gap(inbox_url: str) -> None:
    append(inbox_url, *(Event("fee.created", n) for n in range(5)))
    append(inbox_url, FEE, firm="other")
    old = rows(inbox_url)
    change_time(inbox_url, "arrived", dotnet_ticks.now() - 31 * dotnet_ticks.PER_DAY)
    append(inbox_url, Event("fee.created", 5))
    with open_database(inbox_url) as database:
        assert prune_events(database, 30 * dotnet_ticks.PER_DAY) == 5
        assert prune_events(database, 30 * dotnet_ticks.PER_DAY) == 0
    assert [row.ticks for row in rows(inbox_url)] == [5]
    assert len(rows(inbox_url, "other")) == 1
    with open_reader(inbox_url, FIRM) as reader:
        assert reader.gap_reason(START) == "pruned"
        assert reader.gap_reason(old[3].position) == "pruned"
        assert reader.gap_reason(old[4].position) is None
        assert reader.gap_reason(reader.newest()) is None


def test_position_of_other_inbox_is_restored(inbox_url: str) -> None:
    append(inbox_url, FEE)
    (row,) = rows(inbox_url)
    with open_reader(inbox_url, FIRM) as reader:
        assert reader.gap_reason(Position(row.seq, row.mark + 1)) == "restored"
        assert reader.gap_reason(Position(row.seq + 1, row.mark)) == "restored"
    with open_reader(inbox_url, "other") as reader:
        assert reader.gap_reason(row.position) == "restored"
        assert reader.newest() == START


def test_subscription_check_records_gaps(inbox_url: str) -> None:
    subscribe(inbox_url)
    with open_reader(inbox_url, FIRM) as reader:
        (found,) = reader.subscriptions()
        assert (found.id, found.is_alive) == (SUBSCRIPTION, True)
        assert found.event_types == {"fee.created"}
        for is_alive in (True, False, False, True):
            reader.record_subscription_check(SUBSCRIPTION, is_alive=is_alive)
        reader.record_subscription_check("unknown", is_alive=False)
        reader.record_subscription_check(SUBSCRIPTION, is_alive=True, event_types=["a", "b"])
        (found,) = reader.subscriptions()
    assert found.event_types == {"a", "b"}
    assert found.checked
    assert gaps(inbox_url) == ["subscribed", "subscription_dead", "subscription_revived"]


def test_subscription_with_new_types_records_gap(inbox_url: str) -> None:
    subscribe(inbox_url)
    subscribe(inbox_url, key=None)
    with Subscriptions(inbox_url) as subscriptions:
        subscriptions.save(
            FIRM, SUBSCRIPTION, client_id="c", event_types=["fee.created", "b"], url="u"
        )
        (stored,) = subscriptions.find(FIRM)
        assert (stored.client_id, stored.url, stored.has_key) == ("c", "u", True)
        subscriptions.remove(FIRM, SUBSCRIPTION)
        assert subscriptions.find(FIRM) == []
        subscriptions.remove(FIRM, SUBSCRIPTION)
    assert gaps(inbox_url) == ["subscribed", "subscribed", "unsubscribed"]
    assert valid_keys(inbox_url) == []


def test_reader_position_is_recorded_for_status(inbox_url: str) -> None:
    append(inbox_url, FEE)
    with open_reader(inbox_url, FIRM) as reader:
        for position in (START, reader.newest()):
            reader.record_position("dev", position)
    with Subscriptions(inbox_url) as subscriptions:
        (found,) = subscriptions.readers(FIRM)
    assert (found.reader, found.seq) == ("dev", rows(inbox_url)[0].seq)


def test_rotation_keeps_old_key_after_first_use(inbox_url: str) -> None:
    """Both are valid before the new one is used, and ten minutes longer."""
    subscribe(inbox_url)
    with Subscriptions(inbox_url) as subscriptions:
        new = subscriptions.prepare_key(FIRM, SUBSCRIPTION)
        assert valid_keys(inbox_url) == [new, "first-key"]
        # An interrupted command may have sent it: the next one sends the same.
        assert subscriptions.prepare_key(FIRM, SUBSCRIPTION) == new
        assert subscriptions.find(FIRM)[0].is_key_pending
        with open_database(inbox_url) as database:
            key = load_keys(database)[FIRM][0]
            assert (key.key, key.is_rotating) == (new, True)
            record_first_use(database, FIRM, key)
            ends = load_keys(database)[FIRM][1].ends
            assert ends
            assert 9 * MINUTE < ends - database.now() <= 10 * MINUTE
            record_first_use(database, FIRM, key)
            assert load_keys(database)[FIRM][1].ends == ends
        assert valid_keys(inbox_url) == [new, "first-key"]
        with pytest.raises(InboxError, match="rotation"):
            subscriptions.prepare_key(FIRM, SUBSCRIPTION)
        change_time(inbox_url, "previous_ends", dotnet_ticks.now() - MINUTE)
        assert valid_keys(inbox_url) == [new]
        newest = subscriptions.prepare_key(FIRM, SUBSCRIPTION)
    assert valid_keys(inbox_url) == [newest, new]


def test_key_of_new_subscription_has_no_old_one(inbox_url: str) -> None:
    with Subscriptions(inbox_url) as subscriptions:
        key = subscriptions.prepare_key(FIRM, SUBSCRIPTION)
        assert valid_keys(inbox_url) == []  # not before the subscription is saved
        subscribe(inbox_url, key=None)
        assert not subscriptions.find(FIRM)[0].is_key_pending
    assert valid_keys(inbox_url) == [key]


def test_receiver_start_records_time_without_any(inbox_url: str) -> None:
    subscribe(inbox_url)
    subscribe(inbox_url, "other")
    with open_database(inbox_url) as database:
        assert record_start(database, "first")
        record_heartbeat(database, "first")
        assert not record_start(database, "second")
        change_time(inbox_url, "heartbeat", database.now() - 2 * MINUTE)
        record_heartbeat(database, "second")
        assert not record_start(database, "third")
        change_time(inbox_url, "heartbeat", database.now() - 2 * MINUTE)
        assert record_start(database, "fourth")
        assert count_rows(database) == {FIRM: 3, "other": 3}
    assert gaps(inbox_url) == gaps(inbox_url, "other") == ["subscribed", *2 * ["receiver_down"]]


def test_tap_role_cannot_read_keys(postgres: int) -> None:
    """The grants of the docs are enough for the tap, and no more."""
    url = new_postgres_url(postgres)
    subscribe(url)
    append(url, FEE)
    run_sql(url, "CREATE ROLE tap LOGIN")
    page = (ROOT / "docs/near-real-time.md").read_text(encoding="utf-8")
    for statement in re.findall(r"^GRANT [^;]* TO tap;$", page, re.MULTILINE):
        run_sql(url, statement)
    as_tap = url.replace("postgres@", "tap@")
    with open_reader(as_tap, FIRM) as reader:
        assert len(reader.events_after(START, 9)) == 2
        reader.record_position("dev", reader.newest())
        reader.record_position("dev", reader.newest())
        reader.record_subscription_check(SUBSCRIPTION, is_alive=False)
        assert reader.newest(arrived_before=reader.now()) == reader.newest()
        assert reader.gap_reason(reader.newest()) is None
    with psycopg.connect(as_tap) as connection, pytest.raises(psycopg.Error, match="denied"):
        connection.execute("SELECT * FROM inbox_keys")
    with (
        open_database(as_tap, is_created=False) as database,
        pytest.raises(InboxError, match="Grant the role"),
    ):
        load_keys(database)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://user:s3cret-value@host/db", "neither a SQLite file nor a Postgres"),
        ("s3cret-value", "is not valid"),
        ("sqlite://", "neither a SQLite file nor a Postgres"),
        ("sqlite:////nowhere/s3cret-value.db", "does not exist"),
        ("postgresql://user:s3cret-value@127.0.0.1:1/db", r"cannot be used \(OperationalError"),
    ],
)
def test_inbox_error_names_no_part_of_url(url: str, message: str) -> None:
    with pytest.raises(InboxError, match=message) as caught:
        open_reader(url, FIRM).newest()
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value.__cause__)


def test_inbox_without_tables_names_the_receiver(inbox_url: str, tmp_path: Path) -> None:
    (tmp_path / "inbox.db").touch()
    with (
        open_reader(inbox_url, FIRM) as reader,
        pytest.raises(InboxError, match="tap-smokeball-webhooks serve once"),
    ):
        reader.newest()


def test_inbox_file_is_readable_by_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    append(f"sqlite:///{path}", FEE)
    with open_reader(f"sqlite:///{path}", FIRM) as reader:
        assert reader.newest() != START
        modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("inbox.db*")}
    assert modes == {0o600}
    with pytest.raises(InboxError, match="cannot be created"):
        append(f"sqlite:///{tmp_path / 'missing' / 'inbox.db'}", FEE)


def test_inbox_names_extra_of_missing_package() -> None:
    code = (
        "import sys, importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'sqlalchemy' else find(name, *a)\n"
        "import tap_smokeball.inbox as inbox, tap_smokeball.inbox.events\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "try:\n    inbox.open_reader('sqlite:///x', 'default')\n"
        "except Exception as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "with its extra `webhooks`" in done.stdout
