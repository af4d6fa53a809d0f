"""Types in a catalog that somebody gives: they must accept every record that the tap emits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.singerlib import CatalogEntry

_ACCEPTING_KEYWORDS = frozenset(
    {
        *("$schema", "title", "description"),
        *("type", "format", "properties", "items", "additionalProperties"),
    }
)
"""Keywords of a JSON Schema that refuse no value of the right type."""


def align_types(entry: CatalogEntry, declared: Mapping[str, Any]) -> list[str]:
    """Give the schema of a catalog entry the types that the records have; return warnings.

    A catalog outlives changes of the tap and of its settings, and may demand what no record
    promises. Descriptions are kept, and types that accept all that the tap emits.

    Args:
        entry: The entry of a stream.
        declared: The schema of the stream as the tap declares it.
    """
    schema, other_types = _align(entry.schema.to_dict(), declared, "")
    entry.schema = Schema.from_dict(schema)
    columns = ", ".join(sorted(filter(None, other_types))) or "its records"
    warning = (
        f"catalog: `{entry.tap_stream_id}` has other types than the tap for {columns}; the tap's "
        "are used. Make a new catalog with --discover, or convert values with stream_maps"
    )
    return [warning] if other_types else []


def _align(
    given: Mapping[str, Any], declared: Mapping[str, Any], path: str
) -> tuple[dict[str, Any], list[str]]:
    """Return a schema with the types of another one, and the paths of its own types."""
    other_types = []
    result = dict(given)
    if not _accepts(given, declared):
        texts = {name: given[name] for name in ("title", "description") if name in given}
        result = {**declared, **texts}
        # Which form decimals have is a setting, and no mistake of the catalog.
        if _is_decimal(given) == _is_decimal(declared):
            other_types.append(path)
    if "properties" in given and "properties" in declared:
        result["properties"] = properties = dict(given["properties"])
        for name in properties.keys() & declared["properties"].keys():
            column = declared["properties"][name]
            inner_path = f"{path}.{name}" if path else name
            properties[name], inner = _align(properties[name], column, inner_path)
            other_types += inner
    if "items" in given and "items" in declared:
        result["items"], inner = _align(given["items"], declared["items"], f"{path}[]")
        other_types += inner
    return result, other_types


def _accepts(given: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    """Return whether a schema accepts all that another one declares, apart from inner columns."""
    if _is_decimal(given) or _is_decimal(declared):
        return given.get("anyOf") == declared.get("anyOf")
    types = _types(given) or _types(declared)
    if "number" in types:
        types.add("integer")
    return (
        given.keys() <= _ACCEPTING_KEYWORDS
        and types >= _types(declared)
        and given.get("format") in (None, declared.get("format"))
        and given.get("additionalProperties") is not False
    )


def _types(schema: Mapping[str, Any]) -> set[str]:
    types = schema.get("type") or ()
    return {types} if isinstance(types, str) else set(types)


def _is_decimal(schema: Mapping[str, Any]) -> bool:
    return any(form.get("format") == "x-singer.decimal" for form in schema.get("anyOf", ()))
