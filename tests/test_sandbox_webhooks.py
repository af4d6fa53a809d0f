"""The sandbox's webhook subscriptions, and the events that it sends."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.auth import CLIENT_ID
from smokeball_sandbox.event_types import GUIDE_TYPES, LIVE_TYPES, SYSTEM_ACCOUNT
from tests.memory_adapter import ADAPTERS
from tests.memory_firm import MemoryFirm
from tests.recording_server import RecordingServer
from tests.sandbox_client import Client, request_token

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

RECEIVER = "https://receiver.example/webhooks/default"
KEY = "a key that nobody guesses"
MINUTES = 60
CREATED_UPDATED_DELETED = {
    "activity_codes": "activitycode",
    "contacts": "contact",
    "expenses": "expense",
    "fees": "fee",
    "memos": "memo",
    "tasks": "task",
}
WITHOUT_EVENTS = (
    "bank_accounts",
    "contact_relations",
    "folders",
    "groups",
    "intake_forms",
    "intake_submissions",
    "matter_balances",
    "referral_types",
    "subtasks",
    "task_documents",
    "transactions",
)


@pytest.fixture(scope="module")
def shared_firm() -> MemoryFirm:
    """Return a firm whose events tests take."""
    firm = MemoryFirm(matters=12)
    firm.control.settings(events={"transport": "control"})
    firm.control.subscribe(RECEIVER, key=KEY)
    return firm


@pytest.fixture
def firm(shared_firm: MemoryFirm) -> MemoryFirm:
    """Return the firm without events."""
    shared_firm.control.take_events(all=True)
    return shared_firm


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """Return a sandbox as a process, without delays of events."""
    with SandboxServer(matters=6) as server:
        server.control.settings(events={"delay_scale": 0})
        yield server


def bodies(firm: MemoryFirm) -> list[Json]:
    return [json.loads(each["body"]) for each in firm.control.take_events(all=True)]


def types(firm: MemoryFirm) -> list[str]:
    return sorted(body["type"] for body in bodies(firm))


def some_parent(firm: MemoryFirm, name: str) -> str | None:
    parent: str | None = firm.control.rows(name)[0]["parent"]
    return parent


def open_matter(firm: MemoryFirm) -> str:
    rows = (each["row"] for each in firm.control.rows("matters"))
    return next(str(row["id"]) for row in rows if row["status"] == "Open" and not row["isLead"])


def create(client: Client, **more: Any) -> Any:
    body = {
        "name": "events",
        "eventTypes": ["fee.created", "matter.updated"],
        "eventNotificationUrl": RECEIVER,
        "key": KEY,
        **more,
    }
    return client.session.post(f"{client.url}/webhooks", json=body, timeout=10)


@pytest.mark.parametrize(("name", "prefix"), CREATED_UPDATED_DELETED.items())
def test_events_name_change_of_row(firm: MemoryFirm, name: str, prefix: str) -> None:
    control, parent = firm.control, some_parent(firm, name)
    id_ = control.add(name, parent=parent)["row"]["id"]
    assert types(firm) == [f"{prefix}.created"]
    control.touch(name, id_, parent=parent)
    assert types(firm) == [f"{prefix}.updated"]
    control.delete(name, id_, parent=parent)
    (body,) = bodies(firm)
    assert (body["type"], body["payload"]["id"]) == (f"{prefix}.deleted", id_)
    control.touch(name, id_, parent=parent, set={"isDeleted": False})
    can_be_restored = name in {"contacts", "memos"}
    assert types(firm) == [f"{prefix}.{'restored' if can_be_restored else 'updated'}"]
    control.delete(name, id_, parent=parent, hard=True)
    assert types(firm) == [f"{prefix}.deleted"]


def test_events_of_matter_name_each_change(firm: MemoryFirm) -> None:
    control, matter = firm.control, open_matter(firm)
    control.touch("matters", matter, set={"status": "Closed"})
    assert types(firm) == ["matter.closed", "matter.statusUpdated", "matter.updated"]
    lead = control.add("matters", set={"isLead": True})["row"]["id"]
    bodies(firm)
    control.convert(lead)
    assert types(firm) == ["matter.converted", "matter.updated"]
    control.add("matters")
    created, initialized = sorted(control.take_events(all=True), key=lambda each: each["body"])
    events = {
        each["type"]: each for each in map(json.loads, (created["body"], initialized["body"]))
    }
    first, second = events["matter.initialized"], events["matter.created"]
    assert first["payload"]["versionId"] == second["payload"]["versionId"]
    assert first["payload"]["title"] != second["payload"]["title"]
    assert first["timestamp"] < second["timestamp"]
    assert created["headers"]["RequestId"] == initialized["headers"]["RequestId"]
    control.touch("tasks", nth=0, set={"isCompleted": False})
    bodies(firm)
    control.touch("tasks", nth=0, set={"isCompleted": True})
    assert types(firm) == ["task.completed", "task.updated"]


@pytest.mark.parametrize("name", WITHOUT_EVENTS)
def test_resource_without_events_sends_none(firm: MemoryFirm, name: str) -> None:
    firm.control.touch(name, nth=0, parent=some_parent(firm, name))
    assert bodies(firm) == []


def test_payload_has_nulls_and_no_addresses(firm: MemoryFirm) -> None:
    firm.control.touch("matters", open_matter(firm), set={"description": None})
    (body,) = bodies(firm)
    assert body["payload"]["description"] is None
    assert body["source"] == "Smokeball"
    assert body["accountId"] != SYSTEM_ACCOUNT
    assert '"href"' not in json.dumps(body)
    assert body["payload"]["matterType"].keys() <= {"id", "rel"}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("matter_layouts", "href"),
        ("matter_roles", "matterId"),
        ("files", "matterId"),
        ("archives", "id"),
        ("fees", "matter"),
        ("memos", "matterId"),
        ("invoices", "matterId"),
    ],
)
def test_payload_names_matter(firm: MemoryFirm, name: str, where: str) -> None:
    row = firm.control.rows(name)[0]
    firm.control.touch(name, nth=0, parent=row["parent"])
    payload = bodies(firm)[0]["payload"]
    assert row["parent"] in str(payload[where])
    assert not str(payload.get("href", "")).startswith("http")


def test_billing_configuration_names_no_href(firm: MemoryFirm) -> None:
    parent = some_parent(firm, "billing_configurations")
    firm.control.touch("billing_configurations", nth=0, parent=parent)
    assert "matters" not in json.dumps(bodies(firm)[0]["payload"]).lower()


def test_system_event_names_account_zero(firm: MemoryFirm) -> None:
    other = firm.control.subscribe(f"{RECEIVER}2", event_types=["mattertype.updated"])
    firm.control.touch("matter_types", nth=0)
    received = bodies(firm)
    assert {body["accountId"] for body in received} == {SYSTEM_ACCOUNT}
    assert len({body["subscriptionId"] for body in received}) == 2
    firm.control.unsubscribe(other["id"])


def test_scheduled_and_chaos_changes_send_events(firm: MemoryFirm) -> None:
    client = MemoryClient(firm)
    command = {"command": "touch", "resource": "staff", "nth": 0}
    firm.control.schedule("GET /staff", [command])
    client.get("/staff")
    assert types(firm) == ["staff.updated"]
    firm.control.start_chaos(seed=2, change_rate=1, change_kinds=["touch"], resources=["fees"])
    client.get("/staff")
    touched = [each["id"] for each in firm.control.stop_chaos()]
    assert sorted(body["payload"]["id"] for body in bodies(firm)) == sorted(touched) != []


def test_rules_lose_repeat_and_delay_events(firm: MemoryFirm) -> None:
    control = firm.control
    transport = {"transport": "control"}
    try:
        control.reset_deliveries()
        control.settings(events={**transport, "lost": 0.3, "repeated": 0.3, "late": 0.3})
        for _ in range(40):
            control.touch("staff", nth=0)
        log = control.deliveries()
        lost = [each for each in log if each["outcome"] == "lost"]
        repeated = [each for each in log if "repeated" in each["anomalies"]]
        late = [each for each in log if "late" in each["anomalies"]]
        assert min(len(lost), len(repeated), len(late)) > 2
        assert all(each["anomalies"] for each in lost)
        now = control.settings()["clock_offset_seconds"]
        control.settings(clock_offset_seconds=now + 2 * MINUTES)
        soon = len(control.take_events())
        control.settings(clock_offset_seconds=now + 10 * MINUTES)
        later = len(control.take_events())
        assert soon > later > 0
        assert soon + later == len(log) - len(lost)
        control.settings(events={**transport, "reordered": 0.5})
        for number in range(20):
            control.touch("staff", nth=0, set={"number": number})
        numbers = [body["payload"]["number"] for body in bodies(firm)]
        assert numbers != sorted(numbers) == list(range(20))
    finally:
        control.settings(events=transport, clock_offset_seconds=0)


def test_rules_change_account_and_signature(firm: MemoryFirm) -> None:
    control = firm.control
    for rule in ("wrong_account", "wrong_signature"):
        control.touch("staff", nth=0)
        (right,) = control.take_events(all=True)
        control.settings(events={"transport": "control", rule: 1})
        control.touch("staff", nth=0)
        (wrong,) = control.take_events(all=True)
        control.settings(events={"transport": "control"})
        accounts = {json.loads(each["body"])["accountId"] for each in (right, wrong)}
        assert (len(accounts) == 2) is (rule == "wrong_account")
        assert is_signed(right["headers"])
        assert is_signed(wrong["headers"]) is (rule == "wrong_account")


def is_signed(headers: Json, client: str = CLIENT_ID) -> bool:
    text = f"{headers['Timestamp']}|{headers['RequestId']}|{client}"
    expected = hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    return bool(headers["Signature"] == expected)


def test_reads_lag_behind_writes(firm: MemoryFirm) -> None:
    control, client = firm.control, MemoryClient(firm)
    matter = open_matter(firm)
    path = f"/matters/{matter}/fees"
    before = client.get(path)["value"]
    old = client.get(f"/matters/{matter}")
    changed = control.add("fees", parent=matter)["row"]["id"]
    control.settings(read_lag_seconds=30)
    try:
        added = control.add("fees", parent=matter)["row"]["id"]
        control.touch("fees", changed, parent=matter, set={"subject": "first"})
        control.touch("fees", changed, parent=matter, set={"subject": "second"})
        control.touch("matters", matter, set={"title": "new"})
        assert len(bodies(firm)) == 5
        hidden = client.get(path)["value"]
        assert {row["id"] for row in hidden} == {row["id"] for row in before} | {changed}
        assert {row.get("subject") for row in hidden}.isdisjoint({"first", "second"})
        assert client.get(f"/matters/{matter}") == old
        control.settings(clock_offset_seconds=31)
        shown = {row["id"]: row for row in client.get(path)["value"]}
        assert shown[changed]["subject"] == "second"
        assert added in shown
        assert client.get(f"/matters/{matter}")["title"] == "new"
        control.delete("fees", added, parent=matter, hard=True)
        assert added in {row["id"] for row in client.get(path)["value"]}
        control.settings(clock_offset_seconds=62)
        assert added not in {row["id"] for row in client.get(path)["value"]}
    finally:
        control.settings(read_lag_seconds=0, clock_offset_seconds=0)


class MemoryClient:
    """Reads the API of a firm in memory."""

    def __init__(self, firm: MemoryFirm) -> None:
        self._url = firm.url
        self._session = requests.Session()
        self._session.mount(firm.url, ADAPTERS[firm.url])
        names = ("client_id", "client_secret")
        form = {name: firm.credentials[name] for name in names}
        form["grant_type"] = "client_credentials"
        token = self._session.post(f"{firm.url}/oauth2/token", form).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["x-api-key"] = firm.credentials["api_key"]

    def get(self, path: str) -> Json:
        document: Json = self._session.get(self._url + path).json()
        return document


def test_subscription_lives_from_post_to_delete(sandbox: SandboxServer) -> None:
    client = Client(sandbox)
    created = create(client).json()
    url = f"{client.url}/webhooks/{created['id']}"
    assert created["key"] == KEY
    assert KEY not in client.get("/webhooks").text + client.get(f"/webhooks/{created['id']}").text
    changes = {"eventTypes": ["task.created"]}
    assert client.session.put(url, json=changes, timeout=10).json()["name"] == "events"
    page = client.page("/webhooks")
    assert [each["eventTypes"] for each in page["value"]] == [["task.created"]]
    assert client.session.delete(url, timeout=10).status_code == 200
    assert client.get(f"/webhooks/{created['id']}").status_code == 404
    assert client.page("/webhooks")["size"] == 0
    assert create(client, eventTypes=["no.such"]).status_code == 400
    form = {"eventTypes": "task.created", "eventNotificationUrl": RECEIVER}
    assert client.session.post(f"{client.url}/webhooks", form, timeout=10).status_code == 415


def test_types_are_those_of_guide_or_live(sandbox: SandboxServer) -> None:
    client = Client(sandbox)
    assert client.page("/webhooks/types")["value"] == list(LIVE_TYPES)
    sandbox.control.settings(webhook_types="guide")
    assert client.page("/webhooks/types")["value"] == list(GUIDE_TYPES)
    assert create(client, eventTypes=["task.completed"]).status_code == 400


def test_subscriptions_need_their_scopes(sandbox: SandboxServer) -> None:
    sandbox.control.settings(scopes=["webhooks/read"])
    client = Client(sandbox)
    assert client.page("/webhooks")["value"] == []
    refused = create(client)
    assert refused.status_code == 403
    assert "POST/webhooks" in refused.text
    sandbox.control.settings(scopes=["webhooks/write"])
    assert Client(sandbox).get("/webhooks").status_code == 403


def test_subscription_ends_with_its_consent(sandbox: SandboxServer) -> None:
    client, control = Client(sandbox), sandbox.control
    kept = create(client).json()["id"]
    refresh_token = sandbox.credentials["refresh_token"]
    control.settings(rotate_refresh_tokens="invalidate")
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    token = request_token(sandbox, **form).json()
    client.session.headers["Authorization"] = f"Bearer {token['access_token']}"
    rotated = create(client).json()["id"]
    assert client.ids("/webhooks") == [kept, rotated]
    control.settings(refresh_token_seconds=1, clock_offset_seconds=2)
    assert client.ids("/webhooks") == [kept]
    control.settings(refresh_token_seconds=None, clock_offset_seconds=0)
    form["refresh_token"] = token["refresh_token"]
    client.sign_in(**form)
    create(client)
    assert len(client.ids("/webhooks")) == 2
    control.revoke(refresh=True)
    client.sign_in()
    assert client.ids("/webhooks") == [kept]


def test_other_clients_subscription_is_hidden(sandbox: SandboxServer) -> None:
    other = sandbox.control.subscribe(RECEIVER, client_id="sandbox-public-client")
    client = Client(sandbox)
    url = f"{client.url}/webhooks/{other['id']}"
    assert client.ids("/webhooks") == []
    assert client.session.put(url, json={"name": "mine"}, timeout=10).status_code == 403


def test_delivery_is_signed_as_seen_live(sandbox: SandboxServer) -> None:
    client = Client(sandbox)
    with RecordingServer(204) as receiver:
        url = f"{receiver.url}/webhooks/default?a=1"
        created = create(client, eventNotificationUrl=url).json()
        notify = f"{client.url}/webhooks/{created['id']}/notify"
        headers = {"RequestId": "the-cause"}
        assert client.session.post(notify, headers=headers, timeout=10).status_code == 200
        matter = sandbox.control.rows("matters")[0]["row"]["id"]
        sandbox.control.add("fees", parent=matter)
        log = sandbox.control.send_events(all=True)
    assert [each["outcome"] for each in log] == ["delivered", "delivered"]
    noop, fee = receiver.requests
    sent = {name.lower(): value for name, value in noop.headers.items()}
    assert sent.keys() == {
        *("host", "content-length", "timestamp", "requestid", "signature"),
        *("content-type", "accept-encoding", "connection"),
    }
    assert sent["requestid"] == "the-cause"
    assert is_signed(dict(noop.headers))
    assert is_signed(dict(fee.headers))
    assert noop.path == "/webhooks/default?a=1"
    assert json.loads(noop.body)["type"] == "noop"
    body = json.loads(fee.body)
    assert body["subscriptionId"] == created["id"]
    assert body.keys() - {"userId"} == {
        *("accountId", "subscriptionId", "type", "source", "payload", "timestamp"),
    }


def test_failed_delivery_is_not_repeated(sandbox: SandboxServer) -> None:
    control = sandbox.control
    control.settings(events={"delay_scale": 0, "timeout_seconds": 0.2})
    with RecordingServer(500) as broken, RecordingServer(204, delay_seconds=1) as slow:
        addresses = [broken.url, slow.url, "http://127.0.0.1:1/", "no address"]
        for url in addresses:
            control.subscribe(url, event_types=["staff.updated"])
        gone = control.subscribe(slow.url, event_types=["staff.updated"])
        control.touch("staff", nth=0)
        control.unsubscribe(gone["id"])
        outcomes = [each["outcome"] for each in control.send_events(all=True)]
        assert outcomes == ["refused", "failed", "failed", "failed", "dropped"]
        assert len(broken.requests) == 1
        assert control.send_events(all=True) == control.deliveries()
        assert len(control.deliveries()) == 5


def test_thread_runs_only_while_events_wait() -> None:
    firm = MemoryFirm(matters=3)
    firm.control.touch("staff", nth=0)
    assert delivery_threads() == []
    with RecordingServer(204) as receiver:
        firm.control.subscribe(receiver.url)
        firm.control.touch("staff", nth=0)
        assert len(delivery_threads()) == 1
        firm.control.send_events(all=True)
        assert len(receiver.requests) == 1
    with pytest.raises(ControlError):
        firm.control.subscribe(5)  # type: ignore[arg-type]


def delivery_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "deliveries"]
