"""Takes out of a delivery what the inbox keeps: types, times and ids. Nothing else is decoded.

The body is not signed, so all of it is the word of whoever sent it. An id is one only by its form,
and an address in it is never followed.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.events import GAP, Event

_NULL = msgspec.Raw(b"null")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_MATTER_PATH = re.compile(r"(?:^|/)matters/([A-Za-z0-9_-]{1,64})(?:[/?#]|$)")
_MATTER_RELS = {"matter", "matters"}
# Types whose resource has the id of its matter.
_MATTER_TYPES = ("matter.", "archive.")
_MAX_TEXT_BYTES = 2_048
_MAX_LINK_BYTES = 8_192
_MAX_LINKS_BYTES = 65_536
_FIRST_TICKS = dotnet_ticks.from_rfc3339("2000-01-01T00:00:00Z")
_AHEAD_TICKS = dotnet_ticks.PER_DAY


class InvalidEventError(Exception):
    """A body is not an event: no JSON object, too deep, or without a type."""


class _Envelope(msgspec.Struct, rename="camel"):
    type: msgspec.Raw = _NULL
    subscription_id: msgspec.Raw = _NULL
    timestamp: msgspec.Raw = _NULL
    payload: msgspec.Raw = _NULL


class _Link(msgspec.Struct):
    id: msgspec.Raw = _NULL
    href: msgspec.Raw = _NULL
    rel: msgspec.Raw = _NULL
    relation: msgspec.Raw = _NULL


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_PAYLOAD = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LINK = msgspec.json.Decoder(_Link)
_LINKS = msgspec.json.Decoder(list[msgspec.Raw])


def parse_event(body: bytes, now: int) -> tuple[str | None, Event]:
    """Return the id of the subscription and the event of a delivery.

    What has not the form of an id or of a time is None. The event counts all the same: without an
    id, it is a reason to read everything.

    Args:
        body: The body.
        now: .NET ticks. A time is plausible from the year 2000 to a day from now.

    Raises:
        InvalidEventError: The body is not an event.
    """
    try:
        envelope = _ENVELOPE.decode(body)
        payload = _object(envelope.payload, _PAYLOAD)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        # Without the cause, which may quote the body.
        raise InvalidEventError from None
    event_type = _text(envelope.type)
    if event_type is None or event_type == GAP or not _TYPE.fullmatch(event_type):
        raise InvalidEventError
    payload = payload or {}
    resource_id = _id(payload.get("id", _NULL))
    is_matter = event_type.startswith(_MATTER_TYPES)
    matter_id = resource_id if is_matter else _find_matter(payload)
    ticks = dotnet_ticks.parse(_decode(envelope.timestamp))
    if ticks is not None and not _FIRST_TICKS <= ticks <= now + _AHEAD_TICKS:
        ticks = None
    return _id(envelope.subscription_id), Event(event_type, ticks, resource_id, matter_id)


def _find_matter(payload: dict[str, msgspec.Raw]) -> str | None:
    """Return the id of the matter that a payload names, or that a link in it names."""
    if found := _id(payload.get("matterId", _NULL)):
        return found
    matter = _link(payload.get("matter", _NULL))
    if matter and (found := _id(matter.id) or _matter_of_href(matter.href)):
        return found
    for link in _links(payload):
        rel = _text(link.rel) or _text(link.relation) or ""
        if rel.lower() in _MATTER_RELS and (found := _id(link.id) or _matter_of_href(link.href)):
            return found
    own = _link(payload.get("self", _NULL))
    return _matter_of_href(payload.get("href", _NULL)) or _matter_of_href(
        own.href if own else _NULL
    )


def _links(payload: dict[str, msgspec.Raw]) -> list[_Link]:
    """Return the links of a payload: its small objects, and those in ``links``."""
    raws = list(payload.values())
    if len(listed := bytes(payload.get("links", _NULL))) <= _MAX_LINKS_BYTES:
        raws += _object(msgspec.Raw(listed), _LINKS, b"[") or []
    return [link for raw in raws if (link := _link(raw))]


def _link(raw: msgspec.Raw) -> _Link | None:
    if len(memoryview(raw)) > _MAX_LINK_BYTES:
        return None
    try:
        found: _Link | None = _object(raw, _LINK)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return found


def _object(raw: msgspec.Raw, decoder: msgspec.json.Decoder[Any], start: bytes = b"{") -> Any:
    """Return a decoded object, or None for another kind of value."""
    return decoder.decode(raw) if bytes(memoryview(raw)[:1]) == start else None


def _matter_of_href(raw: msgspec.Raw) -> str | None:
    match = _MATTER_PATH.search(_text(raw) or "")
    return match[1] if match else None


def _id(raw: msgspec.Raw) -> str | None:
    text = _text(raw)
    return text if text and _ID.fullmatch(text) else None


def _text(raw: msgspec.Raw) -> str | None:
    value = _decode(raw)
    return value if isinstance(value, str) else None


def _decode(raw: msgspec.Raw) -> object:
    """Return a short value, or None for a long or an invalid one."""
    if len(memoryview(raw)) > _MAX_TEXT_BYTES:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
