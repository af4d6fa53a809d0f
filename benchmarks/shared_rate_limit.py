"""Measure a rate limit that processes share: ``python -m benchmarks.shared_rate_limit STORE``.

Ten processes of one app send requests all the time, and two processes of another app. After a third
of the time two of the ten are killed, and started again. The sandbox has the rate limit of the API
for each app. The table shows how much of it is used, the 429 responses, how equal the shares of the
processes are, and what the store costs per request.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smokeball_sandbox import SandboxServer
from tap_smokeball.api import ApiClient, Endpoint
from tap_smokeball.api.rate_limit_store import Demand, open_store
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import SmokeballError
from tests.servers import postgres_server, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE, BURST = 5, 5
PROCESSES, KILLED, OTHER_APP = 10, 2, 2
START_SECONDS = 8.0
"""Until all processes have started, nothing is measured."""
DOWN_SECONDS = 2.0
FIRM = Endpoint("/firm", "firm/read", "firm")
CALLS = 2_000


def main() -> int:
    """Run the benchmark and print its table."""
    options = _parser().parse_args()
    if options.store == "worker":
        return work()
    with ExitStack() as stack:
        if options.store == "postgres":
            port = stack.enter_context(postgres_server())
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        else:
            port = stack.enter_context(redis_server())
            url = f"redis://127.0.0.1:{port}/0"
        sandbox = stack.enter_context(
            SandboxServer(matters=5, rate=RATE, burst=BURST, latency_ms=options.latency_ms)
        )
        servers = set(_server_processes(options.store))
        for name, value in measure(sandbox, url, options.seconds, servers):
            sys.stdout.write(f"{name:<62}{value}\n")
    return 0


def measure(
    sandbox: SandboxServer, url: str, seconds: float, servers: set[int]
) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table."""
    apps = {
        "a": {**sandbox.credentials, "rate_limit_store": url},
        "b": {**sandbox.public_credentials, "rate_limit_store": url},
    }
    # No refresh token is needed by an app with a secret.
    names = [f"a{number}" for number in range(PROCESSES)]
    names += [f"b{number}" for number in range(OTHER_APP)]
    workers = {name: _start(sandbox, apps[name[0]], name) for name in names}
    try:
        time.sleep(START_SECONDS)
        calls = _calls(url)
        sandbox.control.reset_requests()
        began = time.monotonic()
        time.sleep(seconds / 3)
        killed = names[:KILLED]
        for name in killed:
            workers[name].kill()
        time.sleep(DOWN_SECONDS)
        for name in killed:
            workers[name].wait()
            workers[name] = _start(sandbox, apps["a"], name)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        report = sandbox.control.requests(log=True)
        measured = time.monotonic() - began
        calls = _calls(url) - calls
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    log = [entry for entry in report["log"] if entry["template"] == "GET /firm"]
    for app, count in (("a", PROCESSES), ("b", OTHER_APP)):
        entries = [entry for entry in log if entry["user_agent"].startswith(app)]
        good = [entry for entry in entries if entry["status"] == 200]  # noqa: PLR2004
        rejected = sum(entry["status"] == 429 for entry in entries)  # noqa: PLR2004
        yield f"app {app}: processes", str(count)
        yield f"app {app}: share of the rate limit used", f"{len(good) / measured / RATE:.1%}"
        yield f"app {app}: responses with 429", str(rejected)
        shares = Counter(entry["user_agent"] for entry in good)
        steady = [shares[name] for name in names if name[0] == app and name not in killed]
        mean = statistics.mean(steady)
        yield (
            f"app {app}: requests of a process in {measured:.0f} s, least, mean, most",
            f"{min(steady)}, {mean:.1f}, {max(steady)}",
        )
        if app == "a":
            yield (
                "app a: requests of the killed processes",
                ", ".join(str(shares[name]) for name in killed),
            )
    yield "requests in flight, most of both apps", str(report["max_in_flight"])
    per_request = calls / len(log)
    yield "calls of the store per request", f"{per_request:.2f}"
    wall, client, server = _cost_ms(url, servers)
    yield "wall time of a call, median", f"{wall:.2f} ms"
    yield "user and system CPU of a call, process", f"{client:.2f} ms"
    yield "user and system CPU of a call, server", f"{server:.2f} ms"
    yield "wall time of the store per request", f"{wall * per_request:.2f} ms"
    yield "CPU of the store per request", f"{(client + server) * per_request:.2f} ms"


def work() -> int:
    """Send requests all the time, from as many threads as the tap has."""
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {os.getpid()} %(message)s")
    settings = Settings.from_config(json.load(sys.stdin))
    client = ApiClient(settings, logging.getLogger("worker"))

    def send() -> None:
        while True:
            try:
                client.get(FIRM, {}, {}, dict)
            except SmokeballError as error:
                logging.warning("%s", error)  # noqa: LOG015
                time.sleep(1)

    for _ in range(settings.burst - 1):
        threading.Thread(target=send, daemon=True).start()
    send()
    return 0


def _start(sandbox: SandboxServer, app: dict[str, Any], name: str) -> subprocess.Popen[str]:
    settings = {
        **app,
        "api_url": sandbox.url,
        "auth_url": sandbox.url,
        "requests_per_second": RATE,
        "burst": BURST,
        "user_agent": name,
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.shared_rate_limit", "worker"],
        stdin=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None  # noqa: S101
    with worker.stdin as stdin:
        json.dump(settings, stdin)
    return worker


def _cost_ms(url: str, servers: set[int]) -> tuple[float, float, float]:
    """Return the median wall time of a call, and the CPU of this process and of the server."""
    settings = Settings.from_config({"api_key": "k", "client_id": "of no other process"})
    store = open_store(url, settings)
    demand = Demand("p", RATE, BURST, waiting=1)
    store.exchange(demand)
    walls = []
    server, client = _server_seconds(servers), time.process_time()
    for _ in range(CALLS):
        began = time.perf_counter()
        store.exchange(demand)
        walls.append(time.perf_counter() - began)
    client, server = time.process_time() - client, _server_seconds(servers) - server
    store.close()
    return 1000 * statistics.median(walls), 1000 * client / CALLS, 1000 * server / CALLS


def _calls(url: str) -> int:
    """Return the number of calls that the store has answered."""
    if url.startswith("redis"):
        import redis  # noqa: PLC0415

        with redis.Redis.from_url(url) as client:
            stats: Any = client.info("commandstats")
            return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"
        [(count,)] = connection.execute(query).fetchall()
    return int(count)


def _server_processes(store: str) -> Iterator[int]:
    """Yield the ids of the server's first process."""
    name = {"postgres": "postgres", "redis": "redis-server"}[store]
    for pid, fields in _processes():
        if fields[0] == name and int(fields[2]) in {1, os.getpid()}:
            yield pid


def _server_seconds(servers: set[int]) -> float:
    """Return the CPU seconds of the server and its children."""
    ticks = 0
    for pid, fields in _processes():
        if pid in servers or int(fields[2]) in servers:
            ticks += int(fields[12]) + int(fields[13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Yield the id and status of each process: name, state, parent, ..."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        name, _, rest = text[text.index("(") + 1 :].rpartition(") ")
        yield int(path.parent.name), [name, *rest.split()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure a rate limit that processes share.")
    parser.add_argument("store", choices=("postgres", "redis", "worker"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--latency-ms", type=float, default=200)
    return parser


if __name__ == "__main__":
    sys.exit(main())
