"""Estimates a run before it starts: requests by stream, from a few requests.

Lists are counted by the ``size`` of their first page. It has been wrong before (docs/smokeball.md),
so it is checked against the page that it makes the last one; where it is missing or wrong, the end
of the list is searched for by offset. Child streams are estimated from a few parents, evenly spread
over those that a run would read: the state and the catalog decide which these are, by the same code
as in a run. Nothing is written but the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.pagination import OffsetPaginator
from tap_smokeball.errors import PaginationError, ParentListError, SmokeballError
from tap_smokeball.run.request_estimate import page_count, request_count
from tap_smokeball.sync.embedded_stream import EmbeddedChildStream
from tap_smokeball.sync.lookup_stream import LookupStream
from tap_smokeball.sync.parent_list import Parent, ParentList
from tap_smokeball.sync.parent_stream import ParentStream
from tap_smokeball.sync.top_level_stream import TopLevelStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pages import Page, Row
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.sync.child_stream import ChildStream
    from tap_smokeball.sync.runner import Runner

    FetchAt = Callable[[int, int], Response[Page]]

SAMPLED_PAGES = 4
"""Pages of a list of parents that are read."""

ALL_IF_AT_MOST = 12
"""Parents so few that all are read: one bank account may hold all the rows."""

SAMPLE_PARENTS = 3
LARGER_SAMPLE_PARENTS = 16
"""Parents that are read; the larger sample if one of the first takes more than one request."""

SEARCH_PRECISION = 40
"""A search for the end of a list ends when the end is known to one part in this many."""


@dataclass(frozen=True)
class Estimate:
    """The estimate for one stream.

    Attributes:
        stream: Its name.
        requests: Number of requests.
        rows: Number of rows, None if it is not known.
        basis: What the numbers are based on.
    """

    stream: str
    requests: float
    rows: float | None
    basis: str


class Planner:
    """Requests as little as an estimate needs."""

    def __init__(self, runner: Runner, session: Session) -> None:
        self._session = session
        self._page_size = session.settings.page_size
        self._totals: dict[str, int] = {}
        self._lists = [s for s in runner.top_level if isinstance(s, TopLevelStream)]

    def estimates(self) -> Iterator[Estimate]:
        """Yield what each stream takes, lists first, as in a run."""
        todo: list[tuple[ChildStream, ParentStream]] = []
        for stream in self._lists:
            children = [c for c in cast("list[ChildStream]", stream.child_streams) if c.selected]
            try:
                if isinstance(stream, ParentStream) and children:
                    yield self._estimate_parents(stream)
                    todo += [(child, stream) for child in children]
                else:
                    yield self._estimate_list(stream)
            except SmokeballError as error:
                stream.result.fail(error)
                for child in children:
                    child.result.fail(ParentListError(stream.name))
        for child, parents in todo:
            try:
                yield self._estimate_children(child, parents)
            except SmokeballError as error:
                child.result.fail(error)

    def _estimate_list(self, stream: TopLevelStream) -> Estimate:
        if isinstance(stream, LookupStream):
            before = self._session.client.transport.requests[stream.name]
            count = len(stream.read_ids())
            lists = self._session.client.transport.requests[stream.name] - before
            return Estimate(stream.name, lists + count, None, f"one for each of {count:,} IDs")
        if not stream.response_format.is_paged:
            return Estimate(stream.name, 1, None, "single request")
        since = stream.state_manager.replication_start
        fetch = self._fetch_at(stream, {}, stream.params(since))
        rows, basis = self._count(fetch)
        return Estimate(stream.name, page_count(rows, self._page_size), rows, basis)

    def _estimate_parents(self, stream: ParentStream) -> Estimate:
        """Read a few pages of a list of parents, also on behalf of their children."""
        fetch = self._fetch_at(stream, {}, stream.params(None))
        total, rows, started, basis = self._sample_list(fetch)
        field = stream.updated_at_field or ""
        parents = {
            row["id"]: stream.as_parent(row, dotnet_ticks.from_timestamp(row.get(field)))
            for row in rows
        }
        by_id = sorted(parents.values(), key=lambda parent: parent.id)
        stream.listed = ParentList(by_id, started, is_partial=True)
        since = stream.state_manager.replication_start or 0
        wanted = [p for p in by_id if not p.changed or p.changed >= since]
        fraction = len(wanted) / (len(by_id) or 1) if stream.selected else 0
        self._totals[stream.name] = total
        requests = request_count(stream.response_format, total, self._page_size)
        return Estimate(stream.name, requests, total * fraction, basis)

    def _sample_list(self, fetch: FetchAt) -> tuple[int, list[Row], int, str]:
        """Return the size of a list, some or all of its rows, the server time and the basis."""
        limit = self._page_size
        response = fetch(0, limit)
        page, rows, started = response.data, list(response.data.rows), response.server_time
        if 1 < len(rows) < limit and page.next_link:  # the API cuts its pages shorter
            limit = self._page_size = len(rows)
        if page.is_complete or len(rows) < limit:
            return len(rows), rows, started, "all rows read"
        size = _plausible_size(page)
        last = (SAMPLED_PAGES - 1) * limit if size is None else max(0, size - limit)
        end = 0
        for number in range(1, SAMPLED_PAGES):
            offset = number * last // (SAMPLED_PAGES - 1)
            page = fetch(offset, limit).data
            rows += page.rows
            end = offset + len(page.rows) if page.rows else end
            if len(page.rows) < limit:
                break
        if page.rows and len(page.rows) < limit:
            return end, rows, started, "all rows read" if size is None else "its last page"
        if size is not None and page.rows and not page.next_link:
            return size, rows, started, "size, and its last page"
        end = self._search_end(fetch, max(end, limit))
        return end, rows, started, "search for its end (size is missing or wrong)"

    def _estimate_children(self, stream: ChildStream, parents: ParentStream) -> Estimate:
        if stream.skip_reason:
            return Estimate(stream.name, 0, 0, f"skipped: {stream.skip_reason}")
        pending, total = stream.parent_order.pending, self._totals[parents.name]
        listed = len(parents.listed.parents)
        count = round(len(pending) * total / (listed or 1))
        in_all = f", {total:,} in all" if count != total else ""
        scope = f"{count:,} {parents.plural_name}{in_all}"
        if isinstance(stream, EmbeddedChildStream) and stream.is_embedded:
            requests = stream.estimate_requests(pending, count)
            return Estimate(stream.name, requests, None, f"with the list of {scope}")
        if not (stream.response_format.is_paged or stream.is_recursive):
            return Estimate(stream.name, count, None, f"one for each of {scope}")
        rows_of: dict[str, int] = {}
        errors: list[SmokeballError] = []
        few = len(pending) <= ALL_IF_AT_MOST
        for size in (len(pending),) if few else (SAMPLE_PARENTS, LARGER_SAMPLE_PARENTS):
            for parent in _evenly_spaced(pending, size):
                if parent.id not in rows_of:
                    rows_of[parent.id] = self._count_children(stream, parent, errors)
            costs = [stream.requests_per_parent(rows) for rows in rows_of.values()]
            if max(costs, default=1) == 1:
                break
        if rows_of and len(errors) == len(rows_of):
            raise errors[0]
        requests = count * sum(costs) / (len(rows_of) or 1)
        # Rows vary far more than requests do: a sample of them would mislead.
        rows = sum(rows_of.values()) if len(rows_of) == count else None
        return Estimate(stream.name, requests, rows, f"{len(rows_of):,} of {scope}")

    def _count_children(
        self, stream: ChildStream, parent: Parent, errors: list[SmokeballError]
    ) -> int:
        """Return the number of rows of a parent; none if a run would skip it."""
        ids = {stream.parent_key: parent.id}
        params = stream.child_params(parent)
        try:
            if stream.is_recursive:
                return self._session.pool.run_in_worker(
                    lambda: sum(len(rows) for rows in stream.read_children(ids, params))
                )
            return self._count(self._fetch_at(stream, ids, params), self._page_size)[0]
        except SmokeballError as error:
            if error.is_shared:
                raise
            errors.append(error)
            return 0

    def _count(self, fetch: FetchAt, limit: int = 1) -> tuple[int, str]:
        """Return how many rows a list has, and the basis of that."""
        page = fetch(0, limit).data
        found = len(page.rows)
        if (size := _plausible_size(page)) is not None:
            return size, "size"
        if page.is_complete or found < limit:
            return found, "all rows read"
        return self._search_end(fetch, found), "search for its end (size is missing or wrong)"

    def _search_end(self, fetch: FetchAt, known: int) -> int:
        """Return about how many rows a list has, by looking whether there is one at an offset."""
        low, high = known, max(known, self._page_size - 1)
        while fetch(high, 1).data.rows:
            low, high = high + 1, high * 4
        while high - low > low // SEARCH_PRECISION and self._pages_differ(low, high):
            middle = (low + high) // 2
            if fetch(middle, 1).data.rows:
                low = middle + 1
            else:
                high = middle
        return high

    def _pages_differ(self, low: int, high: int) -> bool:
        return page_count(low, self._page_size) < page_count(high, self._page_size)

    def _fetch_at(
        self, stream: SmokeballStream, ids: dict[str, str], params: dict[str, Any]
    ) -> FetchAt:
        """Return the function that fetches a page without the large opt-in fields."""
        light = {name: value for name, value in params.items() if name != "Fields"}
        if isinstance(stream, ParentStream) and stream.embedded_children:
            light["Fields"] = ",".join(c.embedding_field for c in stream.embedded_children)
        endpoint, paginator = stream.endpoint(), stream.response_format.paginator

        def fetch(offset: int, limit: int) -> Response[Page]:
            if offset and not issubclass(paginator, OffsetPaginator):
                raise PaginationError(
                    "its rows cannot be counted: the endpoint takes no offset",
                    "Only the estimate is affected; a run reads all rows",
                )
            page = OffsetPaginator.params(offset, limit)
            query = {**light, **(page if offset else paginator.first_params(limit))}
            return stream.fetch_page(endpoint, ids, query)

        if isinstance(stream, TopLevelStream):  # requests in a worker by itself
            return fetch
        return lambda offset, limit: self._session.pool.run_in_worker(lambda: fetch(offset, limit))


def _plausible_size(page: Page) -> int | None:
    """Return the size of a page's list, if it can be true."""
    if page.size is None or page.size < len(page.rows):
        return None
    return page.size if page.rows or not page.size else None


def _evenly_spaced(items: Sequence[Parent], count: int) -> list[Parent]:
    """Return some items, evenly spread over all."""
    count = min(count, len(items))
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]
