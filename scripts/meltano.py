"""What Meltano is told of the tap: settings, selections, and the definition for Meltano's hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_smokeball.records.columns import walk_columns
from tap_smokeball.streams.matters import MattersStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_smokeball.sync.base_stream import SmokeballStream

# No "decimal": Meltano 4 cannot write a configuration that has one. As text it gets through.
KINDS = {"integer": "integer", "boolean": "boolean", "array": "array", "object": "object"}
MONEY = {"billing", "trust"}
"""Areas of the streams that the selection for billing has, besides matters and staff."""

HEAD = """\
# Generated from the code: the tap's entry in Meltano's hub, less the address of its repository.
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
  Three ways lead to a token: a client id and secret (client credentials), a client id and a refresh
  token, with the secret if the client has one, or an access token as it is.
settings:
"""


def settings(config: dict[str, Any]) -> list[str]:
    """Return the settings of the plugin, as YAML.

    Args:
        config: JSON Schema of the settings.
    """
    return [line for name, prop in config["properties"].items() for line in _setting(name, prop)]


def hub_definition(config: dict[str, Any], every: dict[str, Any]) -> str:
    """Return the definition of the plugin for Meltano's hub, as YAML.

    Args:
        config: JSON Schema of the tap's own settings.
        every: JSON Schema of each setting, the SDK's own included.
    """
    rest = {name: prop for name, prop in every.items() if name not in config["properties"]}
    return "\n".join([HEAD.rstrip(), *settings(config), *settings({"properties": rest}), ""])


def _setting(name: str, prop: dict[str, Any]) -> Iterator[str]:
    kinds = prop.get("type", "object")
    names = [kinds] if isinstance(kinds, str) else kinds
    of = next((KINDS[one] for one in names if one in KINDS), "string")
    if name == "start_date":
        of = "date_iso8601"
    yield f"- name: {name}"
    yield f"  label: {name.replace('_', ' ').capitalize()}"
    yield f"  kind: {'options' if 'enum' in prop else of}"
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
    what = " ".join(str(prop.get("description", "")).split()).replace("'", "''")
    yield f"  description: '{what}'"


def selections(streams: Sequence[SmokeballStream]) -> dict[str, list[str]]:
    """Return the selections of the project, each the lines of its ``select``.

    Meltano selects every property unless told, the heavy and the delicate too.
    """
    default = [stream for stream in streams if stream.selected_by_default]
    firm_wide = [each for each in default if each.parent_stream_type is not MattersStream]
    money = [each for each in default if each.name in {"matters", "staff"} or _area(each) in MONEY]
    return {
        "selection": list(_select(default)),
        "core": list(_select(firm_wide)),
        "billing": list(_select(money)),
    }


def _area(stream: SmokeballStream) -> str:
    return type(stream).__module__.rpartition(".")[2]


def _select(streams: Iterable[SmokeballStream]) -> Iterator[str]:
    for stream in streams:
        yield f"- {stream.name}.*"
        for place, field in walk_columns(stream.columns.fields):
            if not field.selected:
                yield f"- '!{'.'.join([stream.name, *place[1::2]])}'"
