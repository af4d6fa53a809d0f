"""The streams: one module an area, one class of data a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.streams import billing, matters

if TYPE_CHECKING:
    from tap_smokeball.client import SmokeballStream

ALL: tuple[type[SmokeballStream], ...] = (
    *matters.STREAMS,
    *billing.STREAMS,
)
