"""Parents that are read at the same time: nothing follows a failure, and memory is bounded."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import FEES, config, request_count, run, sandbox_rows
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

pytestmark = pytest.mark.slow


def matter_ids(firm: SandboxServer | MemoryFirm) -> list[str]:
    """Return the ids of the matters in the order in which their fees are read."""
    return sorted(entry["row"]["id"] for entry in sandbox_rows(firm, "matters"))


def test_pool_reads_no_matter_after_failed_one(start: StartFirm) -> None:
    """Rows of later matters are neither emitted nor requested.

    While the failure waits for a slow matter before it, the workers have time for all others.
    """
    firm = start(matters=60, fees=1, exact_fees=True)
    ids = matter_ids(firm)
    slow, failing = ids[10], ids[11]
    firm.control.fail(how="slow", seconds=1.5, template=FEES, path_contains=slow)
    firm.control.fail(how="status", status=401, count=100, template=FEES, path_contains=failing)
    output = run(config(firm))
    assert output.status == 1
    assert [record["matterId"] for record in output.records("fees")] == ids[:11]
    assert output.bookmark("fees")["resume"]["last_parent_id"] == slow
    assert request_count(firm, FEES) < 30


def test_workers_wait_while_rows_are_unread() -> None:
    """A slow first matter does not let the rows of others fill the memory, be they few or many."""
    firm = MemoryFirm(matters=5)
    for matter in matter_ids(firm):
        for _ in range(10):
            firm.control.add("fees", parent=matter, set={"description": "x" * 100_000})
    first = matter_ids(firm)[0]
    firm.control.fail(how="slow", seconds=1, template=FEES, path_contains=first)
    fees = sandbox_rows(firm, "fees")
    firm.control.reset_requests()
    output = run(config(firm, page_size=4))
    assert (output.status, len(output.ids("fees"))) == (0, len(fees))
    paths = [e["path"] for e in firm.control.requests(log=True)["log"] if e["template"] == FEES]
    before = next(index for index, path in enumerate(paths) if first in path)
    # Three or four pages of 0.4 MB are as much as may wait, and four may be on their way.
    assert before <= 10
    assert len(paths) >= 20


@pytest.fixture
def garbage() -> Iterator[list[Any]]:
    """Return the list to which `gc.collect` adds what only the garbage collector frees."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def test_requests_leave_no_reference_cycles(garbage: list[Any]) -> None:
    """The collector, which runs rarely, has nothing to free after a request or a list."""
    firm = MemoryFirm(matters=4)

    def collect(message: Json) -> None:
        if message["type"] == "STATE":
            gc.collect()

    assert run(config(firm), on_message=collect).ids("fees")
    modules = {getattr(each, "__module__", None) or "" for each in garbage}
    ours = ("tap_smokeball.api", "tap_smokeball.run", "tap_smokeball.sync")
    assert not [name for name in modules if name.startswith(ours)]
