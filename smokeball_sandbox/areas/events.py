"""Events: the firm's calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    filter_by_matter,
    matter_link,
    property_setter,
    random_count,
    recent_ticks,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.matters import matter_plans
from smokeball_sandbox.clock import TICKS_PER_DAY, TICKS_PER_SECOND, iso
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import guid, record_header, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

TYPES = ("Normal", "Pattern", "Occurrence", "ChangedOccurrence", "DeletedOccurrence")
_WEIGHTS = (84, 4, 6, 4, 2)
_MEAN = 1.2
_FIRM_WIDE = 12
_DELETED = 0.05
_HOUR = 3_600 * TICKS_PER_SECOND
_ALL_DAY = 24
_NON_BILLABLE_HOURS = 12
_DEADLINE = 0.15
_MAX_YEARS_AHEAD = 8


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all events, some of them without a matter."""
    rows = [row for plan in matter_plans(firm) for row in events_of(firm, plan)]
    rng = firm.rng("firm events")
    return rows + [_event(firm, rng, None, recent_ticks(firm, rng)) for _ in range(_FIRM_WIDE)]


def events_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """Generate the appointments and deadlines of a matter; some are years ahead."""
    rng = firm.rng("events", plan.id)
    rows = []
    for _ in range(random_count(rng, _MEAN)):
        start = ticks_during(rng, plan)
        ahead = plan.status == "Open" and rng.random() < _DEADLINE
        entered = start
        if ahead:
            start = firm.anchor_ticks + int(rng.random() * _MAX_YEARS_AHEAD * 365) * TICKS_PER_DAY
        row = _event(firm, rng, plan.id, start)
        row.updated = ticks_soon_after(firm, rng, entered)
        row.data["lastUpdated"] = iso(row.updated)[:-1]
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an appointment for tomorrow."""
    row = _event(firm, rng, None, request.now + TICKS_PER_DAY)
    row.data["isDeleted"] = False
    return row


def mark_updated(row: Row, _: Random) -> None:
    """Set the updated-at field, in UTC without a zone."""
    row.data["lastUpdated"] = iso(row.updated, fraction=True)[:-1]


def _event(firm: Firm, rng: Random, matter_id: str | None, ticks: int) -> Row:
    id_ = guid(rng)
    all_day = rng.random() < 0.1  # noqa: PLR2004
    start = ticks // TICKS_PER_DAY * TICKS_PER_DAY
    hours = _ALL_DAY
    if not all_day:
        start += rng.randrange(16, 36) * _HOUR // 2
        hours = rng.choice((1, 1, 1, 2, 4, 13))
    type_ = rng.choices(TYPES, _WEIGHTS)[0]
    rest: Data = {
        "externalAttendees": [firm.contact_link(rng, rng.choice(firm.contacts))],
        "description": "Bring the originals.\r\nParking is behind the building.",
        "location": rng.choice(sample_text.ROOMS),
        "additionalData": {"source": "outlook", "calendarId": f"cal-{rng.randrange(100)}"},
        "eventType": TYPES.index(type_) if rng.random() < 0.5 else type_,  # noqa: PLR2004
    }
    data: Data = {
        **record_header(id_, f"{firm.url}/events/{id_}", "Events"),
        "attendees": [firm.staff_link(rng, rng.choice(firm.staff))],
        "type": type_,
        "subject": rng.choice(sample_text.EVENTS),
        "allDay": all_day,
        "nonBillable": hours > _NON_BILLABLE_HOURS,
        "startTime": iso(start)[:-1],
        "endTime": iso(start + hours * _HOUR)[:-1],
        "timeZone": sample_text.TIME_ZONES[firm.region],
        "lastUpdated": iso(ticks)[:-1],
        "isDeleted": type_ == "DeletedOccurrence" or rng.random() < _DELETED,
        **sparse(rng, rest, 0.6),
    }
    if matter_id is not None:
        data["matter"] = matter_link(firm, rng, matter_id)
    return Row(data, min(ticks, firm.anchor_ticks - TICKS_PER_DAY))


def _filter_by_start(query: Query) -> Callable[[Row], bool]:
    since = query.timestamp("From", "wall-clock")
    until = query.timestamp("To", "wall-clock")
    first = iso(query.now() if since is None else since)[:-1]
    last = "~" if until is None else iso(until)[:-1]
    return lambda row: first <= row.data["startTime"] <= last


def _filter_out_deleted(query: Query) -> Callable[[Row], bool] | None:
    excluded = query.boolean("ExcludeDeletedEvents")
    return (lambda row: not row.data["isDeleted"]) if excluded else None


EVENTS = Resource(
    name="events",
    path="/events",
    scope="events/read",
    generate=generate,
    create=create,
    mark_updated=mark_updated,
    mark_deleted=property_setter("isDeleted"),
    id_parameter="eventId",
    date_filters=(DateFilter("UpdatedSince", "iso-no-zone"),),
    filters=(_filter_by_start, _filter_out_deleted, filter_by_matter),
)
