"""Generate the Meltano plugin: settings, selections, and the definition for Meltano Hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_smokeball.records.columns import walk_columns
from tap_smokeball.streams.matters import MattersStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_smokeball.sync.declared_stream import DeclaredStream

# Meltano 4 cannot write a configuration with a "decimal". A string works.
KINDS = {"integer": "integer", "boolean": "boolean", "array": "array", "object": "object"}
BILLING_AREAS = {"billing", "trust"}
BILLING_STREAMS = {"matters", "staff", "sync_runs"}
"""Areas and single streams of the billing selection."""

HEADER = """\
# Generated from the code: the entry for Meltano Hub, without the address of the repository.
name: tap-smokeball
variant: tap-smokeball
label: Smokeball
description: Practice management of law firms
namespace: tap_smokeball
pip_url: tap-smokeball
executable: tap-smokeball
domain_url: https://www.smokeball.com
maintenance_status: beta
quality: gold
keywords:
- api
- meltano_sdk
capabilities:
- about
- batch
- catalog
- discover
- schema-flattening
- state
- stream-maps
settings_group_validation:
- [api_key, client_id, client_secret]
- [api_key, client_id, refresh_token]
- [api_key, access_token]
settings_preamble: |
  Configure one of three sets of credentials: client id and client secret (client credentials
  grant); client id and refresh token, plus the client secret if the app has one; or access token.
settings:
"""


def settings(config: dict[str, Any]) -> list[str]:
    """Return the settings of the plugin as YAML lines.

    Args:
        config: JSON Schema of the settings.
    """
    return [line for name, prop in config["properties"].items() for line in _setting(name, prop)]


def hub_definition(config: dict[str, Any], all_settings: dict[str, Any]) -> str:
    """Return the definition of the plugin for Meltano Hub as YAML.

    Args:
        config: JSON Schema of the tap's own settings.
        all_settings: JSON Schema of each setting, including those of the SDK.
    """
    sdk_settings = {
        name: prop for name, prop in all_settings.items() if name not in config["properties"]
    }
    lines = [*settings(config), *settings({"properties": sdk_settings})]
    return "\n".join([HEADER.rstrip(), *lines, ""])


def _setting(name: str, prop: dict[str, Any]) -> Iterator[str]:
    types = prop.get("type", "object")
    names = [types] if isinstance(types, str) else types
    kind = next((KINDS[one] for one in names if one in KINDS), "string")
    if name == "start_date":
        kind = "date_iso8601"
    yield f"- name: {name}"
    yield f"  label: {name.replace('_', ' ').capitalize()}"
    yield f"  kind: {'options' if 'enum' in prop else kind}"
    if "enum" in prop:
        yield "  options:"
        for value in prop["enum"]:
            if value is not None:
                yield f"  - label: {value}"
                yield f"    value: {value}"
    if prop.get("secret"):
        yield "  sensitive: true"
    if "default" in prop:
        yield f"  value: {json.dumps(prop['default']).strip(chr(34))}"
    description = " ".join(str(prop.get("description", "")).split()).replace("'", "''")
    yield f"  description: '{description}'"


def selections(streams: Sequence[DeclaredStream]) -> dict[str, list[str]]:
    """Return the ``select`` lines of each selection of the project.

    Without them Meltano selects every property, including expensive and sensitive ones.
    """
    default = [stream for stream in streams if stream.selected_by_default]
    core = [stream for stream in default if stream.parent_stream_type is not MattersStream]
    billing = [
        stream
        for stream in default
        if stream.name in BILLING_STREAMS or _area(stream) in BILLING_AREAS
    ]
    return {
        "selection": list(_select(default)),
        "core": list(_select(core)),
        "billing": list(_select(billing)),
    }


def _area(stream: DeclaredStream) -> str:
    return type(stream).__module__.rpartition(".")[2]


def _select(streams: Iterable[DeclaredStream]) -> Iterator[str]:
    for stream in streams:
        yield f"- {stream.name}.*"
        for breadcrumb, column in walk_columns(stream.columns):
            if not column.selected:
                yield f"- '!{'.'.join([stream.name, *breadcrumb[1::2]])}'"
