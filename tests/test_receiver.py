"""The webhook receiver as a process: what it accepts, what it refuses, and what it keeps."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import update

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.events import Event
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.inbox.tables import KEYS
from tap_smokeball.webhooks.command import COMMANDS, webhooks
from tap_smokeball.webhooks.options import INBOX_VARIABLE
from tap_smokeball.webhooks.seen_signatures import SeenSignatures
from tests.hostile_requests import CANARY, Attacker
from tests.inbox_helpers import all_values, append, inbox_url, open_database, postgres
from tests.receiver_process import (
    Firm,
    Receiver,
    raw_request,
    read_all,
    run_receiver,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["inbox_url", "postgres"]

MINUTE = 60 * dotnet_ticks.PER_SECOND
MB = 1_048_576
MAX_ROWS = 6
MAX_CONNECTIONS = 3
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('inbox') / 'inbox.db'}"


@pytest.fixture(scope="module")
def receiver(inbox: str) -> Iterator[Receiver]:
    """Return a receiver, for all tests that need no other options."""
    with run_receiver(inbox) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def full_firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """Return a firm with one row less than it may have, when the receiver has started."""
    firm = Firm(f"sqlite:///{tmp_path_factory.mktemp('small') / 'inbox.db'}")
    events = [Event("fee.created", ticks) for ticks in range(MAX_ROWS - 3)]
    append(firm.inbox, *events, firm=firm.name)  # two more are gaps
    return firm


@pytest.fixture(scope="module")
def small_receiver(full_firm: Firm) -> Iterator[Receiver]:
    """Return a receiver with low limits."""
    rows, connections = ("--max-rows", str(MAX_ROWS)), ("--max-connections", str(MAX_CONNECTIONS))
    rate = ("--max-events-per-minute", "3")
    with run_receiver(full_firm.inbox, *rows, *connections, *rate) as receiver:
        yield receiver


@pytest.fixture
def firm(inbox: str) -> Firm:
    """Return a new firm, which the receiver has not seen yet."""
    return Firm(inbox)


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def status_of(response: bytes) -> int:
    return int(response.split()[1])


def test_delivery_is_stored_before_response(receiver: Receiver, firm: Firm) -> None:
    now = dotnet_ticks.now()
    response = receiver.post(firm, firm.body(timestamp=now, payload={"id": "a", "matterId": "b"}))
    assert (response.status_code, response.content) == (204, b"")
    (row,) = firm.rows()
    assert dataclasses.astuple(row)[3:] == ("fee.created", now, "a", "b")
    assert 0 < receiver.metrics()["last_accepted_age_seconds"] < 60


def test_event_repeated_is_stored_once(receiver: Receiver, firm: Firm) -> None:
    """Different deliveries of one event have different signatures."""
    body = firm.body()
    assert [receiver.post(firm, body).status_code for _ in range(3)] == [204] * 3
    assert len(firm.rows()) == 1


def test_signature_admits_one_body(receiver: Receiver, firm: Firm) -> None:
    headers, body = firm.headers(), firm.body()
    alarms = receiver.metrics()["signature_reuse_alarms_total"]
    bodies = [body, body, firm.body(), b"[", body]
    found = [receiver.post(firm, each, headers=headers).status_code for each in bodies]
    assert found == [204, 204, 401, 401, 204]
    assert len(firm.rows()) == 1
    assert receiver.metrics()["signature_reuse_alarms_total"] == alarms + 2
    assert firm.gaps() == ["subscribed"]


def test_signature_is_known_after_restart(tmp_path: Path) -> None:
    """The inbox remembers it; nothing of signature and body can be read there."""
    inbox = f"sqlite:///{tmp_path / 'inbox.db'}"
    firm = Firm(inbox)
    headers, body = firm.headers(), firm.body()
    with run_receiver(inbox) as receiver:
        assert receiver.post(firm, body, headers=headers).status_code == 204
    with run_receiver(inbox) as receiver:
        assert receiver.post(firm, firm.body(), headers=headers).status_code == 401
        assert receiver.metrics()["signature_reuse_alarms_total"] == 1
        assert receiver.post(firm, body, headers=headers).status_code == 204
        assert receiver.metrics()["last_accepted_age_seconds"] < 60
    assert len(firm.rows()) == 1
    assert headers["Signature"] not in all_values(inbox)
    # Another receiver had lived less than a minute before.
    assert firm.gaps() == ["subscribed", "receiver_down"]


def test_time_window_holds_in_both_directions(receiver: Receiver, firm: Firm) -> None:
    def post(minutes: float) -> int:
        ticks = dotnet_ticks.now() + int(minutes * MINUTE)
        return receiver.post(firm, headers=firm.headers(ticks=ticks)).status_code

    assert [post(minutes) for minutes in (-5.2, -4.8, 4.8, 5.2)] == [401, 204, 204, 401]
    assert -5.3 * 60 < receiver.metrics()["clock_skew_seconds"] < -5.1 * 60
    assert receiver.refused("stale") >= 2
    assert len(firm.rows()) == 2


def test_refusals_do_not_tell_what_is_known(receiver: Receiver, firm: Firm) -> None:
    """An unknown firm, a wrong key and an unknown subscription get the same bytes."""

    def answer(body: bytes, key: str = "", name: str = firm.name) -> bytes:
        headers = firm.headers({"Content-Length": str(len(body))}, key=key)
        return receiver.send(raw_request(firm, body, headers, f"/webhooks/{name}"))

    found = {
        answer(firm.body(), name="unknown"),
        answer(firm.body(), name="%00"),
        answer(firm.body(), key="wrong"),
        answer(firm.body(subscriptionId="unknown")),
        answer(firm.body(subscriptionId=None)),
    }
    assert len(found) == 1
    assert status_of(found.pop()) == 401
    assert firm.rows() == []


def test_firm_key_and_subscription_agree(receiver: Receiver, firm: Firm) -> None:
    other = Firm(firm.inbox)
    assert receiver.post(firm, path=f"/webhooks/{other.name}").status_code == 401
    assert receiver.post(firm, other.body()).status_code == 401
    assert receiver.post(other, other.body(accountId="another account")).status_code == 204
    # A system event names no account of a firm (docs/smokeball.md).
    assert receiver.post(firm, firm.body("mattertype.updated")).status_code == 204
    assert (len(firm.rows()), len(other.rows())) == (1, 1)


def test_rate_cap_records_gap(small_receiver: Receiver, full_firm: Firm) -> None:
    firm, other = Firm(full_firm.inbox), Firm(full_firm.inbox)
    headers, body = firm.headers(), firm.body()
    assert small_receiver.post(firm, body, headers=headers).status_code == 204
    assert [small_receiver.post(firm).status_code for _ in range(4)] == [204, 204, 503, 503]
    # What was accepted before is, whatever the rate.
    assert small_receiver.post(firm, body, headers=headers).status_code == 204
    assert small_receiver.post(other).status_code == 204
    wait_until(lambda: firm.gaps() == ["subscribed", "overflow"])
    assert len(firm.rows()) == 3
    assert other.gaps() == ["subscribed"]


def test_row_cap_records_gap(small_receiver: Receiver, full_firm: Firm) -> None:
    """The firm's rows are counted when the receiver starts, and then as they come."""
    assert full_firm.gaps() == ["subscribed", "receiver_down"]
    assert [small_receiver.post(full_firm).status_code for _ in range(2)] == [204, 503]
    wait_until(lambda: full_firm.gaps()[-1] == "overflow")
    assert len(full_firm.rows()) == MAX_ROWS - 2


