"""One query of a list: its parameters, the rows that match it, and its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode
from zlib import crc32

from smokeball_sandbox.answer_shaping import AnswerShaper
from smokeball_sandbox.query import MAX_LIMIT, MAX_OFFSET, Query
from smokeball_sandbox.resources import ResponseFormat, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any

    from smokeball_sandbox.resources import Data, Route
    from smokeball_sandbox.settings import Settings
    from smokeball_sandbox.store import Store

_NO_LIMIT = MAX_OFFSET

_Entry = TypeVar("_Entry")


class ListQuery:
    """A validated query of one list, and the rows that match it now.

    Attributes:
        errors: Errors in the query; empty if it is valid.
        depends_on_time: Whether the response depends on the time of the request.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        route: Route,
        query_string: bytes,
        hidden: Collection[str],
    ) -> None:
        self._store = store
        self._settings = settings
        self._resource = resource = route.resource
        self._parent = route.parent
        self._hidden = hidden
        query = Query(query_string, store.now())
        self._offset, self._limit = 0, MAX_LIMIT
        if resource.has_paging or settings.undeclared_paging:
            self._offset = query.integer("Offset", 0, MAX_OFFSET, 0)
            self._limit = query.integer("Limit", 1, MAX_LIMIT, MAX_LIMIT)
        else:
            self._limit = _NO_LIMIT
        self._order = query.sort(tuple(resource.sort)) if resource.sort else []
        opt_in = resource.opt_in_fields
        self._requested_fields = query.members("Fields", opt_in) if opt_in else []
        sent = [each for each in resource.date_filters if query.value(each.name) is not None]
        takes_fractions = settings.answers.fractions == "accepted"
        self._since = [
            query.timestamp(each.name, each.date_format, takes_fractions=takes_fractions)
            for each in sent
        ]
        for extra in sent[1:]:
            query.add_error(extra.name, f"Cannot be combined with {sent[0].name}.")
        predicates = (build(query) for build in resource.filters)
        self._predicates = [each for each in predicates if each is not None]
        self.errors = query.errors
        self._shaper = AnswerShaper(settings.answers, store, resource.name)
        self._names_status = query.value("Status") is not None
        self._names_matter = query.value("MatterId") is not None
        if settings.answers.sort == "ignored":
            self._order = []
        self.depends_on_time = query.depends_on_time
        others = [pair for pair in query.pairs if pair[0].lower() not in {"limit", "offset"}]
        self._other_parameters = f"{urlencode(others)}&" if others else ""

    def rows(self) -> list[Row]:
        """Return the matching rows in the requested order."""
        resource, parent, hidden = self._resource, self._parent, self._hidden
        since = self._since[0] if self._since else None
        if since is not None and self._store.last_updated(resource, parent) < since:
            return []
        rows = self._store.shown_rows(resource, parent)
        if since is not None:
            first = since if self._settings.inclusive else since + 1
            rows = [row for row in rows if row.updated >= first]
        if hidden:
            rows = [row for row in rows if row.id not in hidden and matter_id_of(row) not in hidden]
        if resource.should_hide_deleted:
            rows = [row for row in rows if not row.data.get("isDeleted")]
        for predicate in self._predicates:
            rows = [row for row in rows if predicate(self._with_derived(row))]
        if self._shaper.is_active:
            rows = self._shown(rows, is_filtered=since is not None)
        for name, is_descending in reversed(self._order):
            rows = sorted(rows, key=resource.sort[name], reverse=is_descending)
        return rows

    def _shown(self, rows: list[Row], *, is_filtered: bool) -> list[Row]:
        """Return the rows that the tenant lists, in its order without ``Sort``."""
        rows = [
            row
            for row in rows
            if self._shaper.should_list(
                row, is_filtered=is_filtered, names_status=self._names_status
            )
        ]
        order = self._settings.answers.order
        if order != "stable":
            self.depends_on_time = True
            key = (self._resource.name, self._parent)
            self._store.reads[key] += self._offset == 0 or order == "moving"
            read = self._store.reads[key]
            rows.sort(key=lambda row: crc32(f"{read} {row.id}".encode()))
        return rows

    def _with_derived(self, row: Row) -> Row:
        """Return a row with its derived properties, for predicates that read them."""
        if self._resource.derived_properties is None:
            return row
        record = self._store.record(self._resource, row)
        return Row(record, row.updated, row.parent, row.plan, id=row.id)

    def content(self, url: str, template: str) -> Data | list[Data]:
        """Return the JSON of the response, in the resource's format."""
        rows, response_format = self.rows(), self._resource.response_format
        if response_format is ResponseFormat.PAGED:
            return self.page(rows, self._record, url, template)
        records = [self._record(row) for row in rows]
        if self._shaper.is_active:
            records = self._shaper.records(records)
        if response_format is ResponseFormat.ARRAY:
            return records
        return {**self._envelope_properties(), self._resource.rows_key: records}

    def _envelope_properties(self) -> Data:
        resource = self._resource
        if resource.envelope_properties is None or resource.parent is None or self._parent is None:
            return {}
        parent = self._store.find(self._store.resources[resource.parent], self._parent)
        return {} if parent is None else resource.envelope_properties(self._store.firm, parent)

    def _record(self, row: Row) -> Data:
        resource = self._resource
        omitted = [name for name in resource.opt_in_fields if name not in self._requested_fields]
        record = self._store.record(resource, row)
        names = [*omitted, *resource.by_id_only_fields]
        record = omit_properties(record, names, resource.opt_in_objects)
        if self._shaper.is_active:
            return self._shaper.record(record, names_matter=self._names_matter)
        return record

    def page(
        self, rows: Sequence[_Entry], record: Callable[[_Entry], Data], url: str, template: str
    ) -> Data:
        """Return the envelope of the requested page."""
        settings, limit = self._settings, self._limit
        repeats = settings.repeat_pages
        should_repeat = repeats if isinstance(repeats, bool) else template in repeats
        start = 0 if should_repeat else self._offset
        page_size = limit if settings.max_page is None else min(limit, settings.max_page)
        page = rows[start : start + page_size]
        if self._shaper.is_unwrapped:
            return {"value": self._shaper.records([record(row) for row in rows])}
        envelope: Data = {
            "id": self._resource.name,
            "href": url,
            "rel": "collection",
            "self": {"href": self._link(url, self._offset)},
            "value": [record(row) for row in page],
            "offset": self._offset,
            "limit": limit,
            "size": len(rows),
            "first": {"href": self._link(url, 0)},
        }
        if settings.size == "missing":
            del envelope["size"]
        elif settings.size == "zero":
            envelope["size"] = 0
        elif isinstance(settings.size, int):
            envelope["size"] = max(0, len(rows) + settings.size)
        if self._offset > 0:
            previous = max(0, self._offset - limit)
            envelope["previous"] = {"href": self._link(url, previous), "rel": "collection"}
        if page and (should_repeat or start + len(page) < len(rows)):
            following = self._offset + len(page)
            envelope["next"] = {"href": self._link(url, following), "rel": "collection"}
        last = max(0, (len(rows) - 1) // limit * limit)
        envelope["last"] = {"href": self._link(url, last), "rel": "collection"}
        if limit == _NO_LIMIT:
            del envelope["offset"], envelope["limit"]
        if self._shaper.is_active:
            envelope["value"] = self._shaper.records(envelope["value"])
            return self._shaper.envelope(envelope)
        return envelope

    def _link(self, url: str, offset: int) -> str:
        if self._limit == _NO_LIMIT:
            return url
        return f"{url}?{self._other_parameters}limit={self._limit}&offset={offset}"


def omit_properties(data: Data, names: Collection[str], within: Collection[str] = ()) -> Data:
    """Return a record without some properties, in itself and in the objects `within`."""
    if not names:
        return data
    record: dict[str, Any] = data.copy()
    for name in names:
        record.pop(name, None)
    for name in within:
        if name in record:
            record[name] = omit_properties(record[name], names)
    return record


def matter_id_of(row: Row) -> str | None:
    """Return the id of the matter that a row names, if it names one."""
    matter: dict[str, str] = row.data.get("matter") or {}
    return matter.get("id")
