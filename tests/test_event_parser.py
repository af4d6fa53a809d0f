"""What the receiver takes out of the body of a delivery."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks
from tap_smokeball.webhooks.event_parser import InvalidEventError, parse_event

if TYPE_CHECKING:
    from tap_smokeball.inbox.events import Event

NOW = dotnet_ticks.from_rfc3339("2026-11-25T00:00:00Z")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
links = st.fixed_dictionaries(
    {},
    optional={
        "id": values | st.just("matter-9"),
        "href": values | st.sampled_from(["/matters/m1", "matters/m2/fees", "https://h/matters/"]),
        "rel": values | st.sampled_from(["Matter", "matters", "MatterType"]),
    },
)
payloads = st.dictionaries(
    st.sampled_from(["id", "matterId", "matter", "self", "href", "links", "staff"]),
    values | links | st.lists(links) | st.from_regex(ID, fullmatch=True),
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "type": values | st.sampled_from(["fee.created", "matter.updated", "gap"]),
        "subscriptionId": values,
        "timestamp": values | st.integers(0, 2**70),
        "payload": values | payloads,
    },
)


def parse(payload: Any, event_type: str = "fee.created", **envelope: Any) -> Event:
    envelope = {"type": event_type, "timestamp": NOW, "payload": payload, **envelope}
    return parse_event(json.dumps(envelope).encode(), NOW)[1]


@settings(max_examples=150)
@given(body=(values | envelopes).map(lambda value: json.dumps(value).encode()) | st.binary())
def test_event_parser_takes_any_body(body: bytes) -> None:
    """It raises nothing but its own error, and what it returns has its form."""
    try:
        subscription_id, event = parse_event(body, NOW)
    except InvalidEventError:
        return
    for each in (subscription_id, event.resource_id, event.matter_id):
        assert each is None or ID.fullmatch(each)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", event.type)
    assert event.type != "gap"
    assert event.ticks is None or abs(event.ticks - NOW) < 30 * 366 * dotnet_ticks.PER_DAY


@pytest.mark.parametrize(
    ("payload", "matter_id"),
    [
        ({"matterId": "m1", "matter": {"id": "m2"}}, "m1"),
        ({"matterId": "m 1", "matter": {"id": "m2"}}, "m2"),
        ({"matter": {"href": "https://api.example/au/matters/m3"}}, "m3"),
        ({"staff": {"id": "s1", "rel": "Staff"}, "parent": {"id": "m4", "rel": "Matter"}}, "m4"),
        ({"links": [None, {"id": "m5", "relation": "Matters"}]}, "m5"),
        ({"href": "matters/m6/layouts/l1"}, "m6"),
        ({"self": {"href": "/matters/m7?x=/matters/m8"}}, "m7"),
        ({"href": "/matters/m9/../x", "id": "i"}, "m9"),
        ({"matterType": {"id": "t1", "rel": "MatterTypes", "href": "/mattertypes/t1"}}, None),
        ({"contact": {"href": "/contacts/c1"}}, None),
        ({"href": "/matters/" + "a" * 65}, None),
        ({"href": "/matters/%2e%2e/x"}, None),
        ({"matter": {"id": "x" * 9_000}, "x": {"rel": "matter", "id": "m1"}}, "m1"),
        ({"links": [{"rel": "matter", "id": "m1"}] * 9_000}, None),
        ({"matter": {"href": "x" * 3_000}}, None),
        ([], None),
    ],
)
def test_event_parser_finds_matter(payload: Any, matter_id: str | None) -> None:
    assert parse(payload).matter_id == matter_id


@pytest.mark.parametrize("event_type", ["matter.updated", "matter.initialized", "archive.updated"])
def test_event_parser_takes_id_of_matter(event_type: str) -> None:
    found = parse({"id": "m1", "matterId": "m2"}, event_type)
    assert (found.resource_id, found.matter_id) == ("m1", "m1")
    assert parse({"id": "x"}, event_type.replace(".", "type.")).matter_id is None


@pytest.mark.parametrize(
    ("timestamp", "ticks"),
    [
        (NOW, NOW),
        (str(NOW), NOW),
        (NOW + 2 * dotnet_ticks.PER_DAY, None),
        (0, None),
        (2**63, None),
        (float(NOW), None),
        (True, None),
        ("2026-11-25", None),
    ],
)
def test_event_parser_takes_plausible_ticks(timestamp: object, ticks: int | None) -> None:
    assert parse({}, timestamp=timestamp).ticks == ticks