def test_failing_inbox_records_gap(receiver: Receiver, firm: Firm) -> None:
    """While it fails, all firms get 503, known or not, and the receiver lives on."""

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(firm.inbox.removeprefix("sqlite:///"))) as connection:
            for table in ("events", "keys", "receivers", "signatures"):
                connection.execute(f"ALTER TABLE {old}_{table} RENAME TO {new}_{table}")

    assert receiver.post(firm).status_code == 204
    rename("inbox", "away")
    for options in ({}, {"path": "/webhooks/unknown"}, {"headers": firm.headers(key="wrong")}):
        response = receiver.post(firm, **options)
        assert (response.status_code, response.content) == (503, b"")
    assert receiver.refused("unavailable") == 3
    wait_until(lambda: receiver.metrics()["inbox_up"] == 0)
    rename("away", "inbox")
    assert receiver.post(firm).status_code == 204
    wait_until(lambda: "unavailable" in firm.gaps())
    wait_until(lambda: receiver.metrics()["inbox_up"] == 1)
    assert len(firm.rows()) == 2
    (line,) = [each for each in receiver.lines if "Inbox unavailable" in each]
    assert "SELECT" not in line
    assert "away" not in line


def test_malformed_id_is_not_stored(receiver: Receiver, firm: Firm) -> None:
    bad_ids = ["a/b", "..", "a\x00b", "a" * 65, "", 7, None, {"id": "a"}, "é", "a b"]
    for bad_id in bad_ids:
        payload = {"id": bad_id, "matterId": bad_id}
        response = receiver.post(firm, firm.body(payload=payload, timestamp=2**63))
        assert response.status_code == 204
    found = [(row.resource_id, row.matter_id, row.ticks) for row in firm.rows()]
    assert found == [(None, None, None)] * len(bad_ids)


