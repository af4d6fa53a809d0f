"""Connections that keep deadlines, and that handle plain requests and responses at once.

`http.client` sends and parses a header at a time, which takes several times as long as the network.
So a GET request on an open connection goes out in one piece, and the head of a regular response is
parsed in one piece. All else is left to `http.client` and urllib3: the first request of each
connection, tunnels, bodies, and responses that are unusual in any way.
"""

from __future__ import annotations

import io
import re
import sys
from contextlib import suppress
from http.client import HTTPResponse
from ssl import CERT_REQUIRED
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse as PooledResponse
from urllib3.util.ssl_ import resolve_cert_reqs

from tap_smokeball.api.deadlines import DeadlineReader, set_timeout
from tap_smokeball.api.tls_contexts import shared_context

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from urllib3 import PoolManager

_REQUIRED_HEADERS = frozenset({"User-Agent", "Accept-Encoding"})
"""Headers that `http.client` or urllib3 would add to a request without them."""

_OTHER_OPTIONS = ("chunked", "preload_content", "decode_content")
"""Options of urllib3 that are off in a plain request."""

_REGULAR_HEAD = re.compile(
    rb"HTTP/1\.1 (20[0-36]|[45]\d\d) ([ -~]*)\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n){1,99})\r\n"
)
_LENGTH = re.compile("[0-9]{1,18}")
_NO_BREAKS = str.maketrans("\r\n", "  ")


class _Reader:
    """What `http.client` takes for a socket to read from."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file that reads the socket until the deadline of the request."""
        raw = self._connection.makefile("rb", buffering=0)
        return io.BufferedReader(DeadlineReader(raw, self._connection))


class _Response(HTTPResponse):
    """A response that is read until the deadline of its request."""

    pooled_headers: HTTPHeaderDict

    def __init__(self, sock: socket.socket, *arguments: Any, **keywords: Any) -> None:
        reader: Any = _Reader(sock)
        super().__init__(reader, *arguments, **keywords)

    def begin_at_once(self) -> None:
        """Read the head, as `begin` does, at once if it is regular and has arrived as a whole."""
        head = _REGULAR_HEAD.match(self.fp.peek())
        if head is None or not self._take(head):
            self.begin()
            items = self.headers.items()
            self.pooled_headers = HTTPHeaderDict((n, v.translate(_NO_BREAKS)) for n, v in items)

    def _take(self, head: re.Match[bytes]) -> bool:
        """Use a head, unless it leaves a question about where the body ends."""
        headers = HTTPHeaderDict()
        for line in head[3].decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            headers.add(name, value.strip(" \t"))
        length, encoding = headers.get("Content-Length"), headers.get("Transfer-Encoding")
        if (
            headers.get("Connection", "keep-alive").lower() != "keep-alive"
            or (length is None) is (encoding is None)
            or not (length is None or _LENGTH.fullmatch(length))
            or not (encoding is None or encoding.lower() == "chunked")
        ):
            return False
        self.fp.read(head.end())
        self.pooled_headers = headers
        self.headers = self.msg = headers  # type: ignore[assignment]
        self.code = self.status = int(head[1])
        self.reason = head[2].decode("ascii").strip()
        self.version = 11
        self.chunked = encoding is not None
        self.chunk_left = None
        self.length = None if length is None else int(length)
        self.will_close = False
        return True


class _Connection(HTTPConnection):
    """Sends GET requests without a body in one piece, once the connection is open."""

    response_class = _Response
    _host_header: str | None = None
    _plain_url: str | None = None
    _previous: _Response | PooledResponse | None = None

    @override
    def putheader(self, header: str | bytes, *values: Any) -> None:
        if header == "Host":
            host = values[0]
            self._host_header = host.decode("ascii") if isinstance(host, bytes) else host
        super().putheader(header, *values)  # type: ignore[arg-type]

    @override
    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if self._previous is not None and not self._previous.isclosed():
            self.close()  # the rest of that response would be taken for the next one
        self._previous = None
        is_plain = self.sock is not None and method == "GET" and body is None
        head = self._head(url, headers or {}, options) if is_plain else None
        if head is None:
            super().request(method, url, body, headers, **options)
            return
        set_timeout(self.sock, self.timeout)
        self._plain_url = url
        self.send(head)

    def _head(
        self, url: str, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> bytes | None:
        """Return a request in one piece, or None if it is not plain."""
        if (
            self._host_header is None
            or not url.startswith("/")  # a proxy forwards it, maybe to another host
            or not headers.keys() >= _REQUIRED_HEADERS
            or any(options.get(name, True) for name in _OTHER_OPTIONS)
        ):
            return None
        lines = [f"GET {url} HTTP/1.1", f"Host: {self._host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "".join(lines)
        if " " in url or not (text.isascii() and text.isprintable()):
            return None
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    @override
    def getresponse(self) -> PooledResponse:  # type: ignore[override]
        if (url := self._plain_url) is None:
            stock = super().getresponse()
            self._previous = stock
            return stock
        self._plain_url = None
        set_timeout(self.sock, self.timeout)
        response = _Response(self.sock, method="GET")
        try:
            response.begin_at_once()
        except BaseException:
            response.close()
            self.close()
            raise
        if response.will_close:
            self.close()  # the response keeps the socket until it is read
        else:
            self._previous = response
        return PooledResponse(
            response,
            response.pooled_headers,
            response.status,
            response.version,
            reason=response.reason,
            preload_content=False,
            decode_content=False,
            original_response=response,
            request_method="GET",
            request_url=url,
        )

    @override
    def close(self) -> None:
        previous, self._previous = self._previous, None
        self._host_header = self._plain_url = None
        super().close()
        if isinstance(previous, _Response):
            previous.close()


class _TlsConnection(_Connection, HTTPSConnection):
    """Shares its TLS context with the other connections, if all it has is a file to trust."""

    @override
    def connect(self) -> None:
        others = (self.ssl_context, self.ca_cert_dir, self.ca_cert_data, self.cert_file)
        is_tls_proxy = self.proxy is not None and self.proxy.scheme == "https"
        if (
            self.ca_certs
            and not any(others)
            and resolve_cert_reqs(self.cert_reqs) is CERT_REQUIRED
            and not is_tls_proxy  # whose certificate is checked by the same file
        ):
            with suppress(OSError):  # urllib3 raises it as its own
                self.ssl_context = shared_context(self.ca_certs)
                self.ca_certs = None  # they are loaded
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests, with connections that respect `request_deadline`."""

    @override
    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        super().init_poolmanager(*arguments, **keywords)
        _use_pools(self.poolmanager)

    @override
    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **keywords)
        if not proxy.lower().startswith("socks"):  # has connections of its own
            _use_pools(manager)
        return manager


def _use_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
