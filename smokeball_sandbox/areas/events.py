"""The firm's calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    any_moment,
    by_matter,
    count_of,
    day_of,
    marked,
    matter_link,
    soon_after,
)
from smokeball_sandbox.areas.matters import plans
from smokeball_sandbox.clock import TICKS_A_DAY, TICKS_A_SECOND, iso
from smokeball_sandbox.resources import Data, DateFilter, Request, Resource, Row
from smokeball_sandbox.value_helpers import guid, head, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

TYPES = ("Normal", "Pattern", "Occurrence", "ChangedOccurrence", "DeletedOccurrence")
_WEIGHTS = (84, 4, 6, 4, 2)
_USUAL = 1.2
_FIRM_WIDE = 12
_DELETED = 0.05
_HOUR = 3_600 * TICKS_A_SECOND
_ALL_DAY = 24
_NON_BILLABLE_HOURS = 12
_DEADLINE = 0.15
_MOST_YEARS_AHEAD = 8


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Everything in the calendar, also what belongs to no matter."""
    rows = [row for plan in plans(firm) for row in events_of(firm, plan)]
    rng = firm.rng("firm events")
    return rows + [_event(firm, rng, None, any_moment(firm, rng)) for _ in range(_FIRM_WIDE)]


def events_of(firm: Firm, plan: MatterPlan) -> list[Row]:
    """The appointments and deadlines of one matter; some deadlines are years away."""
    rng = firm.rng("events", plan.id)
    rows = []
    for _ in range(count_of(rng, _USUAL)):
        start = day_of(rng, plan)
        ahead = plan.status == "Open" and rng.random() < _DEADLINE
        entered = start
        if ahead:
            start = firm.anchor_ticks + int(rng.random() * _MOST_YEARS_AHEAD * 365) * TICKS_A_DAY
        row = _event(firm, rng, plan.id, start)
        row.updated = soon_after(firm, rng, entered)
        row.data["lastUpdated"] = iso(row.updated)[:-1]
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: Request) -> Row:
    """An appointment for tomorrow."""
    row = _event(firm, rng, None, request.now + TICKS_A_DAY)
    row.data["isDeleted"] = False
    return row


def stamp(row: Row, _: Random) -> None:
    """The last change in UTC, without saying so."""
    row.data["lastUpdated"] = iso(row.updated, fraction=True)[:-1]


def _event(firm: Firm, rng: Random, matter_id: str | None, moment: int) -> Row:
    id_ = guid(rng)
    all_day = rng.random() < 0.1  # noqa: PLR2004
    start = moment // TICKS_A_DAY * TICKS_A_DAY
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
        **head(id_, f"{firm.url}/events/{id_}", "Events"),
        "attendees": [firm.staff_link(rng, rng.choice(firm.staff))],
        "type": type_,
        "subject": rng.choice(sample_text.EVENTS),
        "allDay": all_day,
        "nonBillable": hours > _NON_BILLABLE_HOURS,
        "startTime": iso(start)[:-1],
        "endTime": iso(start + hours * _HOUR)[:-1],
        "timeZone": sample_text.TIME_ZONES[firm.region],
        "lastUpdated": iso(moment)[:-1],
        "isDeleted": type_ == "DeletedOccurrence" or rng.random() < _DELETED,
        **sparse(rng, rest, 0.6),
    }
    if matter_id is not None:
        data["matter"] = matter_link(firm, rng, matter_id)
    return Row(data, min(moment, firm.anchor_ticks - TICKS_A_DAY))


def _between(query: Query) -> Callable[[Row], bool]:
    since = query.moment("From", "wall-clock")
    until = query.moment("To", "wall-clock")
    first = iso(query.now() if since is None else since)[:-1]
    last = "~" if until is None else iso(until)[:-1]
    return lambda row: first <= row.data["startTime"] <= last


def _but_deleted(query: Query) -> Callable[[Row], bool] | None:
    excluded = query.flag("ExcludeDeletedEvents")
    return (lambda row: not row.data["isDeleted"]) if excluded else None


EVENTS = Resource(
    name="events",
    path="/events",
    scope="events/read",
    generate=generate,
    create=create,
    stamp=stamp,
    bury=marked("isDeleted"),
    by_id="eventId",
    date_filters=(DateFilter("UpdatedSince", "iso-no-zone"),),
    filters=(_between, _but_deleted, by_matter),
)
