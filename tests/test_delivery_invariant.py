"""Whatever happens, a run that says it succeeded has delivered everything.

For any interleaving of changes, faults, kills and time limits: after the last complete pass the
rows delivered by key are the rows that the firm has. A row that vanished without a trace stays in
the warehouse, and no other does.

In CI 40 interleavings of up to 4 runs are played within one process, and 3 of up to 2 runs with a
process that is killed (SIGKILL) at some request or line; each ends in peace, with a run or two.
``INTERLEAVINGS=2000 pytest tests/test_delivery_invariant.py`` plays so many, and a twentieth of
that with kills.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from smokeball_sandbox import SandboxServer
from tests.harness import Process
from tests.interleaving_runner import Play
from tests.strategies import Interleaving, interleavings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("INTERLEAVINGS", "40"))
KILLS = max(3, COUNT // 20)
SECONDS = 60 + 20 * COUNT

calm = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    """Keep no log: that of thousands of runs takes more memory than the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def firm() -> Iterator[SandboxServer]:
    with SandboxServer(matters=3) as firm:
        yield firm


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    return Process(tmp_path_factory.mktemp("heart"))


@pytest.mark.timeout(SECONDS)
@settings(calm, max_examples=COUNT)
@given(case=interleavings(["whole", "crash", "crash", "signal", "limit", "limit"], most=4))
def test_what_is_delivered_is_what_the_firm_has(firm: SandboxServer, case: Interleaving) -> None:
    play = Play(firm, case)
    for step in case.steps:
        play.step(step)
    play.settle()


@pytest.mark.timeout(SECONDS)
@settings(calm, max_examples=KILLS)
@given(case=interleavings(["killed at a request", "killed at a line"], most=2))
def test_what_a_killed_process_has_delivered_is_not_lost(
    firm: SandboxServer, process: Process, case: Interleaving
) -> None:
    play = Play(firm, case, process)
    for step in case.steps:
        play.step(step)
    play.settle()
