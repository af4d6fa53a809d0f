"""What can go wrong, and what to do about it.

::

    SmokeballError                 the base of all
    ├── ApiConnectionError           no usable answer after all retries
    ├── AuthenticationError        no token to be had, or the token is refused
    ├── RequestRejectedError             the API said no to one request
    │   ├── AccessDeniedError           403: a scope, the API key or a permission is missing
    │   └── NotFoundError               404: the record, or the parent it hangs under, is gone
    ├── UnexpectedResponseError           an answer that fits nothing the API is known to send
    │   └── PaginationError            pages that cannot be put together without a gap
    ├── StreamMapError              an expression in stream_maps cannot be applied
    ├── BatchStorageError                the storage that batch_config names cannot be used
    └── StreamsFailedError                  some streams failed; the others are complete

A message names the stream, the path template and the request id, and says what to do. It never
holds a body, a query string, a token or the value of a setting: logs outlive permissions.
"""

from __future__ import annotations


class SmokeballError(Exception):
    """Base of every error that the tap expects."""


class ApiConnectionError(SmokeballError):
    """No usable answer came, however often the request was tried."""


class AuthenticationError(SmokeballError):
    """No access token could be obtained, or the API does not accept it."""


class RequestRejectedError(SmokeballError):
    """The API refused a request in a way that trying again will not change."""


class AccessDeniedError(RequestRejectedError):
    """The app, the API key or the user lacks a permission (403)."""


class NotFoundError(RequestRejectedError):
    """The record does not exist, or no longer (404)."""


class UnexpectedResponseError(SmokeballError):
    """The API answered with something that it is not known to send."""


class PaginationError(UnexpectedResponseError):
    """The pages of a list cannot be joined without risking a gap."""


class StreamMapError(SmokeballError):
    """An expression of a stream map cannot be applied to a record."""


class BatchStorageError(SmokeballError):
    """The storage for batches cannot be written to."""


class StreamsFailedError(SmokeballError):
    """At least one stream failed; its bookmark did not move and the others finished."""


def reason(error: ImportError | OSError) -> str:
    """Return what the system says, without the path or address that it says it of."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
