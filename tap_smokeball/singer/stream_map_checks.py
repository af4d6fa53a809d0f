"""Checks of stream maps, each with the stream and the column that the SDK would not name."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import (
    MAPPER_ELSE_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
)

from tap_smokeball.singer.stream_map_hashes import hash_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.singerlib import Catalog, CatalogEntry


def stream_map_errors(config: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """Return the errors of stream maps, each with its stream and column.

    Args:
        config: The configuration, with ``stream_maps`` and ``stream_map_config``.
        catalog: The catalog that the tap works with.
    """
    stream_maps = config.get("stream_maps") or {}
    errors = hash_errors(stream_maps, config.get("stream_map_config") or {})
    has_batches = bool((config.get("batch_config") or {}).get("encoding"))
    for pattern, rules in stream_maps.items():
        if isinstance(rules, dict):
            source = rules.get(MAPPER_SOURCE_OPTION, pattern)
            if has_batches and MAPPER_SOURCE_OPTION in rules:
                errors.append(
                    f"stream_maps: `{pattern}` is a second stream made of `{source}`, which "
                    "batch_config cannot write. Remove one of them"
                )
            for entry in catalog.streams:
                if fnmatch(entry.tap_stream_id, source):
                    errors += _key_errors(entry, rules)
    return list(dict.fromkeys(errors))


def _key_errors(entry: CatalogEntry, rules: Mapping[str, Any]) -> Iterator[str]:
    keys = rules.get(MAPPER_KEY_PROPERTIES_OPTION, entry.key_properties) or ()
    keeps_others = MAPPER_ELSE_OPTION not in rules
    mask = entry.metadata.resolve_selection()
    columns = {name for name in entry.schema.properties or () if mask["properties", name]}
    for key in keys:
        where = f"stream_maps: column `{key}` of stream `{entry.tap_stream_id}`"
        if key in rules:
            if rules[key] in {None, NULL_STRING}:
                yield (
                    f"{where} is a key and cannot be removed. Set __key_properties__ to other "
                    "columns, or keep it"
                )
        elif not keeps_others:
            yield f"{where} is a key, and __else__ removes it. Add the rule `{key}: {key}`"
        elif key not in columns:
            yield f"{where} is a key, but there is no such column"
