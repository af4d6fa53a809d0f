"""Child streams whose rows may come with the list of their parents: no request for each parent.

A parent whose row does not hold them whole is requested as usual. Whether the others are whole is
not documented. So each run also requests a few of them, and if one differs, all.
"""

from __future__ import annotations

import abc
import sys
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tap_smokeball.api import json_body
from tap_smokeball.errors import SmokeballError
from tap_smokeball.records.converters import HYPERMEDIA_KEYS
from tap_smokeball.sync.child_stream import ChildStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers import types

    from tap_smokeball.api.pages import Row
    from tap_smokeball.sync.parent_list import Parent

CHECKED_PARENTS = 5
"""Parents of a run that are requested although their rows came with the list."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class EmbeddedChildStream(ChildStream):
    """A child stream whose rows may come with the list of their parents.

    Attributes:
        unembedded_fields: Properties that rows have only if they are requested.
    """

    embedding_field: ClassVar[str]
    unembedded_fields: ClassVar[frozenset[str]] = frozenset()

    _has_checked = False

    @property
    @abc.abstractmethod
    def is_embedding_wanted(self) -> bool:
        """Whether a setting asks for the rows from the list of parents."""

    @staticmethod
    @abc.abstractmethod
    def rows_in(value: Any, /) -> list[Row] | None:
        """Return the rows in the property of a parent, or None if they may not be whole."""

    @property
    def is_embedded(self) -> bool:
        """Whether this run takes rows from the list of parents."""
        return self.is_embedding_wanted and self.selected and self.sample_rows is None

    def keep_rows(self, parent: Row) -> None:
        """Keep the rows in the row of a parent, as JSON, which takes little memory."""
        rows = self.rows_in(parent.get(self.embedding_field))
        if rows is not None:
            self._kept[str(parent["id"])] = _encode(rows)

    def has_rows_of(self, parent: Parent) -> bool:
        """Return whether the rows of a parent came with its own row."""
        return parent.id in self._kept

    def estimate_requests(self, sample: list[Parent], parents: int) -> float:
        """Return about how many requests the rows of parents take.

        Args:
            sample: Some of the parents.
            parents: Their number.
        """
        kept = sum(map(self.has_rows_of, sample))
        return parents * (1 - kept / (len(sample) or 1)) + min(CHECKED_PARENTS, kept)

    @cached_property
    def _kept(self) -> dict[str, bytes]:
        """The rows of each parent that came with the list."""
        return {}

    @override
    def requests_per_parent(self, rows: int) -> int:
        return 0 if self._kept else super().requests_per_parent(rows)

    @override
    def read_pieces(self) -> Iterator[list[types.Record]]:
        if self._kept and not self._has_checked:
            self._has_checked = True
            if not self._are_kept_rows_right():
                self.logger.warning(
                    "%s: the list of %s does not hold the same rows as the requests for each; "
                    "sending these requests. Run the probe, and unset the setting",
                    self.name,
                    self.parent_stream.plural_name,
                )
                self._kept.clear()
        yield from super().read_pieces()

    def _are_kept_rows_right(self) -> bool:
        """Return whether the kept rows of some parents are those that a request returns."""
        parents = [each for each in self.parent_order.pending if self.has_rows_of(each)]
        parents.sort(key=lambda parent: -len(self._kept[parent.id]))  # with most rows first
        checked = 0
        for parent in parents[:: max(1, len(parents) // CHECKED_PARENTS)][:CHECKED_PARENTS]:
            try:
                rows = self.session.pool.run_in_worker(partial(self._request, parent))
            except SmokeballError as error:
                if error.is_shared:
                    raise
                continue
            kept = json_body.decode(self._kept[parent.id])
            if self._comparable(rows) != self._comparable(kept):
                return False
            checked += 1
        return checked > 0 or not parents

    def _request(self, parent: Parent) -> list[Row]:
        reader = self.read_list({self.parent_key: parent.id}, self.child_params(parent))
        return [row for rows in reader for row in rows]

    def _comparable(self, rows: list[Row]) -> list[Any]:
        """Return rows in the order of their ids, without what no record has."""
        kept = [
            {name: each for name, each in row.items() if name not in self.unembedded_fields}
            for row in rows
        ]
        return sorted(map(_without_hypermedia, kept), key=lambda row: str(row.get("id")))

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        kept = self._kept.pop(ids[self.parent_key], None)
        if kept is None:
            yield from super().read_children(ids, params)
        else:
            yield json_body.decode(kept)


def _without_hypermedia(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_hypermedia(each)
            for name, each in value.items()
            if name not in HYPERMEDIA_KEYS and each is not None
        }
    return [_without_hypermedia(each) for each in value] if isinstance(value, list) else value
