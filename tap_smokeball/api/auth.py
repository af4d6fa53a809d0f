"""Three ways to a bearer token, one token at a time.

The token endpoint is OAuth 2.0 as Smokeball documents it (docs/smokeball.md): a form body, and an
``Authorization: Basic`` header unless the client is a public one, which has no secret.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requests.auth import HTTPBasicAuth

from tap_smokeball.errors import AuthenticationError
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.config.settings import Settings

EARLY_SECONDS = 60
"""A token is renewed this long before it ends, as the vendor asks of its clients."""

_ADVICE = {
    "invalid_client": "check client_id and client_secret, and that region and environment are "
    "those of the app",
    "invalid_grant": "the refresh token is expired, revoked or of another app (it lives 180 days, "
    "30 if issued before 2026-08-24): sign in again with tap-smokeball-login",
    "unauthorized_client": "this app may not use this grant: ask Smokeball which one it has",
    "unsupported_grant_type": "this app may not use this grant: ask Smokeball which one it has",
}


@dataclass(frozen=True)
class Token:
    """An access token and the moment, on the monotonic clock, from which it is not used."""

    value: str
    stale_at: float


class TokenProvider:
    """Mints access tokens, one for all workers.

    Args:
        settings: Where and with what to ask.
        ask: Sends one form to the token endpoint, retried like any request, and returns the
            status and the decoded answer.
    """

    def __init__(
        self,
        settings: Settings,
        ask: Callable[[dict[str, str], HTTPBasicAuth | None], tuple[int, Any]],
    ) -> None:
        self._settings = settings
        self._ask = ask
        self._refresh_token = settings.refresh_token
        self._lock = threading.Lock()
        self._refusal: AuthenticationError | None = None
        self._token = Token(settings.access_token, float("inf")) if settings.access_token else None

    def get(self) -> str:
        """Return a token that is good for a while.

        Raises:
            AuthenticationError: The login refuses to give one.
            ApiConnectionError: The login cannot be reached.
        """
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.stale_at:
                self._token = self._mint()
            return self._token.value

    def renew(self, refused: str) -> None:
        """See to it that `get` returns another token than the one that the API refused.

        Of several workers that were refused the same token only the first asks for a new one.

        Raises:
            AuthenticationError: There is no other, or the login refuses to give one.
            ApiConnectionError: The login cannot be reached.
        """
        with self._lock:
            if self._settings.access_token:
                raise AuthenticationError(
                    "401: the API does not accept the access_token: it is expired, revoked or of "
                    "another region or environment. Give a new one, or client_id and "
                    "refresh_token, which renew it",
                )
            if self._token is None or self._token.value == refused:
                self._token = self._mint()

    def _mint(self) -> Token:
        if self._refusal:  # what the login refused once, it refuses for every stream
            raise self._refusal
        settings = self._settings
        form = {"client_id": settings.client_id or ""}
        if self._refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        else:
            form |= {"grant_type": "client_credentials"}
        basic = (
            HTTPBasicAuth(form["client_id"], settings.client_secret)
            if settings.client_secret
            else None
        )
        asked_at = time.monotonic()
        status, answer = self._ask(form, basic)
        if not isinstance(answer, dict):
            answer = {}
        value, lifetime = answer.get("access_token"), answer.get("expires_in")
        if status != 200 or not isinstance(value, str) or not value:  # noqa: PLR2004
            self._refusal = AuthenticationError(_refusal(status, answer.get("error")))
            raise self._refusal
        # A server that rotates refresh tokens takes back the old one: only the new one is good.
        self._refresh_token = answer.get("refresh_token") or self._refresh_token
        for secret in (value, self._refresh_token):
            SECRETS.add(secret)
        seconds = float(lifetime) if isinstance(lifetime, (int, float)) else 3600.0
        # A token shorter-lived than the margin would otherwise be stale at birth.
        return Token(value, asked_at + max(seconds - EARLY_SECONDS, seconds / 2))


def _refusal(status: int, code: object) -> str:
    known = code if isinstance(code, str) and code in _ADVICE else None
    advice = _ADVICE[known] if known else "check region, environment and the client's credentials"
    return f"{status} {known or 'no token'} from the login: {advice}"
