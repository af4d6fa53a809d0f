"""Checks the configuration before the first request.

A message names the setting and what it takes, never the value that was given: half of the settings
are secret, and a secret pasted into the wrong setting is one as well.
"""

from __future__ import annotations

import ast
import ipaddress
import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from singer_sdk.mapper import MAPPER_ELSE_OPTION, MAPPER_FILTER_OPTION, NULL_STRING
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR, extend_validator_with_defaults

from tap_smokeball import dotnet_ticks
from tap_smokeball.config.rate_limit_url import package_error, store_kind
from tap_smokeball.config.settings import PATH_SAFE, strip_text, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NULLS = (None, NULL_STRING)

_Validator = extend_validator_with_defaults(DEFAULT_JSONSCHEMA_VALIDATOR)


def validate(config: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the errors of a configuration, each with the setting's name; fill in defaults.

    Args:
        config: The configuration; defaults are written into it, as the SDK does.
        schema: The tap's settings together with those of the SDK.
    """
    for name in [name for name, value in config.items() if value is None or value == ""]:
        del config[name]  # Meltano and empty variables say "not set" in these ways
    for name, prop in schema["properties"].items():
        if isinstance(config.get(name), str):
            config[name] = _parse_text(config[name], prop)
    errors = list(_stream_map_errors(config))
    if errors:  # the SDK's schema of stream maps is invalid itself, and fails on a bad `__else__`
        del config["stream_maps"]
    errors += dict.fromkeys(_schema_errors(config, schema))
    if not errors:
        errors = [
            *_url_errors(config),
            *_store_errors(config),
            *_credential_errors(config),
            *_timestamp_errors(config),
        ]
    return errors


def strip_settings(config: dict[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Strip keys, tokens and ids, and return a warning for each that changed.

    Files and secret stores add a newline, and editors a byte order mark.
    """
    warnings = []
    for name, prop in schema["properties"].items():
        value = config.get(name)
        if "pattern" not in prop or not isinstance(value, str):
            continue
        config[name] = strip_text(value)
        if config[name] != value:
            warnings.append(f"{name}: had space or line breaks around it, which were removed")
    return warnings


def secret_values(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield all values of a configuration, valid or not, that no output may show.

    Those are the secret settings, the Basic header made of them, and the constants of stream maps:
    salts of hashes, for instance.
    """
    names = [name for name, prop in schema["properties"].items() if prop.get("secret")]
    values = [config.get(name) for name in names]
    if isinstance(constants := config.get("stream_map_config"), dict):
        values += constants.values()
    for value in values:
        yield from _texts(value)
    yield f"{config.get('client_id')}:{config.get('client_secret')}"


def _texts(value: Any) -> Iterator[str]:
    """Yield a text, or the texts within an object or a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def unknown_setting_warnings(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each setting that the tap does not know, with the nearest one it does."""
    for name in sorted(config.keys() - schema["properties"].keys()):
        near = get_close_matches(name, schema["properties"], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield f"{name}: no such setting, ignored{hint}"


def _parse_text(text: str, prop: Mapping[str, Any]) -> Any:
    """Return the value that a text stands for; the text itself if it stands for none."""
    kinds = _kinds(prop)
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


def _kinds(prop: Mapping[str, Any]) -> list[str | None]:
    return prop["type"] if isinstance(prop.get("type"), list) else [prop.get("type")]


def _schema_errors(config: dict[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for error in _Validator(schema).iter_errors(config):
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield from (f"{name}: is required" for name in missing if not error.path)
        if error.path:
            name = str(error.path[0])
            yield f"{name}: takes {_expected(schema['properties'][name])}"


def _expected(prop: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one line per type
    kinds = _kinds(prop)
    if "enum" in prop:
        return f"one of {', '.join(prop['enum'])}"
    if "array" in kinds:
        return f"a list, each {_expected(prop['items'])}"
    if "boolean" in kinds:
        return "true or false"
    if "integer" in kinds or "number" in kinds:
        noun = "a whole number" if "integer" in kinds else "a number"
        low, above, high = (prop.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
        lower = f" above {above}" if above is not None else f" from {low}"
        return f"{noun}{lower}" + (f" to {high}" if high is not None else "")
    if "object" in kinds:
        return "an object"
    if prop.get("pattern") == PATH_SAFE:
        return "letters, digits, dots, dashes and underscores"
    return "printable text without spaces" if "pattern" in prop else "text"


def _url_errors(config: Mapping[str, Any]) -> Iterator[str]:
    for name in ("api_url", "auth_url"):
        if (text := config.get(name)) and (problem := url_problem(text)):
            yield f"{name}: {problem}"
    if (text := config.get("documents_url")) and not re.match(r"[a-z][a-z0-9+.-]*://\S", text):
        yield "documents_url: takes a URL such as s3://bucket/folder or file:///folder"


def url_problem(text: str) -> str | None:
    """Return why a text is not the URL of a server that may get secrets; None if it is one."""
    try:
        url = urlsplit(text)
        is_valid = bool(url.hostname) and url.scheme in {"https", "http"} and url.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or url.query or url.fragment or re.search(r"\s", text):
        return "takes a URL such as https://api.example.com"
    if url.username is not None or url.password is not None:
        return "must not hold a user name or password"
    if url.scheme == "http" and not is_loopback(cast("str", url.hostname)):
        return "must begin with https:// (plain http only for this machine)"
    return None


def _store_errors(config: Mapping[str, Any]) -> Iterator[str]:
    if not (url := config.get("rate_limit_store")):
        return
    if (kind := store_kind(url)) is None:
        yield "rate_limit_store: takes a URL that begins with postgresql://, redis:// or rediss://"
    elif reason := package_error(kind):
        yield "{}. {}".format(*reason)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _credential_errors(config: Mapping[str, Any]) -> Iterator[str]:
    if "access_token" in config:
        return
    if "client_id" not in config:
        yield "client_id: is required, unless access_token is set"
    elif not {"refresh_token", "refresh_token_file", "client_secret"} & config.keys():
        yield "client_secret: is required, unless refresh_token is set"


def _timestamp_errors(config: Mapping[str, Any]) -> Iterator[str]:
    # Up to a day ahead is no mistake: a date alone may be that of another time zone.
    for name, grace_ticks, consequence in (
        ("start_date", 0, "so that nothing would be read"),
        ("refresh_token_issued_at", dotnet_ticks.PER_DAY, "so that its expiry would be missed"),
    ):
        try:
            ticks = timestamp(config, name)
        except ValueError:
            yield f"{name}: takes an RFC 3339 date-time with a time zone, as 2026-01-31T00:00:00Z"
        else:
            if ticks is not None and ticks > dotnet_ticks.now() + grace_ticks:
                yield f"{name}: lies in the future, {consequence}"


def _stream_map_errors(config: Mapping[str, Any]) -> Iterator[str]:
    # The SDK's own error quotes the expression and does not say where it is.
    stream_maps = config.get("stream_maps")
    for stream, rules in stream_maps.items() if isinstance(stream_maps, dict) else ():
        if isinstance(rules, dict) and not stream.startswith("__"):
            yield from _rule_errors(stream, rules)
        elif rules not in _NULLS or (stream.startswith("__") and stream != MAPPER_ELSE_OPTION):
            yield f"stream_maps: `{stream}` takes the rules of a stream, or null"


def _rule_errors(stream: str, rules: Mapping[str, Any]) -> Iterator[str]:
    for column, rule in rules.items():
        if column == MAPPER_ELSE_OPTION:
            if rule not in _NULLS:
                yield f"stream_maps: `{column}` of stream `{stream}` takes null alone"
        elif column.startswith("__") and column != MAPPER_FILTER_OPTION:
            continue  # the schema checks the other options
        elif isinstance(rule, str):
            if not _is_expression(rule):
                yield f"stream_maps: invalid expression for stream `{stream}`, column `{column}`"
        elif rule is not None:
            yield f"stream_maps: `{column}` of stream `{stream}` takes an expression or null"


def _is_expression(text: str) -> bool:
    try:
        return bool(ast.parse(text).body)
    except (SyntaxError, ValueError):
        return False
