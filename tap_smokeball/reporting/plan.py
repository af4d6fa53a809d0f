"""What a run will take, before it is run: requests by stream, told from a handful of requests.

Lists are counted by the ``size`` that comes with their first page. It has been wrong before
(docs/smokeball.md), so it is held against the page that it promises to be the last; where it is
missing or wrong, the end of the list is searched for by offset. What hangs below parents is learned
from a few of them, evenly spread over those that a run would read: the state and the catalog decide
which these are, by the same code as in a run. Nothing is written but the plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.errors import NotFoundError, SmokeballError
from tap_smokeball.reporting.text_table import aligned
from tap_smokeball.run.request_estimate import pages, words
from tap_smokeball.sync.child_stream import ChildStream, Parent, ParentStream
from tap_smokeball.sync.top_level_stream import TopLevelStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pagination import Page, Row
    from tap_smokeball.sync.base_stream import SmokeballStream
    from tap_smokeball.tap import TapSmokeball

    Ask = Callable[[int, int], Response[Page]]

LISTED_PAGES = 4
"""Pages of a list of parents that are looked at."""

FEW = 12
"""Parents so few that each is looked below: one bank account may hold all that there is."""

SAMPLE = 3
LARGER_SAMPLE = 16
"""Parents that are looked below; more if one of the first takes more than one request."""

EXACT_TO = 40
"""A search for the end of a list ends when it is known to one part in so many."""


@dataclass(frozen=True)
class Estimate:
    """What a stream will take.

    Attributes:
        stream: Its name.
        requests: How many requests.
        rows: How many rows, None if that is not known.
        basis: What the figures rest on.
    """

    stream: str
    requests: float
    rows: float | None
    basis: str


def made(tap: TapSmokeball) -> str:
    """Return the plan of a run, to be read by people; streams that fail are marked as in a run.

    Raises:
        Stopped: The run is told to stop.
    """
    estimates = list(_Planner(tap).estimates())
    rate = tap.settings.requests_per_second
    total = sum(estimate.requests for estimate in estimates)
    lines = [("stream", "rows", "requests", "time", "rests on")]
    lines += [
        (
            estimate.stream,
            "" if estimate.rows is None else f"{estimate.rows:,.0f}",
            f"{estimate.requests:,.0f}",
            words(estimate.requests / rate),
            estimate.basis,
        )
        for estimate in estimates
    ]
    lines += [(result.stream, "", "", "", result.ended) for result in tap.run.failures]
    text = [
        aligned(lines),
        "",
        f"About {total:,.0f} requests: {words(total / rate)} at {rate:g} a second.",
        *_in_pieces(tap, estimates),
        f"This plan took {tap.run.requests:,} requests.",
    ]
    return "\n".join(text)


def _in_pieces(tap: TapSmokeball, estimates: list[Estimate]) -> Iterator[str]:
    """Yield how many runs it takes with a time limit; each of them reads the lists again."""
    limit = tap.settings.max_run_seconds
    if limit is None:
        return
    below = sum(e.requests for e in estimates if isinstance(tap.streams[e.stream], ChildStream))
    lists = sum(e.requests for e in estimates) - below
    left = limit * tap.settings.requests_per_second - lists
    if left <= 0:
        yield (
            f"max_run_minutes is too short: the lists alone take {lists:,.0f} requests in each run."
        )
    elif (runs := math.ceil(below / left)) > 1:
        yield f"With max_run_minutes that is {runs:,} runs of {words(limit)}."


class _Planner:
    """Asks for as little as an estimate needs."""

    def __init__(self, tap: TapSmokeball) -> None:
        self._tap = tap
        self._limit = tap.settings.page_size
        self._totals: dict[str, int] = {}
        streams = [cast("SmokeballStream", s) for s in tap.streams.values()]
        self._lists = [
            s
            for s in streams
            if isinstance(s, TopLevelStream) and (s.selected or s.has_selected_descendents)
        ]

    def estimates(self) -> Iterator[Estimate]:
        """Yield what each stream takes, lists first, as in a run."""
        todo: list[tuple[ChildStream, ParentStream]] = []
        for stream in self._lists:
            children = [c for c in cast("list[ChildStream]", stream.child_streams) if c.selected]
            try:
                if isinstance(stream, ParentStream) and children:
                    yield self._of_parents(stream)
                    todo += [(child, stream) for child in children]
                else:
                    yield self._of_list(stream)
            except SmokeballError as error:
                stream.fail(error)
                for child in children:
                    self._tap.run.result(child.name).fail(f"{stream.name} could not be listed")
        for child, parents in todo:
            try:
                yield self._below(child, parents)
            except SmokeballError as error:
                child.fail(error)

    def _of_list(self, stream: TopLevelStream) -> Estimate:
        if not stream.response_format.paged:
            return Estimate(stream.name, 1, None, "comes at once")
        ask = self._asking(stream, {}, stream.params(stream.starting_ticks))
        rows, basis = self._count(ask)
        return Estimate(stream.name, pages(rows, self._limit), rows, basis)

    def _of_parents(self, stream: ParentStream) -> Estimate:
        """Look at a few pages of a list of parents, also on behalf of their children."""
        ask = self._asking(stream, {}, stream.params(None))
        total, rows, basis = self._survey(ask, stream)
        listed = {
            row["id"]: stream.as_parent(
                row, dotnet_ticks.of_stamp(row.get(stream.updated_at_field or ""))
            )
            for row in rows
        }
        stream.listed = sorted(listed.values(), key=lambda parent: parent.id)
        since = stream.starting_ticks
        wanted = [p for p in listed.values() if not p.changed or p.changed >= (since or 0)]
        share = len(wanted) / (len(listed) or 1) if stream.selected else 0
        requests = pages(total, self._limit) if stream.response_format.paged else 1
        self._totals[stream.name] = total
        return Estimate(stream.name, requests, total * share, basis)

    def _survey(self, ask: Ask, stream: ParentStream) -> tuple[int, list[Row], str]:
        """Return how many parents there are, some or all of them, and how that is known."""
        limit = self._limit
        answer = ask(0, limit)
        stream.listing_began = answer.server_time
        page, rows = answer.data, list(answer.data.rows)
        if 1 < len(rows) < limit and page.has_next:  # the API cuts its pages shorter
            limit = self._limit = len(rows)
        if page.is_whole or len(rows) < limit:
            return len(rows), rows, "all of them seen"
        size = _size(page)
        last = (LISTED_PAGES - 1) * limit if size is None else max(0, size - limit)
        end = 0
        for number in range(1, LISTED_PAGES):
            offset = number * last // (LISTED_PAGES - 1)
            page = ask(offset, limit).data
            rows += page.rows
            end = offset + len(page.rows) if page.rows else end
            if len(page.rows) < limit:
                break
        if page.rows and len(page.rows) < limit:
            return end, rows, "all of them seen" if size is None else "the page at its end"
        if size is not None and page.rows and not page.has_next:
            return size, rows, "size, and the page at its end"
        return self._search(ask, max(end, limit)), rows, "a search for its end, size is no help"

    def _below(self, stream: ChildStream, parents: ParentStream) -> Estimate:
        todo, total = stream.todo(), self._totals[parents.name]
        count = round(len(todo) * total / (len(parents.listed) or 1))
        of_them = f"of {count:,} {parents.plural_name}" + (
            f", {total:,} in all" if count != total else ""
        )
        if not (stream.response_format.paged or stream.recursive):
            return Estimate(stream.name, count, None, f"one for each {of_them}")
        seen: dict[str, int] = {}
        sizes = (len(todo),) if len(todo) <= FEW else (SAMPLE, LARGER_SAMPLE)
        for size in sizes:
            for parent in _spread(todo, size):
                if parent.id not in seen:
                    seen[parent.id] = self._rows_below(stream, parent)
            costs = [stream.requests_below(rows) for rows in seen.values()]
            if max(costs, default=1) == 1:
                break
        requests = count * sum(costs) / (len(seen) or 1)
        # Rows differ far more than requests do: a sample of them would mislead.
        rows = sum(seen.values()) if len(seen) == count else None
        return Estimate(stream.name, requests, rows, f"{len(seen):,} {of_them}")

    def _rows_below(self, stream: ChildStream, parent: Parent) -> int:
        ids = {stream.parent_key: parent.id}
        params = stream.params_below(parent, stream.starting_ticks)
        try:
            if stream.recursive:
                return self._tap.workers.call(
                    lambda: sum(len(rows) for rows in stream.read_below(ids, params))
                )
            return self._count(self._asking(stream, ids, params), self._limit)[0]
        except NotFoundError:
            return 0

    def _count(self, ask: Ask, limit: int = 1) -> tuple[int, str]:
        """Return how many rows a list has, and how that is known."""
        page = ask(0, limit).data
        found = len(page.rows)
        if (size := _size(page)) is not None:
            return size, "size"
        if page.is_whole or found < limit:
            return found, "all of it seen"
        return self._search(ask, found), "a search for its end, size is no help"

    def _search(self, ask: Ask, known: int) -> int:
        """Return about how many rows a list has by looking whether there is one at an offset."""
        low, high = known, max(known, self._limit - 1)
        while ask(high, 1).data.rows:
            low, high = high + 1, high * 4
        while high - low > low // EXACT_TO and pages(low, self._limit) < pages(high, self._limit):
            middle = (low + high) // 2
            if ask(middle, 1).data.rows:
                low = middle + 1
            else:
                high = middle
        return high

    def _asking(self, stream: SmokeballStream, ids: dict[str, str], params: dict[str, Any]) -> Ask:
        """Return what asks a list for a page, without the blocks that make it heavy."""
        light = {name: value for name, value in params.items() if name != "Fields"}
        ask = partial(stream.fetch, Endpoint(stream.name, stream.path, stream.scope), ids, light)
        if isinstance(stream, TopLevelStream):  # asks in a worker by itself
            return ask
        return lambda offset, limit: self._tap.workers.call(partial(ask, offset, limit))


def _size(page: Page) -> int | None:
    """Return the size that comes with a page, if it can be true."""
    if page.size is None or page.size < len(page.rows):
        return None
    return page.size if page.rows or not page.size else None


def _spread(items: Sequence[Parent], count: int) -> list[Parent]:
    """Return so many items, evenly spread over all."""
    count = min(count, len(items))
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]
