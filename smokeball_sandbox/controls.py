"""The control endpoints under ``/_sandbox/``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smokeball_sandbox.responses import encode
from smokeball_sandbox.row_commands import COMMAND_ERRORS, CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from smokeball_sandbox.commands import Commands
    from smokeball_sandbox.simulation import Simulation

_COMMANDS = (
    "touch",
    "add",
    "delete",
    "convert",
    "reorder",
    "revoke",
    "fail",
    "schedule",
    "chaos",
    "reset",
    "subscribe",
    "unsubscribe",
)


class Controls:
    """Lets tests change and inspect the sandbox."""

    def __init__(self, simulation: Simulation, commands: Commands) -> None:
        self._simulation = simulation
        self._commands = commands

    def routes(self) -> list[Route]:
        """Return the routes of the endpoints."""
        return [
            Route("/requests", self.requests, methods=["GET", "DELETE"]),
            Route("/fail", self.clear_faults, methods=["DELETE"]),
            Route("/schedule", self.clear_schedule, methods=["DELETE"]),
            Route("/chaos", self.chaos, methods=["GET", "DELETE"]),
            Route("/settings", self.settings, methods=["GET", "PATCH"]),
            Route("/rows", self.rows, methods=["GET"]),
            Route("/tokens", self.tokens, methods=["GET"]),
            Route("/deliveries", self.deliveries, methods=["GET", "DELETE"]),
            Route("/deliveries/send", self.send_events, methods=["POST"]),
            Route("/deliveries/take", self.take_events, methods=["POST"]),
            *(Route(f"/{name}", self.command, methods=["POST"]) for name in _COMMANDS),
        ]

    async def requests(self, request: Request) -> Response:
        """Return the request counts and log; DELETE resets them."""
        request_log = self._simulation.request_log
        if request.method == "DELETE":
            request_log.reset()
            return _json({})
        return _json(request_log.report(log="log" in request.query_params))

    async def clear_faults(self, _: Request) -> Response:
        """Remove all fault rules."""
        self._simulation.faults.clear()
        return _json({})

    async def clear_schedule(self, _: Request) -> Response:
        """Cancel all scheduled changes."""
        self._simulation.schedule.clear()
        return _json({})

    async def chaos(self, request: Request) -> Response:
        """Return the chaos log; DELETE stops chaos first."""
        if request.method == "DELETE":
            self._commands.chaos.stop()
        return _json(self._commands.chaos.report())

    async def settings(self, request: Request) -> Response:
        """Return the settings; PATCH changes some first."""
        return self._run("settings", await request.body())

    async def command(self, request: Request) -> Response:
        """Run the command that the path names."""
        return self._run(request.url.path.rsplit("/", 1)[-1], await request.body())

    async def tokens(self, _: Request) -> Response:
        """Return the active tokens."""
        return _json(self._simulation.authorization.active_tokens())

    async def deliveries(self, request: Request) -> Response:
        """Return what became of the latest events; DELETE drops all of them first."""
        if request.method == "DELETE":
            self._simulation.deliveries.clear()
        return _json(self._simulation.deliveries.report())

    async def send_events(self, request: Request) -> Response:
        """Wait until the due events (with ``all``: all that wait) were sent; return all."""
        deliveries = self._simulation.deliveries
        if "all" in request.query_params:
            deliveries.send_now()
        await asyncio.to_thread(deliveries.wait_until_idle)
        return _json(deliveries.report())

    async def take_events(self, request: Request) -> Response:
        """Remove the due events (with ``all``: all that wait) and return their requests."""
        deliveries = self._simulation.deliveries
        if "all" in request.query_params:
            deliveries.send_now()
        return _json(deliveries.take())

    async def rows(self, request: Request) -> Response:
        """Stream the current rows of a resource, one JSON document per line."""
        name = request.query_params.get("resource", "")
        try:
            resource = self._commands.rows.resource(name)
        except CommandError as error:
            return _json({"error": str(error)}, 404)

        describe = self._commands.rows.describe

        async def lines() -> AsyncIterator[bytes]:
            for rows in self._simulation.store.lists(resource):
                yield b"".join(encode(describe(resource, row)) + b"\n" for row in rows)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    def _run(self, name: str, body: bytes) -> Response:
        try:
            arguments = msgspec.json.decode(body or b"{}", type=dict[str, Any])
            return _json(self._commands.run({**arguments, "command": name}))
        except COMMAND_ERRORS as error:
            return _json({"error": str(error)}, 400)


def _json(content: Any, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")
