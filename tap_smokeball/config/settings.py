"""The settings: what they are, what they take, and what they mean together.

Everything is checked before the first request. A complaint names the setting and what it takes,
never the value that was given: half of the settings are secret, and a secret pasted into the
wrong field is one as well.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from dotenv import find_dotenv, load_dotenv
from singer_sdk import typing as th
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR, extend_validator_with_defaults

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOMAINS = {"us": "com", "au": "com.au", "uk": "co.uk"}
"""Region -> top-level domain of both hosts."""

HOSTS = {
    "production": ("https://api.smokeball", "https://auth.smokeball"),
    "staging": ("https://stagingapi.smokeball", "https://datastaging-auth.smokeball"),
}
"""Environment -> API host and auth host, without their domain."""

STATUSES = ("Open", "Pending", "Closed", "Deleted", "Cancelled")

_HEADER_SAFE = r"^[\x21-\x7e]+$"  # no space, no line break: these go into HTTP headers
_PATH_SAFE = r"^[A-Za-z0-9._-]+$"


def _text(name: str, description: str, pattern: str | None = None, **more: Any) -> th.Property[Any]:
    return th.Property(name, th.StringType(pattern=pattern), description=description, **more)


CONFIG = th.PropertiesList(
    _text("api_key", "API key of your app, sent in the `x-api-key` header", _HEADER_SAFE,
          required=True, secret=True),
    _text("client_id", "OAuth 2.0 client ID of your app", _HEADER_SAFE),
    _text("client_secret", "OAuth 2.0 client secret; apps that use PKCE have none", _HEADER_SAFE,
          secret=True),
    _text("refresh_token", "OAuth 2.0 refresh token; without it, the tap uses the "
          "client_credentials grant", _HEADER_SAFE, secret=True),
    _text("refresh_token_issued_at", "Issue time of the refresh token (RFC 3339), saved by "
          "`tap-smokeball-login`; the tap warns two weeks before the token expires"),
    _text("access_token", "OAuth 2.0 access token to use instead of the client ID and refresh "
          "token; the tap cannot renew it", _HEADER_SAFE, secret=True),
    _text("region", "Region of the firm's account", allowed_values=list(DOMAINS), default="us"),
    _text("environment", "Smokeball environment", allowed_values=list(HOSTS),
          default="production"),
    _text("api_url", "Base URL that overrides the API host, for the sandbox or a proxy"),
    _text("auth_url", "Base URL that overrides the login host; tokens come from "
          "`{auth_url}/oauth2/token`"),
    _text("account_id", "Account ID that prefixes every API path, for client credentials that "
          "cover several accounts", _PATH_SAFE),
    _text("user_id", "User to act as (`UserId` header); omits records that this user cannot see",
          _HEADER_SAFE),
    _text("start_date", "First run only: earliest update to sync (RFC 3339, such as "
          "`2026-01-31T00:00:00Z` or `2026-01-31`). Default: everything"),
    th.Property("include_leads", th.BooleanType(), default=True,
                description="Whether to sync leads, which the API omits by default"),
    th.Property("matter_statuses", th.ArrayType(th.StringType(allowed_values=list(STATUSES))),
                description="Only matters in these statuses, and their child records. "
                "Default: all"),
    _text("matter_type_location", "Only matter types of this location, such as `NSW`. "
          "Default: all"),
    th.Property("page_size", th.IntegerType(minimum=1, maximum=500), default=500,
                description="Rows per page; 1 is treated as 2, because pages overlap by one row"),
    th.Property("requests_per_second", th.DecimalType(exclusive_minimum=0, maximum=1000), default=5,
                description="Rate limit of your app in requests per second, for the whole process"),
    th.Property("burst", th.IntegerType(minimum=1, maximum=1000), default=5,
                description="Burst limit of your app and maximum number of requests in flight"),
    th.Property("lookback_seconds", th.IntegerType(minimum=0, maximum=31_536_000), default=300,
                description="Lookback window subtracted from a bookmark, in seconds; 0 is "
                "treated as 1"),
    th.Property("max_run_minutes", th.DecimalType(exclusive_minimum=0),
                description="Time limit of a run in minutes; the next run resumes from there. "
                "Default: no limit"),
    th.Property("request_timeout_seconds", th.DecimalType(exclusive_minimum=0, maximum=3600),
                default=60, description="Maximum wait for an API response, in seconds"),
    th.Property("max_retries", th.IntegerType(minimum=0, maximum=100), default=8,
                description="Maximum retries of a request before its stream fails"),
    th.Property("use_singer_decimal", th.BooleanType(), default=False,
                description="Emit amounts as strings in the format `x-singer.decimal`, so that "
                "target-snowflake loads exact decimals, not floats"),
    _text("user_agent", "`User-Agent` of all requests. Default: tap-smokeball and its version"),
).to_dict()  # fmt: skip
"""JSON Schema of the tap's own settings."""

