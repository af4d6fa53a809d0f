"""A warning announces the expiry of the refresh token; the API gives none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks
from tap_smokeball.api import token_expiry
from tap_smokeball.api.client import ApiClient
from tap_smokeball.config.settings import Settings
from tests.harness import config, run

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Process

pytestmark = pytest.mark.slow

CREDENTIALS = {"api_key": "k", "client_id": "c", "refresh_token": "r"}


def issued_ticks(issued: str, **more: str | None) -> int | None:
    settings = Settings.from_config({**CREDENTIALS, "refresh_token_issued_at": issued, **more})
    return ApiClient(settings).refresh_token_issued_ticks


def expiry_warning(issued: str, now: str) -> str | None:
    return token_expiry.expiry_warning(issued_ticks(issued), dotnet_ticks.from_rfc3339(now))


@pytest.mark.parametrize(
    ("issued", "now", "expected"),
    [
        ("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", None),
        ("2026-09-01T10:00:00Z", "2027-02-14T10:00:00Z", None),
        ("2026-09-01T10:00:00Z", "2027-02-14T10:00:01Z", "expires on 2027-02-28"),
        ("2026-09-01T10:00:00Z", "2027-02-28T09:59:59Z", "expires on 2027-02-28"),
        ("2026-09-01T10:00:00Z", "2027-02-28T10:00:01Z", "expired on 2027-02-28"),
        ("2026-09-01", "2027-02-28T10:00:00+11:00", "expires on 2027-02-28"),
        ("2026-08-24", "2026-09-20T00:00:00Z", None),
        ("2026-08-23", "2026-09-08T00:00:00Z", None),
        ("2026-08-23", "2026-09-08T00:00:01Z", "expires on 2026-09-22"),
        ("2026-08-23", "2026-09-23T00:00:00Z", "expired on 2026-09-22"),
    ],
)
def test_expiry_warning_starts_two_weeks_before(
    issued: str, now: str, expected: str | None
) -> None:
    """The warning gives the date, and is different after it."""
    message = expiry_warning(issued, now)
    if expected is None:
        assert message is None
    else:
        assert message is not None
        assert f"The refresh token {expected}" in message
        assert "tap-smokeball-login" in message


@given(days=st.integers(min_value=0, max_value=400))
def test_expiry_warning_appears_in_daily_runs(days: int) -> None:
    """A daily run gets the warning on each of the last 14 days."""
    issued = dotnet_ticks.from_rfc3339("2026-09-01T00:00:00Z")
    message = expiry_warning(
        "2026-09-01", dotnet_ticks.to_rfc3339(issued + days * dotnet_ticks.PER_DAY)
    )
    assert (message is None) == (days <= token_expiry.LIFETIME_DAYS - 14)


@pytest.mark.parametrize("other", [{"access_token": "t"}, {"refresh_token": None}])
def test_expiry_warning_needs_used_refresh_token(other: dict[str, str | None]) -> None:
    assert issued_ticks("2026-09-01", **other) is None


def test_expiry_warning_is_logged_once_per_run(firm: SandboxServer, process: Process) -> None:
    aged = config(firm, refresh_token_issued_at="2026-08-01T00:00:00Z")  # noqa: S106 - a day
    for option in ((), ("--test",)):
        output = process.run_for_text(aged, *option)
        assert output.status == 0
        assert output.stderr.count("The refresh token expired on 2026-08-31") == 1


def test_expiry_warning_is_absent_for_new_token(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    run(config(firm, refresh_token_issued_at=dotnet_ticks.to_iso_seconds(dotnet_ticks.now())))
    assert "refresh token" not in caplog.text
