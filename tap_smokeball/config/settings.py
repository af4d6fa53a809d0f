"""The settings: one table with type, default and description, and the checked values.

The table is plain JSON Schema, so that the API client can be used without a Singer library.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAINS = {"us": "com", "au": "com.au", "uk": "co.uk"}
"""Region -> top-level domain of both hosts."""

HOSTS = {
    "production": ("https://api.smokeball", "https://auth.smokeball"),
    "staging": ("https://stagingapi.smokeball", "https://datastaging-auth.smokeball"),
}
"""Environment -> API host and auth host, without their domain."""

UNKNOWN_FIELDS = ("auto", "keep", "drop")

STATUSES = ("Open", "Pending", "Closed", "Deleted", "Cancelled")

HEADER_SAFE = r"^[\x21-\x7e]+$"  # no space, no line break: these go into HTTP headers
PATH_SAFE = r"^[A-Za-z0-9._-]+$"
FIRM_NAME = r"^[A-Za-z0-9._-]{1,64}$"

MIN_PAGE_SIZE = 2
"""Pages overlap by one row, so a page of one row would never advance."""

Setting = tuple[str, dict[str, Any]]


def _setting(name: str, kind: str, description: str, **keywords: Any) -> Setting:
    schema = {"type": [kind, "null"], **keywords, "description": description}
    if schema.pop("required", False):
        schema["type"] = [kind]
    if schema.get("secret"):
        schema["writeOnly"] = True
    return name, schema


def _string(name: str, description: str, pattern: str | None = None, **keywords: Any) -> Setting:
    if pattern:
        keywords["pattern"] = pattern
    return _setting(name, "string", description, **keywords)


_TABLE: tuple[Setting, ...] = (
    _string("api_key", "API key of your app, sent in the `x-api-key` header", HEADER_SAFE,
            required=True, secret=True),
    _string("client_id", "OAuth 2.0 client ID of your app", HEADER_SAFE),
    _string("client_secret", "OAuth 2.0 client secret; apps that use PKCE have none", HEADER_SAFE,
            secret=True),
    _string("refresh_token", "OAuth 2.0 refresh token; without it, the tap uses the "
            "client_credentials grant", HEADER_SAFE, secret=True),
    _string("refresh_token_file", "File in which the tap keeps a refresh token that Smokeball "
            "replaces; read before `refresh_token`, unless that changed"),
    _string("refresh_token_issued_at", "Issue time of the refresh token (RFC 3339), saved by "
            "`tap-smokeball-login`; the tap warns two weeks before the token expires"),
    _string("access_token", "OAuth 2.0 access token to use instead of the client ID and refresh "
            "token; the tap cannot renew it", HEADER_SAFE, secret=True),
    _string("region", "Region of the firm's account", enum=list(DOMAINS), default="us"),
    _string("environment", "Smokeball environment", enum=list(HOSTS), default="production"),
    _string("api_url", "Base URL that overrides the API host, for the sandbox or a proxy"),
    _string("auth_url", "Base URL that overrides the login host; tokens come from "
            "`{auth_url}/oauth2/token`"),
    _string("account_id", "Account ID that prefixes every API path, for client credentials that "
            "cover several accounts", PATH_SAFE),
    _string("user_id", "User to act as (`UserId` header); omits records that this user cannot see",
            HEADER_SAFE),
    _string("start_date", "First run only: earliest update to sync (RFC 3339, such as "
            "`2026-01-31T00:00:00Z` or `2026-01-31`). Default: everything"),
    _setting("include_leads", "boolean", "Whether to sync leads, which the API omits by default",
             default=True),
    _setting("matter_statuses", "array", "Only matters in these statuses, and their child "
             "records. Default: all", items={"type": ["string"], "enum": list(STATUSES)}),
    _string("matter_type_location", "Only matter types of this location, such as `NSW`. "
            "Default: all"),
    _setting("roles_from_matters", "boolean", "Whether to take `matter_roles` from the list of "
             "matters, one request less for each matter; only if the probe answers `yes` to "
             "`matter_items`. `versionId` of a role is then null", default=False),
    _setting("page_size", "integer", "Rows per page; 1 is treated as 2, because pages overlap by "
             "one row", minimum=1, maximum=500, default=500),
    _setting("requests_per_second", "number", "Rate limit of your app in requests per second, for "
             "the whole process", exclusiveMinimum=0, maximum=1000, default=5),
    _setting("burst", "integer", "Burst limit of your app and maximum number of requests in "
             "flight", minimum=1, maximum=1000, default=5),
    _string("rate_limit_store", "Postgres or Redis URL of a store in which all processes of your "
            "app share one rate limit; `requests_per_second` and `burst` are then those of all "
            "processes together. Default: the process has a rate limit of its own", secret=True),
    _setting("rate_limit_share", "number", "Requests per second of this process while "
             "`rate_limit_store` is unavailable. Default: `requests_per_second` divided by the "
             "processes that the store counted last, or by 10", exclusiveMinimum=0, maximum=1000),
    _setting("lookback_seconds", "integer", "Lookback window subtracted from a bookmark, in "
             "seconds; 0 is treated as 1", minimum=0, maximum=31_536_000, default=300),
    _setting("max_run_minutes", "number", "Time limit of a run in minutes; the next run resumes "
             "from there. Default: no limit", exclusiveMinimum=0),
    _setting("closed_matters_interval_hours", "number", "Interval of the full pass over closed, "
             "deleted and cancelled matters, in hours; 0: each full pass covers all matters",
             minimum=0, maximum=8784, default=0),
    _setting("request_timeout_seconds", "number", "Maximum wait for the next data of a "
             "response, in seconds", exclusiveMinimum=0, maximum=3600, default=60),
    _setting("max_request_seconds", "number", "Maximum duration of a request, in seconds, until "
             "the last byte of its response", exclusiveMinimum=0, maximum=86_400, default=300),
    _setting("max_response_mb", "number", "Maximum size of a response in MB, unpacked; a larger "
             "page is requested in smaller pages", exclusiveMinimum=0, maximum=4096, default=256),
    _setting("max_retries", "integer", "Maximum retries of a request before its stream fails; "
             "429 does not count", minimum=0, maximum=100, default=8),
    _setting("fail_on_denied_parents", "boolean", "Whether restricted or deleted matters and other "
             "parents (403, 404) fail the run; by default they are logged and retried",
             default=False),
    _string("webhook_inbox", "SQLAlchemy URL of the inbox that `tap-smokeball-webhooks serve` "
            "fills: `sqlite:///path` or `postgresql://…`. Default: webhooks are not used",
            secret=True),
    _string("webhook_firm", "Name of the firm in the webhook inbox", FIRM_NAME, default="default"),
    _string("webhook_reader", "Name of this reader of the inbox: one for each state of a firm. "
            "Default: a random name in the state", r"^[A-Za-z0-9._:-]{1,128}$"),
    _setting("full_pass_interval_hours", "number", "Hours between full passes; runs in between "
             "read what webhooks name and what changed. Default: every run does a full pass",
             minimum=0, maximum=8760, default=0),
    _setting("poll_interval_minutes", "number", "Minutes between reads of streams without webhook "
             "events, such as bank accounts. Default: every run reads them",
             minimum=0, maximum=525_600, default=0),
    _string("unknown_fields", "Fields that the API sends and no column declares: `auto` emits them "
            "in `extraFields`, except beside deselected columns; `keep` also those; `drop` none",
            enum=list(UNKNOWN_FIELDS), default="auto"),
    _string("documents_url", "Where the contents of files and invoices are stored, as an fsspec "
            "URL such as `s3://bucket/folder` or `file:///folder`. Default: nowhere"),
    _setting("documents_options", "object", "Options of the file system of `documents_url`, such "
             "as its keys; fsspec documents them", secret=True),
    _setting("documents_max_mb", "number", "Maximum size of a file whose content is stored, in MB. "
             "Default: no limit", exclusiveMinimum=0),
    _setting("documents_earlier_versions", "boolean", "Also store the earlier versions of files "
             "that their history names; takes a request for each new or changed file, and one for "
             "each version", default=False),
    _setting("use_singer_decimal", "boolean", "Emit amounts as strings in the format "
             "`x-singer.decimal`, so that target-snowflake loads exact decimals, not floats",
             default=False),
    _string("user_agent", "`User-Agent` of all requests. Default: tap-smokeball and its version"),
)  # fmt: skip

CONFIG_JSONSCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": dict(_TABLE),
    "required": [name for name, schema in _TABLE if "null" not in schema["type"]],
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
"""JSON Schema of the tap's own settings."""


