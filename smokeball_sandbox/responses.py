"""The answers of the API: rows, problems, and the gateway in front of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

encode = msgspec.json.Encoder().encode
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Endpoint request timed out",
}


class Answer(NamedTuple):
    """A status, a body and what describes it."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_answer(content: Any, status: int = 200) -> Answer:
    """An answer in plain JSON."""
    return Answer(status, encode(content))


def gateway(status: int, message: str | None = None) -> Answer:
    """An answer that never reached the API: the gateway's own error form."""
    return json_answer({"message": message or _REASONS.get(status, "Error")}, status)


def problem(
    status: int, detail: str, path: str, errors: list[dict[str, str]] | None = None
) -> Answer:
    """The API's own error: a problem document, with its list of errors if there are any."""
    document: dict[str, Any] = {
        "type": f"https://httpstatuses.io/{status}",
        "title": _REASONS.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        document["errors"] = errors
    return Answer(status, encode(document), b"application/problem+json")
