"""A whole firm, loaded into a warehouse, is the firm; and so after changes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from smokeball_sandbox import SandboxServer
from tests import value_round_trips
from tests.harness import catalog, truth
from tests.pipeline import AMOUNTS, WAREHOUSES, Pipeline
from tests.recorded_firm import OPT_IN, STREAMS
from tests.servers import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warehouses import Warehouse

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)  # a whole firm, twice
@pytest.mark.parametrize("kind", WAREHOUSES, ids=lambda kind: kind.name)
def test_a_firm_is_loaded_and_kept(
    kind: type[Warehouse], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """One test a warehouse, so that each is set up and loaded once."""
    try:
        with SandboxServer(matters=25) as firm, kind(tmp_path) as warehouse:
            pipeline = Pipeline(firm, warehouse, tmp_path)
            rows = value_round_trips.prepare(firm)
            pipeline.run(catalog(wanted=STREAMS))
            same_as_the_firm(pipeline, subtests, "first run")
            change_the_firm(pipeline, subtests)
            with subtests.test("the page tells how values arrive"):
                page = value_round_trips.PAGE.read_text(encoding="utf-8")
                assert value_round_trips.written(page, pipeline, rows) == page, (
                    value_round_trips.HINT
                )
    except Unavailable as reason:
        pytest.skip(str(reason))


def same_as_the_firm(pipeline: Pipeline, subtests: pytest.Subtests, run: str) -> None:
    for stream in STREAMS:
        with subtests.test("every row is there once, its amounts exact", run=run, stream=stream):
            sent = pipeline.sent(stream)
            assert sent
            assert sorted(pipeline.loaded(stream), key=str) == sorted(sent, key=str)
    for stream, columns in AMOUNTS.items():
        for column in columns[:1]:
            with subtests.test("sums are the firm's", run=run, column=f"{stream}.{column}"):
                amounts = (e["row"].get(column, 0) for e in truth(pipeline.firm, stream))
                assert pipeline.sum(stream, column) == sum(amounts, Decimal())


def change_the_firm(pipeline: Pipeline, subtests: pytest.Subtests) -> None:
    firm, warehouse = pipeline.firm, pipeline.warehouse
    fees = [e for e in truth(firm, "fees") if e["row"].get("subject") and not e["row"]["isDeleted"]]
    cleared, deleted, corrected, grown = (entry["row"]["id"] for entry in fees[:4])
    parents = [entry["parent"] for entry in fees]
    nothing = dict.fromkeys(["subject", "amount", "feeDate", "staff"])
    firm.control.touch("fees", cleared, parent=parents[0], set=nothing)
    firm.control.delete("fees", deleted, parent=parents[1], hard=False)
    firm.control.touch("fees", corrected, parent=parents[2], set={"amount": 1234.56})
    firm.control.touch("fees", grown, parent=parents[3], set={"newByVendor": "kept"})
    firm.control.add("fees", parent=parents[0])
    pipeline.run(catalog(wanted=STREAMS, select=OPT_IN))
    same_as_the_firm(pipeline, subtests, "second run")
    with subtests.test("what was cleared is null"):
        names = ("subject", "amount", "feeDate", "staffId")
        values = [*map(warehouse.column, names), warehouse.inside("staff", "id")]
        assert pipeline.row("fees", cleared, *values)[:3] == [None] * 3
        assert pipeline.row("fees", cleared, *values)[-1] is None
    with subtests.test("what was deleted says so"):
        assert pipeline.row("fees", deleted, warehouse.column("isDeleted")) == [True]
    with subtests.test("what was corrected is corrected"):
        [amount] = pipeline.row("fees", corrected, warehouse.column("amount"))
        assert Decimal(amount) == Decimal("1234.56")
    with subtests.test("what the vendor adds is kept"):
        extra = warehouse.inside("extraFields", "newByVendor")
        assert pipeline.row("fees", grown, extra) == ["kept"]
    with subtests.test("a column that is selected later is added and filled"):
        if not warehouse.grows:
            pytest.skip("the emulator does not add columns")
        memo = next(e["row"] for e in truth(firm, "memos") if e["row"].get("text"))
        assert pipeline.row("memos", memo["id"], warehouse.column("text")) == [memo["text"]]
