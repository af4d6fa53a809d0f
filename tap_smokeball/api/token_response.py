"""What the token endpoint sends, as far as it can be used (RFC 6749, section 5.1)."""

from __future__ import annotations

import re
from typing import Any

from tap_smokeball.config.settings import HEADER_SAFE, strip_text

_DIGITS = re.compile(r"[0-9]{1,9}")


def usable_fields(body: Any) -> dict[str, Any]:
    """Return the fields of a decoded response; those that cannot be used are None.

    Whitespace around a token is removed. The lifetime may come as text.
    """
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    return {
        **fields,
        "access_token": _token(fields.get("access_token")),
        "refresh_token": _token(fields.get("refresh_token")),
        "expires_in": _lifetime_seconds(fields.get("expires_in")),
    }


def _token(value: Any) -> str | None:
    text = strip_text(value) if isinstance(value, str) else ""
    return text if re.fullmatch(HEADER_SAFE, text) else None


def _lifetime_seconds(value: Any) -> float | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number and value > 0 else None
