"""Extract matters and fees with a hand-written asyncio script, for comparison.

``python -m benchmarks.asyncio_script CONFIG [STATE]`` is what a careful engineer writes for this
firm and no other: aiohttp, msgspec, one task for each request that may be in flight, starts at the
rate, and retries. It has no schema, no check of pages and no state within a run. Its messages look
like Singer's.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE_SIZE = 500
UNIX_EPOCH_TICKS = 621_355_968_000_000_000
MAX_ATTEMPTS = 8

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines

Rows = list[dict[str, Any]]


class RateLimit:
    """Spaces the starts of requests: a burst first, and then the rate.

    Args:
        rate: Requests per second, or None.
        burst: Requests that may start at once.
    """

    def __init__(self, rate: float | None, burst: int) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._slack = burst * self._interval
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for a start."""
        now = time.monotonic()
        self._next = max(self._next, now - self._slack + self._interval) + self._interval
        # A request that leaves in time must not arrive early.
        if (delay := self._next - now - self._interval) > 0:
            await asyncio.sleep(delay)


class Api:
    """Requests pages."""

    def __init__(self, session: aiohttp.ClientSession, config: dict[str, Any]) -> None:
        self._session = session
        self._rate_limit = RateLimit(config.get("rate"), config["burst"])

    async def rows(self, path: str, **parameters: Any) -> AsyncIterator[Rows]:
        """Yield the rows of each page."""
        offset, size = 0, PAGE_SIZE
        while size == PAGE_SIZE:
            page = await self._get(path, {**parameters, "Limit": PAGE_SIZE, "Offset": offset})
            size = len(page)
            offset += size
            yield page

    async def _get(self, path: str, parameters: dict[str, Any]) -> Rows:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await self._rate_limit.wait()
            async with self._session.get(path, params=parameters) as response:
                if response.status == 200:  # noqa: PLR2004
                    rows: Rows = _decode(await response.read())["value"]
                    return rows
                if response.status != 429 and response.status < 500:  # noqa: PLR2004
                    break
                await asyncio.sleep(float(response.headers.get("Retry-After", attempt)))
        response.raise_for_status()
        raise TimeoutError(path)


async def extract(config: dict[str, Any], state: dict[str, Any]) -> None:
    """Write the messages of one extraction."""
    started = UNIX_EPOCH_TICKS + time.time_ns() // 100
    headers = {
        "x-api-key": config["api_key"],
        "Authorization": f"Bearer {config['access_token']}",
    }
    connector = aiohttp.TCPConnector(limit=config["burst"])
    async with aiohttp.ClientSession(
        config["api_url"], headers=headers, connector=connector
    ) as session:
        api = Api(session, config)
        matters: asyncio.Queue[str] = asyncio.Queue()
        async for rows in api.rows("/matters", Type="Matters,Leads", Sort="asc(lastUpdated)"):
            _write("matters", rows)
            for row in rows:
                matters.put_nowait(row["id"])
        parameters = {"UpdatedSince": state["fees"]} if "fees" in state else {}

        async def work() -> None:
            while not matters.empty():
                path = f"/matters/{matters.get_nowait()}/fees"
                async for rows in api.rows(path, **parameters):
                    _write("fees", rows)

        await asyncio.gather(*(work() for _ in range(config["burst"])))
    message = {"type": "STATE", "value": {"fees": started}}
    sys.stdout.write(json.dumps(message) + "\n")


def _write(stream: str, rows: Rows) -> None:
    lines = _encode_lines([{"type": "RECORD", "stream": stream, "record": row} for row in rows])
    sys.stdout.buffer.write(lines)


def main(config_file: str, state_file: str | None = None) -> None:
    """Run one extraction."""
    config = json.loads(Path(config_file).read_text("utf-8"))
    state = json.loads(Path(state_file).read_text("utf-8")) if state_file else {}
    asyncio.run(extract(config, state))


if __name__ == "__main__":
    main(*sys.argv[1:])
