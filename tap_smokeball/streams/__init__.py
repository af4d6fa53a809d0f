"""All streams: one module per subject area, one class per stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.streams import (
    billing,
    contacts,
    contents,
    documents,
    firm,
    intake,
    matter_details,
    matters,
    sync_runs,
    trust,
    work,
)

if TYPE_CHECKING:
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.run_log_stream import RunLogStream

ALL: tuple[type[SmokeballStream], ...] = (
    *firm.STREAMS,
    *contacts.STREAMS,
    *matters.STREAMS,
    *matter_details.STREAMS,
    *work.STREAMS,
    *documents.STREAMS,
    *billing.STREAMS,
    *contents.STREAMS,
    *trust.STREAMS,
    *intake.STREAMS,
)
"""The streams of the API."""

RUN_LOGS: tuple[type[RunLogStream], ...] = sync_runs.STREAMS
"""The streams about the run itself."""
