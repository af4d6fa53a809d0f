"""Requests: no secret reaches another host, and the rate limit holds after a 429."""

from __future__ import annotations

import itertools
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.api.rate_limit import TokenBucket
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import ApiConnectionError, TimeLimitError
from tests.harness import (
    FEES,
    MATTERS,
    TOKEN,
    catalog,
    config,
    request_count,
    run,
    sandbox_rows,
)
from tests.memory_firm import MemoryFirm
from tests.recording_server import RecordingServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Process

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("setting", ["api_url", "auth_url"])
@pytest.mark.parametrize("status", [302, 307])
def test_redirect_to_other_host_is_not_followed(
    firm: SandboxServer, status: int, setting: str
) -> None:
    """A redirect would carry the API key or the refresh token to another host."""
    with RecordingServer() as other:
        location = {"Location": f"{other.url}/elsewhere"}
        with RecordingServer(status, location) as redirecting:
            output = run(config(firm, max_retries=0, **{setting: redirecting.url}))
    assert output.status == 1
    assert redirecting.requests
    assert other.requests == []


@pytest.mark.slow
def test_netrc_does_not_replace_bearer_token(firm: SandboxServer, process: Process) -> None:
    netrc = process.folder / "netrc"
    netrc.write_text("default login someone password else\n")
    netrc.chmod(0o600)
    output = process.run(config(firm), environment={"NETRC": str(netrc)})
    assert output.status == 0
    assert len(output.records("fees")) == 36
    assert request_count(firm, TOKEN) == 1


def test_server_time_precedes_request() -> None:
    """A slow response does not move the server's clock past the request.

    A row that changes while a response is on its way may be missing in it.
    """
    with RecordingServer(delay_seconds=1.2) as server:
        settings = Settings.from_config(
            {"api_url": server.url, "api_key": "k", "access_token": "t"}
        )
        response = ApiClient(settings).get(Endpoint("/firm", "firm/read"), {}, {}, dict)
        [request] = server.requests
    assert response.server_time <= request.arrived


def test_short_lived_token_serves_many_requests(start: StartFirm) -> None:
    """A token with a shorter life than the renewal margin is not renewed per request."""
    firm = start(matters=20, fees=1, exact_fees=True, token_seconds=50)
    assert run(config(firm)).status == 0
    assert request_count(firm, FEES) == 20
    assert request_count(firm, TOKEN) == 1


