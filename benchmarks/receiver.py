"""Measure the webhook receiver: events a second and their times, and an attack with its memory.

``python -m benchmarks.receiver [--seconds 10] [--hostile 10000]``. The receiver, the database and
the load run on one machine. The load starts each delivery at its own time, whether or not earlier
ones were answered, and counts the time from then: a slow receiver cannot slow down the measurement.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tests.hostile_requests import Attacker
from tests.receiver_process import Firm, raw_request, run_receiver
from tests.servers import postgres_server

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.receiver_process import Receiver

GOALS = {"sqlite": 300, "postgres": 1_000}
"""Events a second that the receiver must take, with 99% of them below 100 ms."""

_CONNECTIONS = 64
_BODY_BYTES = 5_000
_NO_CAPS = ("--max-events-per-minute", "10000000", "--max-rows", "10000000")
_HEADERS_END = b"\r\n\r\n"


def check(condition: bool, failure: str) -> None:  # noqa: FBT001
    """Stop if a condition does not hold."""
    if not condition:
        raise RuntimeError(failure)


class Connection(asyncio.Protocol):
    """A connection that is kept: one delivery at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport
        self._response: asyncio.Future[bytes] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Complete a response, which has no body."""
        self._received += data
        if self._received.endswith(_HEADERS_END) and self._response:
            self._response.set_result(self._received)
            self._received = b""

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the response that is awaited."""
        if self._response and not self._response.done():
            self._response.set_exception(exc or ConnectionError())

    async def send(self, request: bytes) -> bool:
        """Send a delivery, and return whether it was accepted."""
        self._response = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return (await self._response).startswith(b"HTTP/1.1 204")

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def deliver(receiver: Receiver, requests: list[bytes], rate: float) -> list[float]:
    """Deliver requests at a rate, and return their times in seconds.

    Args:
        receiver: The receiver.
        requests: The requests.
        rate: Requests per second.
    """
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(Connection, *receiver.address) for _ in range(_CONNECTIONS)
    ]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _, connection in opened:
        free.put_nowait(connection)
    started = loop.time()
    seconds: list[float] = []

    async def send(request: bytes, due: float) -> None:
        connection = await free.get()
        check(await connection.send(request), "a delivery was refused")
        seconds.append(loop.time() - due)
        free.put_nowait(connection)

    tasks = []
    for index, request in enumerate(requests):
        due = started + index / rate
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(send(request, due)))
    await asyncio.gather(*tasks)
    for _, connection in opened:
        connection.close()
    return seconds


def measure_rate(inbox: str, rate: int, seconds: float) -> dict[str, Any]:
    """Deliver at a rate to a receiver with a new inbox."""
    firm = Firm(inbox)
    requests = []
    for _ in range(int(rate * seconds)):
        body = firm.body(padding="x" * _BODY_BYTES)
        headers = firm.headers({"Content-Length": str(len(body))})
        requests.append(raw_request(firm, body, headers))
    with run_receiver(inbox, *_NO_CAPS) as receiver:
        cpu = _cpu_seconds(receiver)
        started = time.monotonic()
        times = sorted(asyncio.run(deliver(receiver, requests, rate)))
        duration = time.monotonic() - started
        check(len(firm.rows()) == len(requests), "rows are missing")
        return {
            "wanted_per_second": rate,
            "events_per_second": round(len(times) / duration),
            "p50_ms": round(1000 * statistics.median(times), 1),
            "p99_ms": round(1000 * times[int(0.99 * len(times))], 1),
            "max_ms": round(1000 * times[-1], 1),
            "cpu_ms_per_event": round(1000 * (_cpu_seconds(receiver) - cpu) / len(times), 3),
            "peak_memory_mb": round(receiver.peak_memory_bytes() / 1e6),
        }


def measure_attack(inbox: str, count: int) -> dict[str, Any]:
    """Attack a receiver, and deliver to it meanwhile and afterwards."""
    firm = Firm(inbox)
    with run_receiver(inbox) as receiver:
        recorded = firm.headers(), firm.body()
        check(receiver.post(firm, recorded[1], headers=recorded[0]).ok, "a delivery was refused")
        started = time.monotonic()
        found = Attacker(receiver, firm, recorded, seed=1).run(count)
        duration = time.monotonic() - started
        check(receiver.post(firm).ok, "the receiver no longer answers")
        check(len(firm.rows()) == len(("before", "after")), "the attack left rows")
        return {
            "requests": count,
            "seconds": round(duration, 1),
            "statuses": {str(key): n for key, n in found.items() if isinstance(key, int)},
            "log_lines": len(receiver.lines),
            "peak_memory_mb": round(receiver.peak_memory_bytes() / 1e6),
        }


def measure_refusal_times(inbox: str, count: int) -> dict[str, Any]:
    """Measure whether the times of refusals tell what the receiver knows, in milliseconds."""
    firm = Firm(inbox)
    with run_receiver(inbox) as receiver:
        check(receiver.post(firm).ok, "a delivery was refused")
        kinds = {"unknown firm": "/webhooks/nobody", "wrong key": f"/webhooks/{firm.name}"}
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _index in range(count):
            for kind, path in kinds.items():
                body = firm.body()
                headers = firm.headers({"Content-Length": str(len(body))}, key="wrong")
                request = raw_request(firm, body, headers, path)
                started = time.perf_counter()
                receiver.send(request)
                times[kind].append(1000 * (time.perf_counter() - started))
        return {kind: round(statistics.median(each), 2) for kind, each in times.items()}


@contextmanager
def new_inbox(kind: str) -> Iterator[str]:
    """Return the URL of a new inbox. Postgres writes its log to the disk, as in production."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'inbox.db'}"
    else:
        with postgres_server(is_durable=True) as port:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _cpu_seconds(receiver: Receiver) -> float:
    fields = (
        Path(f"/proc/{receiver.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--hostile", type=int, default=10_000)
    options = parser.parse_args()
    results: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    for kind, goal in GOALS.items():
        for rate in (goal // 2, goal, 2 * goal):
            with new_inbox(kind) as inbox:
                results.setdefault(kind, []).append(measure_rate(inbox, rate, options.seconds))
    with new_inbox("sqlite") as inbox:
        results["refusal_ms"] = measure_refusal_times(inbox, 100)
    with new_inbox("sqlite") as inbox:
        results["attack"] = measure_attack(inbox, options.hostile)
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
