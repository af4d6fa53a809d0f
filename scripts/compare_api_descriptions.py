"""Compares two of the vendor's descriptions of the API, as far as the tap reads what they describe.

``python -m scripts.compare_api_descriptions OLD NEW`` prints, as Markdown, which endpoints and
which fields of the streams were added, changed or removed, and what the tap makes of it. It prints
nothing if nothing changed, and exits with 0 either way: a person decides what to do. The workflow
``drift.yml`` runs it each week and opens an issue.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.generate_docs import streams
from tap_smokeball.records.converters import HYPERMEDIA_KEYS, SIGNED_URL_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

Description = dict[str, Any]

DEEPEST = 6
"""How far fields are followed downwards: schemas refer to one another in circles."""

_WRAPPED = re.compile(r"^(\[\]|(value|items|roles|folders|files)\[\])\.")


class Endpoint(NamedTuple):
    """What a description says of one GET.

    Attributes:
        parameters: Names of its query parameters, with their types.
        fields: Paths of the fields of its answer, with their types.
    """

    parameters: dict[str, str]
    fields: dict[str, str]


def main(arguments: list[str]) -> int:
    """Compare, and print; return the exit status."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("usage: python -m scripts.compare_api_descriptions OLD.json NEW.json\n")
        return 2
    old, new = (json.loads(Path(each).read_text(encoding="utf-8")) for each in arguments)
    sys.stdout.writelines(f"{line}\n" for line in report(old, new))
    return 0


def report(old: Description, new: Description) -> list[str]:
    """Return what differs, in Markdown; nothing if nothing of concern does."""
    before, after = endpoints(old), endpoints(new)
    readers = {anonymous(stream.path): stream for stream in streams()}
    lines: list[str] = []
    for path in sorted(before.keys() - after.keys()):
        who = f"**the stream `{readers[path].name}` reads it**" if path in readers else "not read"
        lines.append(f"- went: `GET {path}` ({who})")
    lines += [f"- appeared: `GET {path}`" for path in sorted(after.keys() - before.keys())]
    found = ["## Endpoints", "", *lines, ""] if lines else []
    for path, stream in readers.items():
        if path not in before or path not in after:
            continue
        columns = set(_columns(stream.schema))
        changes = [
            *_changes("parameter", before[path].parameters, after[path].parameters, set()),
            *_changes("field", before[path].fields, after[path].fields, columns),
        ]
        if changes:
            found += [f"## {stream.name}", "", *changes, ""]
    return found


def endpoints(description: Description) -> dict[str, Endpoint]:
    """Return the GETs of a description, by path; what stands for an id has no name there."""
    schemas = description.get("components", {}).get("schemas", {})
    found = {}
    for path, operations in description.get("paths", {}).items():
        get = operations.get("get")
        if get is not None:
            parameters = {
                one["name"]: _kind(_resolved(one.get("schema", {}), schemas))
                for one in [*operations.get("parameters", ()), *get.get("parameters", ())]
                if one.get("in") == "query"
            }
            content = get.get("responses", {}).get("200", {}).get("content", {})
            schema: Any = next((one.get("schema", {}) for one in content.values()), {})
            fields = dict(_fields(schema, schemas))
            found[anonymous(path)] = Endpoint(parameters, fields)
    return found


def _changes(
    what: str, before: dict[str, str], after: dict[str, str], columns: set[str]
) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        known = _WRAPPED.sub("", name) in columns
        if name not in before:
            note = ", a column already" if known else ""
            note = note or (", kept in `extraFields` until it is a column" if columns else "")
            yield f"- {what} appeared: `{name}` ({after[name]}){note}"
        elif name not in after:
            yield f"- {what} went: `{name}` ({before[name]}){', still a column' if known else ''}"
        elif before[name] != after[name]:
            yield f"- {what} changed: `{name}`, from {before[name]} to {after[name]}"


def _fields(schema: Any, schemas: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        yield from _fields(schema.get("items", {}), schemas, f"{at}[]")
        return
    for name, below in schema.get("properties", {}).items():
        if name in HYPERMEDIA_KEYS or name in SIGNED_URL_KEYS:
            continue
        path = f"{at}.{name}" if at else name
        yield path, _kind(_resolved(below, schemas))
        if path.count(".") < DEEPEST:
            yield from _fields(below, schemas, path)


def _columns(schema: dict[str, Any], at: str = "") -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        yield path
        if "items" in below:
            yield from _columns(below["items"], f"{path}[]")
        yield from _columns(below, path)


def _resolved(schema: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas.get(schema["$ref"].rsplit("/", 1)[-1], {})
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return dict(schema)


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("format") or schema.get("type") or "anything"
    values = "|".join(str(value) for value in schema.get("enum", ()))
    return f"{kind}: {values}" if values else str(kind)


def anonymous(path: str) -> str:
    """Return a path whose placeholders have no names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
