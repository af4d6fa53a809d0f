"""The data of a stream, as its class declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_smokeball.api.response_parsers import PAGED

if TYPE_CHECKING:
    from tap_smokeball.api.filters import UpdatedSinceFilter
    from tap_smokeball.api.response_parsers import ResponseFormat
    from tap_smokeball.records.columns import Column, Sensitivity


class StreamAttributes:
    """What a class in `tap_smokeball.streams` says of its stream.

    Attributes:
        path: Path template of the endpoint.
        columns: The columns of the rows.
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
        sensitivity: Why the whole stream needs care, if it does.
        event_types: The webhook events that name a change in the stream. If there are none, the
            stream must be polled.
    """

    path: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    scope: ClassVar[str]
    response_format: ClassVar[ResponseFormat] = PAGED
    updated_since_filter: ClassVar[UpdatedSinceFilter | None] = None
    updated_at_field: ClassVar[str | None] = None
    sort: ClassVar[str | None] = None
    opt_in_fields: ClassVar[tuple[str, ...]] = ()
    parent_key: ClassVar[str | None] = None
    required_parent_field: ClassVar[str | None] = None
    sensitivity: ClassVar[Sensitivity | None] = None
    event_types: ClassVar[tuple[str, ...]] = ()
