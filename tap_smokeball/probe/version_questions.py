"""Questions about versions, and about the calendar."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError
from tap_smokeball.probe.question import Answer, Question, from_counts, not_known
from tap_smokeball.probe.samples import linked, updated_ticks

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.samples import Samples

_CHILDREN = {
    "fees": ("createdDate",),
    "memos": ("lastUpdated", "createdDate"),
    "matter_roles": ("versionId", "lastUpdated"),
}
_CLOSE_TICKS = 10 * dotnet_ticks.PER_SECOND
_FEW = 3
_MANY_EVENTS = 20
_OFFICE_HOURS = range(7, 20)
_MOST, _FEWER = 0.9, 0.75
_MATTERS_ASKED = 3
_WINDOWS_ZONES = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Central Standard Time": "America/Chicago",
    "E. Australia Standard Time": "Australia/Brisbane",
    "Eastern Standard Time": "America/New_York",
    "GMT Standard Time": "Europe/London",
    "Mountain Standard Time": "America/Denver",
    "Pacific Standard Time": "America/Los_Angeles",
    "W. Australia Standard Time": "Australia/Perth",
}


def _changes_matter(samples: Samples) -> Answer:
    """Compare the newest child record of each matter with the matter's version.

    A child that is newer than its matter proves that it gave the matter no version. Versions that
    agree to seconds, matter after matter, show that it did.
    """
    newer: Counter[str] = Counter()
    close: Counter[str] = Counter()
    for name, fields in _CHILDREN.items():
        try:
            for parent, body in samples.children(name):
                version = updated_ticks(parent, "versionId")
                times = [at for row in body.rows for f in fields if (at := updated_ticks(row, f))]
                if version is None or not times:
                    continue
                newer[name] += max(times) > version + _CLOSE_TICKS
                close[name] += abs(max(times) - version) <= _CLOSE_TICKS
        except SmokeballError:
            continue
    evidence: Evidence = {f"{name} newer than the matter": n for name, n in newer.items() if n}
    evidence |= {f"{name} as new as the matter": n for name, n in close.items() if n}
    if any(newer.values()):
        return Answer("no", evidence)
    return (
        Answer("yes", evidence) if max(close.values(), default=0) >= _FEW else not_known(**evidence)
    )


def _zone(row: Row) -> ZoneInfo | None:
    name = str(row.get("timeZone") or "")
    try:
        return ZoneInfo(_WINDOWS_ZONES.get(name, name)) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _event_times(samples: Samples) -> Answer:
    all_day: Counter[str] = Counter()
    as_written = converted = timed = 0
    for row in samples.rows("events"):
        zone = _zone(row)
        try:
            start = datetime.fromisoformat(str(row.get("startTime"))[:19])
        except ValueError:
            continue
        if zone is None:
            continue
        local = start.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)
        if local == start:
            continue
        if row.get("allDay") is True:
            midnights = [time.hour == time.minute == 0 for time in (start, local)]
            if midnights[0] != midnights[1]:
                all_day["local" if midnights[0] else "UTC"] += 1
        else:
            timed += 1
            as_written += start.hour in _OFFICE_HOURS
            converted += local.hour in _OFFICE_HOURS
    evidence: Evidence = {
        **{f"all day, at midnight {kind}": n for kind, n in all_day.items()},
        "timed": timed,
        "timed, in office hours as written": as_written,
        "timed, in office hours if UTC": converted,
    }
    if all_day:
        return Answer(from_counts(all_day).value, evidence)
    if timed >= _MANY_EVENTS and as_written >= _MOST * timed and converted < _FEWER * timed:
        return Answer("local", evidence)
    if timed >= _MANY_EVENTS and converted >= _MOST * timed and as_written < _FEWER * timed:
        return Answer("UTC", evidence)
    return not_known(**evidence)


def _events_name_matters(samples: Samples) -> Answer:
    rows = samples.rows("events")
    named = sum(bool(linked(row, "matter")) for row in rows)
    if named:
        return Answer("yes", {"events": len(rows), "with a matter": named})
    for asked, matter in enumerate(samples.rows("matters")[:_MATTERS_ASKED], start=1):
        if matter.get("id") and samples.fetch("events", MatterId=str(matter["id"])).rows:
            return Answer("only by MatterId", {"events": len(rows), "matters asked": asked})
    return not_known(events=len(rows))


def _occurrence_ids(samples: Samples) -> Answer:
    rows = [row for row in samples.rows("events") if row.get("type") == "Occurrence"]
    if len(rows) < _FEW:
        return not_known(occurrences=len(rows))
    ids = {row.get("id") for row in rows}
    evidence: Evidence = {"occurrences": len(rows), "ids": len(ids)}
    return Answer("own" if len(ids) == len(rows) else "shared", evidence)


QUESTIONS = (
    Question(
        "matter_versions",
        "Does a matter's version change when a fee, a role or a memo does?",
        ("matters/read",),
        16,
        {"no": "", "yes": "child streams could read changed matters alone: far fewer requests"},
        "reads the child lists of all matters",
        _changes_matter,
    ),
    Question(
        "event_times",
        "Are the times of events local or UTC?",
        ("events/read",),
        1,
        {"local": "", "UTC": "convert startTime and endTime in the warehouse", "mixed": ""},
        "emits startTime and endTime as text, as they come",
        _event_times,
    ),
    Question(
        "event_matters",
        "Do events of the firm's list name their matter?",
        ("events/read",),
        4,
        {"yes": "", "only by MatterId": "events of one matter must be asked for by MatterId"},
        "reads the firm's list",
        _events_name_matters,
        is_repeated=True,
    ),
    Question(
        "occurrence_ids",
        "Do occurrences of a series have ids of their own?",
        ("events/read",),
        1,
        {"own": "", "shared": "attach the report to an issue: occurrences replace each other"},
        "distinguishes events by their id",
        _occurrence_ids,
    ),
)
