"""Processes of one app share one rate limit, in Postgres and in Redis."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_smokeball.api import ApiClient, Endpoint
from tap_smokeball.api.rate_limit_store import Demand, Grant, open_store
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import RateLimitStoreError, TimeLimitError
from tests.harness import Process, config, run, sandbox_rows
from tests.recording_server import RecordingServer
from tests.servers import UnavailableError, free_port, postgres_server, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm

pytestmark = pytest.mark.slow

FIRM = Endpoint("/firm", "firm/read", "firm")
SERVERS = {"postgres": postgres_server, "redis": redis_server}
URLS = {
    "postgres": "postgresql+psycopg://postgres:c4nary@127.0.0.1:{}/postgres",
    "redis": "redis://127.0.0.1:{}/0",
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Run a server of each kind; yield the kind and the port."""
    with ExitStack() as stack:
        try:
            port = stack.enter_context(SERVERS[request.param]())
        except UnavailableError as error:
            pytest.skip(str(error))
        yield request.param, port


@pytest.fixture
def store(server: tuple[str, int]) -> str:
    """Return the URL of an empty store."""
    kind, port = server
    url = URLS[kind].format(port)
    if kind == "redis":
        with redis.Redis.from_url(url) as client:
            client.flushall()
    else:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS tap_smokeball_rate_limit CASCADE")
            connection.execute("DROP TABLE IF EXISTS tap_smokeball_rate_limit_process")
    return url


def content(url: str) -> str:
    """Return all that a store holds."""
    if url.startswith("redis"):
        with redis.Redis.from_url(url, decode_responses=True) as client:
            return str([(key, client.hgetall(key)) for key in client.scan_iter()])
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = ("tap_smokeball_rate_limit", "tap_smokeball_rate_limit_process")
        return str([connection.execute(f"TABLE {name}").fetchall() for name in tables])


def shared(url: str, api_url: str, **more: Any) -> Settings:
    """Return the settings of a process that uses a store."""
    return Settings.from_config(
        {
            "api_url": api_url,
            "api_key": "key-c4nary",
            "client_id": "client-c4nary",
            "access_token": "token-c4nary",
            "rate_limit_store": url,
            **more,
        }
    )


