"""Where a user signs in and consents: ``/oauth2/authorize``, and the page of its errors."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from smokeball_sandbox.auth import Consent, OAuthError, has_secret, is_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from smokeball_sandbox.simulation import World

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>{body}</body>
</html>
"""
_FORM = """
<p>The app <b>{client}</b> asks for: {scopes}.</p>
<form method="post">
<button name="decision" value="allow">Sign in and allow</button>
<button name="decision" value="deny">Deny</button>
</form>
"""


class ConsentPages:
    """Asks the user, and sends the browser back to the app with what was decided."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The pages."""
        return [
            Route("/oauth2/authorize", self.ask, methods=["GET"]),
            Route("/oauth2/authorize", self.decide, methods=["POST"]),
            Route("/error", self.error, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """The page with the buttons, or the way to where the error is told."""
        query = dict(request.query_params)
        consent = self._consent(query)
        if isinstance(consent, Response):
            return consent
        scopes = ", ".join(sorted(consent.scopes))
        body = _FORM.format(client=escape(consent.client), scopes=escape(scopes))
        return HTMLResponse(_PAGE.format(title="Sign in to the sandbox", body=body))

    async def decide(self, request: Request) -> Response:
        """What follows from the button that was pressed."""
        query = dict(request.query_params)
        consent = self._consent(query)
        if isinstance(consent, Response):
            return consent
        form = dict(parse_qsl((await request.body()).decode("latin-1")))
        if form.get("decision") != "allow":
            return _back(query, {"error": "access_denied"})
        return _back(query, {"code": self._world.authority.remember(consent)})

    async def error(self, request: Request) -> Response:
        """What a user sees of an error that the app cannot be told of."""
        told = escape(request.query_params.get("error", ""))
        body = f"<p>An error was encountered with the requested page: {told}</p>"
        return HTMLResponse(_PAGE.format(title="Error", body=body), 400)

    def _consent(self, query: Mapping[str, str]) -> Consent | Response:
        client, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        if not is_client(client):
            return _own_page("invalid_client", client)
        if redirect_uri not in self._world.settings.redirect_uris:
            return _own_page("redirect_mismatch", client)
        try:
            challenge = _challenge(query, client)
            scopes = self._world.authority.scopes(query)
        except OAuthError as refusal:
            return _back(query, {"error": str(refusal)})
        return Consent(client, redirect_uri, challenge, scopes, self._world.clock.now())


def _challenge(query: Mapping[str, str], client: str) -> str | None:
    """PKCE's challenge: S256 or none, and none only from a client that has a secret.

    Raises:
        OAuthError: It is anything else, or no code is asked for.
    """
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type")
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if challenge is None and method is None and has_secret(client):
        return None
    if not challenge or method != "S256":
        raise OAuthError("invalid_request")
    return challenge


def _own_page(error: str, client: str) -> Response:
    return RedirectResponse(f"/error?{urlencode({'error': error, 'client_id': client})}", 302)


def _back(query: Mapping[str, str], said: Mapping[str, str]) -> Response:
    """The way back to the app."""
    uri, state = query["redirect_uri"], query.get("state")
    answer = {**said, **({} if state is None else {"state": state})}
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}", 302)
