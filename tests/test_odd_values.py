"""Odd text of the API, and crashes of a stream."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.api.response_parsers import ARRAY
from tap_smokeball.config.settings import Settings
from tests.harness import config, run, sandbox_rows

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer


CREDENTIALS = {"region": "us", "client_id": "c", "client_secret": "s", "api_key": "k"}


class BrokenTextHandler(BaseHTTPRequestHandler):
    """Sends a token, and two rows with an invalid byte and with lone surrogates."""

    def do_POST(self) -> None:
        self.answer(b'{"access_token": "t", "expires_in": 3600}')

    def do_GET(self) -> None:
        self.answer(
            b'[{"id": "1", "name": "a\xffb"},{"id": "2", "name": "\\ud800\\\\ud800\\ud83d\\ude00"}]'
        )

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def test_odd_unicode_becomes_replacement(caplog: pytest.LogCaptureFixture) -> None:
    """What is no character arrives as U+FFFD, with a warning once a stream."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BrokenTextHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        connection = {**CREDENTIALS, "api_url": url, "auth_url": url}
        client = ApiClient(Settings.from_config(connection))
        endpoint = Endpoint("/groups", "groups/read", "groups")
        for _ in range(2):
            rows = list(client.iter_rows(endpoint, response_format=ARRAY))
            assert [row["name"] for row in rows] == ["a\ufffdb", "\ufffd\\ud800😀"]
        client.close()
        server.shutdown()
    assert len([r for r in caplog.records if "not valid Unicode" in r.getMessage()]) == 1


def test_crash_of_a_stream_stops_no_other(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Values nested too deep to be handled end one stream, with one line without data."""
    deep: Any = "secret"
    for _ in range(900):
        deep = [deep]
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"deep": deep})
    output = run(config(firm))
    assert output.status == 1
    assert output.ids("matters")
    assert "secret" not in caplog.text
    assert "fees (GET /matters/{matterId}/fees)" in caplog.text
