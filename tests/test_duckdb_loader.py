"""The wrapper of target-duckdb emits the last state when all rows are loaded."""

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
    try:
        python = environment_python("target-duckdb")
    except UnavailableError as error:
        pytest.skip(str(error))
    settings = {
        "path": str(tmp_path / "rows.duckdb"),
        "default_target_schema": "smokeball",
        "batch_size_rows": 2,
        "flush_all_streams": flushes_all,
    }
    (tmp_path / "config.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [str(python), str(LAUNCHER), "--config", str(tmp_path / "config.json")],
        input="".join(f"{json.dumps(message)}\n" for message in messages),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == messages[-1]["value"]
