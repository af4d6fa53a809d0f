"""Catalogs as people have them: old ones, reduced ones, and those that other tools write.

https://github.com/singer-io/getting-started/blob/master/docs/DISCOVERY_MODE.md is the format.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import Metadata, StreamMetadata
from singer_sdk.singerlib.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from singer_sdk.mapper import PluginMapper, StreamMap
    from singer_sdk.singerlib import Catalog, CatalogEntry, SelectionMask
    from singer_sdk.singerlib.catalog import Breadcrumb

SELECTED = "selected"


def add_schema_selection(catalog: Mapping[str, Any]) -> dict[str, Any]:
    """Return a catalog with the selection of its schemas as metadata, where it has none.

    Catalogs had ``selected`` in the schema before Singer had metadata. Metadata wins. If one stream
    is selected in this way, a stream that says nothing is not.
    """
    entries = [dict(entry) for entry in catalog.get("streams", [])]
    uses_schema = any(isinstance(_schema_selection(entry), bool) for entry in entries)
    for entry in entries:
        given = entry.get("metadata") or ()
        metadata = {tuple(m["breadcrumb"]): dict(m["metadata"]) for m in given}
        found = dict(_selected_properties(entry.get("schema") or {}, ()))
        if isinstance(selected := _schema_selection(entry), bool):
            found[()] = selected
        elif uses_schema and SELECTED not in metadata.get((), {}):
            found[()] = bool(metadata.get((), {}).get("selected-by-default"))
        for breadcrumb, is_selected in found.items():
            metadata.setdefault(breadcrumb, {}).setdefault(SELECTED, is_selected)
        entry["metadata"] = [
            {"breadcrumb": list(breadcrumb), "metadata": content}
            for breadcrumb, content in metadata.items()
        ]
    return {**catalog, "streams": entries}


@dataclass(frozen=True)
class StreamDeclaration:
    """A stream as the tap declares it.

    Attributes:
        name: Its name.
        schema: Its JSON Schema.
        replication_key: Its replication key, if it has one.
        is_selected: Whether it is selected by default.
        opt_in: Breadcrumbs of the columns that are not selected by default.
    """

    name: str
    schema: Mapping[str, Any]
    replication_key: str | None
    is_selected: bool
    opt_in: Collection[Breadcrumb]

    def complete(self, entry: CatalogEntry) -> tuple[list[str], list[str]]:
        """Add to a catalog entry what it leaves out; return errors and warnings.

        Keys are always selected. A column that the entry does not declare is not: a target has
        no column for it.
        """
        if not entry.metadata:
            entry.metadata[()] = StreamMetadata(selected=self.is_selected)
        for breadcrumb in self.opt_in:
            if breadcrumb not in entry.metadata:
                entry.metadata[breadcrumb] = Metadata(selected_by_default=False)
        errors = self._complete_keys(entry)
        given = entry.schema.to_dict()
        if not given.get("properties"):
            given = copy.deepcopy(dict(self.schema))
        declared = self.schema["properties"]
        for name in (*(entry.key_properties or ()), entry.replication_key):
            if name is not None and name in declared:
                given["properties"].setdefault(name, copy.deepcopy(declared[name]))
                column = entry.metadata[("properties", name)]
                column.inclusion = Metadata.InclusionType.AUTOMATIC
        _name_items_like_objects(entry)
        mask = entry.metadata.resolve_selection()
        missing = list(_undeclared(self.schema, given, (), mask))
        for breadcrumb, _ in missing:
            entry.metadata[breadcrumb] = Metadata(selected=False)
        _drop_deselected_items(given, (), mask)
        entry.schema = Schema.from_dict(given)
        lost = [".".join(breadcrumb[1::2]) for breadcrumb, is_selected in missing if is_selected]
        warning = (
            f"catalog: the schema of `{self.name}` has no {', '.join(lost)}; left out. Make a new "
            "catalog with --discover to read them"
        )
        return errors, [warning] if lost else []

    def _complete_keys(self, entry: CatalogEntry) -> list[str]:
        root = entry.metadata.root
        if entry.key_properties is None:
            entry.key_properties = list(root.table_key_properties or ())
        key = entry.replication_key or root.replication_key
        if key is None or key in self.schema["properties"]:
            return []
        # An entry that is not selected must not stop the others.
        entry.replication_key = self.replication_key
        if not entry.metadata.resolve_selection()[()]:
            return []
        valid = f"`{self.replication_key}`" if self.replication_key else "none"
        error = (
            f"catalog: `{self.name}` has no column `{key}`, its replication key. Use {valid}, or "
            "make a new catalog with --discover"
        )
        return [error]


def name_errors(catalog: Catalog) -> list[str]:
    """Return an error for each name in messages that several streams would have."""
    by_name: dict[str, list[str]] = {}
    for entry in catalog.streams:
        by_name.setdefault(entry.stream or entry.tap_stream_id, []).append(entry.tap_stream_id)
    return [
        f"catalog: {' and '.join(ids)} have the same name `{name}` in `stream`. Give each another"
        for name, ids in by_name.items()
        if len(ids) > 1
    ]


def take_stream_names(catalog: Catalog) -> dict[str, str]:
    """Return the names that messages shall have, and leave the tap's names in the catalog.

    The ``stream`` of an entry is the name in messages; ``tap_stream_id`` identifies the stream. The
    SDK mixes them up.
    """
    names = {entry.tap_stream_id: entry.stream or entry.tap_stream_id for entry in catalog.streams}
    for entry in catalog.streams:
        entry.stream = entry.tap_stream_id
    return names


def apply_stream_names(
    catalog: Catalog, mapper: PluginMapper, names: Mapping[str, str]
) -> list[str]:
    """Give the streams their names in messages; return the errors of their keys."""
    errors = []
    for entry in catalog.streams:
        stream_maps = mapper.stream_maps[entry.tap_stream_id]
        if entry.metadata.resolve_selection()[()]:
            errors += _key_errors(entry, stream_maps[0])
        for stream_map in stream_maps:
            if stream_map.stream_alias == entry.tap_stream_id:
                stream_map.stream_alias = names[entry.tap_stream_id]
    return errors


def drop_empty_properties(catalog: Catalog) -> None:
    """Declare objects of any content without properties, for the SDK's flattening."""
    for entry in catalog.streams:
        entry.schema = Schema.from_dict(_drop_empty_properties(entry.schema.to_dict()))


