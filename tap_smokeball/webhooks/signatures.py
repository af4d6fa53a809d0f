"""Checks signatures: HMAC-SHA256 over ``Timestamp|RequestId|ClientId``, as lower-case hex.

A signature covers no body (docs/smokeball.md). All refusals cost the same work, whatever is known
of the firm.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_smokeball.inbox.keys import SigningKey

WINDOW_TICKS = 5 * 60 * dotnet_ticks.PER_SECOND
"""How far a delivery's time may lie from the receiver's clock, in both directions."""

_DIGEST_HEX = 32
_TIMESTAMP = re.compile(rb"[0-9]{1,19}")
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,200}")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_MIN_KEYS = 4
_DUMMY_KEY = b"no key: the work of a check is the same for an unknown firm"


@dataclass(frozen=True)
class SignedHeaders:
    """The headers of a delivery that its signature is about, in their form.

    Attributes:
        timestamp: The time of the delivery in .NET ticks, as sent.
        request_id: Id of the request that caused the event. Different events share it (seen live).
        signature: The signature.
    """

    timestamp: bytes
    request_id: bytes
    signature: bytes

    @property
    def ticks(self) -> int:
        """The time of the delivery in .NET ticks."""
        return int(self.timestamp)

    @classmethod
    def parse(cls, headers: dict[bytes, bytes]) -> SignedHeaders | None:
        """Return the headers, or None if one is missing or malformed."""
        timestamp = headers.get(b"timestamp", b"")
        request_id = headers.get(b"requestid", b"")
        signature = headers.get(b"signature", b"").lower()
        if (
            _TIMESTAMP.fullmatch(timestamp)
            and _REQUEST_ID.fullmatch(request_id)
            and _SIGNATURE.fullmatch(signature)
        ):
            return cls(timestamp, request_id, signature)
        return None


def find_key(
    headers: SignedHeaders, keys: Sequence[SigningKey], now: int, most_keys: int
) -> SigningKey | None:
    """Return the key that signed a delivery, in constant time.

    Args:
        headers: The delivery's headers.
        keys: The keys of the firm; none for an unknown firm.
        now: .NET ticks. Keys that have ended count as missing.
        most_keys: Count of keys of the firm that has the most.
    """
    found = None
    signed = headers.timestamp + b"|" + headers.request_id + b"|"
    for index in range(max(_MIN_KEYS, most_keys)):
        candidate = keys[index] if index < len(keys) else None
        is_valid = candidate is not None and (candidate.ends is None or now < candidate.ends)
        key = candidate.key.encode() if candidate else _DUMMY_KEY
        client_id = candidate.client_id.encode() if candidate else b""
        expected = hmac.digest(key, signed + client_id, "sha256").hex().encode()
        if hmac.compare_digest(expected, headers.signature) and is_valid:
            found = found or candidate
    return found


def signature_digest(headers: SignedHeaders) -> str:
    """Return a hash of a signature: the inbox must not hold one that is valid for minutes."""
    return hashlib.sha256(headers.signature).hexdigest()[:_DIGEST_HEX]


def body_digest(key: SigningKey, body: bytes) -> str:
    """Return a keyed hash of a body: without the key, no guess at a body can be confirmed."""
    return hmac.digest(key.key.encode(), body, "sha256").hex()[:_DIGEST_HEX]