def test_hanging_request_ends_at_timeout(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    firm.control.fail(count=1, how="hang", seconds=5, template=MATTERS)
    output = run(config(firm, request_timeout_seconds=1, max_retries=0))
    assert output.status == 1
    assert "no response within 1 s" in caplog.text


def test_retry_after_date_delays_retry(caplog: pytest.LogCaptureFixture) -> None:
    """`Retry-After` may be a date; one in the past permits a retry at once."""
    past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    with RecordingServer(503, past) as server:
        settings = {
            "api_url": server.url,
            "api_key": "k",
            "access_token": "t",
            "requests_per_second": 1000,
            "max_retries": 4,
        }
        output = run(settings, catalog=catalog(deselect=["fees"]))
    assert output.status == 1
    paths = Counter(request.path.partition("?")[0] for request in server.requests)
    # Such a token does not say whose it is, so the firm is requested as well, with one retry.
    assert paths == {"/firm": 2, "/matters": 5}
    assert "Retrying in 0 s" in caplog.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Replace the machine's monotonic clock by one that only sleeping advances."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with monkeypatch.context() as patch:
        patch.setattr("time.monotonic", lambda: now[0])
        patch.setattr("time.sleep", sleep)
        patch.setattr("threading.Event.wait", lambda _, timeout=None: sleep(timeout or 0))
        yield now


def waits(bucket: TokenBucket, clock: list[float], requests: int) -> list[float]:
    """Return the seconds between the starts of consecutive requests."""
    starts = []
    for _ in range(requests):
        bucket.acquire()
        starts.append(clock[0])
    return [round(later - earlier, 6) for earlier, later in itertools.pairwise(starts)]


def test_token_bucket_spaces_requests_after_burst(clock: list[float]) -> None:
    bucket = TokenBucket(requests_per_second=5, burst=5)
    assert waits(bucket, clock, 7) == [0, 0, 0, 0.2, 0.2, 0.2]
    clock[0] += 60
    assert waits(bucket, clock, 7) == [0, 0, 0, 0.2, 0.2, 0.2], "no more than the burst"


def test_token_bucket_is_empty_after_pause(clock: list[float]) -> None:
    """After a 429 requests wait, and then start one by one, without a burst."""
    bucket = TokenBucket(requests_per_second=5, burst=5)
    began = clock[0]
    bucket.pause(2)
    bucket.acquire()
    assert round(clock[0] - began, 6) == 2
    assert [round(wait, 2) for wait in waits(bucket, clock, 4)] == [0.25, 0.25, 0.25]


def test_token_bucket_recovers_after_429(clock: list[float]) -> None:
    """The rate falls with each 429, not with each request in flight, and returns in two minutes."""
    bucket = TokenBucket(requests_per_second=5, burst=5)
    for _ in range(5):
        bucket.pause(0)
    assert bucket.requests_per_second == pytest.approx(4)
    for _ in range(100):
        clock[0] += 2
        bucket.pause(0)
    assert bucket.requests_per_second == pytest.approx(0.1)
    rates = []
    for _ in range(4):
        clock[0] += 30
        bucket.acquire()
        rates.append(bucket.requests_per_second)
    assert rates == sorted(rates)
    assert not bucket.is_slowed
    clock[0] += 60
    assert waits(bucket, clock, 7) == [0, 0, 0, 0.2, 0.2, 0.2]


def test_waiting_caller_obeys_429(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that waits when a 429 comes waits again, so that not all start in one burst."""
    bucket = TokenBucket(requests_per_second=5, burst=1)
    bucket.acquire()
    began, sleeps = clock[0], itertools.count()

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if next(sleeps) == 0:
            bucket.pause(2)

    monkeypatch.setattr("time.sleep", sleep)
    bucket.acquire()
    assert round(clock[0] - began, 6) == 2.2


def test_endless_429_fails_after_an_hour(clock: list[float]) -> None:
    """Without a time limit, waiting for the rate limit ends when nothing else comes."""
    with RecordingServer(429, {"Retry-After": "86400"}) as server:
        settings = Settings.from_config(
            {"api_url": server.url, "api_key": "k", "access_token": "t", "max_retries": 0}
        )
        began = clock[0]
        with pytest.raises(ApiConnectionError, match="429 Too Many Requests, tried 13 times"):
            ApiClient(settings).get(Endpoint("/firm", "firm/read"), {}, {}, dict)
    assert 3300 <= clock[0] - began <= 3600


def test_retries_are_counted_once_a_minute(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """The first 429 is logged at once, then their number and the rate, once a minute."""
    caplog.set_level(logging.INFO)
    with RecordingServer(429, {"Retry-After": "20"}) as server:
        settings = Settings.from_config(
            {"api_url": server.url, "api_key": "k", "access_token": "t"}
        )
        client = ApiClient(settings)
        client.transport.run_ends_at = clock[0] + 250
        with pytest.raises(TimeLimitError):
            client.get(Endpoint("/firm", "firm/read", "firm"), {}, {}, dict)
    first, *counts = [record.getMessage() for record in caplog.records]
    assert first.startswith("firm: 429 Too Many Requests: pausing for 20 s, then sending 4.0 of 5 ")
    assert len(counts) == 3
    pattern = (
        r"Retries in the last (6\d|7\d|8\d) s: [34] after 429\. Sending \d\.\d of 5 requests per "
        r"second\. Another process may use the app's rate limit"
    )
    assert all(re.fullmatch(pattern, line) for line in counts), counts


def test_foreign_use_of_rate_limit_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Another process takes most of the app's rate limit: the run slows down and completes."""
    firm = MemoryFirm(matters=20)
    firm.control.settings(rate=40, burst=5, foreign_rate=30)
    output = run(config(firm, requests_per_second=40, max_retries=0))
    assert output.status == 0
    assert output.ids("fees").keys() == {e["row"]["id"] for e in sandbox_rows(firm, "fees")}
    assert firm.control.requests()["by_status"]["429"] > 1
    lines = [r.getMessage() for r in caplog.records if "429 Too Many" in r.getMessage()]
    assert len(lines) == 1
    assert "Another process may use the app's rate limit" in lines[0]


def test_missing_matter_costs_no_other_fee(start: StartFirm) -> None:
    """A matter that vanishes after its listing (404) is skipped."""
    firm = start(matters=20, fees=2, exact_fees=True)
    deletion = {"command": "delete", "resource": "matters", "nth": 10, "hard": True}
    firm.control.schedule(MATTERS, [deletion], when="after")
    output = run(config(firm))
    assert output.status == 0
    assert request_count(firm, FEES) == 20
    assert output.ids("fees") == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, "fees")}
    assert len(output.ids("fees")) == 38
