"""Writes what is generated from the code: settings, streams, ``.env.example``, the Meltano plugin.

``python -m scripts.generate_docs`` writes; with ``--check`` it changes nothing and exits with 1 if
anything is stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts import benchmark, dbt, generate_error_table, meltano, scale
from tap_smokeball.config.settings import CONFIG
from tap_smokeball.records.columns import walk_columns
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.tap import TapSmokeball

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.records.columns import Sensitivity
    from tap_smokeball.sync.base_stream import SmokeballStream

ROOT = Path(__file__).parent.parent
PREFIX = "TAP_SMOKEBALL_"


def main(arguments: list[str]) -> int:
    """Write the files, or check them; return the exit status."""
    fresh = {
        "docs/settings.md": settings_page(),
        "docs/streams.md": streams_page(),
        "docs/scale.md": scale_page(),
        ".env.example": env_example(),
        "docs/errors.md": between(
            read("docs/errors.md"),
            "<!-- {} -->",
            "failures",
            generate_error_table.table(),
        ),
        "README.md": between(
            between(read("README.md"), "<!-- {} -->", "streams", stream_table()),
            "<!-- {} -->",
            "benchmark",
            benchmark.block(),
        ),
        **benchmark.pages(read, between),
        "meltano.yml": meltano_project(),
        "hub/tap-smokeball.yml": meltano.hub_definition(CONFIG, all_settings()),
        "examples/dbt/models/smokeball/sources.yml": dbt.sources(streams()),
    }
    return settle(fresh, check="--check" in arguments)


def settle(fresh: dict[str, str], *, check: bool) -> int:
    """Write the files that are stale, or complain about them; return the exit status."""
    stale = [name for name, text in fresh.items() if read(name) != text]
    if check:
        for name in stale:
            sys.stderr.write(f"{name} is stale: run `make docs`\n")
        return bool(stale)
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(fresh[name], encoding="utf-8")
    return 0


def read(name: str) -> str:
    """Return a file's text, or nothing if there is none."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def between(text: str, comment: str, part: str, lines: list[str]) -> str:
    """Return a text with what stands between two comments replaced."""
    old = text.splitlines()
    begin, end = (
        next(at for at, line in enumerate(old) if line.strip() == comment.format(f"{part}: {edge}"))
        for edge in ("begin", "end")
    )
    indent = old[begin][: len(old[begin]) - len(old[begin].lstrip())]
    fresh = [f"{indent}{line}".rstrip() for line in lines]
    return "\n".join([*old[: begin + 1], *fresh, *old[end:]]) + "\n"


def meltano_project() -> str:
    """Return the Meltano project with the plugin's settings and selections."""
    parts = {"settings": meltano.settings(CONFIG), **meltano.selections(streams())}
    text = read("meltano.yml")
    for part, lines in parts.items():
        text = between(text, "# generated {}", part, lines)
    return text


def scale_page() -> str:
    """Return the page on many firms with its tables."""
    text = read("docs/scale.md")
    for part, lines in scale.tables().items():
        text = between(text, "<!-- {} -->", part, lines)
    return text


def settings_page() -> str:
    """Return the reference of the settings."""
    own, rest = CONFIG["properties"], all_settings()
    lines = [
        "# Settings",
        "",
        "Generated from the code. Everything is checked before the first request; a complaint",
        "names the setting, and never its value. With `--config=ENV` each setting can be given as",
        f"an environment variable, `{PREFIX}` and its name in capitals, or in a file `.env`.",
        "",
        *settings_table(own),
        "",
        "## Of the Singer SDK",
        "",
        *settings_table({name: rest[name] for name in rest if name not in own}),
    ]
    return "\n".join(lines) + "\n"


def settings_table(properties: dict[str, Any]) -> list[str]:
    """Return a table of settings."""
    lines = ["| Setting | Takes | Default | Meaning |", "|---|---|---|---|"]
    for name, prop in properties.items():
        marks = [mark for mark in ("required", "secret") if has(name, prop, mark)]
        what = " ".join(str(prop.get("description", "")).split())
        default = json.dumps(prop["default"]).strip('"') if "default" in prop else ""
        lines.append(
            f"| `{name}`{' (' + ', '.join(marks) + ')' if marks else ''} "
            f"| {kind(prop)} | {default and f'`{default}`'} | {what} |"
        )
    return lines


def has(name: str, prop: dict[str, Any], mark: str) -> bool:
    """Whether a setting is ``required``, or ``secret``."""
    return name in CONFIG["required"] if mark == "required" else bool(prop.get("secret"))


def kind(prop: dict[str, Any]) -> str:
    """Return what a setting takes, in few words."""
    if "enum" in prop:
        return ", ".join(f"`{value}`" for value in prop["enum"] if value is not None)
    first = json_type(prop)
    return {"string": "text", "integer": "whole number"}.get(first, first)


def all_settings() -> dict[str, Any]:
    """Return the JSON Schema of each setting, the SDK's own included."""
    schema = TapSmokeball.config_jsonschema
    TapSmokeball.append_builtin_config(schema)
    properties: dict[str, Any] = schema["properties"]
    return properties


