"""Whom an access token was issued for: the issuer and the subject of a JSON Web Token (RFC 7519).

Smokeball's login is Amazon Cognito, whose access tokens are such tokens. The subject is the user
who signed in, or the app itself with client credentials. The signature is not verified here: the
API does that.
"""

from __future__ import annotations

import base64

import msgspec

_PARTS = 3
_BASE64_BLOCK = 4


class _Claims(msgspec.Struct):
    iss: str
    sub: str


def subject_of(token: str) -> str | None:
    """Return the issuer and the subject of an access token; None if it does not say them."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    payload = parts[1] + "=" * (-len(parts[1]) % _BASE64_BLOCK)
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload), type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return None
    return f"{claims.iss} {claims.sub}" if claims.iss and claims.sub else None
