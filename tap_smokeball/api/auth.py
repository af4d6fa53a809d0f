"""Access tokens: one class per grant, one token at a time for all workers.

The token endpoint is OAuth 2.0 as Smokeball documents it (docs/smokeball.md): a form body, and an
``Authorization: Basic`` header unless the client is public and so has no secret.
"""

from __future__ import annotations

import abc
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requests.auth import HTTPBasicAuth

from tap_smokeball.api.refresh_token_file import RefreshTokenFile, RefreshTokenFileError
from tap_smokeball.api.token_response import usable_fields
from tap_smokeball.errors import AuthenticationError
from tap_smokeball.redaction import SECRETS

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import logging

    from tap_smokeball.api.refresh_token_file import StoredToken
    from tap_smokeball.config.settings import Settings

RENEW_BEFORE_SECONDS = 60
"""A token is renewed this long before it expires, as the vendor asks of its clients."""

DEFAULT_LIFETIME_SECONDS = 3600.0
"""Lifetime of a token whose response does not say it."""

RequestToken = Callable[["dict[str, str]", "HTTPBasicAuth | None"], "tuple[int, Any]"]
"""Sends one form to the token endpoint; returns the status and the decoded body."""

_ADVICE = {
    "invalid_client": "Check client_id and client_secret, and that region and environment belong "
    "to the app",
    "invalid_grant": "The refresh token is expired (it lives 180 days, 30 if issued before "
    "2026-08-24), revoked, of another app, or was replaced in an earlier run that could not keep "
    "the new one: sign in again with tap-smokeball-login, and set refresh_token_file if a run "
    "logged that Smokeball replaces the refresh token",
    "unauthorized_client": "The app may not use this grant: ask Smokeball which one it has",
    "unsupported_grant_type": "The app may not use this grant: ask Smokeball which one it has",
}


_LOST = (
    "Smokeball replaced the refresh token, and the new one is not stored: when the old one stops "
    "working, runs fail with invalid_grant"
)
_KEEP_ADVICE = (
    "Set refresh_token_file to a file that the tap may write, then sign in again with "
    "tap-smokeball-login"
)


class TokenProvider(abc.ABC):
    """Provides the bearer token of each request; safe to use from any thread.

    Attributes:
        refresh_token_issued_ticks: When the user signed in for the refresh token in use, if that is
            known.
    """

    refresh_token_issued_ticks: int | None = None

    @abc.abstractmethod
    def get(self) -> str:
        """Return a token that is valid for a while.

        Raises:
            AuthenticationError: The token endpoint rejects the client.
            ApiConnectionError: The token endpoint cannot be reached.
        """

    @abc.abstractmethod
    def refresh(self, rejected: str) -> None:
        """Make `get` return another token than the one that the API rejected.

        Raises:
            AuthenticationError: There is no other token.
            ApiConnectionError: The token endpoint cannot be reached.
        """


