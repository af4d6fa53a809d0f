"""Generate the JSON Schemas of the reports, and the tables of their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from tap_smokeball.reporting.report_types import REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "docs/schemas"
TABLES = {
    "run fields": ("run_summary", "RunSummary"),
    "failure fields": ("run_summary", "Failure"),
    "stream fields": ("run_summary", "StreamSummary"),
    "plan fields": ("plan", "Plan"),
    "plan stream fields": ("plan", "StreamPlan"),
    "test fields": ("test", "AccessReport"),
    "test stream fields": ("test", "StreamAccess"),
}
"""Name of the block on the page -> report and type of the fields."""


def schemas() -> dict[str, str]:
    """Return the JSON Schemas, by the path of their file."""
    return {f"{FOLDER}/{name}.json": json.dumps(_schema(name), indent=2) + "\n" for name in REPORTS}


def tables() -> dict[str, list[str]]:
    """Return the tables of fields as Markdown lines, by the name of their block."""
    return {
        block: ["| Field | Meaning |", "|---|---|", *_rows(_schema(report)["$defs"][kind])]
        for block, (report, kind) in TABLES.items()
    }


def _schema(name: str) -> dict[str, Any]:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **msgspec.json.schema(REPORTS[name])}


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {field['description']} |"
