"""The API as a client sees it: gateway, rate limit, faults and request handler."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from smokeball_sandbox import faults
from smokeball_sandbox.auth import missing_scope_response
from smokeball_sandbox.responses import Response, gateway_response, problem_response
from smokeball_sandbox.row_commands import COMMAND_ERRORS
from smokeball_sandbox.scheduled_changes import commands_of
from smokeball_sandbox.webhook_endpoints import (
    WebhookRequest,
    WebhookRoute,
    find_webhook_route,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from smokeball_sandbox.auth import Token
    from smokeball_sandbox.commands import Commands
    from smokeball_sandbox.resources import Route, Row
    from smokeball_sandbox.simulation import Simulation

_BREAKING = {"reset", "hang", "slow", "drip", "drip_headers", "endless"}
_UNKNOWN_PATH = "(unknown path)"


class Connection:
    """The ASGI connection of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])


class RequestExchange:
    """One request and its response, with the configured delay and faults."""

    def __init__(self, connection: Connection, simulation: Simulation) -> None:
        self._connection = connection
        self._settings = simulation.settings
        self._request_log = simulation.request_log
        self._clock = simulation.clock

    async def delay(self) -> None:
        """Wait for the configured latency."""
        settings = self._settings
        milliseconds = settings.latency_ms + random.random() * settings.latency_jitter_ms
        if milliseconds > 0:
            await asyncio.sleep(milliseconds / 1000)

    async def is_broken_by(self, template: str, fault: faults.Fault | None) -> bool:
        """Apply a fault to the connection; return whether it ended without a response."""
        if fault is None or fault.how not in _BREAKING:
            return False
        if fault.how == "slow":
            await asyncio.sleep(fault.seconds)
            return False
        connection = self._connection
        self._request_log.record(template, connection.scope, connection.headers, 0)
        if fault.how == "hang":
            await faults.hang(connection.scope, connection.receive, fault.seconds)
        elif fault.how == "endless":
            await faults.endless(connection.receive, connection.send)
        elif fault.how != "reset":
            in_headers = fault.how == "drip_headers"
            await faults.drip(
                connection.scope, connection.receive, fault.seconds, in_headers=in_headers
            )
        else:
            await faults.reset(connection.scope, connection.receive)
        return True

    async def respond(self, template: str, response: Response, fault: faults.Fault | None) -> None:
        """Log and send a response, or half of it if the fault truncates it."""
        connection = self._connection
        self._request_log.record(template, connection.scope, connection.headers, response.status)
        headers = [
            (b"content-type", response.content_type),
            (b"content-length", b"%d" % len(response.body)),
            *response.headers,
        ]
        if b"requestid" in connection.headers:
            headers.append((b"requestid", connection.headers[b"requestid"]))
        if fault is not None and fault.how == "wild_date":
            headers.append((b"date", self._clock.http_date(fault.seconds)))
        if fault is not None and fault.how == "truncate":
            await faults.truncate(
                connection.scope, connection.receive, connection.send, headers, response
            )
            return
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await connection.send(start)
        await connection.send({"type": "http.response.body", "body": response.body})


class Api:
    """The API as an ASGI application."""

    def __init__(self, simulation: Simulation, commands: Commands) -> None:
        self._simulation = simulation
        self._commands = commands

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        simulation = self._simulation
        connection = Connection(scope, receive, send)
        exchange = RequestExchange(connection, simulation)
        path, has_account = simulation.strip_account(scope["path"])
        method = scope["method"]
        route = self._find_route(method, path)
        template = f"{method} {route.template if route else _UNKNOWN_PATH}"
        simulation.request_log.begin()
        client = fault = None
        try:
            token = simulation.authorization.authenticate(connection.headers)
            if not isinstance(token, Response):
                by_endpoint = simulation.settings.answers.rate_scope == "endpoint"
                bucket = f"{token.client_id} {template}" if by_endpoint else token.client_id
                client = bucket if simulation.rate_limiter.acquire(bucket) else None
            await exchange.delay()
            if isinstance(token, Response):
                response = token
            elif client is None:
                response = self._rate_limit_response()
            elif route is None:
                response = gateway_response(403, "Missing Authentication Token")
            elif route.scope not in token.scopes:
                response = missing_scope_response(method, path)
            else:
                chaos = self._commands.chaos
                chaos.before_request(template, path)
                fault = simulation.faults.next_fault(template, path)
                fault = fault or chaos.next_fault(template, path)
                if await exchange.is_broken_by(template, fault):
                    return
                response = await self._handle(route, path, connection, token)
                if has_account:
                    response = response._replace(body=simulation.add_account(response.body))
                response = (fault and fault.response(template, path)) or response
        finally:
            # Before sending: the client's next request may arrive before the end of the response.
            simulation.request_log.end()
            if client is not None:
                simulation.rate_limiter.release(client)
        await exchange.respond(template, response, fault)

    def _find_route(self, method: str, path: str) -> Route | WebhookRoute | None:
        if webhook_route := find_webhook_route(method, path):
            return webhook_route
        return self._simulation.router.find(path) if method == "GET" else None

    async def _handle(
        self, route: Route | WebhookRoute, path: str, connection: Connection, token: Token
    ) -> Response:
        if isinstance(route, WebhookRoute):
            return await self._handle_webhook(route, path, connection, token)
        return self._handle_read(route, path, connection, token)

    def _handle_read(
        self, route: Route, path: str, connection: Connection, token: Token
    ) -> Response:
        handler = self._simulation.request_handler
        query_string: bytes = connection.scope["query_string"]
        hidden: frozenset[str] = frozenset()
        if b"userid" in connection.headers and token.grant_type == "client_credentials":
            hidden = frozenset(self._simulation.settings.hidden_from_user)
        elif token.grant_type != "client_credentials":
            hidden = frozenset(self._simulation.settings.hidden_from_login)

        def list_rows() -> list[Row]:
            return handler.list_rows(route, query_string, hidden)

        def respond() -> Response:
            return handler.respond(route, path, query_string, hidden)

        return self._respond(f"GET {route.template}", path, respond, list_rows)

    async def _handle_webhook(
        self, route: WebhookRoute, path: str, connection: Connection, token: Token
    ) -> Response:
        body, has_more = b"", True
        while has_more:
            message = await connection.receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        query_string = connection.scope["query_string"]
        request = WebhookRequest(route, path, token, query_string, connection.headers, body)
        endpoints = self._simulation.webhook_endpoints
        template = f"{connection.scope['method']} {route.template}"
        return self._respond(template, path, lambda: endpoints.respond(request))

    def _respond(
        self,
        template: str,
        path: str,
        respond: Callable[[], Response],
        list_rows: Callable[[], list[Row]] | None = None,
    ) -> Response:
        """Compute a response, with the scheduled changes before and after it."""
        due = self._simulation.schedule.take_due(template)
        try:
            for command in commands_of(due, "before"):
                self._commands.run(command, list_rows)
            response = respond()
            for command in commands_of(due, "after"):
                self._commands.run(command, list_rows)
        except COMMAND_ERRORS as error:
            return problem_response(500, f"A scheduled change failed: {error}", path)
        return response

    def _rate_limit_response(self) -> Response:
        response = gateway_response(429)
        seconds = self._simulation.settings.retry_after
        if seconds is None:
            return response
        return response._replace(headers=((b"retry-after", b"%d" % seconds),))
