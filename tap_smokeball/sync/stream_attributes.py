"""How a stream reads the API, as its class declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_smokeball.api.response_parsers import PAGED

if TYPE_CHECKING:
    from tap_smokeball.api.filters import UpdatedSinceFilter
    from tap_smokeball.api.response_parsers import ResponseFormat


class StreamAttributes:
    """What a class in `tap_smokeball.streams` says of its endpoint.

    Attributes:
        path: Path template of the endpoint.
        scope: The OAuth scope of the endpoint.
        response_format: How the endpoint sends rows.
        updated_since_filter: Its filter by the last change, if it has one.
        updated_at_field: The property of a row that holds its last change, as ticks or as a
            date-time; only where a bookmark or a parent's change is taken from it.
        sort: Value of the ``Sort`` parameter, where the API offers an order by time.
        opt_in_fields: Properties that the API sends only if its ``Fields`` parameter names them.
        parent_key: Column with the id of the parent, in child streams.
        required_parent_field: The property of a parent that is empty if it has no such rows, in
            child streams.
        embedding_field: The property of a parent that may hold such rows, in child streams.
        event_types: The webhook events that name a change in the stream. If there are none, the
            stream must be polled.
    """

    path: ClassVar[str]
    scope: ClassVar[str]
    response_format: ClassVar[ResponseFormat] = PAGED
    updated_since_filter: ClassVar[UpdatedSinceFilter | None] = None
    updated_at_field: ClassVar[str | None] = None
    sort: ClassVar[str | None] = None
    opt_in_fields: ClassVar[tuple[str, ...]] = ()
    parent_key: ClassVar[str | None] = None
    required_parent_field: ClassVar[str | None] = None
    embedding_field: ClassVar[str | None] = None
    event_types: ClassVar[tuple[str, ...]] = ()
