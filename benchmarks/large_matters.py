"""A server that sends the pages of five large matters at once, with rows of 4 kB.

The sandbox creates its rows while it answers, so the tap waits for it. Here pages arrive faster
than the tap writes them, and wait in its memory.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

MATTERS, FEES_PER_MATTER, ROW_BYTES = 5, 5_000, 4_000
_FEES = re.compile(r"/matters/([0-9a-f-]{36})/fees")


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def _fee(matter: str, number: int) -> dict[str, Any]:
    return {
        "id": _id(number),
        "matter": {"id": matter},
        "staff": {"id": _id(1)},
        "subject": "Prepare correspondence",
        "feeDate": "2026-04-25",
        "duration": 12,
        "rate": 525.25,
        "amount": 105.05,
        "isBillable": True,
        "description": "x" * ROW_BYTES,
    }


def _page(path: str) -> dict[str, Any]:
    parts = urlsplit(path)
    if fees := _FEES.fullmatch(parts.path):
        query = parse_qs(parts.query)
        offset, limit = int(query["Offset"][0]), int(query["Limit"][0])
        number = int(fees[1][-12:], 16)
        numbers = range(FEES_PER_MATTER)[offset : offset + limit]
        rows = [_fee(fees[1], number * 1_000_000 + each) for each in numbers]
        return {"value": rows, "offset": offset, "limit": limit, "size": FEES_PER_MATTER}
    rows = [
        {"id": _id(1 + each), "versionId": "638728505973577460", "status": "Open"}
        for each in range(MATTERS)
    ]
    return {"value": rows, "offset": 0, "limit": 500, "size": MATTERS}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.pages.get(self.path)
        if body is None:
            body = self.pages[self.path] = json.dumps(_page(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def large_matters() -> Iterator[str]:
    """Yield the URL of the server; it keeps each page that it made."""
    handler = type("Handler", (_Handler,), {"pages": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
