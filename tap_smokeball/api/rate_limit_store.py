"""What processes of one app tell the store of their rate limit, and what it answers.

The store holds one token bucket of each app and a row for each process. One call tells what a
process holds and wants, and returns the requests that it may start now. All numbers of a call
are absolute, so a response that is lost does no harm: the next call corrects it.

The rules, which both stores follow:

- The bucket is that of `TokenBucket`, with the store's clock. All processes are to have the same
  rate and burst; if not, the lowest of the live ones apply.
- Requests in flight of all processes together never exceed the burst.
- Of the processes that wait, the one whose last grant is the oldest comes first, so that processes
  with work get equal shares. The store says when to ask again. Who is late loses the place.
- A process that was not heard of for `LOST_SECONDS` holds nothing any more.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tap_smokeball.config.rate_limit_url import package_error, store_kind
from tap_smokeball.errors import RateLimitStoreError

if TYPE_CHECKING:
    from tap_smokeball.config.settings import Settings

LOST_SECONDS = 5.0
"""What a process holds is given back this long after its last call."""

LATE_SECONDS = 0.25
"""How long a process that is due keeps its place in front of others."""

FLIGHT_POLL_INTERVALS = 0.5
"""When the next process asks again because too many requests are in flight, in intervals between
requests at the full rate; those behind it ask later."""

LONG_WAIT_SECONDS = 1.0
"""A process that waits longer asks again at half of the time: others may leave before."""

TIMEOUT_SECONDS = 2.0
"""How long a call may take; after that, the store is lost until it answers."""

JITTER_TOKENS = 2
"""Tokens of the burst that stay unused, as requests that are sent apart can arrive together."""


@dataclass(frozen=True)
class Demand:
    """What a process holds and wants.

    Attributes:
        process: Random id of the process.
        requests_per_second: The app's rate, by the settings of this process.
        burst: The app's burst limit, by the settings of this process.
        in_flight: Requests that the process has started or may still start.
        waiting: Requests that it could start now.
        pause_seconds: How long no process may start a request, after a 429.
        is_returning: Whether the process sent requests of which the store does not know.
    """

    process: str
    requests_per_second: float
    burst: int
    in_flight: int = 0
    waiting: int = 0
    pause_seconds: float | None = None
    is_returning: bool = False


class Grant(NamedTuple):
    """The answer of the store.

    Attributes:
        requests: How many requests may start at once.
        wait_seconds: When to ask again for those that may not.
        pause_seconds: How long no process may start a request, after a 429.
        requests_per_second: The rate of the app now.
        full_rate: The rate of the app when no 429 slows it.
        processes: Processes of the app that were heard of lately, this one included.
        at: Time of the store's clock, in seconds since 1970.
    """

    requests: int
    wait_seconds: float
    pause_seconds: float
    requests_per_second: float
    full_rate: float
    processes: int
    at: float


class RateLimitStore(Protocol):
    """Holds the bucket of an app. One thread uses it.

    Methods raise what the store's package raises. Such an error may quote the address or the user,
    so only its type may be shown.
    """

    def exchange(self, demand: Demand) -> Grant:
        """Tell what this process holds and wants, and return what it may start."""

    def leave(self, process: str) -> None:
        """Forget a process that holds nothing."""

    def close(self) -> None:
        """Close the connection; the next call opens another one."""


def open_store(url: str, settings: Settings) -> RateLimitStore:
    """Return the store of a URL; it connects with its first call.

    Raises:
        RateLimitStoreError: The URL is of no known kind, or a package is missing.
    """
    kind = store_kind(url)
    if kind is None:
        raise RateLimitStoreError(
            "rate_limit_store is not the URL of a store",
            "Set one that begins with postgresql://, redis:// or rediss://",
        )
    if reason := package_error(kind):
        raise RateLimitStoreError(*reason)
    module = importlib.import_module(f"tap_smokeball.api.{kind.module}")
    store: RateLimitStore = module.open_store(url, app_key(settings))
    return store


def app_key(settings: Settings) -> str:
    """Return the key of the app: a hash, so that the store holds nothing that can be read."""
    app = f"tap-smokeball rate limit {settings.client_id or settings.api_key}"
    return hashlib.sha256(app.encode()).hexdigest()[:32]
