"""The controls of a running sandbox, from Python."""

from __future__ import annotations

from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

Document = dict[str, Any]


class ControlError(RuntimeError):
    """The sandbox refused a command."""


class Control:
    """Commands for the sandbox at a URL; see the sandbox's own pages for what they do."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sandbox"

    def requests(self, *, log: bool = False) -> Document:
        """Counts of what was asked so far, with the log if wanted."""
        return self._document("GET", "/requests?log=1" if log else "/requests")

    def reset_requests(self) -> None:
        """Count from zero again."""
        self._call("DELETE", "/requests")

    def touch(self, resource: str, id: str | None = None, **more: Any) -> Document:  # noqa: A002
        """Change a row: ``set``, ``nth``, ``parent``, ``updated``."""
        return self._post("touch", {"resource": resource, "id": id, **more})

    def add(self, resource: str, **more: Any) -> Document:
        """Create a row: ``parent``, ``set``, ``updated``."""
        return self._post("add", {"resource": resource, **more})

    def delete(self, resource: str, id: str | None = None, **more: Any) -> Document:  # noqa: A002
        """Delete a row: ``hard``, ``nth``, ``parent``, ``position``."""
        return self._post("delete", {"resource": resource, "id": id, **more})

    def convert(self, id: str) -> Document:  # noqa: A002
        """Make a matter of a lead."""
        return self._post("convert", {"id": id})

    def reorder(self, resource: str, **more: Any) -> None:
        """Let a list come in another order: ``parent``; one row of it: ``id`` or ``nth``."""
        self._post("reorder", {"resource": resource, **more})

    def revoke(self, *, refresh: bool = False) -> None:
        """Make every token worthless."""
        self._post("revoke", {"refresh": refresh})

    def fail(self, **rule: Any) -> None:
        """Let requests go wrong: ``count``, ``how``, ``status``, ``template``, and so on."""
        self._post("fail", rule)

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self._call("DELETE", "/fail")

    def script(
        self, template: str, do: list[Document], *, nth: int = 1, when: str = "before"
    ) -> None:
        """Run commands at the nth request of a template."""
        self._post("script", {"template": template, "do": do, "nth": nth, "when": when})

    def clear_scripts(self) -> None:
        """Forget the scripts that still wait."""
        self._call("DELETE", "/script")

    def hostility(self, **rules: Any) -> None:
        """Let requests fail and rows change: ``seed``, ``faults``, ``changes``, and so on."""
        self._post("hostility", rules)

    def happened(self) -> list[Document]:
        """What hostility has done since it began, the oldest first."""
        events: list[Document] = self._document("GET", "/hostility")["events"]
        return events

    def calm(self) -> list[Document]:
        """End hostility; what it did."""
        events: list[Document] = self._document("DELETE", "/hostility")["events"]
        return events

    def reset(self, **firm: Any) -> None:
        """Begin again as at the start, with another firm: ``matters``, ``fees``, ``seed``."""
        self._post("reset", firm)

    def settings(self, **changes: Any) -> Document:
        """Change some settings; all of them as they are then."""
        return self._document("PATCH", "/settings", changes)

    def rows(self, resource: str) -> list[Document]:
        """Every row with its parent and stamp: the truth to compare with."""
        lines = self._call("GET", f"/rows?resource={resource}")
        return msgspec.json.Decoder(Document).decode_lines(lines)

    def tokens(self) -> list[str]:
        """Every token that is alive: what must be found in nobody's log."""
        return msgspec.json.decode(self._call("GET", "/tokens"), type=list[str])

    def _post(self, command: str, arguments: Document) -> Document:
        return self._document("POST", f"/{command}", arguments)

    def _document(self, method: str, path: str, content: Document | None = None) -> Document:
        return msgspec.json.decode(self._call(method, path, content), type=Document)

    def _call(self, method: str, path: str, content: Document | None = None) -> bytes:
        body = None if content is None else msgspec.json.encode(content)
        request = Request(self._url + path, body, method=method)  # noqa: S310
        try:
            with urlopen(request) as answer:  # noqa: S310
                return cast("bytes", answer.read())
        except HTTPError as error:
            with error:
                raise ControlError(error.read().decode()) from None
