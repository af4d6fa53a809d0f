"""Signatures of accepted deliveries, so that a repetition costs no transaction."""

from __future__ import annotations

from collections import OrderedDict

from tap_smokeball.inbox.append import SIGNATURE_TICKS

_MAX_SIGNATURES = 20_000


class SeenSignatures:
    """The last signatures, each with the digest of its body. The inbox has all of them."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def __contains__(self, signature: str) -> bool:
        return signature in self._bodies

    def __getitem__(self, signature: str) -> str:
        return self._bodies[signature][0]

    def add(self, signature: str, body: str, now: int) -> None:
        """Remember a signature, and forget what is too old or too many.

        Args:
            signature: Digest of the signature.
            body: Digest of its body.
            now: .NET ticks.
        """
        self._bodies[signature] = body, now
        while self._bodies:
            _, added = next(iter(self._bodies.values()))
            if len(self._bodies) <= _MAX_SIGNATURES and now - added < SIGNATURE_TICKS:
                return
            self._bodies.popitem(last=False)