def test_body_without_event_is_400(receiver: Receiver, firm: Firm) -> None:
    """It was signed, so it may have been an event: there is a gap."""
    no_json = [b"", b"{", b"\xff", b'{"a": "\\ud800"}']
    for body in [*no_json, b"[]", b"null", b"{}", b'{"type": "gap"}', b'{"type": "a b"}']:
        response = receiver.post(firm, body)
        assert (response.status_code, response.content) == (400, b"")
    assert firm.rows() == []
    wait_until(lambda: firm.gaps() == ["subscribed", "unreadable"])


def test_addresses_are_never_followed(receiver: Receiver, firm: Firm) -> None:
    """An id is taken out of an address, and nobody is called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "http://{}:{}/matters/matter-7".format(*server.getsockname())
        link = {"href": address, "rel": "Matter"}
        payload = {"id": "fee-1", "href": address, "self": link, "links": [link], "next": link}
        assert receiver.post(firm, firm.body(payload=payload)).status_code == 204
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert [row.matter_id for row in firm.rows()] == ["matter-7"]


def test_headers_are_limited(receiver: Receiver, firm: Firm) -> None:
    """Also a header that comes at once, which h11 does not limit."""
    whole = receiver.post(firm, headers=firm.headers() | {"X-Long": "a" * 17_000})
    assert (whole.status_code, whole.content) == (400, b"")
    assert receiver.post(firm, path=f"/webhooks/{firm.name}?{'a' * 17_000}").status_code == 400
    endless = b"POST /webhooks/x HTTP/1.1\r\nX-Long: " + b"a" * 100_000
    assert b"\r\n\r\n" not in endless
    assert receiver.send(endless) in {b"", BAD_REQUEST}
    assert receiver.send(b"no HTTP\r\n\r\n") == BAD_REQUEST
    assert firm.rows() == []


def test_bodies_are_limited_while_streaming(receiver: Receiver, firm: Firm) -> None:
    """By the header that tells the size, and else by the bytes that come."""
    largest = firm.body(padding="")
    largest = firm.body(padding="a" * (MB - len(largest) - 10))
    assert receiver.post(firm, largest).status_code == 204
    headers = firm.headers() | {"Content-Length": str(MB + 1)}
    assert status_of(receiver.send(raw_request(firm, b"", headers))) == 413
    headers = firm.headers() | {"Transfer-Encoding": "chunked"}
    with receiver.connect(raw_request(firm, b"", headers)) as connection:
        for _ in range(33):
            connection.sendall(b"8000\r\n" + b" " * 32_768 + b"\r\n")
        assert status_of(read_all(connection)) == 413
    wait_until(lambda: firm.gaps() == ["subscribed", "unreadable"])
    assert len(firm.rows()) == 1


def test_large_bodies_share_memory(receiver: Receiver, firm: Firm) -> None:
    """They are refused when they would take too much together, and small ones are not."""
    overflows = receiver.refused("overflow")
    with ExitStack() as stack:
        for _ in range(5):
            headers = firm.headers({"Content-Length": str(MB)})
            started = raw_request(firm, b" " * (MB - 10), headers)
            stack.enter_context(receiver.connect(started))
        wait_until(lambda: receiver.refused("overflow") == overflows + 1)
        assert receiver.post(firm).status_code == 204
    wait_until(lambda: "overflow" in firm.gaps())
    assert receiver.post(firm, firm.body(padding=" " * 900_000)).status_code == 204


def test_old_signatures_are_forgotten() -> None:
    seen = SeenSignatures()
    for minute in range(12):
        seen.add(f"signature {minute}", "body", minute * MINUTE)
    assert "signature 0" not in seen
    assert "signature 1" in seen


def test_slow_requests_are_closed(receiver: Receiver, firm: Firm) -> None:
    """A header and a body have a deadline, whatever comes meanwhile."""
    timed_out = receiver.metrics()["connections_timed_out_total"]
    started = raw_request(firm, b"{", firm.headers() | {"Content-Length": "9"})
    with ExitStack() as stack:
        slow = [stack.enter_context(receiver.connect(sent)) for sent in (b"", b"POST ", started)]
        again = stack.enter_context(receiver.connect())
        whole = raw_request(firm, body := firm.body(), firm.headers())
        whole = whole.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(body), 1)
        again.sendall(whole + b"POST ")
        assert again.recv(1000).startswith(b"HTTP/1.1 204")
        for _ in range(4):
            time.sleep(1)
            for connection in slow[1:]:
                connection.sendall(b" ")
        assert [read_all(connection) for connection in (*slow, again)] == [b""] * 4
    # The last one was closed earlier, as any idle connection.
    assert receiver.metrics()["connections_timed_out_total"] == timed_out + 3
    wait_until(lambda: firm.gaps() == ["subscribed", "unreadable"])


def test_connections_are_capped(small_receiver: Receiver, full_firm: Firm) -> None:
    """What is not signed gives way to a delivery. If all are signed, a gap says so."""
    firm = Firm(full_firm.inbox)
    started = [
        raw_request(firm, b"{", firm.headers() | {"Content-Length": "9"})
        for _ in range(MAX_CONNECTIONS)
    ]
    with ExitStack() as stack:

        def connect(sent: bytes) -> socket.socket:
            return stack.enter_context(small_receiver.connect(sent))

        slow = [connect(b"POST /") for _ in range(MAX_CONNECTIONS + 1)]
        assert read_all(slow[0]) == b""
        assert small_receiver.post(Firm(firm.inbox)).status_code == 204
        busy = [connect(each) for each in started]
        wait_until(lambda: small_receiver.metrics()["connections_evicted_total"] == 4)
        wait_until(lambda: small_receiver.metrics()["connections"] == 3)
        assert small_receiver.metrics()["connections_refused_total"] == 0
        with pytest.raises(requests.ConnectionError):
            small_receiver.post(firm)
        assert small_receiver.metrics()["connections_refused_total"] == 1
        for connection in busy:
            connection.close()
        wait_until(lambda: "overflow" in firm.gaps())
        unsigned = firm.headers(key="wrong") | {"Content-Length": "9"}
        for _ in range(MAX_CONNECTIONS):
            connect(raw_request(firm, b"", unsigned))
        assert small_receiver.post(Firm(firm.inbox)).status_code == 204


def test_header_values_are_refused(receiver: Receiver, firm: Firm) -> None:
    for name, value, status in (
        ("Content-Encoding", "gzip", 415),
        ("Content-Encoding", "identity", 415),
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "multipart/form-data; boundary=application/json", 415),
        ("Signature", "é", 401),
        ("Signature", "", 401),
        ("Timestamp", "-1", 401),
        ("Timestamp", "1" * 5_000, 401),
        ("RequestId", "", 401),
    ):
        headers = {**firm.headers(), name: value.encode()}
        response = receiver.post(firm, headers=headers)
        assert (response.status_code, response.content) == (status, b""), (name, value)
    assert firm.rows() == []


def test_deep_json_is_400(receiver: Receiver, firm: Firm) -> None:
    for text in ("[", '{"a":', "[[[[1],"):
        deep = text * (MB // 2 // len(text))
        bodies = [deep, firm.body().decode().replace('"Smokeball"', deep, 1)]
        assert [receiver.post(firm, each.encode()).status_code for each in bodies] == [400, 400]
    assert firm.rows() == []


def test_two_lengths_are_400(receiver: Receiver, firm: Firm) -> None:
    body = firm.body()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    headers = firm.headers() | {"Transfer-Encoding": "chunked"}
    assert receiver.send(raw_request(firm, chunked, headers | {"Connection": "close"})).startswith(
        b"HTTP/1.1 204"
    )
    headers = firm.headers() | {"Transfer-Encoding": "chunked", "Content-Length": str(len(body))}
    assert status_of(receiver.send(raw_request(firm, chunked, headers))) == 400
    assert len(firm.rows()) == 1


def test_proxy_headers_and_firms_leave_no_trace(receiver: Receiver, firm: Firm) -> None:
    """There is no access log, and no label that a sender can choose."""
    names = set(receiver.metrics())
    forwarded = {"X-Forwarded-For": CANARY, "X-Forwarded-Proto": CANARY, "Forwarded": CANARY}
    for path in (f"/webhooks/{firm.name}?{CANARY}", f"/webhooks/{CANARY}", f"/{CANARY}"):
        receiver.post(firm, path=path, headers=firm.headers() | forwarded)
    assert set(receiver.metrics()) == names
    assert not {name for name in names if firm.name in name}
    assert CANARY not in "".join(receiver.lines)
    assert firm.name not in "".join(receiver.lines)


def test_admin_paths_are_on_other_listener(receiver: Receiver, firm: Firm) -> None:
    for path in ("/metrics", "/healthz", "/", "/webhooks", f"/webhooks/{firm.name}/"):
        response = requests.get(receiver.url + path, timeout=30)
        assert (response.status_code, response.content) == (404, b"")
    wrong_method = requests.get(f"{receiver.url}/webhooks/{firm.name}", timeout=30)
    assert (wrong_method.status_code, wrong_method.content) == (405, b"")
    assert requests.get(f"{receiver.admin_url}/healthz", timeout=30).status_code == 200
    delivery = requests.post(f"{receiver.admin_url}/webhooks/{firm.name}", timeout=30)
    assert delivery.status_code == 404
    for address in (receiver.url, receiver.admin_url):
        assert address.startswith("http://127.0.0.1:")


def test_serve_needs_no_credentials() -> None:
    """The receiver of these tests has no setting. It does not even load the tap."""
    code = (
        "import sys, tap_smokeball.webhooks.serve, tap_smokeball.webhooks.prune\n"
        "print({name.split('.')[0] for name in sys.modules} & {'singer_sdk', 'requests'})\n"
        "print([name for name in sys.modules if name.startswith('tap_smokeball.tap')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n[]\n"


def test_rotation_accepts_both_keys(receiver: Receiver, firm: Firm) -> None:
    """The new key counts from the moment it is saved, the old one until it has ended."""
    assert receiver.post(firm).status_code == 204
    with Subscriptions(firm.inbox) as subscriptions:
        new = subscriptions.prepare_key(firm.name, firm.subscription)

        def post(key: str) -> int:
            return receiver.post(firm, headers=firm.headers(key=key)).status_code

        assert [post(firm.key), post(new), post(firm.key)] == [204, 204, 204]
        wait_until(lambda: not subscriptions.find(firm.name)[0].is_key_pending)
        assert post(firm.key) == 204
    with open_database(firm.inbox) as database, database.write() as (connection, now):
        is_this = KEYS.c.firm == firm.name
        connection.execute(update(KEYS).where(is_this).values(previous_ends=now))
    wait_until(lambda: post(firm.key) == 401)
    assert post(new) == 204


def test_payload_leaves_no_trace(receiver: Receiver, firm: Firm) -> None:
    """No text that a sender chooses is in the inbox, the log or the metrics."""
    texts = dict.fromkeys(("id", "subject", "matterId", "description"), CANARY + " text")
    canaries = {
        **texts,
        "matter": {"id": CANARY + " text", "href": f"/matters/{CANARY} text"},
        "links": [{"rel": "matter", "href": CANARY, "title": CANARY}],
        CANARY: [CANARY],
    }
    bodies = [
        firm.body(payload=canaries, accountId=CANARY, userId=CANARY, source=CANARY),
        firm.body(payload=CANARY),
        firm.body(subscriptionId=CANARY),
        firm.body(f"{CANARY} type"),
        json.dumps(CANARY).encode(),
        CANARY.encode(),
    ]
    headers = {"User-Agent": CANARY, "Cookie": CANARY, "X-Canary": CANARY}
    found = [receiver.post(firm, each, headers=firm.headers(headers)) for each in bodies]
    assert [each.status_code for each in found] == [204, 204, 401, 400, 400, 400]
    assert receiver.send(f"{CANARY}\r\n\r\n".encode()) == BAD_REQUEST
    assert receiver.send(f"GET /{CANARY} HTTP/1.1\r\n{CANARY} x: y\r\n\r\n".encode()) == BAD_REQUEST
    assert CANARY not in all_values(firm.inbox)
    assert CANARY not in "".join(receiver.lines)
    assert CANARY not in requests.get(f"{receiver.admin_url}/metrics", timeout=30).text
    columns = {"seq", "mark", "arrived", "firm", "subscription_id"}
    columns |= {"event_type", "event_ticks", "resource_id", "matter_id"}
    with closing(sqlite3.connect(firm.inbox.removeprefix("sqlite:///"))) as connection:
        described = connection.execute("SELECT * FROM inbox_events").description
    assert {column[0] for column in described} == columns


def test_receiver_finishes_deliveries_on_sigterm(tmp_path: Path) -> None:
    firm = Firm(f"sqlite:///{tmp_path / 'inbox.db'}")
    with run_receiver(firm.inbox) as receiver:
        body = firm.body()
        headers = firm.headers() | {"Content-Length": str(len(body))}
        with receiver.connect(raw_request(firm, body[:20], headers)) as connection:
            idle = receiver.connect(b"POST ")
            wait_until(lambda: receiver.metrics()["received_total"] == 1)
            receiver.process.terminate()
            assert read_all(idle) == b""
            idle.close()
            connection.sendall(body[20:])
            assert read_all(connection).startswith(b"HTTP/1.1 204")
        assert receiver.wait() == 0
    assert len(firm.rows()) == 1
    assert "Traceback" not in "".join(receiver.lines)


@pytest.mark.parametrize(
    ("inbox", "options", "message"),
    [
        ("mysql://u:s3cret-value@h/db", [], "neither a SQLite file nor a Postgres database"),
        ("sqlite:////missing/s3cret-value.db", [], "cannot be created"),
        ("postgresql://u:s3cret-value@127.0.0.1:1/db", [], "cannot be used"),
        ("sqlite:///s3cret-value.db", ["--host", "192.0.2.1"], "cannot be used: Cannot assign"),
    ],
)
def test_serve_error_is_one_line(inbox: str, options: list[str], message: str) -> None:
    arguments = ["serve", "--port", "0", "--admin-port", "0", *options]
    done = CliRunner().invoke(webhooks, arguments, env={INBOX_VARIABLE: inbox})
    assert done.exit_code == 1
    assert re.fullmatch(f"[^\n]*{message}[^\n]*\n", done.stderr)
    assert "s3cret" not in done.output


def test_prune_deletes_old_events(tmp_path: Path) -> None:
    firm = Firm(f"sqlite:///{tmp_path / 'inbox.db'}")
    firm.save()
    with closing(sqlite3.connect(tmp_path / "inbox.db")) as connection:
        connection.execute(
            "INSERT INTO inbox_events (mark, arrived, firm, subscription_id, "
            "event_type) VALUES (1, ?, 'x', '', 'a'), (2, ?, 'x', '', 'a')",
            2 * [dotnet_ticks.now() - 8 * dotnet_ticks.PER_DAY],
        )
        connection.commit()
    arguments = ["prune", "--inbox", firm.inbox, "--keep-days", "7"]
    assert CliRunner().invoke(webhooks, arguments).stderr == "Deleted events: 1\n"


def test_accepted_deliveries_survive_kill(inbox_url: str) -> None:
    """Every event that was answered 204 is in the inbox, whenever the receiver is killed."""
    firm = Firm(inbox_url)
    accepted: list[str] = []

    def deliver(receiver: Receiver, index: int) -> None:
        with requests.Session() as session:
            for count in itertools.count():
                name = f"{index}-{count}"
                body = firm.body(payload={"id": name})
                try:
                    url = f"{receiver.url}/webhooks/{firm.name}"
                    response = session.post(url, body, headers=firm.headers(), timeout=30)
                except requests.ConnectionError:
                    return
                assert response.status_code == 204
                accepted.append(name)

    with run_receiver(inbox_url) as receiver:
        threads = [Thread(target=deliver, args=(receiver, index)) for index in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(accepted) > 60)
        receiver.process.kill()
        for thread in threads:
            thread.join()
        assert receiver.wait() == -signal.SIGKILL
    assert len(accepted) > 60
    assert {*accepted} <= {row.resource_id for row in firm.rows()}


def test_hostile_requests_leave_nothing(receiver: Receiver, firm: Firm) -> None:
    """A few hundred; `benchmarks.receiver` sends ten thousand."""
    recorded = firm.headers(), firm.body()
    assert receiver.post(firm, recorded[1], headers=recorded[0]).status_code == 204
    attacker = Attacker(receiver, firm, recorded, seed=1)
    line_count = len(receiver.lines)
    found = attacker.run(300)
    assert set(found) - set(attacker.kinds) <= {0, 204, 400, 401, 404, 413, 415}
    assert found[204] == found["replayed"]
    assert receiver.post(firm).status_code == 204
    assert receiver.peak_memory_bytes() < 100_000_000
    assert CANARY not in "".join(receiver.lines)
    assert len(receiver.lines) - line_count <= 1  # the alarm
    assert len(firm.rows()) == 2
    assert CANARY not in all_values(firm.inbox)


def test_help_lists_commands() -> None:
    done = CliRunner().invoke(webhooks, ["--help"])
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +\w.*\.$", done.stdout, re.MULTILINE)
    assert CliRunner().invoke(webhooks, ["nothing"]).exit_code == 2
