"""Batch files loaded in bulk become the rows and the tables of the ordinary loader."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.singer.message_writer import encode_json
from tests import value_round_trips
from tests.harness import catalog, config, run, sandbox_rows
from tests.memory_firm import MemoryFirm
from tests.servers import ROOT, UnavailableError
from tests.warehouses import BigQuery, DuckDB, Postgres, Snowflake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.harness import Json
    from tests.warehouses import Warehouse

pytestmark = pytest.mark.slow

BULK_LOAD = ROOT / "loaders" / "bulk-load" / "bulk_load.py"
STREAMS = ("staff", "contacts", "matters", "tasks", "fees", "sync_runs")
DATA_STREAMS = STREAMS[:-1]


class Runs:
    """A full run as records and as batches, and an incremental run that follows.

    Attributes:
        full: Messages of the full run, with records.
        batches: The same with batches.
        incremental: Messages of the run that follows, from the state of the batches.
        both: The full run with records, and the one that follows.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        firm = MemoryFirm(matters=8)
        value_round_trips.add_sample_values(firm)
        [first, second, *_] = [e for e in sandbox_rows(firm, "fees") if not e["row"]["isDeleted"]]
        text = "nul \0 in \\u0000 text, 'quotes', \"double\", \t tab\nand é 日本"
        firm.control.touch(
            "fees", first["row"]["id"], parent=first["parent"], set={"subject": text}
        )
        selection = catalog(wanted=STREAMS)
        batch = {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{folder}/batch files"},
            "batch_size": 20,
        }
        self.full = write(
            folder / "full.jsonl", run(config(firm, **settings), catalog=selection).messages
        )
        done = run(config(firm, **settings, batch_config=batch), catalog=selection)
        self.batches = write(folder / "batches.jsonl", done.messages)
        firm.control.settings(clock_offset_seconds=5)
        firm.control.touch(
            "fees", second["row"]["id"], parent=second["parent"], set={"amount": 99.95}
        )
        firm.control.add("fees", parent=first["parent"])
        later = run(config(firm, **settings), done.state, selection)
        self.incremental = write(folder / "incremental.jsonl", later.messages)
        self.both = folder / "both.jsonl"
        self.both.write_bytes(self.full.read_bytes() + self.incremental.read_bytes())
        self.fees = len(sandbox_rows(firm, "fees"))
        self.state = done.state


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


def write(path: Path, messages: Iterable[Json]) -> Path:
    path.write_bytes(b"".join(encode_json(message) + b"\n" for message in messages))
    return path


def bulk_load(output: str, messages: Path, folder: Path) -> Path:
    """Write an output of the script to a file."""
    done = subprocess.run(
        [sys.executable, str(BULK_LOAD), output, str(messages)],
        capture_output=True,
        check=True,
    )
    path = folder / output
    path.write_bytes(done.stdout)
    return path


def snapshot(warehouse: Warehouse) -> dict[str, Any]:
    """Return types and rows of the tables, with documents as values and without load times."""
    tables: dict[str, Any] = {}
    for stream in STREAMS:
        types = dict(sorted(warehouse.types(stream).items()))
        # Ticks of the run differ from run to run.
        run = {"extractedticks"}
        names = [n for n in types if not n.lower().startswith("_sdc_") and n.lower() not in run]
        columns = ", ".join(warehouse.column(name) for name in names)
        rows = warehouse.query(f"SELECT {columns} FROM {warehouse.table(stream)}")  # noqa: S608
        found = [dict(zip(names, map(document, row), strict=True)) for row in rows]
        if isinstance(warehouse, Snowflake):  # fakesnow loses the loader's JSON null
            found = [{n: None if v == "null" else v for n, v in row.items()} for row in found]
        tables[stream] = (types, sorted(found, key=str) if stream in DATA_STREAMS else len(found))
    return tables


def assert_equal(loaded: dict[str, Any], expected: dict[str, Any]) -> None:
    for stream, (types, rows) in expected.items():
        assert loaded[stream][0] == types
        if isinstance(rows, int):
            assert loaded[stream][1] == rows
        else:
            for found, row in zip(loaded[stream][1], rows, strict=True):
                assert found == row


def document(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value, parse_float=Decimal)
        except ValueError:
            return value
    return value


def assert_times_are_set(warehouse: Warehouse, times: str) -> None:
    [[rows, extracted, batched]] = warehouse.query(
        f"SELECT {times} FROM {warehouse.table('matters')}"  # noqa: S608
    )
    assert rows == extracted == batched > 0


TIMES = "count(*), count(_sdc_extracted_at), count(_sdc_batched_at)"


def test_duckdb_loader_loads_batches(runs: Runs, tmp_path: Path) -> None:
    """Rows and types are those of records, and the next run's records follow."""
    (tmp_path / "records").mkdir()
    (tmp_path / "batches").mkdir()
    try:
        with DuckDB(tmp_path / "records") as expected, DuckDB(tmp_path / "batches") as loaded:
            expected.load(runs.both)
            assert loaded.load(runs.batches) == json.loads(encode_json(runs.state))
            assert_times_are_set(loaded, TIMES)
            loaded.load(runs.incremental)
            after = snapshot(loaded)
            assert_equal(after, snapshot(expected))
            assert len(after["fees"][1]) == runs.fees
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.nightly
def test_postgres_holds_bulk_load(runs: Runs, tmp_path: Path) -> None:
    """Rows and types are those of the loader, whose next run continues from the state."""
    if not shutil.which("psql"):
        pytest.skip("psql is not installed")
    try:
        with Postgres(tmp_path) as warehouse:
            warehouse.load(runs.both)
            expected = snapshot(warehouse)
            warehouse.run_script("DROP SCHEMA smokeball CASCADE")
            warehouse.load(bulk_load("tables", runs.batches, tmp_path))
            psql = ["psql", "--quiet", "--no-psqlrc", "--host=127.0.0.1", "--username=postgres"]
            script = bulk_load("postgres", runs.batches, tmp_path)
            for _ in range(2):  # a load that is repeated replaces its rows
                subprocess.run([*psql, f"--port={warehouse.port}", f"--file={script}"], check=True)
            assert_times_are_set(warehouse, TIMES)
            warehouse.load(runs.incremental)
            assert_equal(snapshot(warehouse), expected)
    except UnavailableError as error:
        pytest.skip(str(error))
    state = json.loads(bulk_load("state", runs.batches, tmp_path).read_text())
    assert state == {"singer_state": json.loads(encode_json(runs.state))}


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("warehouse_type", [Snowflake, BigQuery], ids=lambda each: each.name)
def test_cloud_warehouse_holds_bulk_load(warehouse_type: type[Warehouse], tmp_path: Path) -> None:
    """In the emulator, rows and types are those of the loader, and its next run continues."""
    runs = Runs(tmp_path, use_singer_decimal=True)
    snapshots = []
    try:
        for name in ("ordinary", "bulk"):
            (folder := tmp_path / name).mkdir()
            with warehouse_type(folder) as warehouse:
                if name == "ordinary":
                    warehouse.load(runs.full)
                else:
                    warehouse.load(bulk_load("tables", runs.batches, folder))
                    script = bulk_load(warehouse.environment[7:], runs.batches, folder)
                    for _ in range(2):
                        warehouse.session("execute", script.read_text())
                warehouse.load(runs.incremental)
                snapshots.append(snapshot(warehouse))
    except UnavailableError as error:
        pytest.skip(str(error))
    expected, loaded = snapshots
    assert_equal(loaded, expected)
