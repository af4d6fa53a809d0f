"""Answers deliveries: 204 when an event is safe in the inbox, else a status without a text."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import InboxError, summarize_bug
from tap_smokeball.inbox.append import Delivery
from tap_smokeball.inbox.keys import record_first_use
from tap_smokeball.webhooks.batch_writer import WriterFullError
from tap_smokeball.webhooks.event_parser import InvalidEventError, parse_event
from tap_smokeball.webhooks.limited_protocol import MAX_HEADER_BYTES, SIGNED
from tap_smokeball.webhooks.metrics import REFUSALS
from tap_smokeball.webhooks.request_body import (
    MAX_BODY_BYTES,
    BodyReader,
    BodyTooLargeError,
    DisconnectedError,
    NoRoomError,
    discard_small_body,
)
from tap_smokeball.webhooks.seen_signatures import SeenSignatures
from tap_smokeball.webhooks.signatures import (
    WINDOW_TICKS,
    SignedHeaders,
    body_digest,
    find_key,
    signature_digest,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from tap_smokeball.inbox.engine import InboxDatabase
    from tap_smokeball.inbox.keys import SigningKey
    from tap_smokeball.webhooks.batch_writer import BatchWriter
    from tap_smokeball.webhooks.gap_recorder import GapRecorder
    from tap_smokeball.webhooks.inbox_threads import InboxThreads
    from tap_smokeball.webhooks.known_keys import KnownKeys
    from tap_smokeball.webhooks.metrics import Metrics
    from tap_smokeball.webhooks.rate_caps import RateCaps

logger = logging.getLogger(__name__)

_ALARM_SECONDS = 60
_FIELD_BYTES = len(b": \r\n")


class RefusedError(Exception):
    """A request is refused.

    Args:
        reason: One of `REFUSALS`.
        gap: The reason of the gap that this leaves in the firm's log, if the delivery may have
            been real.
    """

    def __init__(self, reason: str, gap: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gap = gap


@dataclass(frozen=True)
class ReceiverParts:
    """What a receiver works with."""

    database: InboxDatabase
    threads: InboxThreads
    keys: KnownKeys
    writer: BatchWriter
    gaps: GapRecorder
    caps: RateCaps
    metrics: Metrics


class Receiver:
    """Answers deliveries.

    Args:
        parts: What it works with.
    """

    def __init__(self, parts: ReceiverParts) -> None:
        self._parts = parts
        self._metrics = parts.metrics
        self._bodies = BodyReader()
        self._seen = SeenSignatures()
        self._rotating: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm_at = float("-inf")

    async def deliver(self, request: Request) -> Response:
        """Answer ``POST /webhooks/{firm}``."""
        self._metrics.received.inc()
        firm = str(request.path_params["firm"])
        try:
            await self._accept(request, firm)
        except RefusedError as refusal:
            if refusal.gap:
                self._parts.gaps.add(self._known(firm), refusal.gap)
            self._metrics.refused.labels(refusal.reason).inc()
            return Response(status_code=REFUSALS[refusal.reason], headers={"connection": "close"})
        except Exception as error:  # noqa: BLE001 - its text, which uvicorn logs, may quote the body
            logger.warning("Delivery refused: %s. Report this as a bug.", summarize_bug(error))
            self._parts.gaps.add(self._known(firm), "unavailable")
            self._metrics.refused.labels("unavailable").inc()
            return Response(status_code=503, headers={"connection": "close"})
        self._metrics.accept()
        return Response(status_code=204)

    def _known(self, firm: str) -> list[str]:
        """Return the firm, if the inbox knows it."""
        return [firm] if self._parts.keys.of_firm(firm) else []

    async def _accept(self, request: Request, firm: str) -> None:
        raw_headers: list[tuple[bytes, bytes]] = request.scope["headers"]
        headers = dict(raw_headers)
        length = _check_headers(request, raw_headers, headers)
        try:
            signed, key = await self._authenticate(headers, firm)
        except RefusedError:
            await discard_small_body(request, length)
            raise
        request.scope["state"][SIGNED] = True
        digest = signature_digest(signed)
        is_new = digest not in self._seen
        if is_new and not self._parts.caps.take(firm, asyncio.get_running_loop().time()):
            raise RefusedError("overflow", gap="overflow")
        body = await self._read_body(request, is_new=is_new)
        body_hash = body_digest(key, body)
        if not is_new:
            if self._seen[digest] != body_hash:
                self._raise_alarm()
            self._metrics.repeated.inc()
            return
        now = dotnet_ticks.now()
        try:
            subscription_id, event = parse_event(body, now)
        except InvalidEventError:
            raise RefusedError("body", gap="unreadable") from None
        if subscription_id != key.subscription_id:
            raise RefusedError("subscription")
        await self._append(Delivery(firm, key.subscription_id, event, digest, body_hash))
        self._seen.add(digest, body_hash, now)
        if key.is_rotating:
            self._end_old_key(firm, key)

    async def _authenticate(
        self, headers: dict[bytes, bytes], firm: str
    ) -> tuple[SignedHeaders, SigningKey]:
        """Return the signed headers, and the firm's key that signed them.

        An unknown firm, a firm with other keys and a wrong signature take the same way.
        """
        arrived = asyncio.get_running_loop().time()
        now = dotnet_ticks.now()
        signed = SignedHeaders.parse(headers)
        if signed is None:
            raise RefusedError("signature")
        keys = self._parts.keys
        key = find_key(signed, keys.of_firm(firm), now, keys.most_keys)
        if key is None:
            try:
                await keys.refresh(arrived)
            except InboxError:
                raise RefusedError("unavailable", gap="unavailable") from None
            key = find_key(signed, keys.of_firm(firm), now, keys.most_keys)
        if key is None:
            raise RefusedError("signature")
        skew = now - signed.ticks
        self._metrics.skew.set(skew / dotnet_ticks.PER_SECOND)
        if abs(skew) > WINDOW_TICKS:
            raise RefusedError("stale")
        return signed, key

    async def _read_body(self, request: Request, *, is_new: bool) -> bytes:
        """Return the body. Under a known signature, whatever is wrong leaves no gap."""
        try:
            return await self._bodies.read(request)
        except BodyTooLargeError:
            raise RefusedError("too_large", gap="unreadable" if is_new else None) from None
        except DisconnectedError:
            raise RefusedError("disconnected", gap="unreadable" if is_new else None) from None
        except NoRoomError:
            raise RefusedError("overflow", gap="overflow" if is_new else None) from None

    async def _append(self, delivery: Delivery) -> None:
        try:
            is_accepted = await self._parts.writer.append(delivery)
        except InboxError:
            raise RefusedError("unavailable", gap="unavailable") from None
        except WriterFullError:
            raise RefusedError("overflow", gap="overflow") from None
        if not is_accepted:
            self._raise_alarm()
        self._parts.caps.add_row(delivery.firm)

    def _raise_alarm(self) -> None:
        """Refuse a second body under a signature: somebody has captured a delivery's headers."""
        self._metrics.reused.inc()
        now = asyncio.get_running_loop().time()
        if now - self._alarm_at >= _ALARM_SECONDS:
            self._alarm_at = now
            logger.warning(
                "Signature used again with another body: a delivery's headers were captured. "
                "Rotate the key, and check what lies between Smokeball and the receiver."
            )
        raise RefusedError("signature_reused")

    def _end_old_key(self, firm: str, key: SigningKey) -> None:
        """Note in the inbox that the new key is in use, once; failing, the next delivery does."""
        if key.key in self._rotating:
            return
        self._rotating.add(key.key)

        async def record() -> None:
            try:
                await self._parts.threads.run(record_first_use, self._parts.database, firm, key)
                await self._parts.keys.refresh(asyncio.get_running_loop().time())
            except InboxError:
                pass
            finally:
                self._rotating.discard(key.key)

        task = asyncio.create_task(record())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_headers(
    request: Request, raw_headers: list[tuple[bytes, bytes]], headers: dict[bytes, bytes]
) -> int:
    """Check what needs no key, and return the bytes of the body by its header; 0 if unknown.

    Raises:
        RefusedError: A header is refused.
    """
    size = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    size += sum(len(name) + len(value) + _FIELD_BYTES for name, value in raw_headers)
    if size > MAX_HEADER_BYTES:
        raise RefusedError("headers")
    # h11 would believe the latter; a proxy may believe the former, and see another request.
    if b"content-length" in headers and b"transfer-encoding" in headers:
        raise RefusedError("transfer_encoding")
    if b"content-encoding" in headers:
        raise RefusedError("content_encoding")
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise RefusedError("content_type")
    length = int(headers.get(b"content-length", b"0"))
    if length > MAX_BODY_BYTES:
        raise RefusedError("too_large")
    return length
