"""The authorization-code grant with PKCE: where the user goes, and what a code is worth."""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urljoin, urlsplit

from oauthlib.oauth2 import MismatchingStateError, OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth

from tap_smokeball.api.transport import RetryableError
from tap_smokeball.errors import AuthenticationError
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from tap_smokeball.api.transport import RawResponse, Transport
    from tap_smokeball.config.settings import Settings

_VERIFIER_LENGTH = 64
_SAME_APP = "check client_id, and that region and environment are those of the app"
_AGAIN = "run tap-smokeball-login again"

_BEFORE = {
    "redirect_mismatch": "register the redirect URI {uri} with the app, to the letter, or give the "
    "one that is registered by --redirect-uri",
    "invalid_client": _SAME_APP,
}
"""What to do when the login does not even ask the user."""

_BACK = {
    "access_denied": f"the access was not allowed: {_AGAIN}, and allow it",
    "unauthorized_client": "this app may not use the authorization-code grant: ask Smokeball",
    "invalid_scope": "the app has no scopes: grant it those of the streams that you want",
    "missing_code": f"neither a code nor an error came back: {_AGAIN}",
}
"""What to do when the user comes back without a code."""

_FOR_CODE = {
    "invalid_client": "check client_id and client_secret (an app that has none takes none), and "
    "that region and environment are those of the app",
    "invalid_grant": "the code has ended, as it does after five minutes and after one use: "
    f"{_AGAIN}. If that does not help, compare the redirect URI with the one of the app",
    "unauthorized_client": "the redirect URI is not that of the app, or the app may not use the "
    "authorization-code grant",
    "missing_token": f"the answer is none that a login gives: check auth_url, and {_AGAIN}",
}
"""What to do when the code brings no token."""


class StateMismatchError(Exception):
    """An answer to another sign-in than this one: its ``state`` is not ours."""


class Grant:
    """One sign-in, from the address that the user opens to the refresh token.

    Args:
        settings: Which app, and where its users sign in.
        http: Sends the requests.
        redirect_uri: Where the user's browser comes back to.

    Attributes:
        address: What the user opens in a browser.
    """

    def __init__(self, settings: Settings, http: Transport, redirect_uri: str) -> None:
        # The settings take https alone, and plain http for this machine (RFC 8252, 8.3), which
        # the library takes only if told so.
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        self._settings = settings
        self._http = http
        self._redirect_uri = redirect_uri
        self._client = WebApplicationClient(settings.client_id or "")
        self._verifier = self._client.create_code_verifier(_VERIFIER_LENGTH)
        self._state = secrets.token_urlsafe(32)
        SECRETS.add(self._verifier)
        # No scope: the app's are granted, all of them.
        self.address: str = self._client.prepare_request_uri(
            urljoin(settings.token_url, "authorize"),
            redirect_uri=redirect_uri,
            state=self._state,
            code_challenge=self._client.create_code_challenge(self._verifier, "S256"),
            code_challenge_method="S256",
        )

    def check(self) -> None:
        """Look whether the login would ask the user, who would see the reason, but not this side.

        Raises:
            AuthenticationError: It sends the user to a page of errors.
            ApiConnectionError: The login cannot be reached.
        """

        def attempt() -> RawResponse:
            return self._http.send("login", "GET", self.address)

        response = self._http.persist(attempt, "login", "the login (GET /oauth2/authorize)")
        query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        if told := query.get("error"):
            raise _refusal(told[0], _BEFORE | _BACK, _SAME_APP, self._redirect_uri)

    def code_in(self, uri: str) -> str:
        """Return the code in the address that the browser came back to.

        Raises:
            StateMismatchError: It belongs to another sign-in.
            AuthenticationError: There is no code, but an error.
        """
        try:
            code: str = self._client.parse_request_uri_response(uri, state=self._state)["code"]
        except MismatchingStateError:
            raise StateMismatchError from None
        except OAuth2Error as error:
            raise _refusal(error.error, _BACK, _AGAIN) from None
        SECRETS.add(code)
        return code

    def redeem(self, code: str) -> str:
        """Return the refresh token that a code is worth.

        Raises:
            AuthenticationError: It is worth none.
            ApiConnectionError: The server's certificate is not trusted.
        """
        settings = self._settings
        client_id = settings.client_id or ""
        secret = settings.client_secret
        body = self._client.prepare_request_body(
            code, redirect_uri=self._redirect_uri, code_verifier=self._verifier
        )
        try:  # once: a code that was sent is used up, answer or not
            response = self._http.send(
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
                f"The login did not answer the code ({failure}), which is used up by now: {_AGAIN}"
            ) from None
        except OAuth2Error as error:
            raise _refusal(error.error, _FOR_CODE, _AGAIN) from None
        except (AttributeError, TypeError, ValueError):  # JSON, but no object
            raise _refusal("missing_token", _FOR_CODE, _AGAIN) from None
        for name in ("access_token", "refresh_token", "id_token"):
            SECRETS.add(tokens.get(name))
        refresh_token: str | None = tokens.get("refresh_token")
        if not refresh_token:
            raise AuthenticationError(
                "The login gave no refresh token: ask Smokeball to allow it for this app"
            )
        return refresh_token


def _refusal(
    code: str | None, advice: dict[str, str], otherwise: str, redirect_uri: str = ""
) -> AuthenticationError:
    """Tell of an error by its code alone: its description is anybody's text."""
    shown = code if code and re.fullmatch(r"\w{1,40}", code) else "an error without a name"
    what = advice.get(shown, otherwise).format(uri=redirect_uri)
    return AuthenticationError(f"{shown} from the login: {what}")
