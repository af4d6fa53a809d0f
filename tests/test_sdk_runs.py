"""The SDK's own ways to run a tap deliver all rows, or raise.

The command line does not use them. Other programs and the SDK's standard tests do.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tap_smokeball.errors import SmokeballError
from tap_smokeball.tap import TapSmokeball
from tests.harness import (
    FEES,
    MATTERS,
    CollectingWriter,
    Output,
    catalog,
    config,
    run,
    run_cli,
    sandbox_rows,
)
from tests.recorded_firm import CONTENT_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

pytestmark = pytest.mark.slow

OFFLINE = {"api_key": "k", "access_token": "t"}


class TestSyncAll:
    """`Tap.sync_all` is the SDK's own, and what other programs call."""

    def test_sync_all_delivers_same_rows_as_run(self, start: StartFirm) -> None:
        firm = start(matters=20)
        everything = catalog(wanted=_stream_names())
        ours, theirs = run(config(firm), catalog=everything), _sync_all(config(firm), everything)
        assert {m["stream"] for m in ours.messages_of_type("RECORD")} == set(_stream_names())
        assert _rows(theirs) == {row for row in _rows(ours) if row[0] != "sync_runs"}
        assert theirs.state["bookmarks"].keys() == ours.state["bookmarks"].keys()
        schemas = [message["stream"] for message in theirs.messages_of_type("SCHEMA")]
        assert sorted(schemas) == sorted(_stream_names())

    def test_sync_all_reads_children_of_deselected(self, firm: SandboxServer) -> None:
        output = _sync_all(config(firm), catalog(deselect=["matters"]))
        assert len(output.records("fees")) == 36
        assert output.records("matters") == []

    @pytest.mark.parametrize("template", [MATTERS, FEES])
    def test_sync_all_raises_if_stream_fails(self, firm: SandboxServer, template: str) -> None:
        firm.control.fail(how="status", status=400, template=template, count=1)
        with pytest.raises(SmokeballError):
            _sync_all(config(firm), catalog())

    @pytest.mark.parametrize("fails", [False, True])
    def test_sync_all_leaves_no_threads(self, firm: SandboxServer, *, fails: bool) -> None:
        if fails:
            firm.control.fail(how="status", status=400, template=FEES, count=1000)
        before = set(threading.enumerate())
        with pytest.raises(SmokeballError) if fails else nullcontext():
            _sync_all(config(firm), catalog())
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=20)
            assert not thread.is_alive()

    def test_sync_all_second_run_reads_changes(self, firm: SandboxServer) -> None:
        first = _sync_all(config(firm), catalog())
        changed = sandbox_rows(firm, "fees")[5]["row"]["id"]
        firm.control.touch("fees", changed)
        second = _sync_all(config(firm), catalog(), first.state)
        assert second.ids("fees") == {changed: 1}

    def test_sync_all_batches_precede_bookmark(self, firm: SandboxServer, tmp_path: Path) -> None:
        """No STATE holds the bookmark of a parent stream before its last BATCH."""
        output = _sync_all(config(firm, batch_config=batches(tmp_path, 5)), catalog())
        kinds = [(m["type"], m.get("stream")) for m in output.messages]
        last_batch = max(i for i, kind in enumerate(kinds) if kind == ("BATCH", "matters"))
        bookmarked = [
            index
            for index, message in enumerate(output.messages)
            if message["type"] == "STATE"
            and "replication_key_value" in message["value"]["bookmarks"].get("matters", {})
        ]
        assert last_batch < bookmarked[0]
        assert kinds.count(("BATCH", "fees")) == 8


class TestDryRun:
    """`Tap.run_sync_dry_run` is the SDK's own; the SDK's standard tests call it."""

    def test_dry_run_samples_every_stream(self, start: StartFirm) -> None:
        firm = start(matters=60)
        tap, output = _tap(config(firm))
        assert tap.run_sync_dry_run(20)
        counts = {name: len(output.records(name)) for name in _stream_names()}
        assert counts.pop("sync_runs") == 0  # it is about the runs of the tap's own command
        assert all(counts.values()), counts
        assert counts["matters"] == 20
        schemas = {m["stream"]: m["schema"] for m in output.messages_of_type("SCHEMA")}
        for message in output.messages_of_type("RECORD"):
            columns = schemas[message["stream"]]["properties"].keys()
            assert message["record"].keys() == columns, message["stream"]

    def test_dry_run_moves_no_bookmark(self, firm: SandboxServer) -> None:
        tap, output = _tap(config(firm))
        tap.run_sync_dry_run(1)
        assert len(output.records("fees")) == 1
        assert not any(output.state["bookmarks"].values())

    def test_dry_run_of_parents_samples_children(self, firm: SandboxServer) -> None:
        """The SDK limits the streams that it is given, not their child streams."""
        tap, output = _tap(config(firm))
        tap.run_sync_dry_run(1, [tap.streams["matters"]])
        assert len(output.records("fees")) == 1
        assert not any(output.state["bookmarks"].values())

    @pytest.mark.parametrize("template", [MATTERS, FEES])
    def test_dry_run_raises_if_stream_fails(self, firm: SandboxServer, template: str) -> None:
        firm.control.fail(how="status", status=400, template=template, count=1)
        tap, _ = _tap(config(firm))
        with pytest.raises(SmokeballError):
            tap.run_sync_dry_run(1)


def test_schema_test_describes_deselected_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--test=schema` selects all streams after their maps are made."""
    monkeypatch.chdir(tmp_path)
    environment = {f"TAP_SMOKEBALL_{name.upper()}": text for name, text in OFFLINE.items()}
    output = run_cli("--test=schema", "--config=ENV", environment=environment)
    assert output.status == 0, output.stderr
    lines = output.messages[0]["text"].splitlines()
    schemas = Output.parse(line.encode() for line in lines).messages_of_type("SCHEMA")
    assert {m["stream"] for m in schemas} > set(_stream_names())
    assert all(m["key_properties"][0] in m["schema"]["properties"] for m in schemas)


def batches(folder: Path, rows: int) -> Json:
    return {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": folder.as_uri()},
        "batch_size": rows,
    }


@cache
def _stream_names() -> list[str]:
    """Return the streams that have rows in any firm."""
    names = TapSmokeball(config=OFFLINE).streams
    return [name for name in names if name not in {*CONTENT_STREAMS, "webhook_subscriptions"}]


def _tap(
    settings: Json, selection: Json | None = None, state: Json | None = None
) -> tuple[TapSmokeball, Output]:
    output = Output()
    writer = CollectingWriter(output)
    tap = TapSmokeball(config=settings, catalog=selection, state=state, message_writer=writer)
    return tap, output


def _sync_all(settings: Json, selection: Json, state: Json | None = None) -> Output:
    tap, output = _tap(settings, selection, state)
    tap.sync_all()
    return output


def _rows(output: Output) -> set[tuple[str, str]]:
    return {(m["stream"], str(m["record"].get("id"))) for m in output.messages_of_type("RECORD")}