@dataclass(frozen=True)
class Settings:
    """The settings, checked and in the units that the tap works with.

    Attributes:
        api_base: URL that every path is appended to, account prefix included.
        has_api_path: Whether ``api_url`` has a path, which no host of Smokeball has.
        matter_kinds: Value of the ``Type`` parameter of /matters.
        full_pass_interval_ticks: Time between full passes; 0 for one in every run.
        poll_interval_ticks: Time between reads of streams without events; 0 for every run.
        view_fingerprint: Hash of the settings that show or hide rows.
    """

    api_base: str
    has_api_path: bool
    token_url: str
    api_key: str = field(repr=False)
    client_id: str | None
    client_secret: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    refresh_token_file: str | None
    refresh_token_issued_ticks: int | None
    access_token: str | None = field(repr=False)
    account_id: str | None
    user_id: str | None
    user_agent: str
    start_ticks: int | None
    include_leads: bool
    matter_kinds: str
    matter_statuses: tuple[str, ...]
    matter_type_location: str | None
    roles_from_matters: bool
    page_size: int
    requests_per_second: float
    burst: int
    rate_limit_store: str | None = field(repr=False)
    rate_limit_share: float | None
    lookback_ticks: int
    max_run_seconds: float | None
    closed_interval_ticks: int
    timeout_seconds: float
    max_request_seconds: float
    max_response_bytes: int
    max_retries: int
    fail_on_denied_parents: bool
    webhook_inbox: str | None = field(repr=False)
    webhook_firm: str
    webhook_reader: str | None
    full_pass_interval_ticks: int
    poll_interval_ticks: int
    unknown_fields: str
    documents_url: str | None
    documents_options: Mapping[str, Any] = field(repr=False)
    documents_max_bytes: int | None
    documents_earlier_versions: bool
    view_fingerprint: str

    @property
    def reads_everything(self) -> bool:
        """Whether each run reads all streams in full."""
        return not (self.webhook_inbox or self.full_pass_interval_ticks or self.poll_interval_ticks)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Build the settings from a valid configuration; absent ones get their defaults."""
        defaults = {name: schema.get("default") for name, schema in _TABLE}
        config = {**defaults, **config}
        api, auth = HOSTS[config["environment"]]
        domain = DOMAINS[config["region"]]
        api_base = (config["api_url"] or f"{api}.{domain}").rstrip("/")
        has_api_path = bool(urlsplit(api_base).path)
        auth_base = (config["auth_url"] or f"{auth}.{domain}").rstrip("/")
        if account := config["account_id"]:
            api_base = f"{api_base}/{account}"
        minutes = config["max_run_minutes"]
        max_mb = config["documents_max_mb"]
        share = config["rate_limit_share"]
        kinds = "Matters,Leads" if config["include_leads"] else "Matters"
        statuses = tuple(sorted(set(config["matter_statuses"] or ())))
        account_view = [config[name] for name in ("region", "environment", "account_id", "user_id")]
        view = (account_view, kinds, statuses)
        return cls(
            api_base=api_base,
            has_api_path=has_api_path,
            token_url=f"{auth_base}/oauth2/token",
            api_key=config["api_key"],
            client_id=config["client_id"],
            client_secret=config["client_secret"],
            refresh_token=config["refresh_token"],
            refresh_token_file=config["refresh_token_file"],
            refresh_token_issued_ticks=timestamp(config, "refresh_token_issued_at"),
            access_token=config["access_token"],
            account_id=config["account_id"],
            user_id=config["user_id"],
            user_agent=config["user_agent"] or f"tap-smokeball/{version()}",
            start_ticks=timestamp(config, "start_date"),
            include_leads=bool(config["include_leads"]),
            matter_kinds=kinds,
            matter_statuses=statuses,
            matter_type_location=config["matter_type_location"],
            roles_from_matters=bool(config["roles_from_matters"]),
            page_size=max(MIN_PAGE_SIZE, int(config["page_size"])),
            requests_per_second=float(config["requests_per_second"]),
            burst=int(config["burst"]),
            rate_limit_store=config["rate_limit_store"] or None,
            rate_limit_share=None if share is None else float(share),
            lookback_ticks=max(1, int(config["lookback_seconds"])) * dotnet_ticks.PER_SECOND,
            max_run_seconds=None if minutes is None else float(minutes) * 60,
            closed_interval_ticks=round(
                float(config["closed_matters_interval_hours"]) * 3600 * dotnet_ticks.PER_SECOND
            ),
            timeout_seconds=float(config["request_timeout_seconds"]),
            max_request_seconds=float(config["max_request_seconds"]),
            max_response_bytes=int(float(config["max_response_mb"]) * 1_000_000),
            max_retries=int(config["max_retries"]),
            fail_on_denied_parents=bool(config["fail_on_denied_parents"]),
            webhook_inbox=config["webhook_inbox"],
            webhook_firm=config["webhook_firm"],
            webhook_reader=config["webhook_reader"],
            full_pass_interval_ticks=round(
                float(config["full_pass_interval_hours"]) * 3600 * dotnet_ticks.PER_SECOND
            ),
            poll_interval_ticks=round(
                float(config["poll_interval_minutes"]) * 60 * dotnet_ticks.PER_SECOND
            ),
            unknown_fields=config["unknown_fields"],
            documents_url=config["documents_url"],
            documents_options=config["documents_options"] or {},
            documents_max_bytes=None if max_mb is None else int(float(max_mb) * 1_000_000),
            documents_earlier_versions=config["documents_earlier_versions"],
            view_fingerprint=hashlib.sha256(repr(view).encode()).hexdigest()[:16],
        )


def version() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version("tap-smokeball")
    except metadata.PackageNotFoundError:
        return "unknown"


def strip_text(text: str) -> str:
    """Return a text without the spaces, line breaks and byte order mark around it."""
    return text.strip().strip("\ufeff").strip()


def timestamp(config: Mapping[str, Any], name: str) -> int | None:
    """Return a date-time setting in ticks, or None if it is not set; a date is midnight UTC.

    Raises:
        ValueError: The value is neither an RFC 3339 date-time nor a date.
    """
    text = config.get(name)
    if not text:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T00:00:00Z"
    return dotnet_ticks.from_rfc3339(text)
