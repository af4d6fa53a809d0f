"""A run that reports success has delivered all rows, also of a tenant that shares no beliefs.

`tests.tenant` is written against the notes on the API alone. `tests.sequences` draws firms,
changes, faults, refusals, kills, time limits and merges of states. After the last undisturbed run,
the rows delivered by key are those of the firm.

CI runs 40 sequences, always the same. ``SEQUENCES=2000 FIRST_SEQUENCE=12345 pytest
tests/test_second_tenant.py`` runs others. A failure names its sequence:
``python -m tests.sequence_runner NUMBER`` repeats it.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.harness import Process
from tests.sequence_runner import catalog_of, report
from tests.tenant import ticks
from tests.tenant.api import CREDENTIALS, Tenant
from tests.tenant.http_server import serve
from tests.tenant.options import Options
from tests.tenant.rendering import REVISION
from tests.tenant.resources import RESOURCES
from tests.tenant.world import Change, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Json

pytestmark = pytest.mark.slow

SEQUENCES = int(os.environ.get("SEQUENCES", "40"))
FIRST_SEQUENCE = int(os.environ.get("FIRST_SEQUENCE", "0"))
PARTS = 2
"""Tests that share the sequences, so that two workers run them."""

STREAMS = ("matters", "fees", "contacts", "bank_accounts", "transactions")


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Disable logging: the log of thousands of runs takes more memory than the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet_logs")
@pytest.mark.timeout(120 + 20 * SEQUENCES)
@pytest.mark.parametrize("part", range(PARTS))
def test_sequences_deliver_all_rows(part: int) -> None:
    """After the last undisturbed run, the target has the rows of the firm."""
    print(f"FIRST_SEQUENCE={FIRST_SEQUENCE} SEQUENCES={SEQUENCES}")  # noqa: T201
    for number in range(FIRST_SEQUENCE + part, FIRST_SEQUENCE + SEQUENCES, PARTS):
        failure = report(number)
        assert failure is None, failure


@pytest.mark.parametrize("requests", [2, 9, 25])
def test_killed_process_costs_no_row(tmp_path: Path, requests: int) -> None:
    """A run over HTTP that dies by SIGKILL is continued by the next one."""
    world = World(Options(size="absent", largest_page=3), seed=requests, start=None)
    world.populate(STREAMS, parents=6, children=4)
    tenant, process, catalog = Tenant(world, ""), Process(tmp_path), catalog_of(STREAMS)
    sent = 0

    def count(number: int) -> None:
        nonlocal sent
        sent = number

    with serve(tenant):
        urls = {"api_url": tenant.url, "auth_url": tenant.url}
        settings: Json = {
            **urls,
            **CREDENTIALS,
            "requests_per_second": 200,
            "lookback_seconds": 1,
            "unknown_fields": "keep",
        }
        tenant.before_request = count
        killed = process.run_and_signal(
            settings, lambda: _is_due(sent >= requests), signal.SIGKILL, catalog=catalog
        )
        for name in ("fees", "transactions", "contacts"):
            world.make(Change("touch", name, requests), ())
        runs = [killed]
        for _ in range(2):
            runs.append(process.run(settings, state=runs[-1].state, catalog=catalog))
    assert [run.status for run in runs[1:]] == [0, 0]
    records = [m for run in runs for m in run.messages_of_type("RECORD")]
    for name in STREAMS:
        delivered = {
            tuple(m["record"][key] for key in RESOURCES[name].key): m["record"]["extraFields"]
            for m in records
            if m["stream"] == name
        }
        expected = {world.key(RESOURCES[name], row): row for row in world.rows[name].values()}
        assert {k: v[REVISION] for k, v in delivered.items()} == {
            key: row.revision for key, row in expected.items()
        }


def _is_due(is_reached: bool) -> bool:  # noqa: FBT001
    time.sleep(0.001)
    return is_reached


def test_tenant_filter_has_each_dialect() -> None:
    """Ticks, UTC in whole seconds, and the same without a zone name the same instant."""
    second = ticks.now() // ticks.SECOND * ticks.SECOND
    iso = ticks.to_iso(second, 0)
    assert ticks.parse_filter(str(second), "ticks") == second
    assert ticks.parse_filter(iso, "iso") == second
    assert ticks.parse_filter(iso[:-1], "local") == second
    for text, dialect in [(iso, "local"), (iso[:-1], "iso"), (ticks.to_iso(second, 7), "iso")]:
        with pytest.raises(ticks.FilterError):
            ticks.parse_filter(text, dialect)
