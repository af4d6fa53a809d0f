"""Rules and catalogs that select what does not exist.

Meltano turns the rules of ``select`` into the metadata of the catalog, where one that matches
nothing leaves no trace. It passes the rules themselves in a variable of the environment.
https://docs.meltano.com/concepts/plugins#select-extra describes them.
"""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from singer_sdk.singerlib import CatalogEntry

RULES_VARIABLES = ("MELTANO_EXTRACT__SELECT", "MELTANO_EXTRACT__SELECT_FILTER")


def select_rule_warnings(schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a warning for each rule that matches no stream or no column, with the nearest name.

    Args:
        schemas: The JSON Schema of each stream of the tap, by its name.
    """
    columns = {stream: set(_columns(schema)) for stream, schema in schemas.items()}
    for variable in RULES_VARIABLES:
        for rule in _rules(variable):
            if warning := _rule_warning(rule, columns):
                yield warning


def catalog_warnings(
    entry: CatalogEntry, schemas: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a warning for each stream and column that a catalog selects and the tap lacks.

    Args:
        entry: An entry of the catalog.
        schemas: The JSON Schema of each stream of the tap, by its name.
    """
    name = entry.tap_stream_id
    if name not in schemas:
        yield f"catalog: there is no stream `{name}`; left out{_hint(name, schemas)}"
        return
    known = set(_columns(schemas[name]))
    for breadcrumb, metadata in entry.metadata.items():
        column = ".".join(part for part in breadcrumb if part not in {"properties", "items"})
        if breadcrumb and metadata.selected and column not in known:
            hint = _hint(column, known)
            yield f"catalog: `{name}` has no column `{column}`; left out{hint}"


def _rules(variable: str) -> Iterator[str]:
    try:
        rules = json.loads(os.environ.get(variable) or "[]")
    except ValueError:
        return
    yield from (rule for rule in rules if isinstance(rule, str)) if isinstance(rules, list) else ()


def _rule_warning(rule: str, columns: Mapping[str, Collection[str]]) -> str | None:
    stream_pattern, dot, column_pattern = rule.removeprefix("!").partition(".")
    streams = [stream for stream in columns if fnmatchcase(stream, stream_pattern)]
    effect = "so it excludes nothing" if rule.startswith("!") else "so it selects nothing"
    if not streams:
        hint = _hint(stream_pattern, columns)
        return f"select: `{rule}` matches no stream, {effect}{hint}"
    found = {column for stream in streams for column in columns[stream]}
    if not dot or any(fnmatchcase(column, column_pattern) for column in found):
        return None
    prefix = f"{stream_pattern}."
    hint = _hint(column_pattern, found, prefix)
    return f"select: `{rule}` matches no column, {effect}{hint}"


def _hint(name: str, known: Collection[str], prefix: str = "") -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def _columns(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the columns of a schema and what is nested in them, as ``person.notes``.

    The objects in a list count as those in a column, as in Meltano's rules.
    """
    properties = schema.get("items", schema).get("properties") or {}
    for name, inner in properties.items():
        yield f"{prefix}{name}"
        yield from _columns(inner, f"{prefix}{name}.")
