"""What ``--test`` tells: what the app may read, whose account it is, and what may soon go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api import token_expiry
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT, PAGED, ResponseFormat
from tap_smokeball.errors import AccessDeniedError, SmokeballError
from tap_smokeball.reporting.text_table import aligned
from tap_smokeball.run.request_estimate import words
from tap_smokeball.sync.child_stream import ChildStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pagination import Page
    from tap_smokeball.run.status import StreamResult
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.tap import TapSmokeball

TIERS = {"SMK001": "Bill", "SMK002": "Grow", "SMK003": "Prosper+", "SMK004": "Boost"}
ADD_ONS = {
    "ADD001": "Intake",
    "ADD003": "AutoTime",
    "ADD004": "FamilyPro",
    "ADD005": "Api",
    "ADD006": "Workflows",
    "ADD007": "PowerBI",
    "ADD008": "Archie",
    "ADD010": "SSO",
    "ADD011": "PracticeEvolve",
    "ADD012": "CustomReporting",
}

MAXIMUM_SKEW_SECONDS = 2


@dataclass(frozen=True)
class _Seen:
    """What one request showed: a page and the clocks around it, or why there is none."""

    page: Page | None = None
    problem: str = ""
    skew: tuple[int, int] | None = None
    """Ticks that the server's clock is ahead of this machine's, at least and at most."""


def examine(tap: TapSmokeball) -> None:
    """Tell what the streams of a test showed, and a little more: three requests."""
    tap.run.check()
    firm = _look(tap, Endpoint("firm", "/firm", "firm/read"), OBJECT, {})
    leads = _look(tap, Endpoint("matters", "/matters", "matters/read"), PAGED, {"Type": "Leads"})
    intake = _look(tap, Endpoint("intake_forms", "/intake/forms", "intake"), PAGED, {})
    access = [("stream", "access"), *(_access(tap, r) for r in tap.run.results.values())]
    row = firm.page.rows[0] if firm.page else {}
    facts = [
        ("account", _firm(row) if row else firm.problem),
        ("product", _product(row) if row else firm.problem),
        ("leads", _leads(tap, leads)),
        ("intake", intake.problem or "available"),
        ("clock", _clock(tap, (firm, leads, intake))),
        *(("login", line) for line in _login(tap)),
        ("requests", f"{sum(tap.api.http.requests.values()):,} for this test"),
    ]
    tap.logger.info("What can be reached:\n%s\n\n%s", aligned(access), aligned(facts))


def _look(
    tap: TapSmokeball, endpoint: Endpoint, shape: ResponseFormat, params: dict[str, str]
) -> _Seen:
    before = dotnet_ticks.now()
    try:
        more = {"Offset": 0, "Limit": 1} if shape.paged else {}
        ask = lambda: tap.api.get(endpoint, {}, {**params, **more}, shape.read)  # noqa: E731
        answer = tap.workers.call(ask)
    except AccessDeniedError:
        return _Seen(problem=f"not available: 403, the scope {endpoint.scope} is missing")
    except SmokeballError as error:
        return _Seen(problem=f"not known: {type(error).__name__}")
    after = dotnet_ticks.now()
    # What the server said is cut to whole seconds, and the time that the answer took is taken off.
    return _Seen(
        answer.data,
        skew=(answer.server_time - after, answer.server_time + dotnet_ticks.PER_SECOND - before),
    )


def _access(tap: TapSmokeball, result: StreamResult) -> tuple[str, str]:
    stream = cast("SmokeballStream", tap.streams[result.stream])
    if result.problem == AccessDeniedError.__name__:
        return result.stream, f"no, 403: grant the scope {stream.scope} and sign in again"
    if result.failed:
        return result.stream, f"no, {result.problem}"
    if isinstance(stream, ChildStream) and not tap.run.http.requests[result.stream]:
        parent = cast("Any", stream.parent_stream_type).noun
        return result.stream, f"not tried: no {parent} to look below were seen"
    return (
        result.stream,
        "yes" if result.rows or not stream.selected else "yes, but there is no row",
    )


def _firm(row: dict[str, Any]) -> str:
    status = row.get("status") or {}
    standing = status.get("status") if isinstance(status, dict) else status
    parts = [row.get("name"), row.get("owner"), standing, f"id {row.get('id')}"]
    return ", ".join(str(part) for part in parts if part)


def _product(row: dict[str, Any]) -> str:
    code = str(row.get("productId") or "")
    product = f"{TIERS.get(code, 'not known')} ({code})" if code else "not told"
    add_ons = [ADD_ONS.get(one, one) for one in row.get("addOnIds") or []]
    return f"{product}, add-ons: {', '.join(add_ons) or 'none'}"


def _leads(tap: TapSmokeball, seen: _Seen) -> str:
    if seen.page is None:
        return seen.problem
    there = "available" if seen.page.rows else "available, but there is none"
    return there if tap.config["include_leads"] else f"{there}; left out by include_leads"


def _clock(tap: TapSmokeball, seen: tuple[_Seen, ...]) -> str:
    bounds = [one.skew for one in seen if one.skew]
    if not bounds or not tap.api.sends_date:
        return "not known: no answer carried a Date"
    least = max(low for low, _ in bounds)
    most = min(high for _, high in bounds)
    seconds = round((least + most) / 2 / dotnet_ticks.PER_SECOND)
    if abs(seconds) <= MAXIMUM_SKEW_SECONDS:
        return "this machine's agrees with Smokeball's"
    way = "behind" if seconds > 0 else "ahead of"
    return (
        f"this machine's is {words(abs(seconds))} {way} Smokeball's; "
        "bookmarks follow Smokeball's, so no row is lost by that"
    )


def _login(tap: TapSmokeball) -> Iterator[str]:
    settings = tap.settings
    if settings.access_token:
        yield "the access_token that was given; it is not renewed"
    elif not settings.refresh_token:
        yield "client credentials, which do not end"
    elif (issued := settings.refresh_token_issued_ticks) is None:
        yield "refresh token, issued at a time that is not known"
    else:
        now, end = dotnet_ticks.now(), token_expiry.ends(issued)
        age, left = (now - issued) // dotnet_ticks.PER_DAY, (end - now) // dotnet_ticks.PER_DAY
        ends = f"ends in {left} days" if left >= 0 else "has ended: sign in again"
        yield f"refresh token, {age} days old, {ends}"