@contextmanager
def clients(*each: Settings) -> Iterator[list[ApiClient]]:
    """Return clients, each like a process of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(ApiClient(each_settings))) for each_settings in each]


def can_start(client: ApiClient, seconds: float) -> bool:
    """Return whether the rate limit lets a request start within some seconds."""
    try:
        client.transport.rate_limit.acquire(time.monotonic() + seconds)
    except TimeLimitError:
        return False
    client.transport.rate_limit.release()
    return True


# The bucket --------------------------------------------------------------------------------------

BURST = 7
RATES = st.sampled_from([400.0, 10_000.0])  # the first exhausts the rate, the other one the flights
STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from([0, 0, 0, 1, 2, 7]),  # requests that end
        st.integers(0, 5),  # requests that wait
        st.sampled_from([None] * 50 + [0.0, 0.004]),  # a 429
        st.sampled_from([False] * 20 + [True]),
    ),
    min_size=20,
    max_size=60,
)


@settings(
    max_examples=30,
    phases=[Phase.generate],  # the clock is real: examples cannot be repeated, and so not shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rate=RATES, steps=STEPS)
def test_store_never_grants_beyond_limits(
    store: str, rate: float, steps: list[tuple[str, int, int, float | None, bool]]
) -> None:
    """In no span of time do more requests start than burst and rate permit, of all processes."""
    flights: Counter[str] = Counter()
    grants: list[Grant] = []
    paused_until = 0.0
    example = {"client_id": str(time.monotonic()), "api_key": "k"}
    with closing(open_store(store, Settings.from_config(example))) as bucket:
        for process, ended, waiting, pause, is_returning in steps:
            flights[process] = max(0, flights[process] - ended)
            demand = Demand(
                process, rate, BURST, flights[process], waiting, pause, is_returning=is_returning
            )
            grant = bucket.exchange(demand)
            flights[process] += grant.requests
            assert 0 <= grant.requests <= waiting
            assert not grant.requests or flights.total() <= BURST
            assert grant.requests_per_second <= grant.full_rate == rate
            if pause is not None:
                paused_until = max(paused_until, grant.at + pause)
            assert not grant.requests or grant.at >= paused_until - 1e-5
            grants += [grant] * grant.requests
    for first, grant in enumerate(grants):
        for last in range(first, len(grants)):
            seconds = grants[last].at - grant.at
            assert last - first + 1 <= BURST + rate * seconds


def test_store_serves_waiting_processes_in_turn(store: str) -> None:
    """Each process gets as much as the others, also if one of them asks more often."""
    app = Settings.from_config({"client_id": "c", "api_key": "k"})
    granted: Counter[str] = Counter()
    with closing(open_store(store, app)) as bucket:
        while granted.total() < 60:
            for process in "aaabc":
                granted[process] += bucket.exchange(Demand(process, 200, 1, 0, 2)).requests
    assert max(granted.values()) - min(granted.values()) <= 3


def test_store_applies_lowest_rate(store: str, caplog: pytest.LogCaptureFixture) -> None:
    """Processes that disagree about the rate get the lowest one, and a warning."""
    with (
        RecordingServer() as api,
        clients(
            shared(store, api.url, requests_per_second=50),
            shared(store, api.url, requests_per_second=900, burst=50),
        ) as (slow, fast),
    ):
        slow.get(FIRM, {}, {}, dict)
        for _ in range(5):
            fast.get(FIRM, {}, {}, dict)
        assert fast.transport.rate_limit.requests_per_second == 50
    assert caplog.text.count("another process of the app has 50 requests per second") == 1


# Processes ---------------------------------------------------------------------------------------


def test_processes_of_app_get_no_429(start: StartFirm, tmp_path: Path, store: str) -> None:
    """Runs at the same time keep rate and burst together; a killed one takes nothing with it."""
    firm = start(matters=30, fees=1, exact_fees=True, latency_ms=20, rate=50, burst=5)
    options = config(firm, rate_limit_store=store, requests_per_second=50, burst=5)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()

    def is_due() -> bool:
        time.sleep(0.05)
        return int(firm.control.requests()["total"]) >= 30

    with ThreadPoolExecutor() as pool:
        others = [pool.submit(Process(folder).run, options) for folder in folders[1:]]
        killed = Process(folders[0]).run_and_signal(options, is_due, signal.SIGKILL)
    assert killed.status == -signal.SIGKILL
    expected = {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")}
    for other in others:
        assert other.result().status == 0
        assert other.result().ids("fees").keys() == expected
    report = firm.control.requests()
    assert "429" not in report["by_status"]
    assert report["max_in_flight"] <= 5


def test_killed_process_gives_back_its_requests(
    firm: SandboxServer, process: Process, store: str
) -> None:
    """A process that dies with a request in flight holds up the others for seconds only."""
    firm.control.fail(count=100, how="hang", seconds=60)
    options = config(firm, rate_limit_store=store, burst=1)
    with clients(Settings.from_config(options)) as [client]:

        def is_due() -> bool:
            time.sleep(0.05)
            if not firm.control.requests()["max_in_flight"]:
                return False
            assert not can_start(client, 0.5), "the request of the other process is in flight"
            return True

        process.run_and_signal(options, is_due, signal.SIGKILL)
        assert can_start(client, 20)


def test_429_pauses_all_processes_of_app_only(store: str) -> None:
    """One process gets a 429: the others of the app wait as well, and those of other apps do not.

    The store holds nothing of the credentials, and forgets the processes that end.
    """
    with RecordingServer(429, {"Retry-After": "30"}) as api:
        one, two = shared(store, api.url), shared(store, api.url, api_key="other")
        other_app = shared(store, api.url, client_id="other")
        with clients(one, two, other_app) as (rejected, neighbor, stranger):
            assert can_start(neighbor, 10)
            rejected.transport.run_ends_at = time.monotonic() + 1
            with pytest.raises(TimeLimitError):
                rejected.get(FIRM, {}, {}, dict)
            assert not can_start(neighbor, 2)
            assert neighbor.transport.rate_limit.is_slowed
            assert can_start(stranger, 10)
            assert "c4nary" not in content(store)
        with closing(open_store(store, one)) as bucket:
            grant = bucket.exchange(Demand("new", 5, 5))
    assert grant.processes == 1
    assert grant.pause_seconds > 10
    assert len(api.requests) == 1


# Stores that fail --------------------------------------------------------------------------------


class Proxy:
    """A TCP proxy that can hang, and refuse connections.

    Args:
        port: Of the server.

    Attributes:
        port: Of the proxy.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._passes = threading.Event()
        self._passes.set()
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._is_refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """Pass nothing on."""
        self._passes.clear()

    def refuse(self) -> None:
        """Break all connections, and each new one."""
        self._is_refusing = True
        self._passes.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def recover(self) -> None:
        """Work again."""
        self._is_refusing = False
        self._passes.set()

    def close(self) -> None:
        """Stop."""
        self.refuse()
        self._server.close()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._is_refusing:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                self._passes.wait()
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(server: tuple[str, int]) -> Iterator[Proxy]:
    """Return a proxy of the server."""
    with closing(Proxy(server[1])) as each:
        yield each


