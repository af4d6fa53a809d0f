"""The API as the network sees it: gateway, limits, faults, and the handler behind them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from smokeball_sandbox import faults, scheduled_changes
from smokeball_sandbox.commands import REFUSALS
from smokeball_sandbox.responses import Answer, gateway, problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from smokeball_sandbox.auth import Token
    from smokeball_sandbox.resources import Route, Row
    from smokeball_sandbox.simulation import World

_UNKNOWN = "(unknown path)"


class Exchange:
    """One request on its way through the sandbox."""

    def __init__(self, world: World, scope: Scope, receive: Receive, send: Send) -> None:
        self._world = world
        self._scope = scope
        self._receive = receive
        self._send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])

    async def delay(self) -> None:
        """Take as long as the settings say."""
        settings = self._world.settings
        wait = settings.latency_ms + random.random() * settings.latency_jitter_ms
        if wait > 0:
            await asyncio.sleep(wait / 1000)

    async def breaks(self, template: str, fault: faults.Fault | None) -> bool:
        """Whether a fault lets the request end without any answer; waits where it must."""
        if fault is None or fault.how not in {"reset", "hang", "slow"}:
            return False
        if fault.how == "slow":
            await asyncio.sleep(fault.seconds)
            return False
        self._world.journal.note(template, self._scope, self.headers, 0)
        if fault.how == "hang":
            await faults.hang(self._scope, self._receive, fault.seconds)
        else:
            await faults.reset(self._scope, self._receive)
        return True

    async def answer(self, template: str, answer: Answer, fault: faults.Fault | None) -> None:
        """Send an answer, or half of it if the fault says so, and log it."""
        self._world.journal.note(template, self._scope, self.headers, answer.status)
        head = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            *answer.headers,
        ]
        if b"requestid" in self.headers:
            head.append((b"requestid", self.headers[b"requestid"]))
        if fault is not None and fault.how == "truncate":
            await faults.truncate(self._scope, self._receive, self._send, head, answer.body)
            return
        await self._send({"type": "http.response.start", "status": answer.status, "headers": head})
        await self._send({"type": "http.response.body", "body": answer.body})


class Api:
    """Everything but the token endpoint and the controls, as an ASGI application."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        world = self._world
        exchange = Exchange(world, scope, receive, send)
        path, prefixed = world.strip_account(scope["path"])
        route = world.router.find(path) if scope["method"] == "GET" else None
        template = f"{scope['method']} {route.template if route else _UNKNOWN}"
        world.journal.begin()
        client = fault = None
        try:
            token = world.authority.admit(exchange.headers)
            admitted = not isinstance(token, Answer) and world.limiter.enter(token.client)
            if admitted and not isinstance(token, Answer):
                client = token.client
            await exchange.delay()
            if isinstance(token, Answer):
                answer = token
            elif not admitted:
                answer = self._too_many()
            elif route is None:
                answer = gateway(403, "Missing Authentication Token")
            elif route.resource.scope not in token.scopes:
                answer = world.authority.out_of_scope(path)
            else:
                world.hostility.strike(template, path)
                fault = world.faults.draw(template, path) or world.hostility.fault(template, path)
                if await exchange.breaks(template, fault):
                    return
                answer = self._handle(template, route, path, scope["query_string"], token, exchange)
                if prefixed:
                    answer = answer._replace(body=world.with_account(answer.body))
                answer = (fault and fault.answer(template, path)) or answer
        finally:
            # Before the answer leaves: the client's next request may come in while it is sent.
            world.journal.end()
            if client is not None:
                world.limiter.leave(client)
        await exchange.answer(template, answer, fault)

    def _handle(  # noqa: PLR0913, PLR0917
        self,
        template: str,
        route: Route,
        path: str,
        query_string: bytes,
        token: Token,
        exchange: Exchange,
    ) -> Answer:
        world = self._world
        due = world.scripts.due(template)
        hidden: frozenset[str] = frozenset()
        if b"userid" in exchange.headers and token.grant == "client_credentials":
            hidden = frozenset(world.settings.hidden_from_user)

        def rows() -> list[Row]:
            return world.handler.rows(route, query_string, hidden)

        try:
            scheduled_changes.run(due, "before", world.commands, rows)
            answer = world.handler.answer(route, path, query_string, hidden)
            scheduled_changes.run(due, "after", world.commands, rows)
        except REFUSALS as error:
            return problem(500, f"A script failed: {error}", path)
        return answer

    def _too_many(self) -> Answer:
        answer = gateway(429)
        seconds = self._world.settings.retry_after
        if seconds is None:
            return answer
        return answer._replace(headers=((b"retry-after", b"%d" % seconds),))
