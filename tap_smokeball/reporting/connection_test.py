"""``--test``: which streams the app can access, whose account it is, and what may soon fail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT, PAGED, ResponseFormat
from tap_smokeball.api.token_expiry import expires_at
from tap_smokeball.errors import AccessDeniedError, InboxError, SmokeballError
from tap_smokeball.inbox import open_reader
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.content_stream import ContentStream
from tap_smokeball.sync.subscription_check import check_subscription

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap

    from tap_smokeball.api.pages import Page
    from tap_smokeball.config.settings import Settings
    from tap_smokeball.run.status import StreamResult
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream

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

MAX_SKEW_SECONDS = 2


@dataclass(frozen=True)
class _ProbeResult:
    """The result of one request: a page, or why there is none."""

    page: Page | None = None
    problem: str = ""


def render(tap: Tap, session: Session) -> str:
    """Return what the streams of a test showed, and the results of three more requests.

    Raises:
        RunInterruptedError: A signal came.
    """
    session.status.raise_if_stopped()
    firm = _probe(session, Endpoint("/firm", "firm/read", "firm"), OBJECT, {})
    leads = _probe(
        session, Endpoint("/matters", "matters/read", "matters"), PAGED, {"Type": "Leads"}
    )
    intake = _probe(session, Endpoint("/intake/forms", "intake", "intake_forms"), PAGED, {})
    access = [("stream", "access")]
    for result in session.status.results.values():
        stream = cast("SmokeballStream", tap.streams[result.stream])
        access.append((result.stream, _describe_access(stream, result, session)))
    row = firm.page.rows[0] if firm.page and firm.page.rows else {}
    facts = [
        ("account", _describe_firm(row) if row else firm.problem or "unknown"),
        ("product", _describe_product(row) if row else firm.problem or "unknown"),
        ("leads", _describe_leads(session.settings, leads)),
        ("intake", intake.problem or "available"),
        *(("webhooks", line) for line in _describe_webhooks(session)),
        ("clock", _describe_clock(session)),
        *(("login", line) for line in _describe_login(session)),
        ("requests", f"{session.client.transport.requests.total():,} for this test"),
    ]
    return f"{format_table(access)}\n\n{format_table(facts)}"


def _probe(
    session: Session, endpoint: Endpoint, response_format: ResponseFormat, params: dict[str, Any]
) -> _ProbeResult:
    params = {**params, **response_format.paginator.first_params(1)}
    request = partial(session.client.get, endpoint, {}, params, response_format.parse)
    try:
        return _ProbeResult(session.pool.run_in_worker(request).data)
    except AccessDeniedError:
        return _ProbeResult(problem=f"not available: 403, the scope {endpoint.scope} is missing")
    except SmokeballError as error:
        return _ProbeResult(problem=f"unknown: {error.summary}")


def _describe_access(stream: SmokeballStream, result: StreamResult, session: Session) -> str:
    if isinstance(result.error, AccessDeniedError):
        if not session.client.has_access:
            return "no, 403 like all others: check api_key, api_url, region and environment"
        return f"no, 403: grant the scope {stream.scope} and sign in again"
    if result.error:
        return f"no, {result.error.summary}"
    if isinstance(stream, ChildStream) and not session.client.transport.requests[stream.name]:
        if isinstance(stream, ContentStream) and session.settings.documents_url is None:
            return "skipped: documents_url is not set"
        return f"skipped: no {stream.parent_stream.plural_name} found"
    return "ok" if result.rows else "ok (no rows in sample)"


def _describe_firm(row: dict[str, Any]) -> str:
    status = row.get("status") or {}
    standing = status.get("status") if isinstance(status, dict) else status
    parts = [row.get("name"), row.get("owner"), standing, f"id {row.get('id')}"]
    return ", ".join(str(part) for part in parts if part)


def _describe_product(row: dict[str, Any]) -> str:
    code = str(row.get("productId") or "")
    product = f"{TIERS.get(code, 'unknown')} ({code})" if code else "unknown"
    add_ons = [ADD_ONS.get(one, one) for one in row.get("addOnIds") or []]
    return f"{product}, add-ons: {', '.join(add_ons) or 'none'}"


def _describe_leads(settings: Settings, leads: _ProbeResult) -> str:
    if leads.page is None:
        return leads.problem
    availability = "available" if leads.page.rows else "available, but there are none"
    return availability if settings.include_leads else f"{availability}; include_leads is false"


def _describe_webhooks(session: Session) -> Iterator[str]:
    settings = session.settings
    if settings.webhook_inbox is None:
        return
    try:
        with open_reader(settings.webhook_inbox, settings.webhook_firm) as reader:
            yield f"the subscription is {check_subscription(reader, session, {}).text}"
    except InboxError as error:
        yield f"unknown: {error.summary}"


def _describe_clock(session: Session) -> str:
    lead = session.client.clock.lead
    if lead is None or not session.client.clock.is_known:
        return "unknown: no response has a Date header"
    seconds = round(lead / dotnet_ticks.PER_SECOND)
    if abs(seconds) <= MAX_SKEW_SECONDS:
        return "this machine's clock agrees with Smokeball's"
    direction = "behind" if seconds > 0 else "ahead of"
    return (
        f"this machine's clock is {humanize_seconds(abs(seconds))} {direction} Smokeball's; no row "
        "is lost, because bookmarks use the earlier one"
    )


def _describe_login(session: Session) -> Iterator[str]:
    settings = session.settings
    if settings.access_token:
        yield "access_token, which is not renewed"
    elif not (settings.refresh_token or settings.refresh_token_file):
        yield "client credentials, which do not expire"
    elif (issued := session.client.refresh_token_issued_ticks) is None:
        yield "refresh token; set refresh_token_issued_at to be warned before it expires"
    else:
        now, end = dotnet_ticks.now(), expires_at(issued)
        age, left = (now - issued) // dotnet_ticks.PER_DAY, (end - now) // dotnet_ticks.PER_DAY
        expiry = f"expires in {left} days" if left >= 0 else "expired: sign in again"
        yield f"refresh token, {age} days old, {expiry}"
