"""Odd text and odd bodies of the API, odd tokens, and crashes of a stream."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import pytest

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.api.response_parsers import ARRAY
from tap_smokeball.config.settings import Settings
from tests.harness import FEES, TOKEN, catalog, config, run, sandbox_rows
from tests.memory_adapter import ADAPTERS
from tests.memory_firm import MemoryFirm

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.harness import Output
    from tests.memory_adapter import MemoryAdapter


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


@pytest.fixture(scope="module")
def memory_firm() -> MemoryFirm:
    return MemoryFirm(matters=2)


def run_with_token(firm: MemoryFirm, fields: dict[str, Any]) -> Output:
    """Run with a valid response of the token endpoint in which some fields are replaced."""
    client_id, secret = firm.credentials["client_id"], firm.credentials["client_secret"]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    response = cast("MemoryAdapter", ADAPTERS[firm.url]).call(
        "POST",
        f"{firm.url}/oauth2/token",
        urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response is not None
    valid = json.loads(response.body)
    for name, value in fields.items():
        valid[name] = value.format(**valid) if isinstance(value, str) else value
    firm.control.fail(how="body", body=json.dumps(valid), template=TOKEN)
    output = run(config(firm))
    firm.control.clear_faults()
    return output


@pytest.mark.parametrize(
    "fields",
    [
        {"access_token": " {access_token}\n"},
        {"expires_in": 10**30},
        {"expires_in": -5},
        {"expires_in": "3600"},
        {"expires_in": [1]},
        {"refresh_token": 5},
        {"refresh_token": [5]},
    ],
)
def test_odd_token_response_is_accepted(memory_firm: MemoryFirm, fields: dict[str, Any]) -> None:
    """Whatever its other fields are, a token that can be sent is used, and for long."""
    memory_firm.control.reset_requests()
    output = run_with_token(memory_firm, fields)
    assert (output.status, len(output.ids("matters"))) == (0, 2)
    assert memory_firm.control.requests()["by_template"][TOKEN] == 2  # one by this test


@pytest.mark.parametrize("token", ["a\nb", "a\u20acb", 5, ["a"]])
def test_unusable_token_is_one_clear_error(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture, token: Any
) -> None:
    output = run_with_token(memory_firm, {"access_token": token})
    assert output.status == 1
    assert "no usable access token from the token endpoint" in caplog.text
    assert "a\nb" not in caplog.text


def test_body_nested_too_deep_fails_alone(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """It is an invalid body of its parent; the other one is read."""
    body = "[" * 10_000 + "]" * 10_000
    matter = sandbox_rows(memory_firm, "matters")[0]["row"]["id"]
    memory_firm.control.fail(how="body", body=body, template=FEES, path_contains=matter, count=9)
    output = run(config(memory_firm, max_retries=0))
    memory_firm.control.clear_faults()
    assert output.status == 1
    assert output.ids("fees")
    assert "nested too deep" in caplog.text


@pytest.mark.parametrize(
    "body", [{"message": "x"}, {"id": ""}, {"id": True}, {"id": ["x"]}, {"id": {"x": 1}}, ["x"]]
)
def test_object_without_id_is_no_row(memory_firm: MemoryFirm, body: Any) -> None:
    """An error document with status 200 is none of a stream of single objects."""
    selection = catalog(wanted=["matters", "archives", "billing_configurations"])
    for name in ("archive", "billingconfiguration"):
        template = f"GET /matters/{{matterId}}/{name}"
        memory_firm.control.fail(how="body", body=json.dumps(body), template=template, count=9)
    output = run(config(memory_firm, max_retries=0), catalog=selection)
    memory_firm.control.clear_faults()
    assert (output.status, len(output.ids("matters"))) == (1, 2)
    assert not output.records("archives")
    assert not output.records("billing_configurations")
