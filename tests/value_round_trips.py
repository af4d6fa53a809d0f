"""Documents how warehouses store values: ``python -m tests.value_round_trips``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.generate_docs import replace_block
from smokeball_sandbox import SandboxServer
from tests.harness import catalog, sandbox_rows
from tests.pipeline import WAREHOUSES, Pipeline
from tests.recorded_firm import STREAMS
from tests.servers import ROOT, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.memory_firm import MemoryFirm

PAGE = ROOT / "docs" / "warehouses.md"
STALE_PAGE_HINT = "docs/warehouses.md is stale: run python -m tests.value_round_trips"

TICKS = 638_712_345_678_901_234
FEE = {
    "amount": 1234.56,
    "rate": 33.333333333333336,
    "feeDate": "2026-03-04",
    "createdDate": "2026-03-04T05:06:07.1234567+11:00",
    "description": "",
    "sourceItems": [{"description": "Travel", "duration": 6, "isBillable": True}],
    "newByVendor": "kept",
}
TASK = {"categories": ["Client", "Accounts"]}
CLEARED = ("amount", "createdDate", "subject", "staff", "sourceItems")


class Value(NamedTuple):
    """A value that the sandbox sends, and its place in the warehouse."""

    description: str
    sent: str
    stream: str
    key: str
    column: str


def add_sample_values(firm: SandboxServer | MemoryFirm) -> list[Value]:
    """Add rows with values of each type to a firm; return their places."""
    full, cleared, deleted = sandbox_rows(firm, "fees")[-3:]
    task = sandbox_rows(firm, "tasks")[-1]["row"]["id"]
    ids = [entry["row"]["id"] for entry in (full, cleared, deleted)]
    firm.control.touch("fees", ids[0], parent=full["parent"], set=FEE)
    firm.control.touch("fees", ids[1], parent=cleared["parent"], set=dict.fromkeys(CLEARED))
    firm.control.delete("fees", ids[2], parent=deleted["parent"], hard=False)
    firm.control.touch("tasks", task, set=TASK, updated=TICKS)

    def fee_value(description: str, column: str, sent: Any = None) -> Value:
        return Value(description, json.dumps(sent or FEE[column]), "fees", ids[0], column)

    return [
        Value("ticks", str(TICKS), "tasks", task, "lastUpdated"),
        fee_value("money", "amount"),
        fee_value("a number with 17 digits", "rate"),
        fee_value("date-time", "createdDate"),
        fee_value("date", "feeDate"),
        fee_value("boolean", "isBillable", sent=full["row"]["isBillable"]),
        fee_value("empty text", "description"),
        fee_value("link", "matter", sent={"id": "…", "href": "…", "rel": "Matters"}),
        Value("list of texts", json.dumps(TASK["categories"]), "tasks", task, "categories"),
        fee_value("list of objects", "sourceItems"),
        fee_value("a field new to the tap", "extraFields", sent={"newByVendor": "kept"}),
        *(Value(f"`{name}`, cleared", "nothing", "fees", ids[1], name) for name in CLEARED),
        Value("a deleted row", "true", "fees", ids[2], "isDeleted"),
    ]


def update_page(page: str, pipeline: Pipeline, values: list[Value]) -> str:
    """Return the page with a table of the values in a warehouse."""
    name = pipeline.warehouse.name
    return replace_block(page, "<!-- {} -->", name, list(_table(pipeline, values)))


def _table(pipeline: Pipeline, values: list[Value]) -> Iterator[str]:
    warehouse = pipeline.warehouse
    types = {stream: warehouse.types(stream) for stream in {value.stream for value in values}}
    yield "| Value | Smokeball says | Column type | Arrives as |"
    yield "|---|---|---|---|"
    for value in values:
        name = value.column
        text = f"{warehouse.as_text(name)}, {warehouse.column(name)} IS NULL"
        shown, is_null = pipeline.select_row(value.stream, value.key, text)
        column_type = {
            column.lower(): type_name for column, type_name in types[value.stream].items()
        }[name.lower()]
        rendered = "NULL" if is_null else _render(shown, pipeline.firm.url)
        yield f"| {value.description} | `{value.sent}` | `{column_type}` | {rendered} |"


def _render(value: Any, address: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if text == "null":
        return "JSON `null`"
    text = text.replace(address, "https://api.smokeball.com").replace("|", "\\|")
    return f"`{text}`" if text else "empty text"


def main() -> int:
    """Regenerate the page for the warehouses that this machine can run."""
    for warehouse_type in WAREHOUSES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                SandboxServer(matters=25) as firm,
                warehouse_type(Path(folder)) as warehouse,
            ):
                values = add_sample_values(firm)
                pipeline = Pipeline(firm, warehouse, Path(folder))
                pipeline.run(catalog(wanted=STREAMS))
                page = update_page(PAGE.read_text(encoding="utf-8"), pipeline, values)
                PAGE.write_text(page, encoding="utf-8")
        except UnavailableError as error:
            sys.stderr.write(f"{warehouse_type.name} is unchanged: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
