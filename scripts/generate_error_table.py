"""Generate the table of API errors in docs/errors.md from the policy that the tap acts on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_smokeball.api import error_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = re.compile(
    r"\b((?:api|auth)_url|api_key|(?:client|account|user)_id|requests_per_second"
    r"|request_timeout_seconds|max_request_seconds|max_response_mb"
    r"|HTTPS?_PROXY|ALL_PROXY|(?:REQUESTS|CURL)_CA_BUNDLE)\b"
)


def table() -> list[str]:
    """Return the error policy as the lines of a Markdown table."""
    return [
        "| Status | Cause | What the tap does | What to do if it persists |",
        "|---|---|---|---|",
        *(f"| {' | '.join(_cells(policy))} |" for policy in error_policy.TABLE),
    ]


def _cells(policy: error_policy.ErrorPolicy) -> Iterator[str]:
    yield policy.kind
    yield policy.cause
    yield policy.action.value
    yield SETTINGS.sub(r"`\1`", policy.advice.format(scope="that the message names"))
