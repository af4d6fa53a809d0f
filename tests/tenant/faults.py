"""What goes wrong: faults of single requests, and parents that cannot be read for a while."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.tenant.options import Options

PROBLEM_JSON = "application/problem+json"
JSON = "application/json; charset=utf-8"

BODIES: dict[str, tuple[str, bytes]] = {
    "garbage": (JSON, b"\x00\xff\xfe{]"),
    "cut_json": (JSON, b'{"value": [{"id": "1'),
    "html": ("text/html", b"<!DOCTYPE html><title>Maintenance</title>"),
    "empty": (JSON, b""),
    "null": (JSON, b"null"),
    "null_list": (JSON, b'{"value": null, "roles": null, "size": 0}'),
    "empty_object": (JSON, b"{}"),
    "text_list": (JSON, b'{"value": ["a", "b"], "matterId": "1", "roles": ["a"]}'),
    "gateway": (JSON, b'{"message": "Internal server error"}'),
    "problem": (
        PROBLEM_JSON,
        b'{"type": "about:blank", "title": "An error occurred", "status": 500, "errors": [{}]}',
    ),
}
"""Bodies with status 200 that hold no rows, by kind of fault."""

STATUSES = ("400", "401", "403", "404", "418", "429", "500", "502", "503")
CONNECTION = ("reset", "truncated", "hang")
PAGES = ("short_page", "repeated_page", "size_low", "size_high", "size_zero", "size_negative")
"""Pages with a flaw that the page itself, or the next one, shows."""

CLOCKS = ("date_behind", "date_ahead", "date_absent")


class Fault(NamedTuple):
    """A fault of some requests in a row.

    Attributes:
        kind: A key of `BODIES`, or one of `STATUSES`, `CONNECTION`, `PAGES` and `CLOCKS`.
        resource: The resource whose requests fail; empty for all.
        first: Number of its requests before the first one that fails.
        times: How many requests fail.
    """

    kind: str
    resource: str
    first: int
    times: int

    def hits(self, resource: str, number: int, total: int) -> bool:
        """Return whether a request fails.

        Args:
            resource: The resource that is asked for.
            number: Number of the request among those of the resource.
            total: Number of the request among all.
        """
        if self.resource:
            return resource == self.resource and 0 <= number - self.first < self.times
        return 0 <= total - self.first < self.times


def error_body(status: int, options: Options) -> tuple[str, bytes]:
    """Return the content type and the body of an error."""
    body: dict[str, Any]
    if options.error_form == "gateway":
        return JSON, json.dumps({"message": "Error"}).encode()
    body = {"type": "about:blank", "title": "Error", "status": status, "errors": [{"code": 1}]}
    return PROBLEM_JSON, json.dumps(body).encode()
