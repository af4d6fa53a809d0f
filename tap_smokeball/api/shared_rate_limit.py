"""The app's rate limit for many processes: one token bucket in Postgres or Redis.

A thread of its own talks to the store, so that no request waits for a response that is about
another one, and a store that hangs delays nobody for longer than `TIMEOUT_SECONDS`. Without the
store the process sends its fixed share: see `FixedShare`.
"""

from __future__ import annotations

import math
import random
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from tap_smokeball.api.fixed_share import FixedShare
from tap_smokeball.api.rate_limit import SLOWDOWN, TokenBucket
from tap_smokeball.api.rate_limit_store import TIMEOUT_SECONDS, Demand, open_store
from tap_smokeball.errors import ApiConnectionError, TimeLimitError

if TYPE_CHECKING:
    import logging

    from tap_smokeball.api.rate_limit import RateLimit
    from tap_smokeball.api.rate_limit_store import Grant, RateLimitStore
    from tap_smokeball.config.settings import Settings

HEARTBEAT_SECONDS = 1.0
"""How often a process with requests in flight says that it is alive."""

PERMIT_SECONDS = 1.0
"""How long a permit holds: if the machine stood still, the request would come at a bad time."""

MAX_FLIGHT_SECONDS = 30.0
"""Older requests do not count as in flight: Amazon API Gateway ends them after 29 s, so only this
side still waits. A connection that hangs must not take a place from all processes."""

MIN_POLL_SECONDS = 0.01

RELEASE_DELAY_SECONDS = 0.02
"""A thread that ends a request mostly wants the next one: both are one call then."""

RECONNECT_SECONDS = 5.0

CLOSE_SECONDS = 1.0

LOG_EVERY_SECONDS = 60.0


def rate_limit_of(settings: Settings, logger: logging.Logger) -> RateLimit:
    """Return the rate limit of the settings: the process's own, or that of ``rate_limit_store``.

    Raises:
        RateLimitStoreError: The store's URL is of no known kind, or a package is missing.
    """
    if settings.rate_limit_store is None:
        return TokenBucket(settings.requests_per_second, settings.burst)
    store = open_store(settings.rate_limit_store, settings)
    return SharedTokenBucket(store, settings, logger)


