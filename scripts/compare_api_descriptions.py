"""Compare two OpenAPI descriptions of the vendor, as far as they affect the tap.

``python -m scripts.compare_api_descriptions OLD NEW`` prints Markdown: endpoints, and fields and
parameters of streams, that were added, changed or removed, and their effect on the tap. Without
changes it prints nothing. The exit status is 0 in both cases, because a person decides what to do.
The workflow ``drift.yml`` runs it each week and opens an issue.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.generate_docs import api_streams
from tap_smokeball.records.converters import HYPERMEDIA_KEYS, SIGNED_URL_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

Description = dict[str, Any]

MAX_DEPTH = 6
"""Maximum depth of fields, because schemas can be recursive."""

_WRAPPED = re.compile(r"^(\[\]|(value|items|roles|folders|files)\[\])\.")


class Endpoint(NamedTuple):
    """Description of a GET endpoint.

    Attributes:
        parameters: Types of the query parameters by name.
        fields: Types of the response's fields by path.
    """

    parameters: dict[str, str]
    fields: dict[str, str]


def main(arguments: list[str]) -> int:
    """Print the comparison and return the exit status."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("usage: python -m scripts.compare_api_descriptions OLD.json NEW.json\n")
        return 2
    old, new = (json.loads(Path(each).read_text(encoding="utf-8")) for each in arguments)
    sys.stdout.writelines(f"{line}\n" for line in report(old, new))
    return 0


def report(old: Description, new: Description) -> list[str]:
    """Return the differences that affect the tap as lines of Markdown."""
    before, after = endpoints(old), endpoints(new)
    streams_by_path = {anonymous(stream.path): stream for stream in api_streams()}
    lines: list[str] = []
    for path in sorted(before.keys() - after.keys()):
        stream = streams_by_path.get(path)
        effect = f"**read by the stream `{stream.name}`**" if stream else "not read"
        lines.append(f"- removed: `GET {path}` ({effect})")
    lines += [f"- added: `GET {path}`" for path in sorted(after.keys() - before.keys())]
    sections = ["## Endpoints", "", *lines, ""] if lines else []
    for path, stream in streams_by_path.items():
        if path not in before or path not in after:
            continue
        columns = set(_columns(stream.schema))
        changes = [
            *_changes("parameter", before[path].parameters, after[path].parameters, set()),
            *_changes("field", before[path].fields, after[path].fields, columns),
        ]
        if changes:
            sections += [f"## {stream.name}", "", *changes, ""]
    return sections


def endpoints(description: Description) -> dict[str, Endpoint]:
    """Return the GET endpoints of a description by path, with unnamed placeholders."""
    schemas = description.get("components", {}).get("schemas", {})
    found = {}
    for path, operations in description.get("paths", {}).items():
        get = operations.get("get")
        if get is not None:
            parameters = {
                parameter["name"]: _type(_resolved(parameter.get("schema", {}), schemas))
                for parameter in [*operations.get("parameters", ()), *get.get("parameters", ())]
                if parameter.get("in") == "query"
            }
            content = get.get("responses", {}).get("200", {}).get("content", {})
            schema: Any = next((media.get("schema", {}) for media in content.values()), {})
            fields = dict(_fields(schema, schemas))
            found[anonymous(path)] = Endpoint(parameters, fields)
    return found


def _changes(
    kind: str, before: dict[str, str], after: dict[str, str], columns: set[str]
) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        is_column = _WRAPPED.sub("", name) in columns
        if name not in before:
            note = ", already a column" if is_column else ""
            note = note or (", kept in `extraFields` until it is a column" if columns else "")
            yield f"- {kind} added: `{name}` ({after[name]}){note}"
        elif name not in after:
            note = ", still a column" if is_column else ""
            yield f"- {kind} removed: `{name}` ({before[name]}){note}"
        elif before[name] != after[name]:
            yield f"- {kind} changed: `{name}`, from {before[name]} to {after[name]}"


def _fields(schema: Any, schemas: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        yield from _fields(schema.get("items", {}), schemas, f"{prefix}[]")
        return
    for name, field in schema.get("properties", {}).items():
        if name in HYPERMEDIA_KEYS or name in SIGNED_URL_KEYS:
            continue
        path = f"{prefix}.{name}" if prefix else name
        yield path, _type(_resolved(field, schemas))
        if path.count(".") < MAX_DEPTH:
            yield from _fields(field, schemas, path)


def _columns(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, column in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path
        if "items" in column:
            yield from _columns(column["items"], f"{path}[]")
        yield from _columns(column, path)


def _resolved(schema: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas.get(schema["$ref"].rsplit("/", 1)[-1], {})
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return dict(schema)


def _type(schema: dict[str, Any]) -> str:
    name = schema.get("format") or schema.get("type") or "any"
    values = "|".join(str(value) for value in schema.get("enum", ()))
    return f"{name}: {values}" if values else str(name)


def anonymous(path: str) -> str:
    """Remove the names of a path's placeholders."""
    return re.sub(r"\{[^}]*\}", "{}", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
