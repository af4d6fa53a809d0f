"""The end of a refresh token is announced: nothing else tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_smokeball import dotnet_ticks
from tap_smokeball.api import token_expiry
from tap_smokeball.tap import TapSmokeball
from tests.harness import config, run

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Process

pytestmark = pytest.mark.slow

CREDENTIALS = {"api_key": "k", "client_id": "c", "refresh_token": "r"}


def warning(issued: str, now: str, **more: str) -> str | None:
    tap = TapSmokeball(config={**CREDENTIALS, "refresh_token_issued_at": issued, **more})
    return token_expiry.warning(tap.settings, dotnet_ticks.from_rfc3339(now))


@pytest.mark.parametrize(
    ("issued", "now", "said"),
    [
        ("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", None),
        ("2026-09-01T10:00:00Z", "2027-02-14T10:00:00Z", None),
        ("2026-09-01T10:00:00Z", "2027-02-14T10:00:01Z", "ends on 2027-02-28"),
        ("2026-09-01T10:00:00Z", "2027-02-28T09:59:59Z", "ends on 2027-02-28"),
        ("2026-09-01T10:00:00Z", "2027-02-28T10:00:01Z", "should have ended on 2027-02-28"),
        ("2026-09-01", "2027-02-28T10:00:00+11:00", "ends on 2027-02-28"),
        ("2026-08-24", "2026-09-20T00:00:00Z", None),
        ("2026-08-23", "2026-09-08T00:00:00Z", None),
        ("2026-08-23", "2026-09-08T00:00:01Z", "ends on 2026-09-22"),
        ("2026-08-23", "2026-09-23T00:00:00Z", "should have ended on 2026-09-22"),
    ],
)
def test_two_weeks_before_the_end(issued: str, now: str, said: str | None) -> None:
    told = warning(issued, now)
    if said is None:
        assert told is None
    else:
        assert told is not None
        assert f"The refresh token {said}" in told
        assert "tap-smokeball-login" in told


@settings(deadline=None)
@given(days=st.integers(min_value=0, max_value=400))
def test_a_run_a_day_is_warned_before_the_token_ends(days: int) -> None:
    issued = dotnet_ticks.from_rfc3339("2026-09-01T00:00:00Z")
    told = warning("2026-09-01", dotnet_ticks.to_rfc3339(issued + days * dotnet_ticks.PER_DAY))
    assert (told is None) == (days <= token_expiry.DAYS - 14)


def test_nothing_is_said_of_a_token_that_is_not_used() -> None:
    told = warning("2026-09-01", "2027-02-20T00:00:00Z", access_token="t")  # noqa: S106
    assert told is None
    tap = TapSmokeball(config={**CREDENTIALS, "refresh_token": None, "client_secret": "s"})
    assert token_expiry.warning(tap.settings, dotnet_ticks.now()) is None


def test_every_run_begins_with_it(firm: SandboxServer, process: Process) -> None:
    aged = config(firm, refresh_token_issued_at="2026-08-01T00:00:00Z")  # noqa: S106 - a day
    for option in ((), ("--test",)):
        output = process.run(aged, *option)
        assert output.status == 0
        assert output.stderr.count("The refresh token should have ended on 2026-08-31") == 1


def test_a_fresh_token_is_no_news(firm: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    run(config(firm, refresh_token_issued_at=dotnet_ticks.to_iso_seconds(dotnet_ticks.now())))
    assert "refresh token" not in caplog.text
