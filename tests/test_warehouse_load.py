"""A warehouse holds the rows of the firm after a full and an incremental load."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from smokeball_sandbox import SandboxServer
from tests import value_round_trips
from tests.harness import catalog, sandbox_rows
from tests.pipeline import AMOUNTS, WAREHOUSES, Pipeline
from tests.recorded_firm import OPT_IN, STREAMS
from tests.servers import UnavailableError
from tests.warehouses import Snowflake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warehouses import Warehouse

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)  # a whole firm, twice
@pytest.mark.parametrize(
    "warehouse_type",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.nightly] if each is Snowflake else [])
        for each in WAREHOUSES
    ],
)
def test_warehouse_holds_firm_after_two_loads(
    warehouse_type: type[Warehouse], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """One test per warehouse, so that each is started and loaded once."""
    try:
        with SandboxServer(matters=25) as firm, warehouse_type(tmp_path) as warehouse:
            firm.control.subscribe("http://127.0.0.1:9/", event_types=["files.updated"])
            pipeline = Pipeline(firm, warehouse, tmp_path)
            rows = value_round_trips.add_sample_values(firm)
            pipeline.run(catalog(wanted=[*STREAMS, "sync_runs"]))
            verify_rows(pipeline, subtests, "first run")
            change_firm(pipeline, subtests)
            with subtests.test("the page documents the stored values"):
                page = value_round_trips.PAGE.read_text(encoding="utf-8")
                assert value_round_trips.update_page(page, pipeline, rows) == page, (
                    value_round_trips.STALE_PAGE_HINT
                )
    except UnavailableError as error:
        pytest.skip(str(error))


def verify_rows(pipeline: Pipeline, subtests: pytest.Subtests, run: str) -> None:
    for stream in STREAMS:
        with subtests.test("each row is loaded once, with exact amounts", run=run, stream=stream):
            source = pipeline.source_rows(stream)
            assert source
            assert sorted(pipeline.loaded_rows(stream), key=str) == sorted(source, key=str)
    for stream, columns in AMOUNTS.items():
        for column in columns[:1]:
            with subtests.test(
                "sums equal those of the firm", run=run, column=f"{stream}.{column}"
            ):
                amounts = (e["row"].get(column, 0) for e in sandbox_rows(pipeline.firm, stream))
                assert pipeline.column_sum(stream, column) == sum(amounts, Decimal())


def change_firm(pipeline: Pipeline, subtests: pytest.Subtests) -> None:
    firm, warehouse = pipeline.firm, pipeline.warehouse
    fees = [
        e
        for e in sandbox_rows(firm, "fees")
        if e["row"].get("subject") and not e["row"]["isDeleted"]
    ]
    cleared, deleted, corrected, extended = (entry["row"]["id"] for entry in fees[:4])
    parents = [entry["parent"] for entry in fees]
    cleared_values = dict.fromkeys(["subject", "amount", "feeDate", "staff"])
    firm.control.touch("fees", cleared, parent=parents[0], set=cleared_values)
    firm.control.delete("fees", deleted, parent=parents[1], hard=False)
    firm.control.touch("fees", corrected, parent=parents[2], set={"amount": 1234.56})
    firm.control.touch("fees", extended, parent=parents[3], set={"newByVendor": "kept"})
    firm.control.add("fees", parent=parents[0])
    pipeline.run(catalog(wanted=[*STREAMS, "sync_runs"], select=OPT_IN))
    verify_rows(pipeline, subtests, "second run")
    with subtests.test("both runs are logged, with each stream"):
        columns = ", ".join(map(warehouse.column, ("runId", "stream", "status")))
        logged = warehouse.query(f"SELECT {columns} FROM {warehouse.table('sync_runs')}")  # noqa: S608
        assert {row[2] for row in logged} == {"complete"}
        for run_id in {row[0] for row in logged}:
            assert {row[1] for row in logged if row[0] == run_id} == set(STREAMS)
        assert len(logged) == 2 * len(STREAMS)
    with subtests.test("cleared values are null"):
        names = ("subject", "amount", "feeDate", "staffId")
        values = [*map(warehouse.column, names), warehouse.json_field("staff", "id")]
        assert pipeline.select_row("fees", cleared, *values)[:3] == [None] * 3
        assert pipeline.select_row("fees", cleared, *values)[-1] is None
    with subtests.test("the deleted row is marked"):
        assert pipeline.select_row("fees", deleted, warehouse.column("isDeleted")) == [True]
    with subtests.test("the corrected amount is loaded"):
        [amount] = pipeline.select_row("fees", corrected, warehouse.column("amount"))
        assert Decimal(amount) == Decimal("1234.56")
    with subtests.test("unknown fields are kept"):
        extra = warehouse.json_field("extraFields", "newByVendor")
        assert pipeline.select_row("fees", extended, extra) == ["kept"]
    with subtests.test("a column selected later is added and filled"):
        if not warehouse.can_add_columns:
            pytest.skip("the emulator does not add columns")
        memo = next(e["row"] for e in sandbox_rows(firm, "memos") if e["row"].get("text"))
        assert pipeline.select_row("memos", memo["id"], warehouse.column("text")) == [memo["text"]]
