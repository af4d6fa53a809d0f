"""Questions about updated-since filters and deleted rows."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import RequestRejectedError, SmokeballError
from tap_smokeball.probe.question import Answer, Question, from_counts, not_known
from tap_smokeball.probe.samples import updated_ticks

if TYPE_CHECKING:
    from tap_smokeball.api.pages import Row
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.samples import Samples

_DELETABLE = ("contacts", "tasks", "events", "fees", "expenses", "memos", "activity_codes")
_FILTERED = ("contacts", "tasks", "events")
_UPDATED_AT = {
    "matters": "versionId",
    "contacts": "lastUpdated",
    "tasks": "lastUpdated",
    "events": "lastUpdated",
    "matter_stages": "lastUpdated",
    "stage_sets": "lastUpdated",
}
_BAD_REQUEST = 400


def _updated_at(row: Row, name: str) -> int | None:
    value = row.get(_UPDATED_AT[name])
    if isinstance(value, str) and name == "events" and value[-1:] not in {"Z", "z"}:
        value = f"{value}Z"  # in UTC, without a zone
    return updated_ticks({"at": value}, "at")


def _newest(name: str, rows: list[Row]) -> tuple[Row, int] | None:
    dated = [(row, at) for row in rows if row.get("id") and (at := _updated_at(row, name))]
    # A filter of whole seconds shows its bound only by a row that changed on one.
    whole = [each for each in dated if each[1] % dotnet_ticks.PER_SECOND == 0]
    return max(whole or dated, key=lambda each: each[1], default=None)


def _includes(samples: Samples, name: str, row: Row, since: str) -> bool | None:
    """Return whether a filter includes a row; None if a full page leaves it open."""
    parameter = samples.streams[name].updated_since_filter
    assert parameter is not None  # noqa: S101 - names are constants of questions
    body = samples.fetch(name, **{parameter.parameter: since})
    if any(_identity(each) == _identity(row) for each in body.rows):
        return True
    return None if body.has_next else False


def _identity(row: Row) -> object:
    return row.get("id")


def _is_inclusive(samples: Samples, name: str) -> Answer:
    found = _newest(name, samples.rows(name))
    filter_ = samples.streams[name].updated_since_filter
    if found is None or filter_ is None:
        return not_known(rows=0)
    row, ticks = found
    since = filter_.format(ticks)
    has_fraction = bool(ticks % dotnet_ticks.PER_SECOND)
    evidence: Evidence = {"rows": 1, "fraction of a second": "yes" if has_fraction else "no"}
    if has_fraction and since != str(ticks):
        # The filter takes whole seconds, unless it takes the row's own time as well.
        exact = dotnet_ticks.to_rfc3339(ticks).rstrip("Z") + ("Z" if since.endswith("Z") else "")
        try:
            includes = _includes(samples, name, row, exact)
        except RequestRejectedError:
            includes = _includes(samples, name, row, since) and None
    else:
        includes = _includes(samples, name, row, since)
        value = str(row.get(_UPDATED_AT[name]))
        if includes and not value.isdigit() and "." not in value:
            includes = None  # the row may be younger than the whole second that it shows
    if includes is None:
        return not_known(**evidence)
    return Answer("inclusive" if includes else "exclusive", evidence)


def _takes_fractions(samples: Samples) -> Answer:
    since = f"{dotnet_ticks.to_iso_seconds(dotnet_ticks.now())[:-1]}.123Z"
    try:
        samples.fetch("matters", LastUpdated=since)
    except RequestRejectedError as error:
        if error.status != _BAD_REQUEST:
            raise
        return Answer("refused", {"status": _BAD_REQUEST})
    return Answer("accepted", {"status": 200})


def _lists_deleted(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    rows = 0
    for name in _DELETABLE:
        try:
            found = samples.rows(name)
        except SmokeballError:
            continue
        rows += len(found)
        counts[name] += sum(row.get("isDeleted") is True for row in found)
    evidence: Evidence = {"rows": rows, **{n: count for n, count in counts.items() if count}}
    return Answer("listed" if any(counts.values()) else "not known", evidence)


def _filters_deleted(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for name in _FILTERED:
        try:
            deleted = [row for row in samples.rows(name) if row.get("isDeleted") is True]
            filter_ = samples.streams[name].updated_since_filter
            if filter_ and (found := _newest(name, deleted)):
                row, ticks = found
                before = filter_.format(ticks - dotnet_ticks.PER_SECOND)
                if (includes := _includes(samples, name, row, before)) is not None:
                    counts["returned" if includes else "left out"] += 1
        except RequestRejectedError:
            continue
    return from_counts(counts, "left out")


def _lists_dropped_matters(samples: Samples) -> Answer:
    dropped = samples.fetch("matters", Status=["Deleted", "Cancelled"]).rows
    dropped = [row for row in dropped if row.get("status") in {"Deleted", "Cancelled"}]
    found = _newest("matters", dropped)
    if found is None:
        return not_known(rows=0)
    row, ticks = found
    since = dotnet_ticks.to_iso_seconds(ticks)
    body = samples.fetch("matters", Status=None, LastUpdated=since)
    if any(each.get("id") == row["id"] for each in body.rows):
        return Answer("listed", {"rows": len(dropped)})
    if body.has_next:
        return not_known(rows=len(dropped))
    return Answer("left out", {"rows": len(dropped)})


_DIALECTS = {
    "matters": "ISO date-times",
    "tasks": "ISO date-times",
    "events": "date-times without a zone",
    "contacts": "ticks",
    "matter_stages": "ticks",
}

QUESTIONS = (
    *(
        Question(
            f"filter_{name}",
            f"Does the updated-since filter of {name} ({dialect}) include its own time?",
            ("contacts/read",) if name == "contacts" else (),
            3,
            {"inclusive": "", "exclusive": "nothing: bookmarks overlap by lookback_seconds"},
            "subtracts lookback_seconds, at least one second, from each bookmark",
            partial(_is_inclusive, name=name),
            is_repeated=True,
        )
        for name, dialect in _DIALECTS.items()
    ),
    Question(
        "filter_fractions",
        "Does a filter with a fraction of a second fail?",
        ("matters/read",),
        1,
        {"refused": "", "accepted": ""},
        "sends whole seconds",
        _takes_fractions,
        is_repeated=True,
    ),
    Question(
        "deleted_listed",
        "Do lists hold rows that are marked as deleted?",
        (),
        36,
        {"listed": ""},
        "emits rows with isDeleted as they come",
        _lists_deleted,
    ),
    Question(
        "deleted_filtered",
        "Does a filtered list hold rows that were deleted since?",
        (),
        6,
        {
            "returned": "",
            "left out": "deletions are seen in a full refresh alone: run one from time to time",
        },
        "relies on the filter: a deletion that it leaves out is not seen before a full refresh",
        _filters_deleted,
        is_repeated=True,
    ),
    Question(
        "deleted_matters",
        "Does the list of matters hold deleted and cancelled ones?",
        ("matters/read",),
        3,
        {
            "listed": "",
            "left out": "set matter_statuses to all five statuses, so that they are asked for",
        },
        "asks for matters without a status, unless matter_statuses is set",
        _lists_dropped_matters,
        is_repeated=True,
    ),
)
