"""Generate the documentation and configuration files that follow from the code.

``python -m scripts.generate_docs`` writes the files. With ``--check`` it writes nothing and exits
with 1 if a file is stale.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts import (
    benchmark,
    dbt_docs,
    dbt_staging,
    fleet_scale,
    generate_error_table,
    meltano,
    probe_answers,
    report_schemas,
    scale,
    sensitive_columns,
    settings_reference,
    unread_endpoints,
)
from scripts.settings_reference import column_type
from tap_smokeball.config.settings import CONFIG_JSONSCHEMA
from tap_smokeball.records.columns import walk_columns
from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.content_stream import ContentStream
from tap_smokeball.sync.item_stream import ItemStream
from tap_smokeball.sync.lookup_stream import LookupStream
from tap_smokeball.tap import TapSmokeball

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.records.columns import Sensitivity
    from tap_smokeball.sync.declared_stream import DeclaredStream

ROOT = Path(__file__).parent.parent
COMMENT = "<!-- {} -->"
"""Markdown comment that delimits a generated block."""


def main(arguments: list[str]) -> int:
    """Write the files, or check them, and return the exit status."""
    generated = {
        "docs/settings.md": settings_reference.settings_page(),
        "docs/streams.md": streams_page(),
        "docs/scale.md": scale_page(),
        ".env.example": settings_reference.env_example(),
        "docs/errors.md": replace_block(
            read("docs/errors.md"), COMMENT, "policy", generate_error_table.table()
        ),
        "docs/security.md": replace_block(
            read("docs/security.md"), COMMENT, "sensitive", sensitive_columns.table(streams())
        ),
        "docs/smokeball.md": replace_block(
            read("docs/smokeball.md"), COMMENT, "probes", probe_answers.table(ROOT / "docs/probes")
        ),
        "docs/operations.md": operations_page(),
        **report_schemas.schemas(),
        "README.md": readme(),
        **benchmark.pages(read, replace_block),
        "meltano.yml": meltano_project(),
        "examples/meltano/smokeball.meltano.yml": meltano.fragment(meltano_project()),
        "hub/tap-smokeball.yml": meltano.hub_definition(
            CONFIG_JSONSCHEMA, settings_reference.all_settings(), streams(), python_versions()
        ),
        **dbt_staging.files(streams(), read("docs/joins.md")),
        "docs/analytics.md": replace_block(
            read("docs/analytics.md"), COMMENT, "marts", list(dbt_docs.marts(read(dbt_docs.MARTS)))
        ),
    }
    return write_or_check(generated, check="--check" in arguments)


def write_or_check(generated: dict[str, str], *, check: bool) -> int:
    """Write the stale files, or report them, and return the exit status."""
    stale = [name for name, text in generated.items() if read(name) != text]
    if check:
        for name in stale:
            sys.stderr.write(f"{name} is stale. Run `make docs`.\n")
        return bool(stale)
    for name in stale:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(generated[name], encoding="utf-8")
    return 0


def read(name: str) -> str:
    """Return the text of a file of the repository, or "" if it does not exist."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def replace_block(text: str, comment: str, block: str, lines: list[str]) -> str:
    """Return a text with the lines of one generated block replaced.

    Args:
        text: The text.
        comment: Format of a comment line; ``{}`` stands for ``<block>: begin`` or ``: end``.
        block: Name of the block.
        lines: New lines between the two comments; they get the indentation of the comments.

    Raises:
        ValueError: The text has no such block.
    """
    old = text.splitlines()
    stripped = [line.strip() for line in old]
    begin, end = (stripped.index(comment.format(f"{block}: {edge}")) for edge in ("begin", "end"))
    indent = old[begin][: len(old[begin]) - len(old[begin].lstrip())]
    new = [f"{indent}{line}".rstrip() for line in lines]
    return "\n".join([*old[: begin + 1], *new, *old[end:]]) + "\n"


def readme() -> str:
    """Return the README with the table of streams and the benchmark."""
    text = replace_block(read("README.md"), COMMENT, "streams", stream_table())
    return replace_block(text, COMMENT, "benchmark", benchmark.readme_block())


def operations_page() -> str:
    """Return docs/operations.md with the fields of the reports."""
    text = read("docs/operations.md")
    for block, lines in report_schemas.tables().items():
        text = replace_block(text, COMMENT, block, lines)
    return text


def meltano_project() -> str:
    """Return meltano.yml with the settings and selections of the tap."""
    blocks = {"settings": meltano.settings(CONFIG_JSONSCHEMA), **meltano.selections(streams())}
    text = read("meltano.yml")
    for block, lines in blocks.items():
        text = replace_block(text, "# generated {}", block, lines)
    return text


def scale_page() -> str:
    """Return docs/scale.md with its tables."""
    text = read("docs/scale.md")
    for block, lines in (scale.tables() | fleet_scale.tables()).items():
        text = replace_block(text, COMMENT, block, lines)
    return text


def python_versions() -> list[str]:
    """Return the versions of Python that the package declares."""
    return re.findall(r"Programming Language :: Python :: (3\.\d+)", read("pyproject.toml"))


def streams() -> list[DeclaredStream]:
    """Return the streams in the order of their declaration."""
    return TapSmokeball(validate_config=False).discover_streams()  # type: ignore[return-value]


