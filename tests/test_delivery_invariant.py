"""A run that reports success has delivered all rows.

This holds for any interleaving of changes, faults, kills and time limits: after the last complete
pass, the rows delivered by key are the rows of the firm. Only a row that was hard-deleted remains
in the warehouse.

CI runs 24 interleavings of up to 4 runs in one process, and 3 of up to 2 runs with a process that
is killed (SIGKILL) at a request or line. Each ends with one or two runs without faults.
``INTERLEAVINGS=2000 pytest tests/test_delivery_invariant.py`` runs 2,000, and 100 with kills.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from smokeball_sandbox import SandboxServer
from tests.harness import Process
from tests.interleaving_runner import InterleavingRunner
from tests.memory_firm import MemoryFirm
from tests.strategies import Interleaving, interleavings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("INTERLEAVINGS", "24"))
KILL_EXAMPLES = max(3, EXAMPLES // 20)
TIMEOUT_SECONDS = 60 + 20 * EXAMPLES

slow_settings = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", autouse=True)
def quiet_logs() -> Iterator[None]:
    """Disable logging: the log of thousands of runs takes more memory than the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def firm() -> Iterator[SandboxServer]:
    with SandboxServer(matters=3) as firm:
        yield firm


@pytest.fixture(scope="module")
def memory_firm() -> MemoryFirm:
    return MemoryFirm(matters=3)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    return Process(tmp_path_factory.mktemp("invariant"))


@pytest.mark.timeout(TIMEOUT_SECONDS)
@settings(slow_settings, max_examples=EXAMPLES)
@given(
    case=interleavings(
        ["complete", "target_crash", "target_crash", "signal", "time_limit", "time_limit"],
        max_runs=4,
    )
)
def test_runs_deliver_all_rows_despite_faults(memory_firm: MemoryFirm, case: Interleaving) -> None:
    """After the last complete pass, the target has the rows of the firm."""
    runner = InterleavingRunner(memory_firm, case)
    for step in case.steps:
        runner.run_step(step)
    runner.finish()


@pytest.mark.timeout(TIMEOUT_SECONDS)
@settings(slow_settings, max_examples=KILL_EXAMPLES)
@given(case=interleavings(["kill_at_request", "kill_at_line"], max_runs=2))
def test_runs_deliver_all_rows_despite_kills(
    firm: SandboxServer, process: Process, case: Interleaving
) -> None:
    """A killed process costs no row: later runs deliver the rest."""
    runner = InterleavingRunner(firm, case, process)
    for step in case.steps:
        runner.run_step(step)
    runner.finish()
