"""Reaches a tenant of this process through `requests`, without sockets."""

from __future__ import annotations

import sys
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from tests.tenant.api import Tenant


class _Body(BytesIO):
    """A body that says when it is read, as that of `http.client` does."""

    def isclosed(self) -> bool:
        return self.closed or self.tell() >= len(self.getbuffer())


class TenantAdapter(BaseAdapter):
    """Sends requests to a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self._tenant = tenant
        self._http = HTTPAdapter()

    @override
    def send(
        self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any
    ) -> requests.Response:
        body = request.body or b""
        reply = self._tenant.handle(
            str(request.method),
            str(request.url),
            request.headers,
            body if isinstance(body, bytes) else str(body).encode(),
        )
        patience = timeout[-1] if isinstance(timeout, tuple) else timeout
        if patience is not None and reply.wait_seconds > patience:
            time.sleep(patience)
            raise requests.ReadTimeout(request=request)
        time.sleep(reply.wait_seconds)
        if not reply.status:
            raise requests.ConnectionError(request=request)
        headers = HTTPHeaderDict(reply.headers)
        headers["Content-Length"] = str(reply.promised_bytes)
        raw = HTTPResponse(
            _Body(reply.body),
            headers,
            reply.status,
            preload_content=False,
            request_method=request.method,
        )
        return self._http.build_response(request, raw)

    @override
    def close(self) -> None:
        """Keep the tenant: a session closes its adapters, and others use this one."""