def _key_errors(entry: CatalogEntry, stream_map: StreamMap) -> list[str]:
    """Return an error for each key of a stream that is no column.

    Args:
        entry: The entry of the stream.
        stream_map: What maps its records; it may add columns.
    """
    columns = stream_map.transformed_schema.get("properties", {})
    return [
        f"catalog: `{entry.tap_stream_id}` has no column `{key}`, which is in its key_properties. "
        "Remove it, or make a new catalog with --discover"
        for key in stream_map.transformed_key_properties or ()
        if key not in columns
    ]


def _drop_empty_properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose objects of any content declare no properties, not an empty set.

    The SDK flattens an empty set of properties to no column at all, and everything else to text.
    """
    result = dict(schema)
    if not result.get("properties", True):
        del result["properties"]
    elif "properties" in result:
        inner = result["properties"]
        result["properties"] = {name: _drop_empty_properties(inner[name]) for name in inner}
    return result


def _schema_selection(entry: Mapping[str, Any]) -> Any:
    schema = entry.get("schema") or {}
    return schema.get(SELECTED, entry.get(SELECTED))


def _selected_properties(
    schema: Mapping[str, Any], breadcrumb: Breadcrumb
) -> Iterator[tuple[Breadcrumb, bool]]:
    for name, inner in (schema.get("properties") or {}).items():
        inner_breadcrumb = (*breadcrumb, "properties", name)
        if isinstance(selected := inner.get(SELECTED), bool):
            yield inner_breadcrumb, selected
        yield from _selected_properties(inner, inner_breadcrumb)


def _undeclared(
    declared: Mapping[str, Any],
    given: dict[str, Any],
    breadcrumb: Breadcrumb,
    mask: SelectionMask,
) -> Iterable[tuple[Breadcrumb, bool]]:
    """Yield the columns that a catalog does not have, and whether it selects them.

    Discovery lists no metadata for a part of the objects in a list, so that it is added.
    """
    for name, column in declared["properties"].items():
        inner_breadcrumb = (*breadcrumb, "properties", name)
        if name not in given["properties"]:
            yield inner_breadcrumb, mask[inner_breadcrumb]
        elif column.get("properties") and given["properties"][name].get("properties"):
            inner = given["properties"][name]
            yield from _undeclared(column, inner, inner_breadcrumb, mask)
        elif "items" in column and "items" in given["properties"][name]:
            _declare_items(column["items"], given["properties"][name]["items"])


def _name_items_like_objects(entry: CatalogEntry) -> None:
    """Leave ``items`` out of breadcrumbs: tools write both forms for the objects in a list."""
    for breadcrumb in list(entry.metadata):
        parts = iter(breadcrumb)
        names = [next(parts, "") for part in parts if part == "properties"]
        short = tuple(part for name in names for part in ("properties", name))
        if short != breadcrumb:
            entry.metadata[short] = entry.metadata.pop(breadcrumb)


def _drop_deselected_items(
    schema: dict[str, Any], breadcrumb: Breadcrumb, mask: SelectionMask
) -> None:
    """Remove from a schema what is deselected in the objects of lists; the SDK does the rest."""
    is_list = "items" in schema
    properties = schema.get("items", schema).get("properties") or {}
    for name in list(properties):
        inner_breadcrumb = (*breadcrumb, "properties", name)
        if is_list and not mask[inner_breadcrumb]:
            del properties[name]
        else:
            _drop_deselected_items(properties[name], inner_breadcrumb, mask)


def _declare_items(declared: Mapping[str, Any], given: dict[str, Any]) -> None:
    if not (declared.get("properties") and given.get("properties")):
        return
    for name, column in declared["properties"].items():
        inner = given["properties"].setdefault(name, copy.deepcopy(column))
        _declare_items(column, inner)
        if "items" in column and "items" in inner:
            _declare_items(column["items"], inner["items"])


@contextmanager
def all_streams_selected(catalog: Catalog) -> Iterator[None]:
    """Select every stream of a catalog inside of the block; columns keep their selection."""
    roots = [entry.metadata.root for entry in catalog.streams if () in entry.metadata]
    before = [root.selected for root in roots]
    for root in roots:
        root.selected = True
    try:
        yield
    finally:
        for root, selected in zip(roots, before, strict=True):
            root.selected = selected
