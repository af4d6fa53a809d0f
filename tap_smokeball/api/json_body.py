"""Decodes JSON bodies: every digit of a number, and text even if it is not valid Unicode."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import logging

# Numbers keep every digit: money never passes through a float.
decode = msgspec.json.Decoder(float_hook=Decimal).decode

DECODE_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)
"""The errors of a body that is not JSON."""

_TEXT_ERRORS = (msgspec.DecodeError, UnicodeDecodeError)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in JSON text: a pair of surrogates, a lone one, or any other."""


class LenientDecoder:
    """Decodes bodies, also if some of their text cannot be decoded.

    Args:
        logger: Takes one warning for each stream with such text.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._repaired: set[str] = set()

    def decode(self, stream: str, body: bytes) -> Any:
        """Return a decoded body.

        Raises:
            DECODE_ERRORS: It is not JSON.
        """
        try:
            return decode(body)
        except _TEXT_ERRORS:
            repaired = _repair(body)
            if repaired == body:
                raise
        decoded = decode(repaired)
        if stream not in self._repaired:
            self._repaired.add(stream)
            self._logger.warning(
                "%s: the API sends text that is not valid Unicode; U+FFFD replaces what cannot "
                "be read",
                stream,
            )
        return decoded


def _repair(body: bytes) -> bytes:
    """Return a body with U+FFFD for each byte and each surrogate that is no character."""
    return _ESCAPE.sub(_repair_escape, body.decode(errors="replace")).encode()


def _repair_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]