class SharedTokenBucket:
    """The share of this process in a token bucket that many processes use.

    Args:
        store: Holds the bucket.
        settings: The app's rate and burst.
        logger: Takes warnings about the store.
    """

    def __init__(self, store: RateLimitStore, settings: Settings, logger: logging.Logger) -> None:
        self._store = store
        self._logger = logger
        self._rate, self._burst = settings.requests_per_second, settings.burst
        self._share = FixedShare(self._rate, self._burst, settings.rate_limit_share)
        self._process = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)  # wakes threads that wait for a permit
        self._work = threading.Condition(self._lock)  # wakes the thread that talks to the store
        self._thread: threading.Thread | None = None
        self._queue: deque[object] = deque()
        self._permits = 0
        self._flights: dict[int, float] = {}  # start by thread
        self._permits_until = -math.inf
        self._announced = 0
        self._poll_at = self._called_at = self._released_at = math.inf
        self._contact_at = -math.inf
        self._pause_until: float | None = None
        self._paused_until = -math.inf
        self._grant: Grant | None = None
        self._is_lost = self._is_loss_logged = self._is_closed = self._has_warned = False
        self._is_returning = False
        self._logged_at = -math.inf

    @property
    def requests_per_second(self) -> float:
        """The rate at which requests start now: the app's, or this process's share of it."""
        if self._is_lost:
            return self._share.requests_per_second
        return self._grant.requests_per_second if self._grant else self._rate

    @property
    def is_slowed(self) -> bool:
        """Whether the rate is lower than the configured one, after a 429."""
        grant = self._grant
        return grant is not None and grant.requests_per_second < grant.full_rate

    def acquire(self, latest: float = math.inf) -> None:
        """Wait until this process may send one request.

        Args:
            latest: Seconds of the monotonic clock after which no request may start.

        Raises:
            TimeLimitError: The next free time is later.
            ApiConnectionError: The client was closed.
        """
        me = object()
        with self._lock:
            self._start()
            self._queue.append(me)
            self._work.notify()
            try:
                while not (self._queue[0] is me and self._take(time.monotonic())):
                    self._wait(latest)
                self._flights[threading.get_ident()] = time.monotonic()
            finally:
                self._queue.remove(me)
                self._ready.notify_all()

    def release(self) -> None:
        """End a request that `acquire` permitted."""
        with self._lock:
            self._flights.pop(threading.get_ident(), None)
            self._released_at = min(self._released_at, time.monotonic())
            self._work.notify()
            self._ready.notify_all()

    def pause(self, seconds: float) -> None:
        """Let no process start a request for some seconds, then restart slower."""
        with self._lock:
            if self._grant is not None and self._pause_until is None:  # until the store answers
                slowed = self._grant.requests_per_second * SLOWDOWN
                self._grant = self._grant._replace(requests_per_second=slowed)
            self._permits = 0
            self._pause_until = self._paused_until = time.monotonic() + seconds
            self._share.pause(seconds)
            self._work.notify()

    def close(self) -> None:
        """Give back what this process holds, and end its thread."""
        with self._lock:
            self._is_closed = True
            self._work.notify()
            self._ready.notify_all()
            thread = self._thread
        if thread is not None and not self._is_lost:
            thread.join(CLOSE_SECONDS)

    def _start(self) -> None:
        if self._thread is None:
            self._called_at = time.monotonic()  # the first call includes the connection
            self._thread = threading.Thread(target=self._serve, name="rate-limit", daemon=True)
            self._thread.start()

    def _take(self, now: float) -> bool:
        """Use up a permit, or a turn of the fixed share; return False if there is none."""
        if self._is_closed:
            raise ApiConnectionError("request canceled, the run is over", is_shared=True)
        if not self._is_lost and now - self._called_at > TIMEOUT_SECONDS:
            self._lose("no response", now)
        if self._is_lost:
            return self._share.take(self._in_flight(now))
        self._drop_stale_permits(now)
        if not self._permits:
            return False
        self._permits -= 1
        return True

    def _in_flight(self, now: float) -> int:
        return sum(now - start < MAX_FLIGHT_SECONDS for start in self._flights.values())

    def _drop_stale_permits(self, now: float) -> None:
        if now > self._permits_until:
            self._permits = 0

    def _wait(self, latest: float) -> None:
        """Wait until something changes, or a time at which it may.

        Raises:
            TimeLimitError: A request may start only after a time.
        """
        now = time.monotonic()
        earliest = self._share.next_at if self._is_lost else self._paused_until
        if max(now, earliest) > latest:
            raise TimeLimitError
        wait = min(latest - now, HEARTBEAT_SECONDS)
        until = earliest if self._is_lost else self._called_at + TIMEOUT_SECONDS
        if until > now:  # otherwise only another thread can change anything
            wait = min(wait, until - now)
        self._ready.wait(max(MIN_POLL_SECONDS, wait))

    def _serve(self) -> None:
        """Talk to the store until the client is closed."""
        while (demand := self._next_demand()) is not None:
            try:
                grant = self._store.exchange(demand)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run must not end
                self._store.close()
                with self._lock:
                    self._called_at = math.inf
                    if demand.pause_seconds is not None:
                        self._pause_until = self._paused_until  # for the next call
                    self._lose(type(error).__name__, time.monotonic())
            else:
                with self._lock:
                    self._apply(demand, grant)
        if not self._is_lost:
            with suppress(Exception):  # the store forgets lost processes by itself
                if not self._flights:
                    self._store.leave(self._process)
                self._store.close()

    def _next_demand(self) -> Demand | None:
        """Wait until the store must be called; return None if the client is closed."""
        with self._lock:
            while not self._is_closed and (wait := self._due_at() - time.monotonic()) > 0:
                self._work.wait(min(wait, threading.TIMEOUT_MAX))
            if self._is_closed:
                return None
            now = self._called_at = time.monotonic()
            pause, self._pause_until = self._pause_until, None
            self._released_at = math.inf
            return Demand(
                process=self._process,
                requests_per_second=self._rate,
                burst=self._burst,
                in_flight=self._in_flight(now) + self._permits,
                waiting=max(0, len(self._queue) - self._permits),
                pause_seconds=None if pause is None else max(0.0, pause - now),
                is_returning=self._is_returning,
            )

    def _due_at(self) -> float:
        """Return when the store must be called next."""
        self._drop_stale_permits(time.monotonic())
        due = self._permits_until if self._permits else math.inf
        if self._pause_until is not None:
            due = -math.inf
        if len(self._queue) > self._permits:
            due = min(due, self._poll_at if self._announced else -math.inf)
        if self._flights:
            due = min(due, self._contact_at + HEARTBEAT_SECONDS)
        due = min(due, self._released_at + RELEASE_DELAY_SECONDS)
        return max(due, self._poll_at) if self._is_lost else due

    def _apply(self, demand: Demand, grant: Grant) -> None:
        """Take over what the store granted."""
        now = time.monotonic()
        permits_until = self._called_at + PERMIT_SECONDS
        self._called_at = math.inf
        if demand.is_returning:
            self._is_returning = False
        if self._is_lost:
            self._is_lost = False
            if self._is_loss_logged:
                self._logger.info("Rate limit store: available again")
        self._grant = grant
        self._share.processes = grant.processes
        self._contact_at = now
        self._poll_at = now + max(MIN_POLL_SECONDS, grant.wait_seconds)
        self._announced = demand.waiting - grant.requests
        if self._pause_until is None:  # otherwise the next call tells the store of a 429
            self._paused_until = now + grant.pause_seconds
            if grant.requests and now <= permits_until:
                self._permits_until = permits_until
                self._permits += grant.requests
        if grant.full_rate < self._rate and not self._has_warned:
            self._has_warned = True
            self._logger.warning(
                "Rate limit store: another process of the app has %g requests per second, which "
                "apply to all. Set the same requests_per_second and burst in all processes",
                grant.full_rate,
            )
        self._ready.notify_all()

    def _lose(self, reason: str, now: float) -> None:
        """Send the fixed share from now on, until the store answers."""
        wait = random.uniform(RECONNECT_SECONDS / 2, RECONNECT_SECONDS)  # noqa: S311 - spreads load
        self._poll_at = now + wait
        if self._is_lost:
            return
        self._is_lost = self._is_returning = True
        self._permits = 0
        self._share.start()
        self._is_loss_logged = now - self._logged_at >= LOG_EVERY_SECONDS
        if self._is_loss_logged:  # a store that comes and goes must not fill logs
            self._logged_at = now
            self._logger.warning(
                "Rate limit store: unavailable (%s). Sending up to %.2g requests per second, the "
                "share of this process, until it is available",
                reason,
                self._share.requests_per_second,
            )
        self._ready.notify_all()
