"""How values arrive in each warehouse: ``python -m tests.value_round_trips`` writes the tables."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scripts.generate_docs import replace_block
from smokeball_sandbox import SandboxServer
from tests.harness import catalog, truth
from tests.pipeline import WAREHOUSES, Pipeline
from tests.recorded_firm import STREAMS
from tests.servers import ROOT, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "warehouses.md"
HINT = "docs/warehouses.md is stale: run python -m tests.value_round_trips"

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
    """A value and where it is."""

    what: str
    sent: str
    stream: str
    key: str
    column: str


def prepare(firm: SandboxServer) -> list[Value]:
    """Give a firm rows with values of each kind; return where they are."""
    full, cleared, deleted = truth(firm, "fees")[-3:]
    task = truth(firm, "tasks")[-1]["row"]["id"]
    ids = [entry["row"]["id"] for entry in (full, cleared, deleted)]
    firm.control.touch("fees", ids[0], parent=full["parent"], set=FEE)
    firm.control.touch("fees", ids[1], parent=cleared["parent"], set=dict.fromkeys(CLEARED))
    firm.control.delete("fees", ids[2], parent=deleted["parent"], hard=False)
    firm.control.touch("tasks", task, set=TASK, updated=TICKS)

    def of_fee(what: str, column: str, sent: Any = None) -> Value:
        return Value(what, json.dumps(sent or FEE[column]), "fees", ids[0], column)

    return [
        Value("ticks", str(TICKS), "tasks", task, "lastUpdated"),
        of_fee("money", "amount"),
        of_fee("a number with 17 digits", "rate"),
        of_fee("date-time", "createdDate"),
        of_fee("date", "feeDate"),
        of_fee("boolean", "isBillable", sent=full["row"]["isBillable"]),
        of_fee("empty text", "description"),
        of_fee("link", "matter", sent={"id": "…", "href": "…", "rel": "Matters"}),
        Value("list of texts", json.dumps(TASK["categories"]), "tasks", task, "categories"),
        of_fee("list of objects", "sourceItems"),
        of_fee("a field new to the tap", "extraFields", sent={"newByVendor": "kept"}),
        *(Value(f"`{name}`, cleared", "nothing", "fees", ids[1], name) for name in CLEARED),
        Value("a deleted row", "true", "fees", ids[2], "isDeleted"),
    ]


def written(page: str, pipeline: Pipeline, values: list[Value]) -> str:
    """Return the page with what a warehouse has made of the values."""
    name = pipeline.warehouse.name
    return replace_block(page, "<!-- {} -->", name, list(_table(pipeline, values)))


def _table(pipeline: Pipeline, values: list[Value]) -> Iterator[str]:
    warehouse = pipeline.warehouse
    types = {stream: warehouse.types(stream) for stream in {value.stream for value in values}}
    yield "| Value | Smokeball says | Column type | Arrives as |"
    yield "|---|---|---|---|"
    for value in values:
        name = value.column
        text = f"{warehouse.text(name)}, {warehouse.column(name)} IS NULL"
        shown, is_null = pipeline.row(value.stream, value.key, text)
        of = {column.lower(): kind for column, kind in types[value.stream].items()}[name.lower()]
        arrived = "NULL" if is_null else _shown(shown, pipeline.firm.url)
        yield f"| {value.what} | `{value.sent}` | `{of}` | {arrived} |"


def _shown(value: Any, address: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if text == "null":
        return "JSON `null`"
    text = text.replace(address, "https://api.smokeball.com").replace("|", "\\|")
    return f"`{text}`" if text else "empty text"


def main() -> int:
    """Write the page anew, as far as there are warehouses."""
    for kind in WAREHOUSES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                SandboxServer(matters=25) as firm,
                kind(Path(folder)) as warehouse,
            ):
                values = prepare(firm)
                pipeline = Pipeline(firm, warehouse, Path(folder))
                pipeline.run(catalog(wanted=STREAMS))
                page = written(PAGE.read_text(encoding="utf-8"), pipeline, values)
                PAGE.write_text(page, encoding="utf-8")
        except Unavailable as reason:
            sys.stderr.write(f"{kind.name} is left as it is: {reason}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