_Validator = extend_validator_with_defaults(DEFAULT_JSONSCHEMA_VALIDATOR)


@dataclass(frozen=True)
class Settings:
    """The settings, checked and in the units that the tap works with."""

    api_base: str
    """Address that every path is appended to, account prefix included."""
    token_url: str
    api_key: str
    client_id: str | None
    client_secret: str | None
    refresh_token: str | None
    refresh_token_issued_ticks: int | None
    access_token: str | None
    user_id: str | None
    user_agent: str
    start_ticks: int | None
    matter_kinds: str
    """Value of the ``Type`` parameter of /matters."""
    matter_statuses: tuple[str, ...]
    matter_type_location: str | None
    page_size: int
    requests_per_second: float
    burst: int
    lookback_ticks: int
    max_run_seconds: float | None
    timeout_seconds: float
    max_retries: int
    visible: str
    """Fingerprint of the settings that show or hide rows."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Build the settings from a configuration that `problems` finds nothing wrong with."""
        api, auth = HOSTS[config["environment"]]
        domain = DOMAINS[config["region"]]
        api_base = (config.get("api_url") or f"{api}.{domain}").rstrip("/")
        auth_base = (config.get("auth_url") or f"{auth}.{domain}").rstrip("/")
        if account := config.get("account_id"):
            api_base = f"{api_base}/{account}"
        minutes = config.get("max_run_minutes")
        kinds = "Matters,Leads" if config["include_leads"] else "Matters"
        statuses = tuple(sorted(set(config.get("matter_statuses") or ())))
        whose = [config.get(name) for name in ("region", "environment", "account_id", "user_id")]
        view = (whose, kinds, statuses)
        return cls(
            api_base=api_base,
            token_url=f"{auth_base}/oauth2/token",
            api_key=config["api_key"],
            client_id=config.get("client_id"),
            client_secret=config.get("client_secret"),
            refresh_token=config.get("refresh_token"),
            refresh_token_issued_ticks=_moment(config, "refresh_token_issued_at"),
            access_token=config.get("access_token"),
            user_id=config.get("user_id"),
            user_agent=config.get("user_agent") or f"tap-smokeball/{version()}",
            start_ticks=_moment(config, "start_date"),
            matter_kinds=kinds,
            matter_statuses=statuses,
            matter_type_location=config.get("matter_type_location"),
            page_size=max(2, int(config["page_size"])),
            requests_per_second=float(config["requests_per_second"]),
            burst=int(config["burst"]),
            lookback_ticks=max(1, int(config["lookback_seconds"])) * dotnet_ticks.PER_SECOND,
            max_run_seconds=None if minutes is None else float(minutes) * 60,
            timeout_seconds=float(config["request_timeout_seconds"]),
            max_retries=int(config["max_retries"]),
            visible=hashlib.sha256(repr(view).encode()).hexdigest()[:16],
        )


def version() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version("tap-smokeball")
    except metadata.PackageNotFoundError:
        return "unknown"


def parse_moment(text: str) -> int:
    """Return the ticks of a date-time, or of a date, which begins at midnight UTC.

    Raises:
        ValueError: The text is neither an RFC 3339 date-time nor a date.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T00:00:00Z"
    return dotnet_ticks.from_rfc3339(text)


def problems(config: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with a configuration, each with the setting's name; fill in defaults.

    Args:
        config: The configuration; defaults are written into it, as the SDK does.
        schema: The tap's settings with the SDK's own ones added.
    """
    for name in [name for name, value in config.items() if value is None or value == ""]:
        del config[name]  # Meltano and empty variables say "not set" in these ways
    for name, prop in schema["properties"].items():
        if isinstance(config.get(name), str):
            config[name] = _read(config[name], prop)
    found = list(dict.fromkeys(_from_schema(config, schema)))
    if not found:
        found = [*_urls(config), *_credentials(config), *_moments(config)]
    return found


