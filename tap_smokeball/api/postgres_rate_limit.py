"""The app's rate limit in Postgres; see `rate_limit_store` for its rules.

A call is one statement, the call of a function. The row of the app is locked while the server runs
it, never while it waits for a client. The tables are unlogged: their content is worth nothing after
a crash, and no call waits for a disk. The first process creates tables and function.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from tap_smokeball.api.rate_limit import (
    MIN_REQUESTS_PER_SECOND,
    RECOVERY_SECONDS,
    SETTLE_SECONDS,
    SLOWDOWN,
)
from tap_smokeball.api.rate_limit_store import (
    FLIGHT_POLL_INTERVALS,
    JITTER_TOKENS,
    LATE_SECONDS,
    LONG_WAIT_SECONDS,
    LOST_SECONDS,
    TIMEOUT_SECONDS,
    Demand,
    Grant,
)

_TABLES = """
CREATE UNLOGGED TABLE IF NOT EXISTS tap_smokeball_rate_limit (
    app text PRIMARY KEY,
    next_at float8,
    slow_rate float8,
    slow_since float8,
    slowed_at float8
) WITH (fillfactor = 10);
CREATE UNLOGGED TABLE IF NOT EXISTS tap_smokeball_rate_limit_process (
    app text,
    process text,
    requests_per_second float8,
    burst integer,
    in_flight integer,
    seen_at float8,
    poll_at float8,
    granted_at float8,
    PRIMARY KEY (app, process)
) WITH (fillfactor = 10)
"""

_BODY = f"""
DECLARE
    bucket tap_smokeball_rate_limit;
    now_at float8;
    own_granted_at float8;
    full_rate float8;
    rate float8;
    tolerance float8 := 0;
    start_at float8;
    wait float8;
    lowest_burst integer;
    flight integer;
    waiting integer;
    before integer;
    processes integer;
    available integer;
    granted integer := 0;
BEGIN
    INSERT INTO tap_smokeball_rate_limit VALUES (own_app) ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM tap_smokeball_rate_limit WHERE app = own_app FOR UPDATE;
    now_at := extract(epoch FROM clock_timestamp());

    SELECT granted_at INTO own_granted_at FROM tap_smokeball_rate_limit_process
    WHERE app = own_app AND process = own_process;
    own_granted_at := coalesce(own_granted_at, 0);
    DELETE FROM tap_smokeball_rate_limit_process
    WHERE app = own_app AND process <> own_process
        AND greatest(seen_at, poll_at) < now_at - {LOST_SECONDS};
    SELECT
        least(own_rate, min(requests_per_second)),
        least(own_burst, min(burst)),
        own_flight + coalesce(sum(in_flight) FILTER (WHERE seen_at >= now_at - {LOST_SECONDS}), 0),
        count(*) FILTER (WHERE poll_at >= now_at - {LATE_SECONDS}),
        count(*) FILTER (
            WHERE poll_at >= now_at - {LATE_SECONDS}
                AND (granted_at, process) < (own_granted_at, own_process)
        ),
        count(*) + 1
    INTO full_rate, lowest_burst, flight, waiting, before, processes
    FROM tap_smokeball_rate_limit_process
    WHERE app = own_app AND process <> own_process;

    FOR turn IN 1..2 LOOP
        rate := full_rate;
        IF bucket.slow_since IS NOT NULL THEN
            rate := least(full_rate, bucket.slow_rate
                + full_rate * (greatest(0, now_at - bucket.slow_since) / {RECOVERY_SECONDS}) ^ 2);
        END IF;
        EXIT WHEN pause IS NULL OR turn = 2;
        IF bucket.slowed_at IS NULL OR now_at >= bucket.slowed_at + {SETTLE_SECONDS} THEN
            bucket.slowed_at := now_at;
            bucket.slow_rate := greatest(
                rate * {SLOWDOWN}, least(full_rate, {MIN_REQUESTS_PER_SECOND}));
        END IF;
        bucket.slow_since := greatest(bucket.slow_since, now_at + pause);
    END LOOP;
    IF pause IS NULL AND rate >= full_rate THEN
        bucket.slow_since := NULL;
        tolerance := (lowest_burst - 1
            - least({JITTER_TOKENS} + lowest_burst / 20, lowest_burst - 1)) / full_rate;
    END IF;

    start_at := greatest(now_at, bucket.next_at);
    IF pause IS NOT NULL THEN
        start_at := greatest(start_at, bucket.slow_since);
    END IF;
    IF is_returning OR bucket.next_at IS NULL THEN
        start_at := greatest(start_at, now_at + tolerance + 1 / rate);
    END IF;
    available := least(
        greatest(0, floor((now_at + tolerance - start_at) * rate + 1e-3) + 1),
        greatest(0, lowest_burst - flight)
    );
    IF before < available THEN
        granted := least(wanted, 1 + greatest(0, available - waiting - 1));
    END IF;
    IF granted > 0 THEN
        own_granted_at := now_at;
        before := waiting;
    END IF;
    bucket.next_at := start_at + granted / rate;
    wait := greatest(0, bucket.next_at - tolerance + before / rate - now_at);
    IF lowest_burst - flight - granted <= before THEN
        wait := greatest(wait,
            least({FLIGHT_POLL_INTERVALS} * (before + 1) / rate, {LONG_WAIT_SECONDS}));
    END IF;
    wait := least(wait, greatest({LONG_WAIT_SECONDS}, wait / 2));

    UPDATE tap_smokeball_rate_limit AS saved
    SET next_at = bucket.next_at, slow_rate = bucket.slow_rate,
        slow_since = bucket.slow_since, slowed_at = bucket.slowed_at
    WHERE saved.app = own_app;
    INSERT INTO tap_smokeball_rate_limit_process AS saved VALUES (
        own_app, own_process, own_rate, own_burst, own_flight + granted, now_at,
        CASE WHEN granted < wanted THEN now_at + wait END, own_granted_at
    )
    ON CONFLICT (app, process) DO UPDATE SET
        requests_per_second = excluded.requests_per_second, burst = excluded.burst,
        in_flight = excluded.in_flight, seen_at = excluded.seen_at, poll_at = excluded.poll_at,
        granted_at = excluded.granted_at;
    RETURN ARRAY[granted, wait, greatest(0, coalesce(bucket.slow_since, 0) - now_at),
        rate, full_rate, processes, now_at];
