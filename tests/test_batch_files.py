"""Files of BATCH messages: their rows, their compression, their size, and stream maps."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped]
import pytest
from singer_sdk.exceptions import ConfigValidationError

from tests.harness import catalog, config, run
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tests.harness import Json, Output

STREAMS = ("staff", "matters", "fees")
SELECTION = catalog(wanted=list(STREAMS))


@pytest.fixture(scope="module")
def firm() -> MemoryFirm:
    """A firm with as many fees as it takes for a type of their rows."""
    firm = MemoryFirm(matters=40)
    row = {"amount": 1234.56, "rate": 33.333333333333336, "subject": "Ünï \u2028 \\u0000 \x01"}
    entry = next(e for e in firm.control.rows("fees") if not e["row"]["isDeleted"])
    firm.control.touch("fees", entry["row"]["id"], parent=entry["parent"], set=row)
    return firm


def batches(folder: Path, **settings: Any) -> Json:
    compression = settings.pop("compression", None)
    encoding = {"format": "jsonl"} | ({"compression": compression} if compression else {})
    return {"encoding": encoding, "storage": {"root": folder.as_uri()}, **settings}


def read_files(output: Output, stream: str) -> list[list[Json]]:
    """Return the rows of each file of a stream, read as its message says."""
    files = []
    for message in output.messages_of_type("BATCH"):
        if message["stream"] == stream:
            [url] = message["manifest"]
            content = Path(url.removeprefix("file://")).read_bytes()
            if message["encoding"]["compression"] == "gzip":
                content = gzip.decompress(content)
            lines = content.splitlines()
            files.append([json.loads(line, parse_float=Decimal) for line in lines])
    return files


@pytest.mark.parametrize("compression", [None, "gzip", "none"])
def test_batch_files_hold_emitted_records(
    firm: MemoryFirm, tmp_path: Path, compression: str | None
) -> None:
    """Each digit and each character is that of the RECORD messages."""
    plain = run(config(firm), catalog=SELECTION)
    settings = batches(tmp_path, compression=compression, batch_size=50)
    output = run(config(firm, batch_config=settings), catalog=SELECTION)
    assert output.messages_of_type("RECORD") == []
    for stream in STREAMS:
        files = read_files(output, stream)
        rows = [row | {"extractedTicks": None} for file in files for row in file]
        assert rows == [row | {"extractedTicks": None} for row in plain.records(stream)]
        assert {len(file) for file in files[:-1]} <= {50}
        assert 0 < len(files[-1]) <= 50


def test_batch_files_lie_in_object_storage(firm: MemoryFirm) -> None:
    """The root may be any URL of fsspec; messages have the URLs of the files."""
    storage = {"root": "memory://bucket/smokeball", "prefix": "first-"}
    settings = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": storage}
    output = run(config(firm, batch_config=settings), catalog=SELECTION)
    urls = [url for each in output.messages_of_type("BATCH") for url in each["manifest"]]
    assert all(url.startswith("memory://bucket/smokeball/first-tap-smokeball--") for url in urls)
    assert len(urls) == len(STREAMS)
    [matters] = [url for url in urls if "--matters-" in url]
    with fsspec.open(matters) as file:
        assert len(gzip.decompress(file.read()).splitlines()) == len(firm.control.rows("matters"))


def test_batch_file_size_is_limited(tmp_path: Path) -> None:
    """A file ends at 32 MB, before its rows are complete."""
    firm = MemoryFirm(matters=4)
    for nth in range(4):
        firm.control.touch("matters", nth=nth, set={"description": "x" * 12_000_000})
    output = run(config(firm, batch_config=batches(tmp_path)), catalog=catalog(wanted=["matters"]))
    assert [len(file) for file in read_files(output, "matters")] == [3, 1]


def test_batch_files_hold_mapped_records(firm: MemoryFirm, tmp_path: Path) -> None:
    """What stream maps remove, change or filter does not reach a file."""
    maps: Json = {
        "staff": {"email": "'***'", "phone": "__NULL__", "__alias__": "people"},
        "fees": {"__filter__": "isBillable", "subject": "__NULL__"},
        "matters": "__NULL__",
    }
    plain = run(config(firm, stream_maps=maps), catalog=SELECTION)
    output = run(config(firm, stream_maps=maps, batch_config=batches(tmp_path)), catalog=SELECTION)
    [people], [fees] = (read_files(output, stream) for stream in ("people", "fees"))
    assert people == plain.records("people")
    assert {person["email"] for person in people} == {"***"}
    assert [fee["id"] for fee in fees] == [fee["id"] for fee in plain.records("fees")]
    assert fees[0].keys() == plain.records("fees")[0].keys()
    named = {message["stream"] for message in output.messages_of_type("BATCH")}
    assert named == {"people", "fees"}


def test_batch_files_hold_flat_records(firm: MemoryFirm, tmp_path: Path) -> None:
    flat = {"flattening_enabled": True, "flattening_max_depth": 1}
    plain = run(config(firm, **flat), catalog=SELECTION)
    output = run(config(firm, **flat, batch_config=batches(tmp_path)), catalog=SELECTION)
    [rows] = read_files(output, "matters")
    assert rows == plain.records("matters")
    assert "matterType__id" in rows[0]


def test_batches_refuse_second_stream_of_source(firm: MemoryFirm, tmp_path: Path) -> None:
    maps = {"fees_copy": {"__source__": "fees"}}
    with pytest.raises(ConfigValidationError) as refused:
        run(config(firm, stream_maps=maps, batch_config=batches(tmp_path)), catalog=SELECTION)
    [error] = refused.value.errors
    assert "`fees_copy` is a second stream made of `fees`" in error
