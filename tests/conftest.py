"""Sandboxes and processes for the tests."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import settings

from smokeball_sandbox import SandboxServer
from tests.forked_process import stop_fork_server
from tests.harness import Process
from tests.login_helpers import login_driver
from tests.sandbox_client import (
    busy_matter,
    client,
    entries,
    full_server,
    mutable_client,
    rows,
    sandbox,
    shared_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Fixtures of helper modules, for all tests.
__all__ = [
    "busy_matter",
    "client",
    "entries",
    "full_server",
    "login_driver",
    "mutable_client",
    "rows",
    "sandbox",
    "shared_server",
]

# How long an example takes says more about the machine than about the code.
settings.register_profile("tap-smokeball", deadline=None)
settings.load_profile("tap-smokeball")

SLOWEST_MODULES = {
    "test_airflow",
    "test_dbt_package",
    "test_delivery_invariant",
    "test_docs",
    "test_fleet_day",
    "test_package",
    "test_progress",
    "test_receiver",
    "test_second_tenant",
    "test_shared_rate_limit",
    "test_warehouse_load",
    "test_webhook_commands",
    "test_webhook_invariant",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers: two more than cores, since some tests only wait."""
    return 2 + (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest modules first, so that the workers finish at the same time.

    Nightly tests run only where the environment asks for them.
    """
    if not os.environ.get("NIGHTLY_TESTS"):
        items[:] = [item for item in items if item.get_closest_marker("nightly") is None]
    items.sort(key=lambda item: item.path.stem not in SLOWEST_MODULES)


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> Iterator[None]:
    """Stop the fork server of the tap at the end, while coverage still collects data."""
    yield
    stop_fork_server()


class StartFirm(Protocol):
    """Starts a sandbox with options of `SandboxServer`."""

    def __call__(self, **options: Any) -> SandboxServer: ...


@pytest.fixture
def start() -> Iterator[StartFirm]:
    """Start sandboxes that stop at the end of the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> SandboxServer:
            return stack.enter_context(SandboxServer(**options))

        yield start


@pytest.fixture
def firm(start: StartFirm) -> SandboxServer:
    """Return a small firm: 12 matters with 3 fees each."""
    return start(matters=12, fees=3, exact_fees=True)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return a runner of the tap as a process, with a folder."""
    return Process(tmp_path)
