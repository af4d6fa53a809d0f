"""One reading of a list: from when on, by which clock, and how far it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.pagination import read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pagination import Page, Row
    from tap_smokeball.records.record_builder import RowKey


@dataclass(frozen=True)
class UpdatedSinceFilter:
    """A filter by the time of the last change.

    Attributes:
        parameter: The query parameter.
        dialect: Writes ticks the way this parameter takes them (docs/smokeball.md): `str` for
            ticks, `dotnet_ticks.to_iso_seconds` for ISO in whole seconds, and so on.
    """

    parameter: str
    dialect: Callable[[int], str]


class ListReader:
    """One reading of a list: its rows in pieces, and the server's clock when it began.

    Attributes:
        began: That clock in ticks; meaningful once a piece was read, or the list has ended.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Response[Page]],
        key: RowKey,
        limit: int,
        sample: int | None,
        repaged: Callable[[], None],
    ) -> None:
        self.began = 0
        self._fetch = fetch
        self._key = key
        self._limit = limit
        self._sample = sample
        self._repaged = repaged
        self._offset = 0
        self._steps_back = False

    def __iter__(self) -> Iterator[list[Row]]:
        if self._sample is not None:
            yield self._page(0, self._sample).rows[: self._sample]
        else:
            yield from read_all(self._page, self._key, self._limit)

    def _page(self, offset: int, limit: int) -> Page:
        answer = self._fetch(offset, limit)
        self.began = self.began or answer.server_time
        self._look_for_seams(offset)
        return answer.data

    def _look_for_seams(self, offset: int) -> None:
        """Tell of a seam that is looked for further back, once however far that is."""
        steps_back = offset < self._offset
        if steps_back and not self._steps_back:
            self._repaged()
        self._offset, self._steps_back = offset, steps_back


class NewestTimestamp:
    """Finds the bookmark of a stream whose rows are stamped.

    Args:
        updated_at_field: The property that holds a row's last change; None if there is none.
    """

    def __init__(self, stamp: str | None) -> None:
        self._stamp = stamp
        self._newest: int | None = None

    def see(self, row: Row) -> int | None:
        """Take note of a row, and return its stamp in ticks if it has one."""
        stamp = dotnet_ticks.of_stamp(row.get(self._stamp)) if self._stamp else None
        if stamp is not None and (self._newest is None or stamp > self._newest):
            self._newest = stamp
        return stamp

    def bookmark(self, began: int) -> int | None:
        """Return the newest stamp in ticks, or when the read began if that is earlier.

        Without a stamp it is when the read began; None if there is a stamp but no row.
        """
        if self._stamp is None:
            return began
        return None if self._newest is None else min(self._newest, began)
