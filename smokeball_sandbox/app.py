"""The ASGI application: consent pages, token endpoint, control endpoints and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from smokeball_sandbox.api import Api, Connection, RequestExchange
from smokeball_sandbox.areas.addresses import PATH as DOCUMENTS
from smokeball_sandbox.commands import Commands
from smokeball_sandbox.consent import ConsentPages
from smokeball_sandbox.controls import Controls
from smokeball_sandbox.document_host import DocumentHost
from smokeball_sandbox.faults import TOKEN_TEMPLATE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from smokeball_sandbox.chaos import ChaosMonkey
    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.simulation import Simulation


class DateHeader:
    """Middleware that adds the sandbox's time to each response without a time."""

    def __init__(self, app: ASGIApp, settings: Settings, clock: Clock) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the header to its response."""

        async def send_with_date(message: Message) -> None:
            if message["type"] == "http.response.start" and self._settings.date_header:
                headers = message["headers"]
                if not any(name == b"date" for name, _ in headers):
                    message["headers"] = [*headers, (b"date", self._clock.http_date())]
            await send(message)

        await self._app(scope, receive, send_with_date)


class TokenEndpoint:
    """``POST /oauth2/token``."""

    def __init__(self, simulation: Simulation, chaos: ChaosMonkey) -> None:
        self._simulation = simulation
        self._chaos = chaos

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a token request."""
        simulation, path = self._simulation, scope["path"]
        connection = Connection(scope, receive, send)
        exchange = RequestExchange(connection, simulation)
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        self._chaos.before_request(TOKEN_TEMPLATE, path)
        fault = simulation.faults.next_fault(TOKEN_TEMPLATE, path)
        fault = fault or self._chaos.next_fault(TOKEN_TEMPLATE, path)
        await exchange.delay()
        if await exchange.is_broken_by(TOKEN_TEMPLATE, fault):
            return
        response = simulation.authorization.respond(connection.headers, body)
        response = (fault and fault.response(TOKEN_TEMPLATE, path)) or response
        await exchange.respond(TOKEN_TEMPLATE, response, fault)


def build_app(simulation: Simulation) -> Starlette:
    """Build the application of one sandbox."""
    commands = Commands(simulation)
    settings, clock = simulation.settings, simulation.clock
    consent_pages = ConsentPages(settings, clock, simulation.authorization)
    token_endpoint = TokenEndpoint(simulation, commands.chaos)
    return Starlette(
        routes=[
            Mount("/_sandbox", routes=Controls(simulation, commands).routes()),
            *consent_pages.routes(),
            Route("/oauth2/token", token_endpoint, methods=["POST"]),
            Mount(DOCUMENTS, DocumentHost(simulation, commands.chaos)),
            Mount("/", Api(simulation, commands)),
        ],
        middleware=[Middleware(DateHeader, settings=settings, clock=clock)],
    )
