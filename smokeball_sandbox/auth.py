"""Who may ask: codes, the token endpoint, and the checks of every request."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from smokeball_sandbox.responses import Answer, gateway, json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.settings import Settings

API_KEY = "sandbox-api-key-4f1c8d"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret-91b7e2"  # noqa: S105
REFRESH_TOKEN = "sandbox-refresh-token-c05d3a"  # noqa: S105
PUBLIC_CLIENT_ID = "sandbox-public-client"
PUBLIC_REFRESH_TOKEN = "sandbox-public-refresh-token-7e60f4"  # noqa: S105

_SECRETS: dict[str, str | None] = {CLIENT_ID: CLIENT_SECRET, PUBLIC_CLIENT_ID: None}
_FORM = b"application/x-www-form-urlencoded"


class Token(NamedTuple):
    """What an access token stands for."""

    client: str
    grant: str
    scopes: frozenset[str]
    expires: float


class Consent(NamedTuple):
    """What a user said yes to."""

    client: str
    redirect_uri: str
    challenge: str | None
    scopes: frozenset[str]
    given: float


class OAuthError(Exception):
    """A refusal, by OAuth's name for it."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.answer = json_answer({"error": error}, status)


class Authority:
    """Mints tokens and judges requests by them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._codes: dict[str, Consent] = {}
        self._tokens: dict[str, Token] = {}
        self._refresh_tokens = {REFRESH_TOKEN: CLIENT_ID, PUBLIC_REFRESH_TOKEN: PUBLIC_CLIENT_ID}

    def minted(self) -> list[str]:
        """All tokens that are alive, access tokens first."""
        return [*self._tokens, *self._refresh_tokens]

    def revoke(self, *, refresh: bool) -> None:
        """Make every access token worthless, and every refresh token too if asked."""
        self._tokens.clear()
        if refresh:
            self._refresh_tokens.clear()

    def scopes(self, asked: Mapping[str, str]) -> frozenset[str]:
        """The scopes that a query or a form asks for; all of the app's if it does not say.

        Raises:
            OAuthError: The app has not all of them.
        """
        scopes = frozenset(self._settings.scopes)
        wanted = frozenset(asked.get("scope", "").split()) or scopes
        if not wanted <= scopes:
            raise OAuthError("invalid_scope")
        return wanted

    def remember(self, consent: Consent) -> str:
        """A code for what a user said yes to."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = consent
        return code

    def grant(self, headers: dict[bytes, bytes], body: bytes) -> Answer:
        """Answer a request for a token."""
        try:
            return self._grant(headers, body)
        except OAuthError as error:
            return error.answer

    def _grant(self, headers: dict[bytes, bytes], body: bytes) -> Answer:
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != _FORM:
            raise OAuthError("invalid_request")
        form = dict(parse_qsl(body.decode("latin-1")))
        client = _client(headers.get(b"authorization"), form)
        kind = form.get("grant_type")
        if kind not in {"authorization_code", "client_credentials", "refresh_token"}:
            raise OAuthError("unsupported_grant_type" if kind else "invalid_request")
        answer: dict[str, str | int] = {}
        if kind == "authorization_code":
            scopes = self._redeem(client, form)
            answer["refresh_token"] = new = secrets.token_urlsafe(32)
            self._refresh_tokens[new] = client
        else:
            if kind == "refresh_token":
                answer |= self._refresh(client, form.get("refresh_token", ""))
            elif not has_secret(client):
                raise OAuthError("unauthorized_client")
            scopes = self.scopes(form)
        access_token = secrets.token_urlsafe(48)
        life = self._settings.token_seconds
        self._tokens[access_token] = Token(client, kind, scopes, self._clock.now() + life)
        answer |= {"access_token": access_token, "token_type": "Bearer", "expires_in": life}
        return json_answer(answer)

    def _redeem(self, client: str, form: Mapping[str, str]) -> frozenset[str]:
        """The scopes that a code stands for; it is worth nothing from then on, right or wrong."""
        if "code" not in form:
            raise OAuthError("invalid_request")
        consent = self._codes.pop(form["code"], None)
        if consent is None or consent.given + self._settings.code_seconds <= self._clock.now():
            raise OAuthError("invalid_grant")
        if consent.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if proof != consent.challenge:
                raise OAuthError("invalid_grant")
        if (client, form.get("redirect_uri")) != (consent.client, consent.redirect_uri):
            raise OAuthError("invalid_grant")
        return consent.scopes

    def _refresh(self, client: str, old: str) -> dict[str, str]:
        if self._refresh_tokens.get(old) != client:
            raise OAuthError("invalid_grant")
        if not self._settings.rotate_refresh_tokens:
            return {}
        new = secrets.token_urlsafe(32)
        self._refresh_tokens[new] = client
        if self._settings.rotate_refresh_tokens == "invalidate":
            del self._refresh_tokens[old]
        return {"refresh_token": new}

    def admit(self, headers: dict[bytes, bytes]) -> Token | Answer:
        """The token behind a request, or the gateway's refusal."""
        scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        token = self._tokens.get(text.strip())
        if scheme.lower() != "bearer" or token is None or token.expires <= self._clock.now():
            return gateway(401)
        if headers.get(b"x-api-key", b"").decode("latin-1") != API_KEY:
            return gateway(403)
        return token

    @staticmethod
    def out_of_scope(path: str) -> Answer:
        """The refusal of a token that lacks the scope of what it asked for."""
        return gateway(
            403,
            "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
            f"arn:aws:execute-api:us-east-1:********0000:sandbox/production/GET{path}",
        )


def is_client(id_: str) -> bool:
    """Whether there is such a client."""
    return id_ in _SECRETS


def has_secret(client: str) -> bool:
    """Whether a client can prove who it is."""
    return _SECRETS[client] is not None


def _client(authorization: bytes | None, form: dict[str, str]) -> str:
    """The client that asks for a token, once it has proved who it is."""
    client, secret, status = form.get("client_id", ""), form.get("client_secret"), 400
    if authorization is not None:
        status = 401
        scheme, _, text = authorization.decode("latin-1").partition(" ")
        try:
            pair = base64.b64decode(text, validate=True).decode()
        except ValueError:
            pair = ""
        named, _, secret = pair.partition(":")
        if scheme.lower() != "basic" or (client and client != named):
            raise OAuthError("invalid_client", status)
        client = named
    if not is_client(client) or (secret or None) != _SECRETS[client]:
        raise OAuthError("invalid_client", status)
    return client
