"""The authorization-code grant with PKCE: from a URL to a refresh token."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from oauthlib.oauth2 import MismatchingStateError, OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth

from tap_smokeball.api.retries import RetryableError
from tap_smokeball.errors import AuthenticationError, RequestInfo
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from tap_smokeball.api.transport import RawResponse, Transport
    from tap_smokeball.config.settings import Settings

SIGN_IN = RequestInfo("sign-in", "/oauth2/authorize")
_VERIFIER_LENGTH = 64

_HTTPS_URI = "https://localhost/"
"""A base for the queries that oauthlib writes and reads.

oauthlib rejects every http URI, unless OAUTHLIB_INSECURE_TRANSPORT permits them to the whole
process. The real URIs can be http: the settings and ``--redirect-uri`` restrict that to loopback
addresses (RFC 8252, section 8.3).
"""

_CHECK_APP = "Check that client_id, region and environment belong to the same app."
_SIGN_IN_AGAIN = "Run tap-smokeball-login again."

_AUTHORIZE_HINTS = {
    "redirect_mismatch": "The redirect URI {redirect_uri} is not registered with the app. Register "
    "exactly this URI, or pass the registered one with --redirect-uri.",
    "invalid_client": f"Smokeball does not know this client_id. {_CHECK_APP}",
}
"""Error code -> cause and advice, if Smokeball rejects the authorization request."""

_CALLBACK_HINTS = {
    "access_denied": "The user denied access. Run tap-smokeball-login again and allow it.",
    "unauthorized_client": "The app may not use the authorization-code grant. Ask Smokeball to "
    "enable it.",
    "invalid_scope": "The app has no scopes. Grant it the scopes of the streams that you want.",
    "missing_code": f"The redirect holds neither a code nor an error. {_SIGN_IN_AGAIN}",
}
"""Error code -> cause and advice, if the redirect holds no code."""

_TOKEN_HINTS = {
    "invalid_client": "Client ID, client secret, region and environment do not belong to the same "
    "app. Check client_id and client_secret (leave it empty if the app has none).",
    "invalid_grant": "The code has expired or was used before: it is valid for five minutes and "
    f"one use. {_SIGN_IN_AGAIN} If this error persists, compare the redirect URI with the app's.",
    "unauthorized_client": "The redirect URI is not the app's, or the app may not use the "
    "authorization-code grant. Compare the redirect URI with the app's.",
    "missing_token": f"The response is not an OAuth token response. Check auth_url. "
    f"{_SIGN_IN_AGAIN}",
}
"""Error code -> cause and advice, if the token endpoint issues no token for the code."""


class Tokens(NamedTuple):
    """The tokens of a sign-in; the ID token is not always there."""

    refresh: str
    access: str
    id: str | None


class StateMismatchError(Exception):
    """A redirect belongs to another sign-in: its ``state`` differs from the one sent."""


class AuthorizationCodeGrant:
    """One sign-in, from the authorization URL to the refresh token.

    Args:
        settings: The app and the address of its authorization server.
        transport: Sends the requests.
        redirect_uri: Where the authorization server redirects the browser to.

    Attributes:
        authorization_url: The page that the user opens in a browser.
    """

    def __init__(self, settings: Settings, transport: Transport, redirect_uri: str) -> None:
        self._settings = settings
        self._transport = transport
        self._redirect_uri = redirect_uri
        self._client = WebApplicationClient(settings.client_id or "")
        self._verifier = self._client.create_code_verifier(_VERIFIER_LENGTH)
        self._state = secrets.token_urlsafe(32)
        SECRETS.add(self._verifier)
        # Without a scope parameter, Smokeball grants all scopes of the app.
        request_uri = self._client.prepare_request_uri(
            _HTTPS_URI,
            redirect_uri=redirect_uri,
            state=self._state,
            code_challenge=self._client.create_code_challenge(self._verifier, "S256"),
            code_challenge_method="S256",
        )
        endpoint = urljoin(settings.token_url, "authorize")
        self.authorization_url = f"{endpoint}?{urlsplit(request_uri).query}"

    def preflight(self) -> None:
        """Check that Smokeball accepts the authorization request.

        Only the browser would show why Smokeball rejects it, and no redirect would follow.

        Raises:
            AuthenticationError: Smokeball redirects to an error page.
            ApiConnectionError: The authorization server cannot be reached.
        """

        def attempt() -> RawResponse:
            return self._transport.send("login", "GET", self.authorization_url)

        response = self._transport.with_retries(attempt, SIGN_IN)
        query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        if errors := query.get("error"):
            hints = _AUTHORIZE_HINTS | _CALLBACK_HINTS
            raise _oauth_error(errors[0], hints, _CHECK_APP, self._redirect_uri)

    def extract_code(self, uri: str) -> str:
        """Return the code in the URI that the browser was redirected to.

        Raises:
            StateMismatchError: The URI belongs to another sign-in, or is not a URI.
            AuthenticationError: The URI holds an error instead of a code.
        """
        try:
            response_uri = f"{_HTTPS_URI}?{urlsplit(uri).query}"
            response = self._client.parse_request_uri_response(response_uri, state=self._state)
        except (MismatchingStateError, ValueError):  # ValueError: urlsplit cannot read it
            raise StateMismatchError from None
        except OAuth2Error as error:
            raise _oauth_error(error.error, _CALLBACK_HINTS, _SIGN_IN_AGAIN) from None
        code: str = response["code"]
        SECRETS.add(code)
        return code

    def exchange_code(self, code: str) -> Tokens:
        """Exchange a code for tokens.

        Raises:
            AuthenticationError: The token endpoint issues no refresh token.
            ApiConnectionError: The server's certificate is not trusted.
        """
        settings = self._settings
        client_id = settings.client_id or ""
        secret = settings.client_secret
        body = self._client.prepare_request_body(
            code, redirect_uri=self._redirect_uri, code_verifier=self._verifier
        )
        try:  # no retry: a code is used up once it is sent, even if no response arrives
            response = self._transport.send(
                "login",
                "POST",
                settings.token_url,
                form=body,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                auth=HTTPBasicAuth(client_id, secret) if secret else None,
            )
            tokens = self._client.parse_request_body_response(response.body.decode())
        except RetryableError as failure:
            raise AuthenticationError(
                f"Token request failed ({failure}), and a code works only once. {_SIGN_IN_AGAIN}"
            ) from None
        except OAuth2Error as error:
            raise _oauth_error(error.error, _TOKEN_HINTS, _SIGN_IN_AGAIN) from None
        except (AttributeError, TypeError, ValueError):  # not UTF-8, or JSON that is not an object
            raise _oauth_error("missing_token", _TOKEN_HINTS, _SIGN_IN_AGAIN) from None
        for name in ("access_token", "refresh_token", "id_token"):
            SECRETS.add(tokens.get(name))
        refresh_token: str | None = tokens.get("refresh_token")
        if not refresh_token:
            raise AuthenticationError(
                "Smokeball issued no refresh token. Ask Smokeball to allow refresh tokens for "
                "this app."
            )
        return Tokens(refresh_token, tokens["access_token"], tokens.get("id_token"))


def _oauth_error(
    code: str | None, hints: dict[str, str], default_hint: str, redirect_uri: str = ""
) -> AuthenticationError:
    """Describe an OAuth error by its code.

    Its ``error_description`` is omitted, because it can hold any text.
    """
    shown = code if code and re.fullmatch(r"\w{1,40}", code) else "unrecognized error code"
    hint = hints.get(shown, default_hint).format(redirect_uri=redirect_uri)
    return AuthenticationError(f"Sign-in failed ({shown}). {hint}")
