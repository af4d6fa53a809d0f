"""Generate the Meltano plugin: settings, selections, and the definition for Meltano Hub."""

from __future__ import annotations

import json
import re
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

FRAGMENT_HEADER = """\
# Generated from meltano.yml: the tap and a DuckDB loader for a Meltano project of your own.
# Copy this file into the project, and do not edit the copy. See docs/meltano.md.
"""
FRAGMENT_PLUGINS = {"extractors": "tap-smokeball", "loaders": "target-duckdb"}

_BLOCK = re.MULTILINE | re.DOTALL
_IN_OTHER_PROJECTS = {
    "    # Installs this checkout with locked dependencies. For your own project, see "
    "docs/meltano.md.\n": (
        "    # Installs a checkout with locked dependencies. Set SMOKEBALL_CHECKOUT in .env.\n"
    ),
    "requirements/demo.txt' -e '${MELTANO_PROJECT_ROOT}[postgres,webhooks]'": (
        "requirements/runtime.txt' '${SMOKEBALL_CHECKOUT}[postgres,webhooks]'"
    ),
    "${MELTANO_PROJECT_ROOT}/requirements/": "${SMOKEBALL_CHECKOUT}/requirements/",
    "${MELTANO_PROJECT_ROOT}/loaders/": "${SMOKEBALL_CHECKOUT}/loaders/",
}
"""What differs between the repository's project and others."""

HUB_HEADER = """\
# Generated from the code: the entry for Meltano Hub. See hub/README.md.
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
supported_python_versions:
{python_versions}
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


def hub_definition(
    config: dict[str, Any],
    all_settings: dict[str, Any],
    streams: Sequence[DeclaredStream],
    python_versions: Iterable[str],
) -> str:
    """Return the definition of the plugin for Meltano Hub as YAML.

    Args:
        config: JSON Schema of the tap's own settings.
        all_settings: JSON Schema of each setting, including those of the SDK.
        streams: The streams; the definition selects those that are selected by default.
        python_versions: Versions such as ``3.10``.
    """
    sdk_settings = {
        name: prop for name, prop in all_settings.items() if name not in config["properties"]
    }
    versions = "\n".join(f"- '{version}'" for version in python_versions)
    lines = [*settings(config), *settings({"properties": sdk_settings})]
    select = selections(streams)["selection"]
    header = HUB_HEADER.format(python_versions=versions).rstrip()
    return "\n".join([header, *lines, "select:", *select, ""])


def fragment(project: str) -> str:
    """Return the part of a project that a project of one's own includes.

    Args:
        project: Text of ``meltano.yml``.
    """
    sections: list[str] = []
    for section, name in FRAGMENT_PLUGINS.items():
        [plugins] = re.findall(rf"^  {section}:\n(.*?)(?=^  \w|^\w|\Z)", project, _BLOCK)
        [plugin] = re.findall(rf"^  - name: {name}\n.*?(?=^  - name: |\Z)", plugins, _BLOCK)
        # Comments in front of the next plugin are about that plugin.
        plugin = re.sub(r"(^\s*(#.*)?\n)+\Z", "", plugin, flags=re.MULTILINE)
        sections.append(f"  {section}:\n{plugin}")
    text = re.sub(r"^ *# generated .*\n", "", "".join(sections), flags=re.MULTILINE)
    for old, new in _IN_OTHER_PROJECTS.items():
        if old not in text:
            raise ValueError(f"meltano.yml has no {old!r}. Change scripts/meltano.py too.")
        text = text.replace(old, new)
    return f"{FRAGMENT_HEADER}plugins:\n{text}"


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
