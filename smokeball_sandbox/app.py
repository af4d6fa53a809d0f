"""The ASGI application: consent and tokens, the controls, and the API behind everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from smokeball_sandbox.api import Api, Exchange
from smokeball_sandbox.commands import REFUSALS, CommandError
from smokeball_sandbox.consent import ConsentPages
from smokeball_sandbox.faults import TOKEN_TEMPLATE
from smokeball_sandbox.responses import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from smokeball_sandbox.simulation import World

_COMMANDS = (
    "touch",
    "add",
    "delete",
    "convert",
    "reorder",
    "revoke",
    "fail",
    "script",
    "hostility",
    "reset",
)


class Dated:
    """Middleware: every answer carries the sandbox's own time."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its answer dated."""
        world = self._world

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start" and world.settings.date_header:
                message["headers"] = [*message["headers"], (b"date", world.clock.http_date())]
            await send(message)

        await self._app(scope, receive, send_dated)


class TokenEndpoint:
    """``POST /oauth2/token``."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Grant or refuse a token."""
        exchange = Exchange(self._world, scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        world, path = self._world, scope["path"]
        world.hostility.strike(TOKEN_TEMPLATE, path)
        fault = world.faults.draw(TOKEN_TEMPLATE, path) or world.hostility.fault(
            TOKEN_TEMPLATE, path
        )
        await exchange.delay()
        if await exchange.breaks(TOKEN_TEMPLATE, fault):
            return
        answer = world.authority.grant(exchange.headers, body)
        answer = (fault and fault.answer(TOKEN_TEMPLATE, path)) or answer
        await exchange.answer(TOKEN_TEMPLATE, answer, fault)


class Controls:
    """The endpoints under ``/_sandbox/``."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The endpoints, each under its name."""
        return [
            Route("/requests", self.requests, methods=["GET", "DELETE"]),
            Route("/fail", self.clear_faults, methods=["DELETE"]),
            Route("/script", self.clear_scripts, methods=["DELETE"]),
            Route("/hostility", self.hostility, methods=["GET", "DELETE"]),
            Route("/settings", self.settings, methods=["GET", "PATCH"]),
            Route("/rows", self.rows, methods=["GET"]),
            Route("/tokens", self.tokens, methods=["GET"]),
            *(Route(f"/{name}", self.command, methods=["POST"]) for name in _COMMANDS),
        ]

    async def requests(self, request: Request) -> Response:
        """What was asked so far; DELETE forgets it."""
        if request.method == "DELETE":
            self._world.journal.reset()
            return _json({})
        return _json(self._world.journal.report(log="log" in request.query_params))

    async def clear_faults(self, _: Request) -> Response:
        """Let everything go well again."""
        self._world.faults.clear()
        return _json({})

    async def clear_scripts(self, _: Request) -> Response:
        """Forget the scripts that still wait."""
        self._world.scripts.clear()
        return _json({})

    async def hostility(self, request: Request) -> Response:
        """What the sandbox did by itself; DELETE ends it."""
        if request.method == "DELETE":
            self._world.hostility.end()
        return _json(self._world.hostility.report())

    async def settings(self, request: Request) -> Response:
        """Show the settings, or change some first."""
        return self._run("settings", await request.body())

    async def command(self, request: Request) -> Response:
        """Run the command that the path names."""
        return self._run(request.url.path.rsplit("/", 1)[-1], await request.body())

    async def tokens(self, _: Request) -> Response:
        """The tokens that are alive."""
        return _json(self._world.authority.minted())

    async def rows(self, request: Request) -> Response:
        """Every row of a resource, one a line, as it is at this moment."""
        name = request.query_params.get("resource", "")
        try:
            resource = self._world.commands.resource(name)
        except CommandError as error:
            return _json({"error": str(error)}, 404)

        shown = self._world.commands.shown

        async def lines() -> AsyncIterator[bytes]:
            for rows in self._world.store.lists(resource):
                yield b"".join(encode(shown(resource, row)) + b"\n" for row in rows)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    def _run(self, name: str, body: bytes) -> Response:
        try:
            arguments = msgspec.json.decode(body or b"{}", type=dict[str, Any])
            return _json(self._world.commands.run({**arguments, "command": name}))
        except REFUSALS as error:
            return _json({"error": str(error)}, 400)


def build(world: World) -> Starlette:
    """The application of one sandbox."""
    return Starlette(
        routes=[
            Mount("/_sandbox", routes=Controls(world).routes()),
            *ConsentPages(world).routes(),
            Route("/oauth2/token", TokenEndpoint(world), methods=["POST"]),
            Mount("/", Api(world)),
        ],
        middleware=[Middleware(Dated, world=world)],
    )


def _json(content: Any, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")
