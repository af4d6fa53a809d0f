"""``--test``: which streams the app can access, whose account it is, and what may soon fail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT, PAGED, ResponseFormat
from tap_smokeball.api.token_expiry import expires_at
from tap_smokeball.config.settings import version
from tap_smokeball.errors import AccessDeniedError, InboxError, SmokeballError
from tap_smokeball.inbox import open_reader
from tap_smokeball.reporting.report_types import Access, AccessReport, StreamAccess
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.subscription_check import check_subscription

if TYPE_CHECKING:
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


def access_report(tap: Tap, session: Session) -> AccessReport:
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
    row = firm.page.rows[0] if firm.page and firm.page.rows else {}
    skew = _clock_skew(session)
    return AccessReport(
        version=version(),
        streams=[
            _stream_access(cast("SmokeballStream", tap.streams[result.stream]), result, session)
            for result in session.status.results.values()
        ],
        account=_describe_firm(row) if row else firm.problem or "unknown",
        account_id=str(row["id"]) if row.get("id") else None,
        product=_describe_product(row) if row else firm.problem or "unknown",
        leads=_describe_leads(session.settings, leads),
        intake=intake.problem or "available",
        webhooks=_describe_webhooks(session),
        clock=_describe_clock(skew),
        clock_skew_seconds=skew,
        login=_describe_login(session),
        refresh_token_expires_in_days=_days_left(session),
        requests=session.client.transport.requests.total(),
    )


def render(report: AccessReport) -> str:
    """Return a report for people."""
    access = [("stream", "access"), *((each.stream, each.detail) for each in report.streams)]
    facts = [
        ("account", report.account),
        ("product", report.product),
        ("leads", report.leads),
        ("intake", report.intake),
        *([("webhooks", report.webhooks)] if report.webhooks else []),
        ("clock", report.clock),
        ("login", report.login),
        ("requests", f"{report.requests:,} for this test"),
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


def _stream_access(stream: SmokeballStream, result: StreamResult, session: Session) -> StreamAccess:
    access, detail = _describe_access(stream, result, session)
    return StreamAccess(
        stream=result.stream,
        access=access,
        has_rows=bool(result.rows),
        detail=detail,
        error=type(result.error).__name__ if result.error else None,
    )


def _describe_access(
    stream: SmokeballStream, result: StreamResult, session: Session
) -> tuple[Access, str]:
    if isinstance(result.error, AccessDeniedError):
        if not session.client.has_access:
            return "no", "no, 403 like all others: check api_key, api_url, region and environment"
        return "no", f"no, 403: grant the scope {stream.scope} and sign in again"
    if result.error:
        return "no", f"no, {result.error.summary}"
    if isinstance(stream, ChildStream) and not result.rows:
        return _describe_empty_child(stream, result, session)
    return "ok", "ok" if result.rows else "ok (no rows in sample)"


def _describe_empty_child(
    stream: ChildStream, result: StreamResult, session: Session
) -> tuple[Access, str]:
    parents, tried = stream.parent_stream.plural_name, result.estimate.done
    if not session.client.transport.requests[stream.name]:
        if stream.skip_reason:
            return "skipped", f"skipped: {stream.skip_reason}"
        return "skipped", f"skipped: no {parents} found"
    return "ok", f"ok (no rows in {tried:,} {parents})"


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


def _describe_webhooks(session: Session) -> str | None:
    settings = session.settings
    if settings.webhook_inbox is None:
        return None
    try:
        with open_reader(settings.webhook_inbox, settings.webhook_firm) as reader:
            return f"the subscription is {check_subscription(reader, session, {}).text}"
    except InboxError as error:
        return f"unknown: {error.summary}"


def _clock_skew(session: Session) -> float | None:
    """Return by how many seconds this machine's clock is behind, if it is known."""
    lead = session.client.clock.lead
    if lead is None or not session.client.clock.is_known:
        return None
    return lead / dotnet_ticks.PER_SECOND


def _describe_clock(skew: float | None) -> str:
    if skew is None:
        return "unknown: no response has a Date header"
    seconds = round(skew)
    if abs(seconds) <= MAX_SKEW_SECONDS:
        return "this machine's clock agrees with Smokeball's"
    direction = "behind" if seconds > 0 else "ahead of"
    return (
        f"this machine's clock is {humanize_seconds(abs(seconds))} {direction} Smokeball's; no row "
        "is lost, because bookmarks use the earlier one"
    )


def _describe_login(session: Session) -> str:
    settings = session.settings
    if settings.access_token:
        return "access_token, which is not renewed"
    if not (settings.refresh_token or settings.refresh_token_file):
        return "client credentials, which do not expire"
    issued, left = session.client.refresh_token_issued_ticks, _days_left(session)
    if issued is None or left is None:
        return "refresh token; set refresh_token_issued_at to be warned before it expires"
    age = (dotnet_ticks.now() - issued) // dotnet_ticks.PER_DAY
    expiry = f"expires in {left} days" if left >= 0 else "expired: sign in again"
    return f"refresh token, {age} days old, {expiry}"


def _days_left(session: Session) -> int | None:
    """Return the days until the refresh token expires, if that is known."""
    issued = session.client.refresh_token_issued_ticks
    if issued is None:
        return None
    return (expires_at(issued) - dotnet_ticks.now()) // dotnet_ticks.PER_DAY
