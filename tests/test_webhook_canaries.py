"""Nothing of a payload reaches the inbox, a log, the metrics or the state."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.harness import Process, catalog
from tests.inbox_helpers import all_values
from tests.recorded_firm import STREAMS
from tests.webhook_site import WebhookSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Json

pytestmark = pytest.mark.slow

TEXT = "Canary Möller, 12 Main Street"
AMOUNT = 424242424.25
CANARIES = ("Canary", "ller, 12 Main", "424242424")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ID_NAMES = re.compile(r"id|.*Id|status|.*[Tt]ype")
"""Properties by which the tap and the sandbox find rows."""

RESOURCES = (
    *("activity_codes", "archives", "billing_configurations", "contacts", "events", "expenses"),
    *("fees", "files", "firm", "firm_users", "invoices", "layout_designs", "matter_layouts"),
    *("matter_roles", "matter_stages", "matters", "memos", "staff", "stage_sets", "tasks"),
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebhookSite]:
    with WebhookSite(tmp_path) as opened:
        opened.sandbox.control.reset(matters=8, fees=1)
        opened.sandbox.control.settings(events={"transport": "control"})
        yield opened


def with_canaries(value: Any, name: str = "") -> Any:
    """Return a part of a payload with a canary in place of each text and each number."""
    if isinstance(value, dict):
        found = {key: with_canaries(each, key) for key, each in value.items()}
        return {**found, TEXT: TEXT}
    if isinstance(value, list):
        return [*(with_canaries(each, name) for each in value), TEXT]
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return AMOUNT
    is_id = isinstance(value, str) and ID_NAMES.fullmatch(name) and ID.fullmatch(value)
    return value if is_id else TEXT


def change_rows(site: WebhookSite) -> None:
    """Put a canary into each text of a row of each resource with events."""
    for resource in RESOURCES:
        row = site.sandbox.control.rows(resource)[0]
        texts = {
            name: TEXT
            for name, value in row["row"].items()
            if isinstance(value, str)
            and " " in value
            and not (ID_NAMES.fullmatch(name) or name == "href")
        }
        site.sandbox.control.touch(resource, nth=0, parent=row["parent"], set=texts)


def deliver_canaries(site: WebhookSite) -> list[int]:
    """Deliver the events that wait, with canaries in the payloads; return the responses.

    The first comes with a wrong signature, too, and with another body; the second is cut off.
    """
    statuses = []

    def post(taken: Json, body: bytes, **changed: str) -> None:
        headers = {**taken["headers"], "X-Client": "Canary", **changed}
        response = requests.post(f"{taken['url']}?name=Canary", body, headers=headers, timeout=30)
        assert response.content == b""
        statuses.append(response.status_code)

    for index, taken in enumerate(site.sandbox.control.take_events(all=True)):
        body: Json = json.loads(taken["body"])
        body["payload"] = with_canaries(body["payload"])
        body |= {"accountId": TEXT, "userId": TEXT, "source": TEXT, TEXT: AMOUNT}
        content = json.dumps(body, ensure_ascii=False).encode()
        if index == 1:
            post(taken, content[:-5])
            continue
        post(taken, content)
        if index == 0:
            post(taken, content, Signature=taken["headers"]["Signature"][::-1])
            post(taken, content + b" ")
    return statuses


def test_canaries_of_payloads_are_kept_nowhere(site: WebhookSite) -> None:
    process = Process(site.folder)
    streams = catalog(wanted=STREAMS)
    site.subscribe(streams, full_pass_interval_hours=24, poll_interval_minutes=30)
    debug = {"LOGLEVEL": "DEBUG"}
    first = process.run(site.settings, catalog=streams, environment=debug)
    change_rows(site)
    statuses = deliver_canaries(site)
    assert statuses.count(204) >= len(RESOURCES) - 1
    assert (statuses.count(401), statuses.count(400)) == (2, 1)
    output = process.run(site.settings, state=first.state, catalog=streams, environment=debug)
    assert output.status == 0, output.stderr
    assert json.dumps(output.messages, default=str, ensure_ascii=False).count(TEXT) > 10
    places = {
        "inbox": all_values(site.inbox),
        "receiver's log": site.receiver_log.read_text(),
        "metrics": site.metrics(),
        "tap's log": output.stderr,
        "state": json.dumps(output.state),
        "status": site.run_command("status", catalog=streams),
    } | {path.name: path.read_bytes().decode("latin-1") for path in site.folder.glob("inbox.db*")}
    assert "fee.updated" in places["inbox"]
    assert "DEBUG" in places["tap's log"]
    assert len(places) > 6
    for place, content in places.items():
        assert content, place
        for canary in CANARIES:
            assert canary not in content, place
