"""The user and the firm of a sign-in, for the user to check."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.errors import UnexpectedResponseError

if TYPE_CHECKING:
    from tap_smokeball.config.settings import Settings
    from tap_smokeball.login.grant import Tokens

FIRM = Endpoint("/firm", "firm/read", "firm")

_USER_CLAIMS = ("email", "preferred_username", "cognito:username", "username", "name")
"""Claims that name a user, best first."""

_MAX_LENGTH = 100


def describe_user(tokens: Tokens) -> str | None:
    """Return the name of the user in the tokens, or None if they do not say it.

    The tokens come from the token endpoint over TLS, so their signatures need no check.
    """
    for token in filter(None, (tokens.id, tokens.access)):
        claims = _claims(token)
        for name in _USER_CLAIMS:
            if text := _printable(claims.get(name)):
                return text
    return None


def describe_firm(settings: Settings) -> str:
    """Return the name and the id of the firm that an access token can read.

    Args:
        settings: Settings with the access token and the API key.

    Raises:
        SmokeballError: The API does not tell it.
    """

    def parse(body: Any) -> str:
        row = body if isinstance(body, dict) else {}
        name, id_ = (_printable(row.get(key)) for key in ("name", "id"))
        if not (name or id_):
            raise UnexpectedResponseError("the response is no firm")
        return f"{name or 'a firm without a name'} (id {id_ or 'unknown'})"

    with closing(ApiClient(settings, logging.getLogger(__name__))) as client:
        return client.get(FIRM, {}, {}, parse).data


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, or nothing if it is none."""
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _printable(value: object) -> str:
    """Return a text that a terminal can show, cut to one line."""
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable())[:_MAX_LENGTH]
