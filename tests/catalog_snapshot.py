"""The snapshot of the catalog: ``python -m tests.catalog_snapshot`` updates it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_smokeball.tap import TapSmokeball

if TYPE_CHECKING:
    from tests.harness import Json

PATH = Path(__file__).with_name("catalog.json")


def snapshot() -> Json:
    """Return the catalog entry of each stream, without the descriptions."""
    entries = TapSmokeball(validate_config=False).catalog_dict["streams"]
    return {entry["tap_stream_id"]: _stream(entry) for entry in entries}


def _stream(entry: Json) -> Json:
    metadata = {tuple(m["breadcrumb"]): m["metadata"] for m in entry["metadata"]}
    return {
        "key": list(entry["key_properties"]),
        "replication_key": entry.get("replication_key"),
        "replication_method": entry["replication_method"],
        "selected": metadata[()]["selected-by-default"],
        "not_selected": [
            ".".join(breadcrumb[1::2])
            for breadcrumb, entry_metadata in metadata.items()
            if breadcrumb and entry_metadata.get("selected-by-default") is False
        ],
        "columns": _columns(entry["schema"]),
    }


def _columns(schema: Json) -> Any:
    """Return the type of a column as a word, or its nested columns."""
    if "properties" in schema:
        return {name: _columns(inner) for name, inner in schema["properties"].items()}
    if "items" in schema:
        return [_columns(schema["items"])]
    types = "|".join(type_name for type_name in schema["type"] if type_name != "null")
    return schema.get("format", types)


if __name__ == "__main__":
    PATH.write_text(json.dumps(snapshot(), indent=1) + "\n")
