"""Settings that can change while the sandbox runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from smokeball_sandbox.tenant_answers import DEFAULT_ANSWERS, TenantAnswers

REDIRECT_URI = "http://localhost:8765/callback"

_NonNegativeInt = Annotated[int, msgspec.Meta(ge=0)]
_PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
_NonNegativeFloat = Annotated[float, msgspec.Meta(ge=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class EventRules(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How webhook events are delivered, and how often that goes wrong.

    Attributes:
        transport: Post events to their subscription's URL ("http"), or keep them until a test
            takes them ("control").
        seed: Seed of all choices.
        delay_scale: Factor of the vendor's delay of 0.1 to 8 seconds; 0 delivers at once.
        timeout_seconds: How long a receiver may take; there is no second attempt.
        lost: Share of the events that are never delivered.
        repeated: Share that is delivered twice, seconds apart.
        reordered: Share that is held back for some seconds, so that later events overtake it.
        late: Share that is held back for `late_seconds`.
        late_seconds: How long a late event is held back.
        wrong_account: Share that names an account other than the firm's.
        wrong_signature: Share that is signed with another key.
    """

    transport: Literal["http", "control"] = "http"
    seed: int = 0
    delay_scale: _NonNegativeFloat = 1
    timeout_seconds: _NonNegativeFloat = 10
    lost: _Share = 0
    repeated: _Share = 0
    reordered: _Share = 0
    late: _Share = 0
    late_seconds: _NonNegativeFloat = 300
    wrong_account: _Share = 0
    wrong_signature: _Share = 0


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings that ``PATCH /_sandbox/settings`` changes.

    Attributes:
        latency_ms: Delay of every response.
        latency_jitter_ms: Largest random addition to the delay.
        rate: Requests per second that one client may make; 0 removes every limit.
        burst: Size of the bucket, and largest number of requests in flight.
        foreign_rate: Requests per second that other processes of the client make; they take what
            there is, so a rate of the limit or more leaves nothing.
        retry_after: Seconds in the ``Retry-After`` header of a 429; None omits the header.
        size: The envelope's ``size``: right, missing, zero, or off by this number.
        repeat_pages: Ignore ``Offset``, for all or for these templates.
        max_page: Largest number of rows per page, whatever ``Limit`` requests.
        unknown_property: Name of a property that every object of a response has, at any depth; its
            value is its path.
        folder_offsets: Whether ``Offset`` and ``Limit`` of folders count listings, of which there
            is one, or the folders and files in it.
        undeclared_paging: Honor ``Offset`` and ``Limit`` where the API does not declare them.
        inclusive: Date filters include rows with exactly the given timestamp.
        clock_offset_seconds: Lead of the sandbox's clock over the machine's.
        date_header: Send a ``Date`` header.
        token_seconds: Lifetime of access tokens issued from now on.
        code_seconds: Lifetime of authorization codes.
        redirect_uris: Redirect URIs registered for the app.
        id_tokens: Issue an ID token, which names the user, for a code.
        rotate_refresh_tokens: Issue a new refresh token with each access token;
            "invalidate" also revokes the one used.
        rotation_grace_seconds: How long a refresh token works after "invalidate" revoked it.
        opaque_tokens: Issue access tokens that say nothing of the user; otherwise those of Cognito.
        signed_in_staff: Index of the staff member that a refresh token or code belongs to.
        scopes: Scopes granted to the app; they apply to tokens issued from now on.
        hidden_from_user: Ids of the matters that a request with a ``UserId`` cannot see.
        hidden_from_login: Ids of the rows that the user who signed in cannot see; no row changes
            when one of them comes into view.
        refresh_token_seconds: Lifetime of refresh tokens, also of those issued before; None: they
            do not expire.
        read_lag_seconds: How long the API shows a row as it was before a change.
        address_seconds: How long addresses of contents work, also those issued before.
        ranges: Whether the document host honors ``Range``.
        webhook_types: The event types that exist: those of the vendor's guide, or also those that
            were seen live.
        events: How webhook events are delivered. A change replaces all of its rules.
        answers: How the tenant behaves where the API is not documented. A change replaces all of
            its answers.
    """

    latency_ms: _NonNegativeFloat = 0
    latency_jitter_ms: _NonNegativeFloat = 0
    rate: _NonNegativeFloat = 5
    burst: _PositiveInt = 5
    foreign_rate: _NonNegativeFloat = 0
    retry_after: _NonNegativeInt | None = None
    size: Literal["right", "missing", "zero"] | int = "right"
    repeat_pages: bool | list[str] = False
    max_page: _PositiveInt | None = None
    unknown_property: str | None = None
    folder_offsets: Literal["listings", "entries"] = "listings"
    undeclared_paging: bool = True
    inclusive: bool = True
    clock_offset_seconds: float = 0
    date_header: bool = True
    token_seconds: _PositiveInt = 3600
    code_seconds: _PositiveInt = 300
    redirect_uris: list[str] = msgspec.field(default_factory=lambda: [REDIRECT_URI])
    id_tokens: bool = True
    rotate_refresh_tokens: bool | Literal["invalidate"] = False
    rotation_grace_seconds: _NonNegativeFloat = 0
    opaque_tokens: bool = False
    signed_in_staff: _NonNegativeInt = 0
    scopes: list[str] = msgspec.field(default_factory=list)
    hidden_from_user: list[str] = msgspec.field(default_factory=list)
    hidden_from_login: list[str] = msgspec.field(default_factory=list)
    refresh_token_seconds: _NonNegativeFloat | None = None
    read_lag_seconds: _NonNegativeFloat = 0
    address_seconds: _NonNegativeFloat = 900
    ranges: bool = True
    webhook_types: Literal["guide", "live"] = "live"
    events: EventRules = msgspec.field(default_factory=EventRules)
    answers: TenantAnswers = DEFAULT_ANSWERS

    def patch(self, changes: dict[str, Any]) -> None:
        """Change some settings: all of the changes, or none if one is invalid.

        Raises:
            msgspec.ValidationError: A name is unknown or a value is invalid.
        """
        merged = msgspec.convert({**msgspec.to_builtins(self), **changes}, Settings)
        for name in changes:
            setattr(self, name, getattr(merged, name))
