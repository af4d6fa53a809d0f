"""Values that DuckDB, left to guess, takes for something else."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers import Unavailable
from tests.warehouses import DuckDB

pytestmark = pytest.mark.slow

AWKWARD = [
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


@pytest.mark.parametrize("rows", [AWKWARD, AWKWARD[:1], AWKWARD[1:2]], ids=lambda _: "")
def test_awkward_rows(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    assert loaded(rows, tmp_path) == expected(rows)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
def test_any_rows(rows: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        assert loaded(rows, Path(folder)) == expected(rows)


def loaded(rows: list[tuple[str, str]], folder: Path) -> list[list[str | None]]:
    text = {"type": ["string", "null"]}
    columns = dict.fromkeys(("id", "a", "b"), text)
    schema = {"type": "SCHEMA", "stream": "t", "key_properties": ["id"]}
    records = [
        {"type": "RECORD", "stream": "t", "record": {"id": f"{at:04}", "a": a, "b": b}}
        for at, (a, b) in enumerate(rows)
    ]
    messages = [{**schema, "schema": {"properties": columns}}, *records]
    file = folder / "messages.jsonl"
    state = {"type": "STATE", "value": {}}
    file.write_text("".join(json.dumps(each) + "\n" for each in [*messages, state]))
    try:
        with DuckDB(folder) as warehouse:
            warehouse.load(file)
            return warehouse.ask("SELECT a, b FROM smokeball.t ORDER BY id")
    except Unavailable as reason:
        pytest.skip(str(reason))


def expected(rows: list[tuple[str, str]]) -> list[list[str | None]]:
    """The loader itself makes null of empty texts."""
    return [[a or None, b or None] for a, b in rows]
