"""The authorization server: codes, tokens, and the authentication of requests."""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from smokeball_sandbox.responses import Response, gateway_response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.settings import Settings

API_KEY = "sandbox-api-key-4f1c8d"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret-91b7e2"  # noqa: S105
REFRESH_TOKEN = "sandbox-refresh-token-c05d3a"  # noqa: S105
PUBLIC_CLIENT_ID = "sandbox-public-client"
PUBLIC_REFRESH_TOKEN = "sandbox-public-refresh-token-7e60f4"  # noqa: S105
USER_EMAIL = "sam.signer@sandbox.example"
"""The user who signs in, as the ID token names them."""

CREDENTIALS = {
    "api_key": API_KEY,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}
"""The settings of a tap for the confidential client."""

_SECRETS: dict[str, str | None] = {CLIENT_ID: CLIENT_SECRET, PUBLIC_CLIENT_ID: None}
_FORM = b"application/x-www-form-urlencoded"


class Token(NamedTuple):
    """The client, grant type, scopes and expiry of an access token."""

    client_id: str
    grant_type: str
    scopes: frozenset[str]
    expires_at: float
    consent: str | None


class RefreshToken(NamedTuple):
    """The client of a refresh token, its consent, and its expiry after a rotation.

    The tokens that replace one another come from the same consent.
    """

    client_id: str
    consent: str
    issued_at: float
    expires_at: float = math.inf


class Consent(NamedTuple):
    """A user's consent, for which a code is issued."""

    client_id: str
    redirect_uri: str
    code_challenge: str | None
    scopes: frozenset[str]
    granted_at: float


