"""Things that go wrong on demand: errors, broken connections, nonsense for answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from smokeball_sandbox.responses import Answer, gateway, json_answer, problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

TOKEN_TEMPLATE = "POST /oauth2/token"  # noqa: S105
_GATEWAY_STATUSES = {401, 403, 429, 502, 503, 504}
_HTML = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"
_AT_ONCE = struct.pack("ii", 1, 0)


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule: which requests go wrong, and how.

    Attributes:
        count: How many requests.
        how: What becomes of them.
        status: The status, where ``how`` says so.
        retry_after: Seconds to name in ``Retry-After``.
        template: Method and path template; None for anything but the token endpoint.
        path_contains: Only paths with this in them.
        after: How many matching requests to let through first.
        seconds: How long "hang" and "slow" take.
    """

    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    how: Literal[
        "status", "reset", "truncate", "html", "error_document", "empty", "hang", "slow"
    ] = "status"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 503
    retry_after: int | None = None
    template: str | None = None
    path_contains: str = ""
    after: int = 0
    seconds: float = 30

    def takes(self, template: str, path: str) -> bool:
        """Whether this rule is about such a request."""
        named = template != TOKEN_TEMPLATE if self.template is None else template == self.template
        return named and self.path_contains in path

    def answer(self, template: str, path: str) -> Answer | None:
        """What to say instead of the truth, if anything is to be said."""
        if self.how == "html":
            return Answer(200, _HTML, b"text/html")
        if self.how == "error_document":
            return json_answer({"message": "Internal server error"})
        if self.how == "empty":
            return Answer(200, b"")
        if self.how != "status":
            return None
        if template == TOKEN_TEMPLATE:
            answer = json_answer({"error": "server_error"}, self.status)
        elif self.status in _GATEWAY_STATUSES:
            answer = gateway(self.status)
        else:
            answer = problem(self.status, "The sandbox was told to fail.", path)
        if self.retry_after is not None:
            answer = answer._replace(headers=((b"retry-after", b"%d" % self.retry_after),))
        return answer


class Faults:
    """The rules in force, the oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a rule behind those there are."""
        self._rules.append(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        self._rules.clear()

    def draw(self, template: str, path: str) -> Fault | None:
        """The fault that is due for this request."""
        for rule in self._rules:
            if not rule.takes(template, path):
                continue
            if rule.after > 0:
                rule.after -= 1
                continue
            rule.count -= 1
            if rule.count <= 0:
                self._rules.remove(rule)
            return rule
        return None


async def wait_until_gone(receive: Receive) -> None:
    """Wait for the client to hang up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def reset(scope: Scope, receive: Receive) -> None:
    """Break the connection without an answer."""
    transport: asyncio.Transport = scope["state"]["transport"]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
    await wait_until_gone(receive)


async def hang(scope: Scope, receive: Receive, seconds: float) -> None:
    """Keep the client waiting until it gives up, or the time is over."""
    try:
        await asyncio.wait_for(wait_until_gone(receive), seconds)
    except asyncio.TimeoutError:
        await reset(scope, receive)


async def truncate(
    scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Promise a body and break off in the middle of it."""
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()
    await wait_until_gone(receive)
