"""The rows from which questions are answered, each page requested once."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.client import Endpoint
from tap_smokeball.errors import ProbeBudgetError, SmokeballError
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.content_stream import ContentStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.api.pages import Row
    from tap_smokeball.probe.reader import Body, ProbeReader
    from tap_smokeball.session import Session
    from tap_smokeball.sync.base_stream import SmokeballStream

PAGE_ROWS = 500
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
BANK_ACCOUNTS = 4


class Sizes(NamedTuple):
    """How many matters are read for their child records.

    Attributes:
        billing: For fees, expenses and invoices.
        details: For roles and memos.
    """

    billing: int
    details: int


class Samples:
    """Reads what questions need, as the tap would read it.

    Args:
        session: What the streams share.
        streams: The streams of the tap by name.
        reader: Sends the requests.
        sizes: How much is read.
    """

    def __init__(
        self,
        session: Session,
        streams: Mapping[str, SmokeballStream],
        reader: ProbeReader,
        sizes: Sizes,
    ) -> None:
        self.session = session
        self.streams = streams
        self.reader = reader
        self._sizes = sizes
        self._bodies: dict[tuple[str, str], Body | SmokeballError] = {}

    def fetch(self, name: str, **params: Any) -> Body:
        """Request a page of a list of the firm; a parameter that is None is left out.

        Raises:
            SmokeballError: The request failed, or none is left.
        """
        return self._request(name, {}, params)

    def _request(self, name: str, ids: Mapping[str, str], params: Mapping[str, Any]) -> Body:
        stream = self.streams[name]
        query: dict[str, Any] = stream.params(None)
        if stream.response_format.is_paged:
            query |= {"Offset": 0, "Limit": PAGE_ROWS}
        query = {key: value for key, value in {**query, **params}.items() if value is not None}
        return self.reader.get(stream.endpoint(), ids, query)

    def get(self, path: str, scope: str) -> Body:
        """Request an endpoint that no stream reads.

        Raises:
            SmokeballError: The request failed, or none is left.
        """
        return self.reader.get(Endpoint(path, scope, "probe"), {}, {})

    def page(self, name: str) -> Body:
        """Return the first page of a list of the firm.

        Raises:
            SmokeballError: It cannot be read.
        """
        return self._once(name, "", {})

    def rows(self, name: str) -> list[Row]:
        """Return the rows of the first page of a list, or of all sampled parents.

        Raises:
            SmokeballError: No list can be read.
        """
        stream = self.streams[name]
        if isinstance(stream, ChildStream):
            return [row for _, body in self.children(name) for row in body.rows]
        return self.page(name).rows

    def fetch_child(self, name: str, parent: Row, **params: Any) -> Body:
        """Request a page of a parent's child list.

        Raises:
            SmokeballError: The request failed, or none is left.
        """
        return self._request(name, {str(self.streams[name].parent_key): parent["id"]}, params)

    def children(self, name: str, most: int | None = None) -> Iterator[tuple[Row, Body]]:
        """Yield sampled parents with the first page of their child list; skip refused ones.

        Args:
            name: The child stream.
            most: Most parents to read; None for as many as the sizes say.

        Raises:
            SmokeballError: The parents cannot be listed, or no request is left.
        """
        stream = self.streams[name]
        assert isinstance(stream, ChildStream)  # noqa: S101 - names are constants of questions
        for parent in self._parents(name, stream.parent_stream.name)[:most]:
            try:
                yield parent, self._once(name, str(parent["id"]), {stream.parent_key: parent["id"]})
            except ProbeBudgetError:
                raise
            except SmokeballError:
                continue

    def _parents(self, name: str, parent: str) -> list[Row]:
        rows = [row for row in self.page(parent).rows if row.get("id")]
        if parent == "bank_accounts":
            return rows[:BANK_ACCOUNTS]
        billing = {"fees", "expenses", "invoices"}
        wanted = self._sizes.billing if name in billing else self._sizes.details
        if field := self.streams[name].required_parent_field:
            rows = [row for row in rows if row.get(field)]
        rows = [row for row in rows if not row.get("isLead")] or rows
        step = max(1, len(rows) // wanted)
        return rows[::-step][:wanted]  # from the latest changes on: there is work in them

    def _once(self, name: str, parent: str, ids: Mapping[str, str]) -> Body:
        key = name, parent
        if key not in self._bodies:
            try:
                self._bodies[key] = self._request(name, ids, {})
            except ProbeBudgetError:
                raise
            except SmokeballError as error:
                self._bodies[key] = error
        found = self._bodies[key]
        if isinstance(found, SmokeballError):
            raise found
        return found

    def read(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield each stream that was read, with its rows."""
        for (name, _), body in self._bodies.items():
            if not isinstance(body, SmokeballError):
                yield name, body.rows

    def read_others(self, reserve: int) -> None:
        """Read a page of each list that no question has read, as far as requests are left.

        Args:
            reserve: Requests to leave for later questions.
        """
        read = {name for name, _ in self._bodies}
        for name, stream in self.streams.items():
            if self.reader.budget.left <= reserve:
                return
            ids = set(_PLACEHOLDER.findall(stream.path))
            if name in read or isinstance(stream, ContentStream) or not ids <= {stream.parent_key}:
                continue
            with suppress(SmokeballError):  # it is kept
                if isinstance(stream, ChildStream):
                    for _ in self.children(name, 1):
                        pass
                else:
                    self.page(name)

    def failures(self) -> Iterator[tuple[str, SmokeballError]]:
        """Yield each stream of which a list could not be read, with the error."""
        for (name, _), body in self._bodies.items():
            if isinstance(body, SmokeballError):
                yield name, body

    def bodies(self) -> Iterator[tuple[str, Body]]:
        """Yield each stream that was read, with a page."""
        for (name, _), body in self._bodies.items():
            if not isinstance(body, SmokeballError):
                yield name, body

    def wait(self, seconds: float) -> None:
        """Wait, unless a signal comes.

        Raises:
            RunInterruptedError: A signal came.
        """
        self.session.pool.run_in_worker(partial(time.sleep, seconds))


def updated_ticks(row: Row, name: str) -> int | None:
    """Return when a row was last changed, in ticks, if it says so."""
    return dotnet_ticks.from_timestamp(row.get(name))


def amount(value: Any) -> Decimal | None:
    """Return an amount, None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def linked(row: Row, name: str) -> str:
    """Return the id in a link, or ""."""
    link = row.get(name)
    return str(link.get("id") or "") if isinstance(link, dict) else ""
