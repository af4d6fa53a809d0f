"""``tap-smokeball-webhooks``: the commands for the subscription of a firm."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from smokeball_sandbox import SandboxServer, auth
from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.events import Event
from tap_smokeball.inbox.keys import load_keys, record_first_use
from tap_smokeball.inbox.reader import InboxReader
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.webhooks.command import webhooks
from tests import harness
from tests.forked_process import ForkedProcess, run_forked
from tests.inbox_helpers import append, open_database
from tests.receiver_process import run_receiver
from tests.sandbox_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tap_smokeball.inbox.keys import SigningKey

Json = dict[str, Any]

pytestmark = pytest.mark.slow

URL = "https://receiver.example/webhooks/default"
WEBHOOKS = [sys.executable, "-m", "tap_smokeball.webhooks"]
UPDATE = "PUT /webhooks/{id}"
CREATE = "POST /webhooks"
MATTER_TYPES = {"matter.created", "matter.updated", "matter.closed", "matter.converted"}


class Commands:
    """Runs the commands for one firm and one inbox.

    Attributes:
        sandbox: The firm.
        inbox: URL of the inbox.
    """

    def __init__(self, sandbox: SandboxServer, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.inbox = f"sqlite:///{folder / 'inbox.db'}"
        self.configure()

    def configure(self, **settings: Any) -> None:
        content = harness.config(self.sandbox, **{"max_retries": 0, **settings})
        (self.folder / "config.json").write_text(json.dumps(content))

    def arguments(self, name: str, *more: str) -> list[str]:
        config = str(self.folder / "config.json")
        if name == "subscribe" and "--url" not in more:
            more = ("--url", URL, *more)
        return [name, "--config", config, "--inbox", self.inbox, *more]

    def run(self, name: str, *more: str, status: int = 0, **options: Any) -> Result:
        result = CliRunner().invoke(webhooks, self.arguments(name, *more), **options)
        assert result.exit_code == status, result.output
        return result

    def run_process(self, name: str, *more: str) -> str:
        """Run a command as a process that logs all it can; return its output."""
        environment = {**os.environ, "LOGLEVEL": "DEBUG"}
        done = run_forked([*WEBHOOKS, *self.arguments(name, *more)], env=environment)
        return (done.stdout + done.stderr).decode()

    def start(self, name: str, *more: str) -> ForkedProcess:
        command = [*WEBHOOKS, *self.arguments(name, *more)]
        with tempfile.TemporaryFile() as output:
            return ForkedProcess(command, stdout=output, stderr=output)

    def subscriptions(self) -> list[Json]:
        client = Client(self.sandbox)
        with client.session:
            found: list[Json] = client.page("/webhooks")["value"]
        return found

    def signing_keys(self) -> list[SigningKey]:
        with open_database(self.inbox) as database:
            return load_keys(database).get("default", [])

    def gaps(self) -> list[str | None]:
        with InboxReader(self.inbox, "default") as reader:
            rows = reader.events_after(reader.newest(arrived_before=0), 100)
        return [row.resource_id for row in rows if row.type == "gap"]

    def signed_keys(self, client_id: str = auth.CLIENT_ID) -> list[str]:
        """Return the keys of the inbox that the next delivery is signed with."""
        control = self.sandbox.control
        control.settings(events={"transport": "control"})
        control.touch("matters", nth=0)
        headers = control.take_events(all=True)[0]["headers"]
        text = f"{headers['Timestamp']}|{headers['RequestId']}|{client_id}"
        return [
            each.key
            for each in self.signing_keys()
            if hmac.new(each.key.encode(), text.encode(), hashlib.sha256).hexdigest()
            == headers["Signature"]
        ]

    def assert_one_subscription_is_accepted(self) -> None:
        (subscription,) = self.subscriptions()
        assert subscription["eventNotificationUrl"] == URL
        assert subscription["eventTypes"]
        assert len(self.signed_keys()) == 1
        with Subscriptions(self.inbox) as stored:
            (known,) = stored.find("default")
        assert (known.id, known.is_alive, known.has_key) == (subscription["id"], True, True)

    @contextmanager
    def locked_inbox(self) -> Iterator[None]:
        """Let nobody write to the inbox while the block lasts."""
        path = self.folder / "inbox.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def let_minute_pass(self) -> None:
        """Let the last check of the subscription be older than it is."""
        ticks = 61 * dotnet_ticks.PER_SECOND
        with closing(sqlite3.connect(self.folder / "inbox.db")) as connection, connection:
            connection.execute("UPDATE inbox_subscriptions SET checked = checked - ?", (ticks,))

    def wait_for_request(self, template: str) -> None:
        ends_at = time.monotonic() + 30
        while template not in self.sandbox.control.requests()["by_template"]:
            assert time.monotonic() < ends_at
            time.sleep(0.02)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """Return a small firm."""
    with SandboxServer(matters=4) as server:
        yield server


@pytest.fixture
def commands(sandbox: SandboxServer, tmp_path: Path) -> Commands:
    """Return the commands for a firm without subscriptions, and a new inbox."""
    sandbox.control.reset()
    return Commands(sandbox, tmp_path)


def scopes_without(sandbox: SandboxServer, *missing: str) -> None:
    scopes = sandbox.control.settings()["scopes"]
    sandbox.control.settings(scopes=[each for each in scopes if each not in missing])


def test_subscribe_creates_one_and_then_keeps_it(commands: Commands) -> None:
    result = commands.run("subscribe")
    assert "Created the subscription" in result.stderr
    assert "Streams without events, to be polled: bank_accounts" in result.stderr
    (subscription,) = commands.subscriptions()
    types = set(subscription["eventTypes"])
    assert {"fee.created", "invoice.finalized"} | MATTER_TYPES <= types
    assert {"memo.created", "error", "noop"}.isdisjoint(types)
    commands.assert_one_subscription_is_accepted()
    key = commands.signing_keys()[0].key
    assert "is up to date" in commands.run("subscribe").stderr
    assert [each.key for each in commands.signing_keys()] == [key]
    assert commands.subscriptions() == [subscription]
    assert commands.gaps() == ["subscribed"]


def test_subscribe_asks_for_usable_event_types(commands: Commands) -> None:
    commands.sandbox.control.settings(webhook_types="guide")
    catalog = commands.folder / "catalog.json"
    catalog.write_text(json.dumps(harness.catalog(wanted=["fees", "transactions"])))
    result = commands.run("subscribe", "--catalog", str(catalog))
    assert "does not offer: matter.closed, matter.converted" in result.stderr
    assert "to be polled: transactions" in result.stderr
    fee_types = ["fee.created", "fee.deleted", "fee.updated"]
    expected = [*fee_types, "matter.created", "matter.updated"]
    assert commands.subscriptions()[0]["eventTypes"] == expected
    catalog.write_text(json.dumps(harness.catalog(wanted=["memos"])))
    assert "Updated the subscription" in commands.run("subscribe", "--catalog", str(catalog)).stderr
    assert commands.subscriptions()[0]["eventTypes"][-1] == "memo.updated"
    commands.assert_one_subscription_is_accepted()
    catalog.write_text(json.dumps(harness.catalog(wanted=["transactions"])))
    result = commands.run("subscribe", "--catalog", str(catalog), status=1)
    assert "no selected stream has webhook events" in result.stderr


def test_subscribe_keeps_other_subscriptions(commands: Commands) -> None:
    control = commands.sandbox.control
    other_url = control.subscribe("https://other.example/hook", key="other")
    other_app = control.subscribe(URL, client_id=auth.PUBLIC_CLIENT_ID)
    first, second = (control.subscribe(URL, key="unknown to the inbox") for _ in range(2))
    result = commands.run("subscribe")
    assert "Updated the subscription" in result.stderr
    assert "Deleted the firm's second subscription" in result.stderr
    left = {each["id"] for each in commands.subscriptions()}
    assert other_url["id"] in left
    assert len(left & {first["id"], second["id"]}) == 1
    assert len(left) == 2
    control.unsubscribe(other_url["id"])
    control.unsubscribe(other_app["id"])
    commands.assert_one_subscription_is_accepted()


def test_subscribe_replaces_dead_subscription(commands: Commands) -> None:
    commands.run("subscribe")
    dead = commands.subscriptions()[0]["id"]
    commands.sandbox.control.unsubscribe()
    assert "Run subscribe again" in commands.run("subscribe", status=1).stderr
    assert "is not listed" in commands.run("status", status=1).stdout
    assert commands.gaps() == ["subscribed"]
    commands.let_minute_pass()
    result = commands.run("subscribe")
    assert f"Forgot the subscription {dead}" in result.stderr
    commands.assert_one_subscription_is_accepted()


def test_subscribe_moves_subscription_to_new_url(commands: Commands) -> None:
    commands.run("subscribe", "--url", "https://old.example/webhooks/default")
    commands.run("subscribe")
    commands.assert_one_subscription_is_accepted()


def test_rotation_keeps_old_key_for_ten_minutes(commands: Commands) -> None:
    commands.run("subscribe")
    (old,) = commands.signing_keys()
    commands.run("subscribe", "--rotate-key")
    new, kept = commands.signing_keys()
    assert (kept.key, kept.ends, new.is_rotating) == (old.key, None, True)
    assert commands.signed_keys() == [new.key]
    with open_database(commands.inbox) as database:
        record_first_use(database, "default", new)
    _, ending = commands.signing_keys()
    assert ending.ends is not None
    assert 0 < ending.ends - dotnet_ticks.now() <= 600 * dotnet_ticks.PER_SECOND
    refused = commands.run("subscribe", "--rotate-key", status=1)
    assert "Try again in ten minutes" in refused.stderr
    assert commands.signed_keys() == [new.key]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://receiver.example/webhooks/default", "must begin with https://"),
        ("https://user:pass@receiver.example/webhooks/default", "user name or password"),
        ("receiver", "takes a URL"),
    ],
)
def test_subscribe_refuses_insecure_url(commands: Commands, url: str, problem: str) -> None:
    assert problem in commands.run("subscribe", "--url", url, status=2).stderr
    assert commands.subscriptions() == []


def test_subscribe_warns_of_other_path(commands: Commands) -> None:
    result = commands.run("subscribe", "--url", "http://127.0.0.1:8765/webhooks/other")
    assert "the receiver serves /webhooks/default" in result.stderr


def test_unconfirmed_creation_is_not_repeated(commands: Commands) -> None:
    control = commands.sandbox.control
    control.fail(template=CREATE, how="truncate")
    assert "Created the subscription" in commands.run("subscribe").stderr
    assert control.requests()["by_template"][CREATE] == 1
    commands.assert_one_subscription_is_accepted()
    commands.run("unsubscribe")
    commands.configure(max_retries=5)
    control.reset_requests()
    control.fail(template=CREATE, how="reset")
    assert "Run subscribe again" in commands.run("subscribe", status=1).stderr
    assert control.requests()["by_template"][CREATE] == 1
    commands.run("subscribe")
    commands.assert_one_subscription_is_accepted()


def test_kill_after_creation_is_repaired(commands: Commands) -> None:
    with Subscriptions(commands.inbox):
        pass
    control = commands.sandbox.control
    control.fail(template=CREATE, how="slow", seconds=0.5)
    with commands.start("subscribe") as killed:
        commands.wait_for_request("GET /webhooks")
        with commands.locked_inbox():
            commands.wait_for_request(CREATE)
            killed.kill()
            killed.wait(30)
    assert len(commands.subscriptions()) == 1
    assert commands.signing_keys() == []
    commands.run("subscribe")
    commands.assert_one_subscription_is_accepted()


@pytest.mark.parametrize("step", ["before_change", "after_change"])
def test_kill_during_rotation_is_repaired(commands: Commands, step: str) -> None:
    commands.run("subscribe")
    control = commands.sandbox.control
    control.reset_requests()
    seconds = 30 if step == "before_change" else 0.5
    how = "hang" if step == "before_change" else "slow"
    control.fail(template=UPDATE, how=how, seconds=seconds)
    with commands.start("subscribe", "--rotate-key") as killed:
        ends_at = time.monotonic() + 30
        while len(commands.signing_keys()) < 2:
            assert time.monotonic() < ends_at
            time.sleep(0.02)
        if step == "after_change":
            with commands.locked_inbox():
                commands.wait_for_request(UPDATE)
                killed.kill()
                killed.wait(30)
    control.clear_faults()  # the request may not have been sent yet
    assert len(commands.signed_keys()) == 1
    (pending, _) = commands.signing_keys()
    commands.run("subscribe")
    assert commands.signed_keys() == [pending.key]
    commands.assert_one_subscription_is_accepted()


def test_unsubscribe_removes_subscription_and_key(commands: Commands) -> None:
    commands.run("subscribe")
    other = commands.sandbox.control.subscribe("https://other.example/hook")
    assert "is deleted" in commands.run("unsubscribe").stderr
    assert [each["id"] for each in commands.subscriptions()] == [other["id"]]
    assert commands.signing_keys() == []
    assert "knows no subscription" in commands.run("unsubscribe").stderr
    commands.run("subscribe")
    commands.sandbox.control.unsubscribe()
    assert "no longer existed" in commands.run("unsubscribe").stderr
    assert commands.signing_keys() == []


def test_missing_write_scope_is_explained(commands: Commands) -> None:
    scopes_without(commands.sandbox, "webhooks/write")
    result = commands.run("subscribe", status=1)
    assert "lacks the scope webhooks/write" in result.stderr
    assert f"eventNotificationUrl: {URL}" in result.stdout
    assert "eventTypes: activitycode.created" in result.stdout
    assert "key:" not in result.stdout
    assert "Pass --show-key" in result.stderr
    shown = commands.run("subscribe", "--show-key", status=1).stdout
    key = shown.partition("key: ")[2].strip()
    types = shown.partition("eventTypes: ")[2].partition("\n")[0].split(", ")
    by_hand = commands.sandbox.control.subscribe(URL, key=key, event_types=types)
    commands.run("subscribe", "--subscription-id", by_hand["id"], input=f"{key}\n")
    commands.assert_one_subscription_is_accepted()
    assert commands.run("status").exit_code == 0
    assert "is up to date" not in commands.run("subscribe", "--rotate-key", status=1).stderr
    assert len(commands.signing_keys()) == 2
    assert len(commands.signed_keys()) == 1
    for name in ("test", "unsubscribe"):
        assert "lacks the scope webhooks/write" in commands.run(name, status=1).stderr
    assert len(commands.signing_keys()) == 2


def test_missing_read_scope_is_explained(commands: Commands) -> None:
    commands.run("subscribe")
    scopes_without(commands.sandbox, "webhooks/read")
    for name in ("subscribe", "status"):
        assert "lacks the scope webhooks/read" in commands.run(name, status=1).stderr


def test_status_reports_life_events_and_readers(commands: Commands) -> None:
    commands.run("subscribe")
    append(commands.inbox, Event("fee.created", resource_id="1"))
    with InboxReader(commands.inbox, "default") as reader:
        reader.record_position("fees", reader.newest())
        reader.record_position("memos", reader.newest(arrived_before=0))
    text = commands.run("status").stdout
    for part in ("exists", "fee.created", "at the end", "behind", "bank_accounts"):
        assert part in text
    found = json.loads(commands.run("status", "--format", "json").stdout)
    assert found["is_healthy"] is True
    assert found["last_event"]["type"] == "fee.created"
    assert {each["name"]: each["is_at_end"] for each in found["readers"]} == {
        "fees": True,
        "memos": False,
    }
    assert "transactions" in found["polled_streams"]
    commands.sandbox.control.unsubscribe()
    commands.let_minute_pass()
    found = json.loads(commands.run("status", "--format", "json", status=1).stdout)
    assert found["subscriptions"][0]["problem"] == "no longer exists: run subscribe"
    assert commands.gaps() == ["subscribed", "subscription_dead"]


def test_status_names_missing_event_types(commands: Commands) -> None:
    commands.run("subscribe")
    catalog = commands.folder / "catalog.json"
    catalog.write_text(json.dumps(harness.catalog(wanted=["fees", "memos"])))
    result = commands.run("status", "--catalog", str(catalog), status=1)
    assert "memo.created, memo.deleted" in result.stdout
    assert "no subscription" in commands.run("test", "--firm", "other", status=1).stderr


def test_commands_read_environment(commands: Commands) -> None:
    settings = harness.config(commands.sandbox, webhook_inbox=commands.inbox)
    variables = {f"TAP_SMOKEBALL_{name.upper()}": str(each) for name, each in settings.items()}
    runner = CliRunner(env=variables)
    created = runner.invoke(webhooks, ["subscribe", "--config", "ENV", "--url", URL])
    assert created.exit_code == 0, created.output
    commands.sandbox.control.unsubscribe()
    tested = runner.invoke(webhooks, ["test", "--config", "ENV"])
    assert "no longer exists" in tested.stderr
    assert commands.gaps() == ["subscribed", "subscription_dead"]


def test_commands_report_wrong_settings(commands: Commands) -> None:
    commands.configure(access_token="token", client_id=None)  # noqa: S106
    assert "client_id is missing" in commands.run("status", status=1).stderr
    commands.configure(region="mars")
    assert "region: takes one of" in commands.run("status", status=1).stderr
    commands.configure()
    commands.inbox = ""
    assert "the inbox is not named" in commands.run("status", status=1).stderr


def test_test_event_is_awaited(commands: Commands) -> None:
    """The command, the sandbox and the receiver run as processes, and print no secret."""
    with run_receiver(commands.inbox) as receiver:
        url = f"{receiver.url}/webhooks/default"
        commands.run("subscribe", "--url", url)
        key = commands.signing_keys()[0].key
        commands.sandbox.control.settings(events={"delay_scale": 0})
        assert "The test event arrived" in commands.run("test").stderr
        commands.sandbox.control.touch("matters", nth=0)
        log = commands.sandbox.control.send_events(all=True)
        assert {each["status"] for each in log} == {204}
        commands.run("subscribe", "--url", url, "--rotate-key")
        assert "The test event arrived" in commands.run("test").stderr
        assert json.loads(commands.run("status", "--format", "json").stdout)["is_healthy"]
        output = commands.run_process("subscribe", "--url", url, "--rotate-key")
    for secret in (key, commands.signing_keys()[0].key, *commands.sandbox.credentials.values()):
        if secret != auth.CLIENT_ID:
            assert secret not in output


def test_test_event_that_is_lost_is_reported(commands: Commands) -> None:
    commands.run("subscribe")
    commands.sandbox.control.settings(events={"lost": 1})
    assert (
        "no test event arrived within 1 s"
        in commands.run("test", "--timeout", "1", status=1).stderr
    )
    commands.sandbox.control.unsubscribe()
    assert "no longer exists" in commands.run("test", status=1).stderr
