"""Requests of an attacker who does not have the key, for tests and `benchmarks.receiver`."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tests.receiver_process import raw_request, read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.receiver_process import Firm, Receiver

CANARY = "c4nary-text"
_BIG_BYTES = 2_000_000
_DEEP = b"[" * 400_000
_THREADS = 16


class Attacker:
    """Sends hostile requests, each of a kind chosen by chance.

    Args:
        receiver: The receiver.
        firm: A firm that it knows.
        recorded: Headers and body of a delivery that it has accepted.
        seed: Seed of the choices.
    """

    def __init__(
        self, receiver: Receiver, firm: Firm, recorded: tuple[dict[str, str], bytes], seed: int
    ) -> None:
        self._receiver = receiver
        self._firm = firm
        self._recorded = recorded
        self._random = random.Random(seed)  # noqa: S311 - repeatable choices
        self.kinds: dict[str, Callable[[], bytes]] = {
            "unsigned": lambda: self._request({}),
            "wrong key": lambda: self._request(firm.headers(key="wrong")),
            "stale": lambda: self._request(firm.headers(ticks=dotnet_ticks.now() // 2)),
            "replayed": lambda: self._request(*recorded),
            "replayed with other body": lambda: self._request(recorded[0]),
            "unknown firm": lambda: self._request(firm.headers(), path=f"/webhooks/{CANARY}"),
            "big": lambda: self._request({}, b" " * _BIG_BYTES),
            "big replayed": lambda: self._request(recorded[0], b" " * _BIG_BYTES),
            "big chunked": self._chunked,
            "deep": lambda: self._request(firm.headers(key="wrong"), _DEEP),
            "deep replayed": lambda: self._request(recorded[0], _DEEP),
            "content type": lambda: self._request({"Content-Type": CANARY}),
            "encoded": lambda: self._request({"Content-Encoding": "gzip"}),
            "long header": lambda: self._request({"X-Long": CANARY * 3_000}),
            "other path": lambda: self._request({}, path=f"/{CANARY}?{CANARY}"),
            "no HTTP": lambda: CANARY.encode() + b"\r\n\r\n",
            "slow header": lambda: b"POST /webhooks/",
            "slow body": lambda: self._request(recorded[0], b"", length=9),
        }

    def run(self, count: int) -> Counter[int | str]:
        """Send requests; return counts of kinds and of statuses, 0 for no response."""
        names = self._random.choices(list(self.kinds), k=count)
        found: Counter[int | str] = Counter(names)
        with ThreadPoolExecutor(_THREADS) as pool:
            found.update(pool.map(self._send, names))
        return found

    def _send(self, name: str) -> int:
        try:
            with self._receiver.connect() as connection:
                connection.sendall(self.kinds[name]())
                if name.startswith("slow"):
                    connection.settimeout(0.05)
                response = read_all(connection)
        except OSError:  # the receiver closed it before it had read all
            return 0
        return int(response.split()[1]) if response else 0

    def _request(
        self, headers: dict[str, str], body: bytes | None = None, path: str = "", length: int = 0
    ) -> bytes:
        if body is None:
            body = self._firm.body(payload={"id": CANARY, "subject": CANARY})
        size = {"Content-Length": str(length or len(body)), "Connection": "close"}
        return raw_request(
            self._firm, body, {"Content-Type": "application/json"} | headers | size, path
        )

    def _chunked(self) -> bytes:
        headers = self._recorded[0] | {"Transfer-Encoding": "chunked", "Connection": "close"}
        return raw_request(self._firm, b"%x\r\n" % _BIG_BYTES + b" " * _BIG_BYTES, headers)
