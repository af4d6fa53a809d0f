"""What can be switched while the sandbox runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

REDIRECT_URI = "http://localhost:8765/callback"

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Some = Annotated[int, msgspec.Meta(ge=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything ``PATCH /_sandbox/settings`` may change.

    Attributes:
        latency_ms: How long every answer takes.
        latency_jitter_ms: Up to this much more, at random.
        rate: Requests a second that one client may make; 0 lifts every limit.
        burst: Size of the bucket, and the most requests in flight.
        retry_after: Seconds to name in the ``Retry-After`` of a 429.
        size: What the envelope's ``size`` says: the truth, nothing, 0, or the truth plus this.
        repeat_pages: Ignore ``Offset``, everywhere or for these templates.
        max_page: Pages are cut to this many rows whatever ``Limit`` asks.
        undeclared_paging: Whether ``Offset`` and ``Limit`` count where they are not declared.
        inclusive: Whether date filters let a row through that has exactly the given stamp.
        clock_offset_seconds: How far the sandbox's clock is ahead of the machine's.
        date_header: Whether answers carry a ``Date``.
        token_seconds: Life of the access tokens minted from now on.
        code_seconds: Life of the codes that a consent brings.
        redirect_uris: Where the app has registered that a consent may lead back to.
        rotate_refresh_tokens: Hand out a new refresh token with each access token; with
            "invalidate", the one used dies.
        scopes: What the app is granted; it counts for tokens minted from now on.
        hidden_from_user: Ids of the matters that a request with a ``UserId`` may not see.
    """

    latency_ms: _Amount = 0
    latency_jitter_ms: _Amount = 0
    rate: _Amount = 5
    burst: _Some = 5
    retry_after: _Count | None = None
    size: Literal["right", "missing", "zero"] | int = "right"
    repeat_pages: bool | list[str] = False
    max_page: _Some | None = None
    undeclared_paging: bool = True
    inclusive: bool = True
    clock_offset_seconds: float = 0
    date_header: bool = True
    token_seconds: _Some = 3600
    code_seconds: _Some = 300
    redirect_uris: list[str] = msgspec.field(default_factory=lambda: [REDIRECT_URI])
    rotate_refresh_tokens: bool | Literal["invalidate"] = False
    scopes: list[str] = msgspec.field(default_factory=list)
    hidden_from_user: list[str] = msgspec.field(default_factory=list)

    def patch(self, changes: dict[str, Any]) -> None:
        """Take over some settings, all or none.

        Raises:
            msgspec.ValidationError: A name or a value is not one of the above.
        """
        merged = msgspec.convert({**msgspec.to_builtins(self), **changes}, Settings)
        for name in changes:
            setattr(self, name, getattr(merged, name))