def env_example() -> str:
    """Return a ``.env`` to fill in."""
    lines = [
        "# Copy to .env and fill in. What is commented out has the default shown.",
        "# Of the three ways to authenticate one is enough: see docs/settings.md.",
    ]
    for name, prop in CONFIG["properties"].items():
        what = " ".join(str(prop["description"]).replace("`", "").split())
        needed = name in {"api_key", "client_id", "client_secret", "refresh_token"}
        value = prop.get("default", "")
        value = str(value).lower() if isinstance(value, bool) else value
        lines += ["", f"# {what}", f"{'' if needed else '# '}{PREFIX}{name.upper()}={value}"]
    return "\n".join(lines) + "\n"


def streams() -> list[SmokeballStream]:
    """Return the streams, by area as they are declared."""
    return TapSmokeball(validate_config=False).discover_streams()  # type: ignore[return-value]


def stream_table() -> list[str]:
    """Return the overview of the streams."""
    lines = ["| Stream | What it holds | Replication | Below |", "|---|---|---|---|"]
    for stream in streams():
        parent = parent_of(stream)
        star = "" if stream.selected_by_default else " \\*"
        lines.append(
            f"| [`{stream.name}`](docs/streams.md#{stream.name}){star} | {summary(stream)} "
            f"| {replication(stream)} | {parent and f'`{parent}`'} |"
        )
    return [*lines, "", "\\* not selected unless asked for"]


def parent_of(stream: SmokeballStream) -> str:
    """Return the name of the stream that this one hangs below, or nothing."""
    parent = stream.parent_stream_type
    return str(vars(parent)["name"]) if parent else ""


def summary(stream: SmokeballStream) -> str:
    """Return the stream's line of docstring."""
    return str(type(stream).__doc__).strip().splitlines()[0]


def replication(stream: SmokeballStream) -> str:
    """Return how the stream is replicated."""
    key = stream.replication_key
    return f"incremental, `{key}`" if key else "full table"


def streams_page() -> str:
    """Return the reference of the streams."""
    lines = [
        "# Streams",
        "",
        "Generated from the code. Every column can be null, since Smokeball leaves out what is",
        "empty. There are pages on [how the bookmarks work](incremental.md) and on",
        "[how the streams join](joins.md). What needs care is marked: *personal*,",
        "*privileged* (between lawyer and client) or *trust* (money held for clients).",
    ]
    for stream in streams():
        lines += ["", f"## {stream.name}", "", summary(stream), "", *facts(stream), ""]
        care = {
            ".".join(place[1::2]): field.sensitivity
            for place, field in walk_columns(stream.all_columns)
        }
        lines += ["| Column | Type | Meaning |", "|---|---|---|", *columns(stream.schema, care)]
    return "\n".join(lines) + "\n"


def facts(stream: SmokeballStream) -> Iterator[str]:
    """Yield what is to be known of a stream besides its columns."""
    yield f"- Endpoint: `GET {stream.path}`, scope `{stream.scope}`"
    yield f"- Key: {', '.join(f'`{key}`' for key in stream.primary_keys)}"
    yield f"- Replication: {replication(stream)}"
    yield f"- Requests a run: {cost(stream)}"
    if stream.sensitivity:
        yield f"- Needs care: *{stream.sensitivity}*, all of it"
    opt_in = [
        f"`{'.'.join(place[1::2])}`"
        for place, field in walk_columns(stream.columns.fields)
        if not field.selected
    ]
    if not stream.selected_by_default:
        yield "- Not selected unless asked for"
    elif opt_in:
        yield f"- Not selected unless asked for: {', '.join(opt_in)}"


def cost(stream: SmokeballStream) -> str:
    """Return what the stream costs in requests."""
    pages = "one for each 500 rows" if stream.response_format.paged else "one"
    if not isinstance(stream, ChildStream):
        return pages
    below = (
        f", of those that list `{stream.requires_parent_field}`"
        if stream.requires_parent_field
        else ""
    )
    more = ", more if there are more than 500 rows below it" if stream.response_format.paged else ""
    return f"one for each row of `{parent_of(stream)}`{below}{more}"


def columns(
    schema: dict[str, Any],
    care: dict[str, Sensitivity | None],
    inside: str = "",
) -> Iterator[str]:
    """Yield a row for each column, nested ones included."""
    for name, prop in schema["properties"].items():
        of, below = prop, f"{inside}{name}"
        mark = f" (*{care[below]}*)" if care.get(below) else ""
        if "items" in prop:
            of, below = prop["items"], f"{below}[]"
        yield f"| `{below}` | {json_type(prop)} | {prop.get('description', '')}{mark} |"
        if "properties" in of and set(of["properties"]) != {"id", "href"}:
            yield from columns(of, care, f"{below}.")


def json_type(prop: dict[str, Any]) -> str:
    """Return a column's type, in a word or two."""
    if set(prop.get("properties", ())) == {"id", "href"}:
        return "link"
    if "items" in prop:
        return f"list of {json_type(prop['items'])}s"
    kinds = prop.get("type", "object")
    first = next(one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null")
    return str(prop.get("format", first))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
