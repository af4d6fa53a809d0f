"""Requests that are sent in one piece are those that `http.client` sends, and as safe."""

from __future__ import annotations

import gzip
import re
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_smokeball.api import ApiClient, Endpoint
from tap_smokeball.api.response_parsers import NO_CONTENT
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import SmokeballError
from tests.tls_server import create_certificate
from tests.wire_server import PIECE_SECONDS, WireServer

if TYPE_CHECKING:
    from pathlib import Path

FIRM = Endpoint("/firm", "firm/read", "firm")
FEES = Endpoint("/matters/{matterId}/fees", "fees/read", "fees")
HEAD = b"HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT\r\n"


def response(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


REGULAR = response(b'{"id": "regular"}')
BODY = b'{"id": "odd"}'
PACKED = gzip.compress(BODY)
OTHER = response(b'{"id": "other firm"}')

SHAPES: dict[str, list[bytes | None]] = {
    "regular": [response(BODY)],
    "head in two pieces": [response(BODY)[:30], response(BODY)[30:]],
    "head and body apart": [response(BODY)[: -len(BODY)], BODY],
    "body in two pieces": [response(BODY)[:-5], response(BODY)[-5:]],
    "gzip": [response(PACKED, HEAD + b"content-encoding: GZIP\r\n")],
    "broken gzip": [response(PACKED[:-9], HEAD + b"Content-Encoding: gzip\r\n")],
    "other encoding": [response(BODY, HEAD + b"Content-Encoding: br\r\n")],
    "chunks": [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
        BODY[:5],
        b"\r\n8;x=1\r\n",
        BODY[5:] + b"\r\n0\r\nTrailer: 1\r\n\r\n",
    ],
    "broken chunk": [HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n" + BODY, None],
    "chunks and a length": [
        HEAD
        + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nd\r\n"
        + BODY
        + b"\r\n0\r\n\r\n"
    ],
    "until the end": [HEAD + b"\r\n" + BODY, None],
    "close": [response(BODY, HEAD + b"Connection: close\r\n"), None],
    "HTTP/1.0": [response(BODY, b"HTTP/1.0 200 OK\r\n"), None],
    "keep-alive": [response(BODY, HEAD + b"Connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n")],
    "continue": [b"HTTP/1.1 100 Continue\r\n\r\n" + response(BODY)],
    "folded header": [response(BODY, HEAD + b"X-Long: one\r\n  two\r\n")],
    "no space after colons": [response(BODY, b"HTTP/1.1 200 OK\r\nX-Empty:\r\nx-one:1 \r\n")],
    "latin-1 header": [response(BODY, HEAD + b"X-Name: caf\xe9\r\n")],
    "no reason": [response(BODY, b"HTTP/1.1 200 \r\n")],
    "bare newlines": [response(BODY).replace(b"\r\n", b"\n")],
    "two lengths": [response(BODY, HEAD + b"Content-Length: 13\r\n")],
    "two different lengths": [response(BODY, HEAD + b"Content-Length: 5\r\n"), None],
    "negative length": [HEAD + b"Content-Length: -1\r\n\r\n" + BODY, None],
    "length of many digits": [HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + BODY, None],
    "too short": [response(BODY)[:-1], None],
    "no body": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "no response": [None],
    "cut in the head": [HEAD, None],
    "not HTTP": [b"220 mail.example ESMTP\r\n\r\n", None],
    "many headers": [response(BODY, HEAD + b"X-Many: 1\r\n" * 150)],
    "long header": [response(BODY, HEAD + b"X-Long: " + b"x" * 70_000 + b"\r\n"), None],
    "denied": [response(b"{}", b"HTTP/1.1 403 Forbidden\r\n")],
    "server error": [response(b"{}", b"HTTP/1.1 503 Unavailable\r\nRetry-After: 0\r\n")],
    "redirect": [response(b"", b"HTTP/1.1 302 Found\r\nLocation: http://other.example/\r\n")],
    "too large": [response(b'{"id": "%s"}' % (b"x" * 1_100_000))],
    "rest of another": [response(BODY) + OTHER],
}


def client(url: str, **settings: Any) -> ApiClient:
    values = {"api_key": "k", "access_token": "t", "max_retries": 0, "max_response_mb": 1}
    rate = {"requests_per_second": 1000, "request_timeout_seconds": 5}
    return ApiClient(Settings.from_config({**values, **rate, "api_url": url, **settings}))


def outcome(api: ApiClient) -> str:
    try:
        return str(api.get(FIRM, {}, {}, _id).data)
    except SmokeballError as error:
        return re.sub(r"request id [\w-]+|RequestId [\w-]+|\b[0-9a-f-]{36}\b", "ID", str(error))


def _id(body: Any) -> str:
    return "no content" if body is NO_CONTENT else str(body["id"])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore the proxies and certificates of this machine."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for 127.0.0.1 with its key."""
    return create_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("shape", SHAPES)
def test_plain_request_has_same_outcome(shape: str) -> None:
    """A response means the same to the first request of a connection and to a later one."""
    pieces = SHAPES[shape]
    with WireServer([pieces, [REGULAR], pieces, [REGULAR]]) as server:
        with closing(client(server.url)) as api:
            expected = outcome(api)
        with closing(client(server.url)) as api:
            assert [outcome(api) for _ in range(3)] == ["regular", expected, "regular"]
    first, warm, odd, _ = server.requests
    assert first.connection != warm.connection == odd.connection


def test_plain_request_has_same_bytes() -> None:
    """Later requests of a connection have the header fields of the first one, in their order."""
    with WireServer([[REGULAR]] * 3) as server, closing(client(server.url, user_id="u")) as api:
        for _ in range(3):
            api.get(FEES, {"matterId": "m-1"}, {"Since": "a b&c/\u00e9", "Tag": [1, 2]}, dict)
    assert {request.connection for request in server.requests} == {1}
    heads = [re.sub(rb"RequestId: \S+", b"RequestId: 1", r.head) for r in server.requests]
    assert heads[0] == heads[1] == heads[2]
    target = b"GET /matters/m-1/fees?Since=a+b%26c%2F%C3%A9&Tag=1&Tag=2 HTTP/1.1\r\n"
    assert heads[0].startswith(target + b"Host: " + server.url.removeprefix("http://").encode())
    assert heads[0].count(b"\r\n") == 11


@pytest.mark.parametrize("matter", ["a b", "..", "a/b", "%41", "\u00e9", "a\r\nX-Evil: 1", "~_-."])
def test_odd_id_has_same_bytes(matter: str) -> None:
    """The path of an id that needs escapes is that of the first request, and adds no header."""
    with WireServer([[REGULAR]] * 2) as server, closing(client(server.url)) as api:
        for _ in range(2):
            api.get(FEES, {"matterId": matter}, {}, dict)
    first, second = (request.head.partition(b"\r\n")[0] for request in server.requests)
    assert first == second
    prepared = requests.Request("GET", server.url + FEES.path_for({"matterId": matter})).prepare()
    assert first == f"GET {prepared.path_url} HTTP/1.1".encode()


def test_dripping_plain_response_is_cut() -> None:
    """A later request of a connection has a deadline, too, although data keeps coming."""
    begin, end = REGULAR[:17] + b"X-Drip: ", b"\r\n" + REGULAR[17:]
    drip: list[bytes | None] = [begin, *(b"X" for _ in range(100)), end]
    with (
        WireServer([[REGULAR], drip, [REGULAR]]) as server,
        closing(client(server.url, request_timeout_seconds=0.5, max_request_seconds=0.5)) as api,
    ):
        assert outcome(api) == "regular"
        assert "no response within 0.5 s" in outcome(api)
        assert outcome(api) == "regular"


def test_idle_connection_is_replaced() -> None:
    """A server that has closed an idle connection costs no failed request."""
    with WireServer([[REGULAR, None], [REGULAR]]) as server, closing(client(server.url)) as api:
        assert outcome(api) == "regular"
        time.sleep(2 * PIECE_SECONDS)
        assert outcome(api) == "regular"
    assert [request.connection for request in server.requests] == [1, 2]


class TestProxy:
    def test_forward_proxy_gets_each_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer([[REGULAR]] * 2) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://user:secret@"))
            with closing(client("http://api.example")) as api:
                assert [outcome(api), outcome(api)] == ["regular", "regular"]
        for request in proxy.requests:
            assert request.head.startswith(b"GET http://api.example/firm HTTP/1.1\r\n")
            assert b"\r\nHost: api.example\r\n" in request.head
            assert b"\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n" in request.head

    def test_tunnel_carries_each_request(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The proxy sees neither key nor token, and the API no login of the proxy."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with WireServer([[REGULAR]] * 2, certificate) as server:
            proxy = server.url.replace("https://", "http://user:secret@")
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            with closing(client("https://127.0.0.1")) as api:
                assert [outcome(api), outcome(api)] == ["regular", "regular"]
        connect, *later = server.requests
        assert connect.head.startswith(b"CONNECT 127.0.0.1:443 HTTP/1.")
        assert b"Bearer" not in connect.head
        assert [request.connection for request in later] == [1, 1]
        for request in later:
            assert request.head.startswith(b"GET /firm HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            assert b"Proxy-Authorization" not in request.head

    def test_exempt_host_bypasses_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with WireServer([[REGULAR]] * 2) as server, closing(client(server.url)) as api:
            assert [outcome(api), outcome(api)] == ["regular", "regular"]


class TestTls:
    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_ca_bundle_is_trusted(
        self, variable: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, str(certificate))
        with WireServer([[REGULAR]] * 2, certificate) as server:
            with closing(client(server.url)) as api:
                assert [outcome(api), outcome(api)] == ["regular", "regular"]
            assert [request.connection for request in server.requests] == [1, 1]

    def test_untrusted_server_gets_no_request(self, certificate: Path) -> None:
        with WireServer([[REGULAR]], certificate) as server, closing(client(server.url)) as api:
            assert "the server's certificate is not trusted" in outcome(api)
        assert server.requests == []

    def test_replaced_bundle_counts_at_once(
        self, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Connections share the certificates of a file, and a new one those of the new file."""
        other = create_certificate(tmp_path)
        bundle = tmp_path / "bundle"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        found: list[str] = []
        for trusted in (certificate, other, certificate):
            bundle.write_bytes(trusted.read_bytes() + b"\n" * len(found))
            with (
                WireServer([[REGULAR]] * 2, certificate) as server,
                closing(client(server.url)) as api,
            ):
                found += [outcome(api), outcome(api)]
                assert len(server.requests) == (2 if trusted is certificate else 0)
        assert found[:2] == found[4:] == ["regular", "regular"]
        assert all("the server's certificate is not trusted" in each for each in found[2:4])

    def test_name_of_server_is_checked(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with WireServer([[REGULAR]] * 2, certificate) as server:
            with closing(client(server.url)) as api:
                assert outcome(api) == "regular"
            with closing(client(server.url.replace("127.0.0.1", "localhost"))) as api:
                assert "the server's certificate is not trusted" in outcome(api)
        assert len(server.requests) == 1
