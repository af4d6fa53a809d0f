"""Two recorded runs of all streams, for tests of each stream."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from smokeball_sandbox import SandboxServer
from tap_smokeball import streams
from tap_smokeball.records.columns import walk_columns
from tests.harness import Output, catalog, config, run, sandbox_rows
from tests.sandbox_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

CONTENT_STREAMS = ("file_contents", "invoice_documents")
"""Streams that need a storage of documents; tests/test_documents.py has their tests."""
STREAMS = {
    name: stream
    for stream in streams.ALL
    if (name := str(vars(stream)["name"])) not in CONTENT_STREAMS
}
INCREMENTAL = sorted(name for name, stream in STREAMS.items() if "replication_key" in vars(stream))
OPT_IN = [
    ".".join([name, *place[1::2]])
    for name, stream in STREAMS.items()
    for place, field in walk_columns(stream.columns)
    if not field.selected
]


@dataclass
class RecordedFirm:
    """Two runs, with a changed row in each incremental stream between them."""

    rows: dict[str, list[Json]]
    first: Output
    changed_keys: dict[str, tuple[Any, ...]]
    rows_after: dict[str, list[Json]]
    second: Output
    requests: list[list[Json]]
    """The requests of each run."""

    def queries(self, template: str, run: int = 0) -> list[dict[str, list[str]]]:
        """Return the query parameters of each request for a path template."""
        found = [parse_qs(r["query"]) for r in self.requests[run] if r["template"] == template]
        assert found
        return found


@contextmanager
def record_two_runs() -> Iterator[RecordedFirm]:
    """Run the tap twice, with a change to each incremental stream in between."""
    with SandboxServer(matters=25) as sandbox:
        sandbox.control.subscribe("http://127.0.0.1:9/", event_types=["files.updated"])
        selection = catalog(wanted=STREAMS, select=OPT_IN)
        rows = {name: stream_rows(sandbox, name) for name in STREAMS}
        first = run(config(sandbox), catalog=selection)
        requests = [sandbox.control.requests(log=True)["log"]]
        changed_keys = {}
        for name in INCREMENTAL:
            parent = rows[name][-1]["parent"]
            changed_keys[name] = primary_key_of(
                name, sandbox.control.touch(name, parent=parent, nth=0)
            )
        rows_after = {name: stream_rows(sandbox, name) for name in STREAMS}
        sandbox.control.reset_requests()
        second = run(config(sandbox), first.state, selection)
        requests.append(sandbox.control.requests(log=True)["log"])
        yield RecordedFirm(rows, first, changed_keys, rows_after, second, requests)


def stream_rows(sandbox: SandboxServer, stream: str) -> list[Json]:
    """Return the sandbox's rows of a stream, with the ids that the tap takes from their place."""
    if stream == "webhook_subscriptions":
        client = Client(sandbox)
        with client.session:
            return [{"parent": None, "row": row} for row in client.page("/webhooks")["value"]]
    if stream in PARTS:
        return list(PARTS[stream](sandbox))
    return sandbox_rows(sandbox, stream)


def _file_versions(sandbox: SandboxServer) -> Iterator[Json]:
    matter_of = {e["row"]["id"]: e["parent"] for e in sandbox_rows(sandbox, "files")}
    for entry in sandbox_rows(sandbox, "file_versions"):
        file = entry["parent"]
        yield {**entry, "parent": matter_of[file], "row": {**entry["row"], "fileId": file}}


def _folder_versions(sandbox: SandboxServer) -> Iterator[Json]:
    matter_of = {e["row"]["id"]: e["parent"] for e in sandbox_rows(sandbox, "folders")}
    for entry in sandbox_rows(sandbox, "folder_versions"):
        folder = entry["parent"]
        yield {**entry, "parent": matter_of[folder], "row": {**entry["row"], "folderId": folder}}


def _layout_contacts(sandbox: SandboxServer) -> Iterator[Json]:
    matter_of = {e["row"]["itemId"]: e["parent"] for e in sandbox_rows(sandbox, "matter_layouts")}
    for entry in sandbox_rows(sandbox, "layout_contacts"):
        item = entry["parent"]
        yield {**entry, "parent": matter_of[item], "row": {**entry["row"], "itemId": item}}


def _event_reminders(sandbox: SandboxServer) -> Iterator[Json]:
    found: Counter[str] = Counter()
    for entry in sandbox_rows(sandbox, "event_reminders"):
        yield {**entry, "row": {**entry["row"], "index": found[entry["parent"]]}}
        found[entry["parent"]] += 1


def _layout_fields(sandbox: SandboxServer) -> Iterator[Json]:
    for entry in sandbox_rows(sandbox, "layout_designs"):
        design = entry["row"]
        for field in design["fields"]:
            row = {**field, "layoutDescription": design["description"]}
            yield {"parent": design["id"], "row": row}


def _matter_type_items(sandbox: SandboxServer) -> Iterator[Json]:
    used = {e["row"]["matterType"]["id"] for e in sandbox_rows(sandbox, "matters")}
    for entry in sandbox_rows(sandbox, "matter_types"):
        if (type_id := entry["row"]["id"]) in used:
            for index, item in enumerate(entry["row"]["items"]):
                yield {"parent": None, "row": {**item, "matterTypeId": type_id, "index": index}}


PARTS = {
    "file_versions": _file_versions,
    "folder_versions": _folder_versions,
    "layout_contacts": _layout_contacts,
    "event_reminders": _event_reminders,
    "layout_fields": _layout_fields,
    "matter_type_items": _matter_type_items,
}
"""Rows that are parts of others, or lie two levels below a list."""


def primary_keys(stream: str) -> tuple[str, ...]:
    declared = {str(vars(each)["name"]): vars(each) for each in (*streams.ALL, *streams.RUN_LOGS)}
    names: tuple[str, ...] = declared[stream]["primary_keys"]
    return names


def primary_key_of(stream: str, entry: Json) -> tuple[Any, ...]:
    """Return the primary key that the record of a sandbox row must have."""
    declared = STREAMS[stream]
    row = entry["row"]

    def part(name: str) -> Any:
        if name == declared.parent_key:
            return entry["parent"]
        return row[name] if name in row else row["matter"]["id"]

    return tuple(part(name) for name in primary_keys(stream))


def key_counts(output: Output, stream: str) -> Counter[tuple[Any, ...]]:
    names = primary_keys(stream)
    return Counter(tuple(r[name] for name in names) for r in output.records(stream))


def schema_of(output: Output, stream: str) -> Json:
    found: Json = next(
        m["schema"] for m in output.messages_of_type("SCHEMA") if m["stream"] == stream
    )
    return found
