"""The consent pages of OAuth: ``/oauth2/authorize`` and its error page."""

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

    from smokeball_sandbox.auth import AuthorizationServer
    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.settings import Settings

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>{body}</body>
</html>
"""
_FORM = """
<p>The app <b>{client}</b> requests: {scopes}.</p>
<form method="post">
<button name="decision" value="allow">Sign in and allow</button>
<button name="decision" value="deny">Deny</button>
</form>
"""


class ConsentPages:
    """Asks the user for consent and redirects the browser to the app."""

    def __init__(
        self, settings: Settings, clock: Clock, authorization: AuthorizationServer
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._authorization = authorization

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            Route("/oauth2/authorize", self.show_form, methods=["GET"]),
            Route("/oauth2/authorize", self.submit, methods=["POST"]),
            Route("/error", self.show_error, methods=["GET"]),
        ]

    async def show_form(self, request: Request) -> Response:
        """Show the consent form, or redirect with an error."""
        query = dict(request.query_params)
        consent = self._check(query)
        if isinstance(consent, Response):
            return consent
        scopes = ", ".join(sorted(consent.scopes))
        body = _FORM.format(client=escape(consent.client_id), scopes=escape(scopes))
        return HTMLResponse(_PAGE.format(title="Sign in to the sandbox", body=body))

    async def submit(self, request: Request) -> Response:
        """Redirect to the app with a code, or with ``access_denied``."""
        query = dict(request.query_params)
        consent = self._check(query)
        if isinstance(consent, Response):
            return consent
        form = dict(parse_qsl((await request.body()).decode("latin-1")))
        if form.get("decision") != "allow":
            return _redirect_to_app(query, {"error": "access_denied"})
        return _redirect_to_app(query, {"code": self._authorization.issue_code(consent)})

    async def show_error(self, request: Request) -> Response:
        """Show an error that must not be sent to the redirect URI."""
        error = escape(request.query_params.get("error", ""))
        body = f"<p>An error was encountered with the requested page: {error}</p>"
        return HTMLResponse(_PAGE.format(title="Error", body=body), 400)

    def _check(self, query: Mapping[str, str]) -> Consent | Response:
        client, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        if not is_client(client):
            return _redirect_to_error_page("invalid_client", client)
        if redirect_uri not in self._settings.redirect_uris:
            return _redirect_to_error_page("redirect_mismatch", client)
        try:
            code_challenge = _code_challenge(query, client)
            scopes = self._authorization.requested_scopes(query)
        except OAuthError as error:
            return _redirect_to_app(query, {"error": str(error)})
        return Consent(client, redirect_uri, code_challenge, scopes, self._clock.now())


def _code_challenge(query: Mapping[str, str], client: str) -> str | None:
    """Return the S256 code challenge of PKCE; None only for a client with a secret.

    Raises:
        OAuthError: The challenge is missing or its method is not S256, or the response
            type is not "code".
    """
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type")
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if challenge is None and method is None and has_secret(client):
        return None
    if not challenge or method != "S256":
        raise OAuthError("invalid_request")
    return challenge


def _redirect_to_error_page(error: str, client: str) -> Response:
    return RedirectResponse(f"/error?{urlencode({'error': error, 'client_id': client})}", 302)


def _redirect_to_app(query: Mapping[str, str], result: Mapping[str, str]) -> Response:
    uri, state = query["redirect_uri"], query.get("state")
    parameters = {**result, **({} if state is None else {"state": state})}
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}", 302)
