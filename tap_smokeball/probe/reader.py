"""Sends the probe's requests, and keeps nothing of a response but what questions need."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball.api.response_parsers import NO_CONTENT
from tap_smokeball.errors import SmokeballError
from tap_smokeball.probe.budget import MAX_BURST, Budget
from tap_smokeball.run.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_smokeball.api.client import Endpoint
    from tap_smokeball.api.pages import Row
    from tap_smokeball.session import Session

_LISTS = ("value", "items", "roles")


class Body(NamedTuple):
    """The decoded body of a response."""

    content: Any

    @property
    def kind(self) -> str:
        """How rows are wrapped: page, value, array, object or empty."""
        if isinstance(self.content, list):
            return "array"
        if not isinstance(self.content, dict):
            return "empty"
        if not isinstance(self.content.get("value"), list):
            return "object"
        return "page" if self.content.keys() & {"offset", "limit", "size"} else "value"

    @property
    def rows(self) -> list[Row]:
        """The rows; an object that wraps no list is one."""
        content = self.content
        if isinstance(content, dict):
            wrapped = next((n for n in _LISTS if isinstance(content.get(n), list)), None)
            content = content[wrapped] if wrapped else [content]
        return [row for row in content if isinstance(row, dict)] if self.content else []

    def number(self, name: str) -> int | None:
        """Return a number of the envelope, None if it has none."""
        value = self.content.get(name) if isinstance(self.content, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def has_next(self) -> bool:
        """Whether the envelope links to a next page."""
        return isinstance(self.content, dict) and bool(self.content.get("next"))


class ProbeReader:
    """Sends requests one by one, within the budget.

    Args:
        session: Client, settings and threads of the tap.
        used: Requests of the probe's earlier runs.

    Attributes:
        budget: Bounds and counts the requests.
        seconds: Seconds of each response, by path template.
        statuses: Final status of a request by path template: 200, or that of its error.
    """

    def __init__(self, session: Session, used: int) -> None:
        self._session = session
        self.budget = Budget(session.client.transport, used)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.statuses: dict[str, int] = {}

    def get(self, endpoint: Endpoint, ids: Mapping[str, str], params: Mapping[str, Any]) -> Body:
        """Return the body of a response.

        Raises:
            SmokeballError: The request failed, or none is left.
            RunInterruptedError: A signal came.
        """
        self._session.status.raise_if_stopped()
        try:
            body = self._session.pool.run_in_worker(partial(self._send, endpoint, ids, params))
        except SmokeballError as error:
            if error.status:
                self.statuses[endpoint.path] = error.status
            raise
        self.seconds[endpoint.path].append(self.budget.seconds)
        self.statuses[endpoint.path] = 200
        return body

    def _send(self, endpoint: Endpoint, ids: Mapping[str, str], params: Mapping[str, Any]) -> Body:
        client = self._session.client
        with client.transport.fewer_retries():
            content = client.get(endpoint, ids, params, lambda content: content).data
        return Body(None if content is NO_CONTENT else content)

    def burst(self, endpoints: Iterable[Endpoint], params: Mapping[str, Any]) -> list[int]:
        """Send at most ten requests at once, without retries; return their statuses."""
        budget, wanted = self.budget, list(endpoints)[:MAX_BURST]
        status = self._session.status
        pool = WorkerPool(MAX_BURST, status, lambda: None)

        def send(endpoint: Endpoint) -> Iterable[list[None]]:
            with suppress(SmokeballError):  # the status is counted
                self._send(endpoint, {}, params)
            yield []

        budget.begin_burst(len(wanted))
        try:
            for _, pieces in pool.map_ordered(wanted, send):
                list(pieces)
        finally:
            budget.end_burst()
            pool.close()
        return list(budget.statuses)