class StaticToken(TokenProvider):
    """The token of the setting ``access_token``, used as it is."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    @override
    def get(self) -> str:
        return self._access_token

    @override
    def refresh(self, rejected: str) -> None:
        raise AuthenticationError(
            "the API rejects the access_token: it is expired, revoked or of another region or "
            "environment",
            "Set a new one, or client_id and refresh_token, which renew it; check account_id, "
            "user_id, and the scopes and permissions of the token",
            status=401,
            is_shared=True,
        )


@dataclass(frozen=True)
class _Token:
    value: str
    renew_at: float  # seconds of the monotonic clock


class OAuthGrant(TokenProvider):
    """A token of the token endpoint, renewed before it expires.

    Args:
        settings: The client and its secret.
        request_token: Sends one form to the token endpoint, with retries.
    """

    def __init__(self, settings: Settings, request_token: RequestToken) -> None:
        self._client_id = settings.client_id or ""
        self._client_secret = settings.client_secret
        self._request_token = request_token
        self._lock = threading.Lock()
        self._rejection: AuthenticationError | None = None
        self._token: _Token | None = None

    @abc.abstractmethod
    def form(self) -> dict[str, str]:
        """Return the fields of the form that are special to the grant."""

    def accept(self, response: dict[str, Any]) -> None:
        """Keep what else than the access token a response holds."""

    def request(self) -> _Token:
        """Request a token; called by one thread at a time."""
        return self._new_token()

    @override
    def get(self) -> str:
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.renew_at:
                self._token = self.request()
            return self._token.value

    @override
    def refresh(self, rejected: str) -> None:
        with self._lock:  # of several workers with the same rejected token, one requests a new one
            if self._token is None or self._token.value == rejected:
                self._token = self.request()

    def _new_token(self) -> _Token:
        if self._rejection:  # the token endpoint rejects the client for every stream alike
            raise self._rejection
        form = {"client_id": self._client_id, **self.form()}
        secret = self._client_secret
        basic = HTTPBasicAuth(self._client_id, secret) if secret else None
        requested_at = time.monotonic()
        status, body = self._request_token(form, basic)
        response = usable_fields(body)
        value, lifetime = response.get("access_token"), response.get("expires_in")
        if status != 200 or value is None:  # noqa: PLR2004
            self._rejection = _rejection(status, response.get("error"))
            raise self._rejection
        for name in ("access_token", "refresh_token"):
            SECRETS.add(response.get(name))
        self.accept(response)
        if lifetime is None:
            lifetime = DEFAULT_LIFETIME_SECONDS
        # A token with a shorter life than the margin would otherwise be renewed for each request.
        return _Token(value, requested_at + max(lifetime - RENEW_BEFORE_SECONDS, lifetime / 2))


class ClientCredentialsGrant(OAuthGrant):
    """OAuth 2.0 ``client_credentials`` (RFC 6749, section 4.4)."""

    @override
    def form(self) -> dict[str, str]:
        return {"grant_type": "client_credentials"}


class RefreshTokenGrant(OAuthGrant):
    """OAuth 2.0 ``refresh_token`` (RFC 6749, section 6).

    Args:
        settings: The client, its secret, and its refresh token.
        request_token: Sends one form to the token endpoint, with retries.
        logger: Takes warnings.

    Raises:
        AuthenticationError: ``refresh_token_file`` cannot be used.
    """

    def __init__(
        self, settings: Settings, request_token: RequestToken, logger: logging.Logger
    ) -> None:
        super().__init__(settings, request_token)
        self._logger = logger
        self._refresh_token = settings.refresh_token or ""
        self.refresh_token_issued_ticks = settings.refresh_token_issued_ticks
        self._file = None
        self._is_unsaved = False
        self._has_warned = False
        if settings.refresh_token_file:
            self._file = RefreshTokenFile(
                settings.refresh_token_file,
                settings.refresh_token,
                settings.refresh_token_issued_ticks,
            )
            self._use(self._file.prepare())

    @override
    def form(self) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": self._refresh_token}

    @override
    def request(self) -> _Token:
        if self._file is None:
            return super().request()
        with ExitStack() as stack:
            try:
                stack.enter_context(self._file.lock())
                if self._is_unsaved:
                    self._save()
                elif stored := self._file.read():  # another run may have replaced the token
                    self._use(stored)
            except RefreshTokenFileError as error:  # the token in memory may still be valid
                self._logger.error("%s", error)  # noqa: TRY400 - here and below: nothing to trace
            return super().request()

    @override
    def accept(self, response: dict[str, Any]) -> None:
        # A server that rotates refresh tokens revokes the old one: only the new one is valid.
        new = response.get("refresh_token")
        if new is None or new == self._refresh_token:
            return
        # It expires with the old one: Cognito counts from the sign-in.
        self._refresh_token, self._is_unsaved = new, True
        if self._file is not None:
            try:
                self._save()
            except RefreshTokenFileError as error:
                self._logger.error("%s. %s", _LOST, error)  # noqa: TRY400
        elif not self._has_warned:
            self._has_warned = True
            self._logger.warning("%s. %s", _LOST, _KEEP_ADVICE)

    def _save(self) -> None:
        if self._file is not None:
            self._file.save(self._refresh_token)
            self._is_unsaved = False

    def _use(self, stored: StoredToken) -> None:
        self._refresh_token = stored.value
        self.refresh_token_issued_ticks = stored.issued_ticks


def token_provider(
    settings: Settings, request_token: RequestToken, logger: logging.Logger
) -> TokenProvider:
    """Return the provider that the settings call for.

    Raises:
        AuthenticationError: ``refresh_token_file`` cannot be used.
    """
    if settings.access_token:
        return StaticToken(settings.access_token)
    if settings.refresh_token or settings.refresh_token_file:
        return RefreshTokenGrant(settings, request_token, logger)
    return ClientCredentialsGrant(settings, request_token)


def _rejection(status: int, code: object) -> AuthenticationError:
    known = code if isinstance(code, str) and code in _ADVICE else None
    fallback = "Check auth_url, region, environment and the client's credentials"
    missing = "no usable access token" if status == 200 else "no token"  # noqa: PLR2004
    return AuthenticationError(
        f"{known or missing} from the token endpoint",
        _ADVICE[known] if known else fallback,
        status=status,
        is_shared=True,
    )
