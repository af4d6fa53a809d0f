"""Failures that stop no more than themselves, and catalogs of other tools."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from tests.harness import FEES, TAP, TOKEN, catalog, config, run, sandbox_rows
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Process


def test_failed_stream_map_releases_workers(start: StartFirm) -> None:
    """No worker waits for room in the window of a stream that failed."""
    firm = start(matters=12, fees=900, exact_fees=True)
    second = sorted(entry["row"]["id"] for entry in sandbox_rows(firm, "matters"))[1]
    maps = {"fees": {"broken": f"1 / (matterId != '{second}')"}}
    output = run(config(firm, stream_maps=maps))
    assert output.status == 1
    for thread in threading.enumerate():
        if thread.name.startswith("smokeball-"):
            thread.join(timeout=20)
            assert not thread.is_alive()


def test_shared_failure_ends_child_stream() -> None:
    """Without a token no matter can be read: the stream ends, and is not complete."""
    firm = MemoryFirm(matters=12)
    refused = {"command": "fail", "how": "status", "status": 400, "template": TOKEN, "count": 1}
    firm.control.schedule(FEES, [{"command": "revoke"}, refused], nth=5)
    first = run(config(firm, burst=1))
    assert first.status == 1
    assert "replication_key_value" not in first.bookmark("fees")
    second = run(config(firm), first.state)
    assert second.status == 0
    delivered = first.ids("fees").keys() | second.ids("fees").keys()
    assert delivered == {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")}


@pytest.mark.parametrize("keys", [[], ["matterId"], ["description"]], ids=str)
def test_catalog_keys_do_not_drop_rows(firm: SandboxServer, keys: list[str]) -> None:
    """The keys of a catalog are those of the target's table, not of the API's rows."""
    selection = catalog(wanted=("matters", "fees", "contacts"))
    for stream in selection["streams"]:
        stream["key_properties"] = keys if stream["tap_stream_id"] == "fees" else []
        for entry in stream["metadata"]:
            entry["metadata"].pop("table-key-properties", None)
    output = run(config(firm), catalog=selection)
    assert output.status == 0
    for name in ("matters", "fees", "contacts"):
        assert output.ids(name).keys() == {e["row"]["id"] for e in sandbox_rows(firm, name)}


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.5, 0.7, 0.9])
def test_early_signal_never_exits_with_0(
    firm: SandboxServer, process: Process, delay: float
) -> None:
    """A signal before the first request ends the process, and claims no success."""
    firm.control.fail(count=1000, how="hang", seconds=20)
    arguments = process.file_arguments(config(firm), None, None)
    with subprocess.Popen(
        [*TAP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=process.folder
    ) as tap:
        try:
            tap.wait(delay)
        except subprocess.TimeoutExpired:
            tap.send_signal(signal.SIGTERM)
        assert tap.wait(30) in {-signal.SIGTERM, 128 + signal.SIGTERM}