def secrets(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield all texts of a configuration, good or bad, that must not be seen.

    Those are the secret settings, what they make in a Basic header, and what stream maps are
    given: salts of hashes, for instance.
    """
    hidden = [name for name, prop in schema["properties"].items() if prop.get("secret")]
    given = [config.get(name) for name in hidden]
    if isinstance(constants := config.get("stream_map_config"), dict):
        given += constants.values()
    yield from (value for value in given if isinstance(value, str))
    yield f"{config.get('client_id')}:{config.get('client_secret')}"


def unknown(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each setting that the tap does not know, with the nearest it does."""
    for name in sorted(config.keys() - schema["properties"].keys()):
        near = get_close_matches(name, schema["properties"], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield f"{name}: no such setting, ignored{hint}"


def from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the settings that environment variables or a ``.env`` file give, as text."""
    load_dotenv(find_dotenv(usecwd=True))
    given = {name: os.environ.get(prefix + name.upper()) for name in schema["properties"]}
    return {name: text for name, text in given.items() if text is not None}


def _read(text: str, prop: Mapping[str, Any]) -> Any:
    """Return what a text means to its setting; if nothing, the text, to be refused by name."""
    kinds = prop["type"] if isinstance(prop.get("type"), list) else [prop.get("type")]
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return {"true": True, "1": True, "yes": True, "on": True,
                "false": False, "0": False, "no": False, "off": False}.get(
                    text.strip().lower(), text)  # fmt: skip
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if "array" in kinds else text


def _from_schema(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    for error in _Validator(schema).iter_errors(config):
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield from (f"{name}: is required" for name in missing if not error.path)
        if error.path:
            name = str(error.path[0])
            prop = schema["properties"][name]
            yield f"{name}: takes {_takes(prop)}"


def _takes(prop: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one line a kind
    kinds = prop.get("type", [])
    if "enum" in prop:
        return f"one of {', '.join(prop['enum'])}"
    if "array" in kinds:
        return f"a list, each {_takes(prop['items'])}"
    if "boolean" in kinds:
        return "true or false"
    if "integer" in kinds or "number" in kinds:
        whole = "a whole number" if "integer" in kinds else "a number"
        low, above, high = (prop.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
        lower = f" above {above}" if above is not None else f" from {low}"
        return f"{whole}{lower}" + (f" to {high}" if high is not None else "")
    if "object" in kinds:
        return "an object"
    if prop.get("pattern") == _PATH_SAFE:
        return "letters, digits, dots, dashes and underscores"
    return "printable text without spaces" if "pattern" in prop else "text"


def _urls(config: Mapping[str, Any]) -> Iterator[str]:
    for name in ("api_url", "auth_url"):
        if not (text := config.get(name)):
            continue
        try:
            url = urlsplit(text)
            fits = bool(url.hostname) and url.scheme in {"https", "http"} and url.port != 0
        except ValueError:
            fits = False
        if not fits or url.query or url.fragment or re.search(r"\s", text):
            yield f"{name}: takes an address such as https://api.example.com"
        elif url.username is not None or url.password is not None:
            yield f"{name}: must not hold a user name or password"
        elif url.scheme == "http" and not _is_loopback(cast("str", url.hostname)):
            yield f"{name}: must begin with https:// (plain http only for this machine)"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials(config: Mapping[str, Any]) -> Iterator[str]:
    if "access_token" in config:
        return
    if "client_id" not in config:
        yield "client_id: is required, unless access_token is given"
    elif "refresh_token" not in config and "client_secret" not in config:
        yield "client_secret: is required, unless refresh_token is given"


def _moments(config: Mapping[str, Any]) -> Iterator[str]:
    # A day off is no mistake: a date alone may be one of the other side of the world.
    for name, grace, so in (
        ("start_date", 0, "so that nothing would be read"),
        (
            "refresh_token_issued_at",
            dotnet_ticks.PER_DAY,
            "so that nobody would be warned of its end",
        ),
    ):
        try:
            moment = _moment(config, name)
        except ValueError:
            yield f"{name}: takes an RFC 3339 date-time with a zone, as 2026-01-31T00:00:00Z"
        else:
            if moment is not None and moment > dotnet_ticks.now() + grace:
                yield f"{name}: lies in the future, {so}"


def _moment(config: Mapping[str, Any], name: str) -> int | None:
    return parse_moment(config[name]) if config.get(name) else None
