"""Features of the SDK that the fast record path must keep."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from singer_sdk.logging import StructuredFormatter

from tests.harness import FEES, TAP, config, decode, request_count, run

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


def test_stream_maps_filter_copy_and_rename(firm: SandboxServer) -> None:
    """The fast record path applies filters, copies and aliases."""
    plain = run(config(firm))
    maps = {
        "matters": {"__alias__": "cases"},
        "fees": {"__filter__": "feeType == 1"},
        "fees_in_short": {
            "__source__": "fees",
            "id": "id",
            "hours": "duration / 60",
            "__else__": None,
        },
    }
    mapped = run(config(firm, stream_maps=maps))
    fees = plain.records("fees")
    assert mapped.records("cases") == plain.records("matters")
    assert mapped.records("matters") == []
    expected_ids = [fee["id"] for fee in fees if fee["feeType"] == 1]
    assert 0 < len(expected_ids) < len(fees)
    assert [record["id"] for record in mapped.records("fees")] == expected_ids
    assert [record.keys() for record in mapped.records("fees_in_short")] == [
        {"id", "hours"} for _ in fees
    ]
    assert mapped.bookmark("fees").keys() == plain.bookmark("fees").keys()


def test_flattening_works_without_stream_maps(firm: SandboxServer) -> None:
    plain, flat = (
        run(config(firm, flattening_enabled=enabled, flattening_max_depth=1))
        for enabled in (False, True)
    )
    assert len(flat.records("fees")) == len(plain.records("fees")) == 36
    for before, after in zip(plain.records("fees"), flat.records("fees"), strict=True):
        assert after["matter__id"] == before["matter"]["id"]
        assert "matter" not in after
        assert after["amount"] == before["amount"]


def test_parquet_batches_contain_all_rows(firm: SandboxServer, process: Process) -> None:
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow has no package for this Python"
    )
    folder = process.folder / "batches"
    folder.mkdir()
    batch = {"encoding": {"format": "parquet"}, "storage": {"root": folder.as_uri()}}
    plain = process.run(config(firm))
    output = process.run(config(firm, batch_config=batch))
    assert output.status == 0
    assert output.messages_of_type("RECORD") == []
    for stream in ("matters", "fees"):
        rows = [
            row
            for message in output.messages_of_type("BATCH")
            if message["stream"] == stream
            for url in message["manifest"]
            for row in parquet.read_table(url2pathname(urlsplit(url).path)).to_pylist()
        ]
        assert [row["id"] for row in rows] == [record["id"] for record in plain.records(stream)]
        assert rows[0].keys() == plain.records(stream)[0].keys()


def test_sdk_metrics_count_all_records(start: StartFirm, caplog: pytest.LogCaptureFixture) -> None:
    firm = start(matters=120, fees=2, exact_fees=True)
    with caplog.at_level(logging.INFO):
        output = run(config(firm))
    counted: Counter[str] = Counter()
    for point in _points(caplog):
        if point["metric"] == "record_count":
            counted[point["tags"]["stream"]] += point["value"]
    assert counted == {"matters": 120, "fees": 240}
    assert counted == Counter(message["stream"] for message in output.messages_of_type("RECORD"))
    timed_streams = {p["tags"]["stream"] for p in _points(caplog) if p["metric"] == "sync_duration"}
    assert timed_streams == {"matters", "fees"}


def test_sdk_metrics_appear_in_structured_logs(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        run(config(firm))
    lines = [json.loads(StructuredFormatter().format(record)) for record in caplog.records]
    points = [line["metric_info"] for line in lines if "metric_info" in line]
    counts = {p["tags"]["stream"]: p["value"] for p in points if p["metric"] == "record_count"}
    assert counts == {"matters": 12, "fees": 36}


@pytest.mark.parametrize("batch_size", [12, 7])
def test_batches_end_with_final_state(
    firm: SandboxServer, process: Process, batch_size: int
) -> None:
    """The final STATE comes even if the last batch is full, or if there is none."""
    settings = config(
        firm,
        batch_config={
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": process.folder.as_uri()},
            "batch_size": batch_size,
        },
    )
    first = run(settings)
    assert len(first.records("fees")) == 0
    assert "replication_key_value" in first.bookmark("fees")
    firm.control.settings(clock_offset_seconds=5)  # the clock of the API has whole seconds
    second = run(settings, first.state)
    assert "fees" not in {m["stream"] for m in second.messages_of_type("BATCH")}
    earlier, later = (o.bookmark("fees")["replication_key_value"] for o in (first, second))
    assert earlier < later


def test_batch_config_without_encoding_is_ignored(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Meltano may send the defaults of a part of the setting."""
    output = run(config(firm, batch_config={"batch_size": 5}))
    assert output.status == 0
    assert len(output.records("fees")) == 36
    assert output.messages_of_type("BATCH") == []
    assert any("resume" in m["value"]["bookmarks"]["fees"] for m in _states_of_fees(output))
    assert caplog.text.count("batch_config has no encoding and is ignored") == 1


def test_activate_version_setting_is_known(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK reads the setting; release 0.54 does not declare it."""
    output = run(config(firm, emit_activate_version_messages=True))
    assert output.status == 0
    assert "no such setting" not in caplog.text


def test_record_message_has_time_extracted(firm: SandboxServer) -> None:
    for message in run(config(firm)).messages_of_type("RECORD"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", message["time_extracted"])


def test_slow_rows_are_flushed_before_next_state(start: StartFirm, process: Process) -> None:
    """Rows of a slow stream are written before the buffer is full."""
    firm = start(matters=14, fees=1, exact_fees=True)
    settings = config(firm, requests_per_second=2, burst=1)
    tap = subprocess.Popen(
        [*TAP, *process.file_arguments(settings, None, None)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=process.folder,
    )
    try:
        assert tap.stdout is not None
        read: list[Json] = []
        while sum(message.get("stream") == "fees" for message in read) < 4:
            read.append(decode(tap.stdout.readline()))
        assert request_count(firm, FEES) < 14
    finally:
        tap.kill()
        tap.communicate()


def _states_of_fees(output: Output) -> list[Json]:
    states = output.messages_of_type("STATE")
    return [message for message in states if "fees" in message["value"]["bookmarks"]]


def _points(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [record.getMessage() for record in caplog.records if "METRIC" in record.getMessage()]
    return [json.loads(text.split(": ", 1)[1]) for text in lines]
