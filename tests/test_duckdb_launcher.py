"""The DuckDB launcher loads values that CSV format detection would misread."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers import UnavailableError
from tests.warehouses import DuckDB

pytestmark = pytest.mark.slow

AMBIGUOUS_ROWS = [
    ("", "x"),
    ("a;b", "c;d"),
    ("it's", "'"),
    ("#", "\\"),
    ("\\N", "NULL"),
    ("line\nbreak", "carriage\rreturn"),
    ('"quoted"', "a,b"),
    ("\t", "  spaces  "),
    ("é", "日本"),
    ("x" * 5_000_000, "larger than DuckDB's own limit of a line"),
]
VALUES = st.text(st.sampled_from("a;,'|\t#\\\"\n\ré "), max_size=5)


@pytest.mark.parametrize(
    "rows",
    [AMBIGUOUS_ROWS, AMBIGUOUS_ROWS[:1], AMBIGUOUS_ROWS[1:2]],
    ids=["all values", "empty text", "semicolons"],
)
def test_duckdb_load_keeps_ambiguous_values(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    """Values that DuckDB's CSV detection misreads are loaded exactly."""
    database = tmp_path / "warehouse.duckdb"
    assert load_rows(rows, tmp_path) == expected_rows(rows)
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
def test_duckdb_load_keeps_random_values(rows: list[tuple[str, str]]) -> None:
    """Random texts with separators and quotes are loaded exactly."""
    with TemporaryDirectory() as folder:
        assert load_rows(rows, Path(folder)) == expected_rows(rows)


def load_rows(rows: list[tuple[str, str]], folder: Path) -> list[list[str | None]]:
    text = {"type": ["string", "null"]}
    columns = dict.fromkeys(("id", "a", "b"), text)
    schema = {"type": "SCHEMA", "stream": "t", "key_properties": ["id"]}
    records = [
        {"type": "RECORD", "stream": "t", "record": {"id": f"{index:04}", "a": a, "b": b}}
        for index, (a, b) in enumerate(rows)
    ]
    messages = [{**schema, "schema": {"properties": columns}}, *records]
    file = folder / "messages.jsonl"
    state = {"type": "STATE", "value": {}}
    file.write_text("".join(json.dumps(each) + "\n" for each in [*messages, state]))
    try:
        with DuckDB(folder) as warehouse:
            warehouse.load(file)
            return warehouse.query("SELECT a, b FROM smokeball.t ORDER BY id")
    except UnavailableError as error:
        pytest.skip(str(error))


def expected_rows(rows: list[tuple[str, str]]) -> list[list[str | None]]:
    """Return the rows as the loader stores them: with null for empty texts."""
    return [[a or None, b or None] for a, b in rows]
