"""Client of a running sandbox's control endpoints."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]


class ControlError(RuntimeError):
    """The sandbox rejected a command."""


class ControlClient:
    """Sends commands to the sandbox at a URL; see `README.md` for their arguments.

    Args:
        url: Address of the sandbox.
        send: Sends a request of a method, a URL and a body, and returns the response's status and
            body. By default it sends over HTTP.
    """

    def __init__(
        self,
        url: str,
        send: Callable[[str, str, bytes | None], tuple[int, bytes]] | None = None,
    ) -> None:
        self._url = f"{url}/_sandbox"
        self._send = send or _send_over_http

    def requests(self, *, log: bool = False) -> Document:
        """Return the request counts, and the log if requested."""
        return self._document("GET", "/requests?log=1" if log else "/requests")

    def reset_requests(self) -> None:
        """Reset the request counts and the log."""
        self._call("DELETE", "/requests")

    def touch(self, resource: str, id: str | None = None, **more: Any) -> Document:  # noqa: A002
        """Change a row: ``set``, ``nth``, ``parent``, ``updated``."""
        return self._post("touch", {"resource": resource, "id": id, **more})

    def add(self, resource: str, **more: Any) -> Document:
        """Add a row: ``parent``, ``set``, ``updated``."""
        return self._post("add", {"resource": resource, **more})

    def delete(self, resource: str, id: str | None = None, **more: Any) -> Document:  # noqa: A002
        """Delete a row: ``hard``, ``nth``, ``parent``, ``position``."""
        return self._post("delete", {"resource": resource, "id": id, **more})

    def convert(self, id: str) -> Document:  # noqa: A002
        """Convert a lead to a matter."""
        return self._post("convert", {"id": id})

    def reorder(self, resource: str, **more: Any) -> None:
        """Reorder an unsorted list (``parent``), or move one row (``id`` or ``nth``)."""
        self._post("reorder", {"resource": resource, **more})

    def revoke(self, *, refresh: bool = False) -> None:
        """Revoke all access tokens, and with `refresh` all refresh tokens."""
        self._post("revoke", {"refresh": refresh})

    def fail(self, **rule: Any) -> None:
        """Add a fault rule: ``count``, ``how``, ``status``, ``template`` and others."""
        self._post("fail", rule)

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self._call("DELETE", "/fail")

    def schedule(
        self, template: str, commands: list[Document], *, nth: int = 1, when: str = "before"
    ) -> None:
        """Schedule commands to run at the nth request of a template."""
        change = {"template": template, "commands": commands, "nth": nth, "when": when}
        self._post("schedule", change)

    def clear_schedule(self) -> None:
        """Cancel all scheduled changes."""
        self._call("DELETE", "/schedule")

    def start_chaos(self, **rules: Any) -> None:
        """Start random faults and changes: ``seed``, ``fault_rate`` and others."""
        self._post("chaos", rules)

    def chaos_log(self) -> list[Document]:
        """Return the events since chaos started, oldest first."""
        events: list[Document] = self._document("GET", "/chaos")["events"]
        return events

    def stop_chaos(self) -> list[Document]:
        """Stop chaos and return its events."""
        events: list[Document] = self._document("DELETE", "/chaos")["events"]
        return events

    def reset(self, **firm: Any) -> None:
        """Restore the initial state, with another firm: ``matters``, ``fees``, ``seed``."""
        self._post("reset", firm)

    def settings(self, **changes: Any) -> Document:
        """Change some settings and return all of them."""
        return self._document("PATCH", "/settings", changes)

    def rows(self, resource: str) -> list[Document]:
        """Return every row with its parent and last update, as the expected result."""
        return msgspec.json.Decoder(Document).decode_lines(self.row_lines(resource))

    def row_lines(self, resource: str) -> bytes:
        """Return the JSON lines of `rows`, which hold each digit of a number."""
        return self._call("GET", f"/rows?resource={resource}")

    def tokens(self) -> list[str]:
        """Return all active tokens, none of which may appear in a log."""
        return msgspec.json.decode(self._call("GET", "/tokens"), type=list[str])

    def subscribe(self, url: str, **more: Any) -> Document:
        """Add a subscription: ``key``, ``name``, ``event_types`` (by default all)."""
        return self._post("subscribe", {"url": url, **more})

    def unsubscribe(self, id: str | None = None) -> None:  # noqa: A002
        """Remove a subscription, or all, as the vendor does when a consent ends."""
        self._post("unsubscribe", {"id": id})

    def deliveries(self) -> list[Document]:
        """Return the latest deliveries of events, with what became of them."""
        return self._list("GET", "/deliveries")

    def reset_deliveries(self) -> None:
        """Drop all events that wait, and the log of deliveries."""
        self._call("DELETE", "/deliveries")

    def send_events(self, *, all: bool = False) -> list[Document]:  # noqa: A002
        """Wait until the due events, or all, were sent; return all deliveries."""
        return self._list("POST", "/deliveries/send?all=1" if all else "/deliveries/send")

    def take_events(self, *, all: bool = False) -> list[Document]:  # noqa: A002
        """Remove the due events, or all: the ``url``, ``headers`` and ``body`` of each request."""
        return self._list("POST", "/deliveries/take?all=1" if all else "/deliveries/take")

    def _list(self, method: str, path: str) -> list[Document]:
        return msgspec.json.decode(self._call(method, path), type=list[Document])

    def _post(self, command: str, arguments: Document) -> Document:
        return self._document("POST", f"/{command}", arguments)

    def _document(self, method: str, path: str, content: Document | None = None) -> Document:
        return msgspec.json.decode(self._call(method, path, content), type=Document)

    def _call(self, method: str, path: str, content: Document | None = None) -> bytes:
        body = None if content is None else msgspec.json.encode(content)
        status, response = self._send(method, self._url + path, body)
        if status >= HTTPStatus.BAD_REQUEST:
            raise ControlError(response.decode())
        return response


def _send_over_http(method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
    try:
        with urlopen(Request(url, body, method=method)) as response:  # noqa: S310
            return response.status, cast("bytes", response.read())
    except HTTPError as error:
        with error:
            return error.code, error.read()