def api_streams() -> list[SmokeballStream]:
    """Return the streams that read the API."""
    return [stream for stream in streams() if isinstance(stream, SmokeballStream)]


def stream_table() -> list[str]:
    """Return the overview of the streams."""
    lines = ["| Stream | Content | Replication | Child of |", "|---|---|---|---|"]
    for stream in streams():
        parent = parent_name(stream)
        star = "" if stream.selected_by_default else " \\*"
        lines.append(
            f"| [`{stream.name}`](docs/streams.md#{stream.name}){star} | {summary(stream)} "
            f"| {replication(stream)} | {parent and f'`{parent}`'} |"
        )
    return [*lines, "", "\\* not selected by default"]


def parent_name(stream: DeclaredStream) -> str:
    """Return the name of the parent stream, or ""."""
    parent = stream.parent_stream_type
    return str(vars(parent)["name"]) if parent else ""


def summary(stream: DeclaredStream) -> str:
    """Return the first line of the stream's docstring."""
    return str(type(stream).__doc__).strip().splitlines()[0]


def replication(stream: DeclaredStream) -> str:
    """Return the replication method, with the replication key if there is one."""
    key = stream.replication_key
    if not isinstance(stream, SmokeballStream):
        return "the rows of this run"
    return f"incremental, `{key}`" if key else "full table"


def streams_page() -> str:
    """Return the reference of the streams."""
    lines = [
        "# Streams",
        "",
        "Generated from the code. Every column is nullable, because Smokeball omits empty fields.",
        "[Incremental sync and state](incremental.md) explains replication, and",
        "[Joining the streams](joins.md) shows the foreign keys. Columns with sensitive data are",
        "marked: *personal*, *identity* (official documents and numbers, birth, family), *health*,",
        "*privileged* (between lawyer and client) or *trust* (client money). The same marks are in",
        "the catalog. [Security and privacy](security.md#sensitive-columns) lists them.",
    ]
    for stream in streams():
        lines += ["", f"## {stream.name}", "", summary(stream), "", *facts(stream), ""]
        sensitivity = {
            ".".join(breadcrumb[1::2]): column.sensitivity
            for breadcrumb, column in walk_columns(stream.all_columns)
        }
        lines += ["| Column | Type | Description |", "|---|---|---|"]
        lines += column_rows(stream.schema, sensitivity)
    lines += ["", *unread_endpoints.section()]
    return "\n".join(lines) + "\n"


def facts(stream: DeclaredStream) -> Iterator[str]:
    """Yield the facts about a stream other than its columns."""
    if isinstance(stream, SmokeballStream):
        address = f" and `{stream.address_path}`" if isinstance(stream, ContentStream) else ""
        yield f"- Endpoint: `GET {stream.path}`{address}, scope `{stream.scope}`"
    else:
        page = "operations.md#when-a-table-was-loaded"
        yield f"- Endpoint: none; see [When a table was loaded]({page})"
    yield f"- Primary key: {', '.join(f'`{key}`' for key in stream.primary_keys)}"
    yield f"- Replication: {replication(stream)}"
    yield f"- Requests per run: {requests_per_run(stream)}"
    if isinstance(stream, SmokeballStream):
        events = ", ".join(f"`{name}`" for name in stream.event_types) or "none"
        yield f"- Webhook events: {events}"
    if stream.sensitivity:
        yield f"- Sensitive: all columns are *{stream.sensitivity}*"
    opt_in = [
        f"`{'.'.join(breadcrumb[1::2])}`"
        for breadcrumb, column in walk_columns(stream.columns)
        if not column.selected
    ]
    if not stream.selected_by_default:
        yield "- Not selected by default"
    elif opt_in:
        yield f"- Not selected by default: {', '.join(opt_in)}"


def requests_per_run(stream: DeclaredStream) -> str:
    """Return the number of requests of a run in words."""
    if not isinstance(stream, SmokeballStream):
        return "0"
    if isinstance(stream, LookupStream):
        sources = " and ".join(f"`{source.name}`" for source in stream.sources)
        return f"1 per distinct ID, plus the list of {sources}"
    if isinstance(stream, ContentStream):
        source = stream.documents.name
        return f"as `{source}`, plus 1 per row whose content is not stored yet"
    if isinstance(stream, ItemStream):
        return f"1 per row of `matters`, plus 1 per row of `{stream.items.name}`"
    if not isinstance(stream, ChildStream):
        return "1 per 500 rows" if stream.response_format.is_paged else "1"
    condition = f" with `{stream.required_parent_field}`" if stream.required_parent_field else ""
    more = ", plus 1 for every further 500 rows" if stream.response_format.is_paged else ""
    return f"1 per row of `{parent_name(stream)}`{condition}{more}"


def column_rows(
    schema: dict[str, Any],
    sensitivity: dict[str, Sensitivity | None],
    prefix: str = "",
) -> Iterator[str]:
    """Yield a table row for each column, including nested ones."""
    for name, prop in schema["properties"].items():
        inner, path = prop, f"{prefix}{name}"
        mark = f" (*{sensitivity[path]}*)" if sensitivity.get(path) else ""
        if "items" in prop:
            inner, path = prop["items"], f"{path}[]"
        yield f"| `{path}` | {column_type(prop)} | {prop.get('description', '')}{mark} |"
        if "properties" in inner and set(inner["properties"]) != {"id", "href"}:
            yield from column_rows(inner, sensitivity, f"{path}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