def test_lost_store_is_used_again(
    server: tuple[str, int], store: str, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that hangs or breaks means the fixed share and one warning, until it is back."""
    caplog.set_level(logging.INFO)
    url = store.replace(str(server[1]), str(proxy.port))
    rates = []
    with (
        RecordingServer() as api,
        clients(shared(url, api.url, rate_limit_share=2.5)) as [client],
    ):
        client.transport.run_ends_at = time.monotonic() + 120
        for change in (proxy.hang, proxy.recover, proxy.refuse, proxy.recover):
            client.get(FIRM, {}, {}, dict)
            rates.append(client.transport.rate_limit.requests_per_second)
            change()
            wanted = 5 if change == proxy.recover else 2.5
            while client.transport.rate_limit.requests_per_second != wanted:
                client.get(FIRM, {}, {}, dict)
    assert rates == [5, 2.5, 5, 2.5]
    messages = [r.getMessage() for r in caplog.records if "Rate limit store" in r.getMessage()]
    assert [message.partition(". Sending")[0] for message in messages] == [
        "Rate limit store: unavailable (no response)",
        "Rate limit store: available again",
    ], "a store that comes and goes does not fill the log"


@pytest.mark.parametrize("kind", URLS)
def test_missing_store_is_one_warning(firm: SandboxServer, process: Process, kind: str) -> None:
    """A run without its store sends its share, warns once, and shows nothing of the URL."""
    port = free_port()
    url = URLS[kind].format(port)
    output = process.run(config(firm, rate_limit_store=url, rate_limit_share=1000))
    assert output.status == 0
    assert output.stderr.count("Rate limit store: unavailable (") == 1
    assert "1e+03 requests per second, the share of this process" in output.stderr
    assert "c4nary" not in output.stderr
    assert str(port) not in output.stderr


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [("postgres", "psycopg", "postgres"), ("redis", "redis", "redis")],
)
def test_missing_package_names_extra(
    firm: SandboxServer, monkeypatch: pytest.MonkeyPatch, kind: str, package: str, extra: str
) -> None:
    """Without its package a store is rejected before any request."""
    monkeypatch.setitem(sys.modules, package, None)
    options = config(firm, rate_limit_store=URLS[kind].format(1))
    expected = (
        f"rate_limit_store needs the package {package}. "
        f"Install tap-smokeball with its extra `{extra}`"
    )
    with pytest.raises(ConfigValidationError) as refused:
        run(options)
    assert refused.value.errors == [expected]
    with pytest.raises(RateLimitStoreError) as failed:
        ApiClient(Settings.from_config(options))
    assert str(failed.value) == f"{expected}."
    assert firm.control.requests()["total"] == 0


@pytest.mark.parametrize(
    "url",
    ["mysql://c4nary@h/d", "c4nary", "redis:c4nary", "postgresql://c4nary:x@h:y/", "redis://"],
)
def test_other_store_is_rejected(firm: SandboxServer, url: str) -> None:
    """A URL of no known store is rejected before any request, and not shown."""
    options = config(firm, rate_limit_store=url)
    with pytest.raises(ConfigValidationError) as refused:
        run(options)
    expected = "rate_limit_store: takes a URL that begins with postgresql://, redis:// or rediss://"
    assert expected in refused.value.errors
    with pytest.raises(RateLimitStoreError) as failed:
        ApiClient(Settings.from_config(options))
    assert "c4nary" not in f"{refused.value.errors} {failed.value}"
    assert firm.control.requests()["total"] == 0
