"""What a run reads of a stream, as data: decided by `tap_smokeball.sync.schedule`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_smokeball.sync.stream_events import StreamEvents


class ReadMode(Enum):
    """How much of a stream a run reads.

    The values are those of the run summary.
    """

    NOTHING = "nothing"
    CHANGES = "changes"
    """Of a parent stream, the rows that changed; of a child stream, the parents that events name
    and those that changed. It moves no bookmark."""
    FULL = "full"
    """All that the stream covers, from its bookmark: what each run does without a schedule."""


@dataclass(frozen=True)
class ReadDecision:
    """What a run reads of one stream.

    Attributes:
        mode: How much.
        reason: Why, for logs and the summary.
        events: Its events that wait; None if it does not follow events.
        retries_unread: Whether parents that earlier runs could not read are retried although no
            full pass is due.
        is_closed_pass_only: Whether the only full pass is that over closed parents.
        next_mode: What the same run reads after this; None if nothing.
    """

    mode: ReadMode
    reason: str = ""
    events: StreamEvents | None = None
    retries_unread: bool = False
    is_closed_pass_only: bool = False
    next_mode: ReadMode | None = None

    @property
    def is_full(self) -> bool:
        """Whether a full pass is read."""
        return self.mode is ReadMode.FULL

    @property
    def is_live_pass_due(self) -> bool:
        """Whether the full pass is read that covers all parents, or those that are not closed."""
        return self.is_full and not self.is_closed_pass_only


READ_ALL = ReadDecision(ReadMode.FULL)
"""The decision for every stream of a run without a schedule."""
