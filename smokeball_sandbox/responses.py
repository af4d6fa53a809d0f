"""Responses of the API: records, problem documents and gateway errors."""

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


class Response(NamedTuple):
    """Status, body and headers of one HTTP response."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_response(content: Any, status: int = 200) -> Response:
    """Build a plain JSON response."""
    return Response(status, encode(content))


def gateway_response(status: int, message: str | None = None) -> Response:
    """Build an error of the gateway, which stands in front of the API."""
    return json_response({"message": message or _REASONS.get(status, "Error")}, status)


def problem_response(
    status: int, detail: str, path: str, errors: list[dict[str, str]] | None = None
) -> Response:
    """Build an error of the API itself: a problem document (RFC 9457)."""
    document: dict[str, Any] = {
        "type": f"https://httpstatuses.io/{status}",
        "title": _REASONS.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        document["errors"] = errors
    return Response(status, encode(document), b"application/problem+json")
