"""The wrapper of target-duckdb loads batches, and emits the last state when all is loaded."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import UnavailableError, environment_python
from tests.warehouses import LAUNCHER

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

TEXT = {"type": ["string", "null"]}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "fees",
    "schema": {"type": "object", "properties": {"id": TEXT, "text": TEXT}},
    "key_properties": ["id"],
}


def record(number: int) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "fees", "record": {"id": str(number), "text": "a"}}


def state(number: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"fees": {"at": number}}}}


def load(
    messages: list[dict[str, Any]], folder: Path, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run the wrapper with batches of two rows."""
    try:
        python = environment_python("target-duckdb")
    except UnavailableError as error:
        pytest.skip(str(error))
    settings |= {
        "path": str(folder / "rows.duckdb"),
        "default_target_schema": "smokeball",
        "batch_size_rows": 2,
    }
    (folder / "config.json").write_text(json.dumps(settings))
    return subprocess.run(
        [str(python), str(LAUNCHER), "--config", str(folder / "config.json")],
        input="".join(f"{json.dumps(message)}\n" for message in messages),
        capture_output=True,
        text=True,
        check=False,
    )


def batch(folder: Path, *rows: tuple[str, str], file_format: str = "jsonl") -> dict[str, Any]:
    """Write the file of a batch, and return its message."""
    file = folder / "batch.json"
    lines = [json.dumps({"id": key, "text": text}) for key, text in rows]
    file.write_text("\n".join(lines))
    encoding = {"format": file_format, "compression": "none"}
    manifest = [file.as_uri()]
    return {"type": "BATCH", "stream": "fees", "encoding": encoding, "manifest": manifest}


@pytest.mark.parametrize(
    "messages",
    [
        [SCHEMA, state(1), record(1), record(2), state(2)],  # the last batch is full
        [SCHEMA, state(1), state(2)],  # no row at all
        [SCHEMA, record(1), state(2)],
    ],
)
@pytest.mark.parametrize("flushes_all", [True, False])
def test_duckdb_loader_emits_last_state(
    tmp_path: Path, messages: list[dict[str, Any]], *, flushes_all: bool
) -> None:
    """Also if no row follows it: the next run would repeat what was done."""
    done = load(messages, tmp_path, flush_all_streams=flushes_all)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == messages[-1]["value"]


def test_duckdb_loader_loads_batch_after_records(tmp_path: Path) -> None:
    """What came last counts: in a file, and between records and batches."""
    message = batch(tmp_path, ("0", "batch"), ("5", "first"), ("5", "last"))
    done = load([SCHEMA, record(0), record(7), message, record(7), state(1)], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == state(1)["value"]
    assert rows(tmp_path) == [["0", "batch"], ["5", "last"], ["7", "a"]]


@pytest.mark.parametrize(
    ("file_format", "settings", "error"),
    [
        ("parquet", {}, "Set batch_config.encoding.format of the tap to jsonl"),
        ("jsonl", {"data_flattening_max_level": 1}, "data_flattening_max_level does not apply"),
    ],
)
def test_duckdb_loader_refuses_other_batches(
    tmp_path: Path, file_format: str, settings: dict[str, Any], error: str
) -> None:
    message = batch(tmp_path, ("0", "a"), file_format=file_format)
    done = load([SCHEMA, message, state(1)], tmp_path, **settings)
    assert done.returncode != 0
    assert error in done.stderr
    assert done.stdout == ""


def rows(folder: Path) -> list[list[Any]]:
    python = environment_python("target-duckdb")
    program = (
        "import duckdb, json, sys\n"
        "query = 'SELECT id, text FROM smokeball.fees ORDER BY id'\n"
        "print(json.dumps(duckdb.connect(sys.argv[1]).sql(query).fetchall()))"
    )
    done = subprocess.run(
        [str(python), "-c", program, str(folder / "rows.duckdb")],
        capture_output=True,
        check=True,
    )
    found: list[list[Any]] = json.loads(done.stdout)
    return found
