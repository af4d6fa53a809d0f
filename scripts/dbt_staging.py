"""Generate the dbt package's sources and staging models from the catalog.

A staging model lists the columns of a stream with their kinds; the macro ``stage`` of the package
converts them. The keys, the links of ``docs/joins.md`` and the sensitive columns come along.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from scripts import dbt_freshness
from scripts.dbt_columns import StagedColumn, staged_columns
from scripts.dbt_freshness import NOTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_smokeball.sync.declared_stream import DeclaredStream

FOLDER = "dbt/models/staging"
JOIN = re.compile(r'^ +(\w+) [|o]+--[|o{]+ (\w+) : "([^"]+)"$', re.MULTILINE)
"""A line of the diagram in ``docs/joins.md``: referenced stream, referencing stream, label."""

DELETED_WHEN = {
    "matters": "coalesce(status, '') = 'Deleted'",
    "invoices": "coalesce(status, 0) = 3",
}
"""The mark of a deleted row in streams without ``isDeleted``."""


def files(streams: Sequence[DeclaredStream], joins_page: str) -> dict[str, str]:
    """Return the text of each generated file of the package, by its path.

    Args:
        streams: All streams.
        joins_page: Text of ``docs/joins.md``.
    """
    columns = {stream.name: staged_columns(stream) for stream in streams}
    links = JOIN.findall(joins_page)
    generated = {f"{FOLDER}/smokeball_sources.yml": _sources(streams)}
    for stream in streams:
        path = f"{FOLDER}/stg_smokeball__{stream.name}.sql"
        generated[path] = _model(stream, columns[stream.name])
    generated[f"{FOLDER}/stg_smokeball__streams.yml"] = _properties(streams, columns, links)
    generated[dbt_freshness.MODEL] = dbt_freshness.model(streams)
    return generated


def _model(stream: DeclaredStream, columns: list[StagedColumn]) -> str:
    specs = ",\n".join(
        f"        {[column.name, column.kind, *column.sources]!r}" for column in columns
    )
    marks = [DELETED_WHEN[stream.name]] if stream.name in DELETED_WHEN else []
    if any(column.name == "is_marked_deleted" for column in columns):
        marks.append("is_marked_deleted")
    deleted = " or ".join([*marks, "removed_at is not null"])
    return f"""\
-- {NOTE}
with staged as (
    {{{{ smokeball.stage('{stream.name}', {list(stream.primary_keys)!r}, [
{specs}
    ]) }}}}
)

select
    *,
    ({deleted}) as is_deleted
from staged
"""  # noqa: S608 - names of the catalog


def _sources(streams: Sequence[DeclaredStream]) -> str:
    return "\n".join([*_source_lines(streams), ""])


def _source_lines(streams: Sequence[DeclaredStream]) -> Iterator[str]:
    yield f"# {NOTE}"
    yield "version: 2"
    yield ""
    yield "sources:"
    yield "- name: smokeball"
    yield "  description: A law firm's Smokeball account, loaded by tap-smokeball"
    yield "  schema: \"{{ var('smokeball_schema') }}\""
    yield "  database: \"{{ var('smokeball_database') or target.database }}\""
    yield "  config:"
    yield "    freshness:"
    yield "      warn_after: {count: 26, period: hour}"
    yield "      error_after: {count: 50, period: hour}"
    yield '    loaded_at_query: "{{ smokeball.complete_until_query(this) }}"'
    yield "  tables:"
    for stream in streams:
        yield f"  - name: {stream.name}"
        yield f"    description: {_quoted(summary(stream))}"
        if stream.sensitivity:
            yield f"    config: {{meta: {{sensitive: {stream.sensitivity}}}}}"
        yield "    columns:"
        sensitivity = {column.name: column.sensitivity for column in stream.all_columns}
        for name, prop in stream.schema["properties"].items():
            yield f"    - name: {name}"
            # Loaders for Postgres and BigQuery keep capitals; the others fold names.
            yield "      quote: \"{{ target.type in ('postgres', 'bigquery') }}\""
            yield f"      description: {_quoted(str(prop.get('description', '')))}"
            if sensitivity.get(name):
                yield f"      config: {{meta: {{sensitive: {sensitivity[name]}}}}}"


def summary(stream: DeclaredStream) -> str:
    """Return the first line of a stream's documentation."""
    return str(type(stream).__doc__).strip().splitlines()[0]


def _properties(
    streams: Sequence[DeclaredStream],
    columns: dict[str, list[StagedColumn]],
    links: list[tuple[str, str, str]],
) -> str:
    lines = [f"# {NOTE}", "version: 2", "", "models:"]
    for stream in streams:
        by_source = {
            path: column.name for column in columns[stream.name] for path in column.sources
        }
        keys = [by_source[name] for name in stream.primary_keys]
        lines += [
            f"- name: stg_smokeball__{stream.name}",
            f"  description: {_quoted(summary(stream))}",
            "  data_tests:",
            f"  - smokeball_key: {{arguments: {{columns: {json.dumps(keys)}}}}}",
        ]
        found = [
            link
            for target, source, label in links
            if source == stream.name
            for link in _links(by_source, columns, target, label)
        ]
        if found:
            lines += [
                "  - smokeball_links:",
                "      arguments:",
                "        links:",
                *(f"        - {json.dumps(link)}" for link in found),
                "      config: {severity: warn}",
            ]
        if stream.sensitivity:
            lines.append(f"  config: {{meta: {{sensitive: {stream.sensitivity}}}}}")
        lines.append("  columns:")
        for column in [*_own_columns(), *columns[stream.name]]:
            lines.append(f"  - name: {column.name}")
            lines.append(f"    description: {_quoted(column.description)}")
            if column.sensitivity and column.sensitivity != stream.sensitivity:
                lines.append(f"    config: {{meta: {{sensitive: {column.sensitivity}}}}}")
    return "\n".join([*lines, ""])


def _links(
    by_source: dict[str, str],
    columns: dict[str, list[StagedColumn]],
    target: str,
    label: str,
) -> Iterator[dict[str, Any]]:
    """Yield a link: the column, the path into it if it holds a list, and the key it references."""
    path, _, key = label.partition(" = ")
    keys = {source: column.name for column in columns[target] for source in column.sources}
    link: dict[str, Any] = {"to": f"stg_smokeball__{target}", "key": keys[key or "id"]}
    if "[]" not in path:
        yield {"column": by_source[path], **link}
        return
    before, _, rest = path.partition("[].")
    head, _, inside = before.partition(".")
    yield {"column": by_source[head], "list": inside, "path": rest, **link}


def _own_columns() -> Iterator[StagedColumn]:
    for name, text in (
        ("source_relation", "Name of the firm, if the package unites the schemas of several"),
        ("loaded_at", "Time of the load that last wrote the row, in UTC"),
        ("removed_at", "Time when the loader marked the row as deleted, in UTC"),
        ("is_deleted", "Whether the row is deleted, at Smokeball or by the loader"),
    ):
        yield StagedColumn(name, "text", [], text, None)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