class OAuthError(Exception):
    """An OAuth error, by its code in RFC 6749."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.response = json_response({"error": error}, status)


class AuthorizationServer:
    """Issues codes and tokens, and authenticates requests."""

    def __init__(self, settings: Settings, clock: Clock, get_firm: Callable[[], Firm]) -> None:
        self._settings = settings
        self._clock = clock
        self._get_firm = get_firm
        self.reset()

    def reset(self) -> None:
        """Revoke all codes and tokens but the two initial refresh tokens."""
        self._codes: dict[str, Consent] = {}
        self._tokens: dict[str, Token] = {}
        now = self._clock.now()
        self._refresh_tokens = {
            REFRESH_TOKEN: RefreshToken(CLIENT_ID, REFRESH_TOKEN, now),
            PUBLIC_REFRESH_TOKEN: RefreshToken(PUBLIC_CLIENT_ID, PUBLIC_REFRESH_TOKEN, now),
        }

    def active_tokens(self) -> list[str]:
        """Return all tokens that are not revoked, access tokens first."""
        valid = (text for text, token in self._refresh_tokens.items() if self._is_valid(token))
        return [*self._tokens, *valid]

    def is_in_force(self, consent: str) -> bool:
        """Return whether a refresh token of a consent still works."""
        tokens = list(self._refresh_tokens.values())  # the thread of the deliveries asks, too
        return any(token.consent == consent and self._is_valid(token) for token in tokens)

    def _is_valid(self, token: RefreshToken) -> bool:
        lifetime, now = self._settings.refresh_token_seconds, self._clock.now()
        return token.expires_at > now and (lifetime is None or token.issued_at + lifetime > now)

    def revoke(self, *, refresh: bool) -> None:
        """Revoke every access token, and with `refresh` every refresh token."""
        self._tokens.clear()
        if refresh:
            self._refresh_tokens.clear()

    def requested_scopes(self, parameters: Mapping[str, str]) -> frozenset[str]:
        """Return the scopes in a query or form; by default all scopes of the app.

        Raises:
            OAuthError: A scope is not granted to the app.
        """
        scopes = frozenset(self._settings.scopes)
        requested = frozenset(parameters.get("scope", "").split()) or scopes
        if not requested <= scopes:
            raise OAuthError("invalid_scope")
        return requested

    def issue_code(self, consent: Consent) -> str:
        """Issue an authorization code."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = consent
        return code

    def respond(self, headers: dict[bytes, bytes], body: bytes) -> Response:
        """Respond to a token request."""
        try:
            return json_response(self._issue_token(headers, body))
        except OAuthError as error:
            return error.response

    def _issue_token(self, headers: dict[bytes, bytes], body: bytes) -> dict[str, str | int]:
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != _FORM:
            raise OAuthError("invalid_request")
        form = dict(parse_qsl(body.decode("latin-1")))
        client = _authenticate_client(headers.get(b"authorization"), form)
        grant_type = form.get("grant_type")
        if grant_type not in {"authorization_code", "client_credentials", "refresh_token"}:
            raise OAuthError("unsupported_grant_type" if grant_type else "invalid_request")
        content: dict[str, str | int] = {}
        consent = None
        if grant_type == "authorization_code":
            scopes = self._redeem_code(client, form)
            content["refresh_token"] = consent = secrets.token_urlsafe(32)
            self._refresh_tokens[consent] = RefreshToken(client, consent, self._clock.now())
            if self._settings.id_tokens:
                content["id_token"] = _json_web_token({"sub": "sandbox-user", "email": USER_EMAIL})
        else:
            if grant_type == "refresh_token":
                old = form.get("refresh_token", "")
                content |= self._rotate_refresh_token(client, old)
                consent = self._refresh_tokens[old].consent
            elif not has_secret(client):
                raise OAuthError("unauthorized_client")
            scopes = self.requested_scopes(form)
        access_token = self._access_token(client, grant_type)
        lifetime = self._settings.token_seconds
        expires_at = self._clock.now() + lifetime
        self._tokens[access_token] = Token(client, grant_type, scopes, expires_at, consent)
        return content | {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime,
        }

    def _access_token(self, client: str, grant_type: str) -> str:
        """Return an access token in the format of Amazon Cognito, or an opaque one."""
        if self._settings.opaque_tokens:
            return secrets.token_urlsafe(48)
        firm = self._get_firm()
        user = firm.staff[self._settings.signed_in_staff % len(firm.staff)].user_id
        claims = {
            "iss": f"{firm.url}/sandbox-pool",
            "sub": client if grant_type == "client_credentials" else user,
            "client_id": client,
            "token_use": "access",
            "jti": secrets.token_urlsafe(24),
        }
        return _json_web_token(claims)

    def _redeem_code(self, client: str, form: Mapping[str, str]) -> frozenset[str]:
        """Return the scopes of a code; the code is spent even if the request is invalid."""
        if "code" not in form:
            raise OAuthError("invalid_request")
        consent = self._codes.pop(form["code"], None)
        if consent is None or consent.granted_at + self._settings.code_seconds <= self._clock.now():
            raise OAuthError("invalid_grant")
        if consent.code_challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge != consent.code_challenge:
                raise OAuthError("invalid_grant")
        if (client, form.get("redirect_uri")) != (consent.client_id, consent.redirect_uri):
            raise OAuthError("invalid_grant")
        return consent.scopes

    def _rotate_refresh_token(self, client: str, old: str) -> dict[str, str]:
        token, now = self._refresh_tokens.get(old), self._clock.now()
        if token is None or token.client_id != client or not self._is_valid(token):
            raise OAuthError("invalid_grant")
        if not self._settings.rotate_refresh_tokens:
            return {}
        new = secrets.token_urlsafe(32)
        self._refresh_tokens[new] = token._replace(issued_at=now, expires_at=math.inf)
        if self._settings.rotate_refresh_tokens == "invalidate":
            ends_at = min(token.expires_at, now + self._settings.rotation_grace_seconds)
            self._refresh_tokens[old] = token._replace(expires_at=ends_at)
        return {"refresh_token": new}

    def authenticate(self, headers: dict[bytes, bytes]) -> Token | Response:
        """Return the token of a request, or the gateway's error response."""
        scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        token = self._tokens.get(text.strip())
        if scheme.lower() != "bearer" or token is None or token.expires_at <= self._clock.now():
            return gateway_response(401)
        if headers.get(b"x-api-key", b"").decode("latin-1") != API_KEY:
            return gateway_response(403)
        return token


def missing_scope_response(method: str, path: str) -> Response:
    """Build the gateway's response to a token that lacks the scope of a resource."""
    return gateway_response(
        403,
        "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
        f"arn:aws:execute-api:us-east-1:********0000:sandbox/production/{method}{path}",
    )


def is_client(id_: str) -> bool:
    """Return whether a client exists."""
    return id_ in _SECRETS


def has_secret(client: str) -> bool:
    """Return whether a client is confidential, that is, has a secret."""
    return _SECRETS[client] is not None


def _json_web_token(claims: dict[str, str]) -> str:
    """Return an unsigned token; nobody checks signatures in the sandbox."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    texts = (base64.urlsafe_b64encode(msgspec.json.encode(part)).decode() for part in parts)
    return ".".join(text.rstrip("=") for text in texts) + ".c2FuZGJveA"


def _authenticate_client(authorization: bytes | None, form: dict[str, str]) -> str:
    """Return the authenticated client of a token request.

    Raises:
        OAuthError: The client is unknown or its secret is wrong.
    """
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
