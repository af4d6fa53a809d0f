"""The catalog in a few words: ``python -m tests.catalog_snapshot`` accepts a change of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_smokeball.tap import TapSmokeball

if TYPE_CHECKING:
    from tests.harness import Json

PATH = Path(__file__).with_name("catalog.json")


def catalog() -> Json:
    """Return what the catalog says of each stream, without the descriptions."""
    entries = TapSmokeball(validate_config=False).catalog_dict["streams"]
    return {entry["tap_stream_id"]: _stream(entry) for entry in entries}


def _stream(entry: Json) -> Json:
    metadata = {tuple(one["breadcrumb"]): one["metadata"] for one in entry["metadata"]}
    return {
        "key": list(entry["key_properties"]),
        "replication_key": entry.get("replication_key"),
        "replication_method": entry["replication_method"],
        "selected": metadata[()]["selected-by-default"],
        "not_selected": [
            ".".join(place[1::2])
            for place, one in metadata.items()
            if place and one.get("selected-by-default") is False
        ],
        "columns": _columns(entry["schema"]),
    }


def _columns(schema: Json) -> Any:
    """Return the type of a column in a word, or its own columns."""
    if "properties" in schema:
        return {name: _columns(inner) for name, inner in schema["properties"].items()}
    if "items" in schema:
        return [_columns(schema["items"])]
    kinds = "|".join(kind for kind in schema["type"] if kind != "null")
    return schema.get("format", kinds)


if __name__ == "__main__":
    PATH.write_text(json.dumps(catalog(), indent=1) + "\n")