END
"""  # noqa: S608 - holds numbers of this package alone

# Versions of the tap with other rules use the same tables.
_FUNCTION = f"tap_smokeball_rate_limit_{hashlib.sha256(_BODY.encode()).hexdigest()[:8]}"

_CREATE = f"""
BEGIN;
SELECT pg_advisory_xact_lock(7166735);
{_TABLES};
CREATE OR REPLACE FUNCTION {_FUNCTION}(
    own_app text, own_process text, own_rate float8, own_burst integer, own_flight integer,
    wanted integer, pause float8, is_returning boolean
) RETURNS float8[] LANGUAGE plpgsql
SET lock_timeout = {TIMEOUT_SECONDS * 1000:.0f} AS $$ {_BODY} $$;
COMMIT
"""

_EXISTS = f"""
SELECT to_regproc('{_FUNCTION}') IS NOT NULL
    AND to_regclass('tap_smokeball_rate_limit_process') IS NOT NULL
"""

_EXCHANGE = f"""
SELECT {_FUNCTION}(
    %(app)s, %(process)s, %(rate)s, %(burst)s, %(in_flight)s, %(waiting)s, %(pause)s,
    %(is_returning)s
)
"""

_LEAVE = """
DELETE FROM tap_smokeball_rate_limit_process WHERE app = %(app)s AND process = %(process)s
"""


class PostgresRateLimit:
    """The bucket of an app in Postgres.

    Args:
        url: Of the database.
        app: Key of the app.
    """

    def __init__(self, url: str, app: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._app = app
        self._connection: psycopg.Connection[Any] | None = None

    def exchange(self, demand: Demand) -> Grant:
        """Tell what this process holds and wants, and return what it may start."""
        values = {
            "app": self._app,
            "process": demand.process,
            "rate": demand.requests_per_second,
            "burst": demand.burst,
            "in_flight": demand.in_flight,
            "waiting": demand.waiting,
            "pause": demand.pause_seconds,
            "is_returning": demand.is_returning,
        }
        [(answer,)] = self._connected().execute(_EXCHANGE, values).fetchall()
        requests, wait, pause, rate, full_rate, processes, at = answer
        return Grant(int(requests), wait, pause, rate, full_rate, int(processes), at)

    def leave(self, process: str) -> None:
        """Forget a process that holds nothing."""
        self._connected().execute(_LEAVE, {"app": self._app, "process": process})

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = connection = psycopg.connect(
                self._url,
                autocommit=True,
                cursor_factory=psycopg.ClientCursor,  # no prepared statements: poolers lack them
                connect_timeout=int(TIMEOUT_SECONDS),
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=10_000,
                application_name="tap-smokeball rate limit",
            )
            [(exists,)] = connection.execute(_EXISTS).fetchall()
            if not exists:
                connection.execute(_CREATE)
        return self._connection


def open_store(url: str, app: str) -> PostgresRateLimit:
    """Return the store; it connects with its first call."""
    return PostgresRateLimit(url, app)
