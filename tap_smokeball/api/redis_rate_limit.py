"""The app's rate limit in Redis; see `rate_limit_store` for its rules.

A call is one script, which Redis runs alone. The app is one hash: the fields of its bucket, and one
field for each process. It expires an hour after the last call.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

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

_CONSTANTS = f"""
local LOST, LATE = {LOST_SECONDS}, {LATE_SECONDS}
local RECOVERY, SETTLE = {RECOVERY_SECONDS}, {SETTLE_SECONDS}
local SLOWDOWN, LEAST_RATE, JITTER = {SLOWDOWN}, {MIN_REQUESTS_PER_SECOND}, {JITTER_TOKENS}
local FLIGHT_POLL, LONG_WAIT = {FLIGHT_POLL_INTERVALS}, {LONG_WAIT_SECONDS}
"""

_SCRIPT = (
    _CONSTANTS
    + """
local key, process = KEYS[1], ARGV[1]
local own_rate, own_burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local own_flight, wanted = tonumber(ARGV[4]), tonumber(ARGV[5])
local pause, is_returning = tonumber(ARGV[6]), ARGV[7] == '1'
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local bucket, processes, own_granted_at = {}, {}, 0
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
    local id = string.match(fields[i], '^process:(.*)$')
    if id then
        local p = {id = id}
        for name, value in string.gmatch(fields[i + 1], '(%a+)=(%S+)') do
            p[name] = tonumber(value)
        end
        if id == process then
            own_granted_at = p.granted
        elseif math.max(p.seen, p.poll) < now - LOST then
            redis.call('HDEL', key, fields[i])
        else
            processes[#processes + 1] = p
        end
    else
        bucket[fields[i]] = tonumber(fields[i + 1])
    end
end

local full_rate, burst, in_flight, waiting, before = own_rate, own_burst, own_flight, 0, 0
for _, p in ipairs(processes) do
    full_rate, burst = math.min(full_rate, p.rate), math.min(burst, p.burst)
    if p.seen >= now - LOST then in_flight = in_flight + p.flight end
    if p.poll >= now - LATE then
        waiting = waiting + 1
        if p.granted < own_granted_at or (p.granted == own_granted_at and p.id < process) then
            before = before + 1
        end
    end
end

local function current_rate()
    if not bucket.slow_since then return full_rate end
    local share = math.max(0, now - bucket.slow_since) / RECOVERY
    return math.min(full_rate, bucket.slow_rate + full_rate * share ^ 2)
end

local rate = current_rate()
if pause then
    if now >= (bucket.slowed_at or 0) + SETTLE then
        bucket.slowed_at = now
        bucket.slow_rate = math.max(rate * SLOWDOWN, math.min(full_rate, LEAST_RATE))
    end
    bucket.slow_since = math.max(bucket.slow_since or 0, now + pause)
    rate = current_rate()
elseif rate >= full_rate then
    bucket.slow_since = nil
end
local tolerance = 0
if not bucket.slow_since then
    tolerance = (burst - 1 - math.min(JITTER + math.floor(burst / 20), burst - 1)) / full_rate
end

local start_at = math.max(now, bucket.next_at or 0)
if pause then start_at = math.max(start_at, bucket.slow_since) end
if is_returning or not bucket.next_at then
    start_at = math.max(start_at, now + tolerance + 1 / rate)
end
local available = math.floor((now + tolerance - start_at) * rate + 1e-3) + 1
available = math.min(math.max(0, available), math.max(0, burst - in_flight))
local granted = 0
if before < available then
    granted = math.min(wanted, 1 + math.max(0, available - waiting - 1))
end
if granted > 0 then
    own_granted_at, before = now, waiting
end
local next_at = start_at + granted / rate
local wait = math.max(0, next_at - tolerance + before / rate - now)
if burst - in_flight - granted <= before then
    wait = math.max(wait, math.min(FLIGHT_POLL * (before + 1) / rate, LONG_WAIT))
end
wait = math.min(wait, math.max(LONG_WAIT, wait / 2))

local function text(number) return string.format('%.6f', number) end
redis.call('HSET', key, 'next_at', text(next_at))
for _, name in ipairs({'slow_rate', 'slow_since', 'slowed_at'}) do
    if bucket[name] then redis.call('HSET', key, name, text(bucket[name]))
    else redis.call('HDEL', key, name) end
end
local poll = granted < wanted and now + wait or 0
redis.call('HSET', key, 'process:' .. process, 'rate=' .. text(own_rate) .. ' burst=' .. own_burst
    .. ' flight=' .. (own_flight + granted) .. ' seen=' .. text(now) .. ' poll=' .. text(poll)
    .. ' granted=' .. text(own_granted_at))
redis.call('EXPIRE', key, 3600)
local paused = math.max(0, (bucket.slow_since or 0) - now)
return {granted, text(wait), text(paused), text(rate), text(full_rate), #processes + 1, text(now)}
"""
)


class RedisRateLimit:
    """The bucket of an app in Redis.

    Args:
        url: Of the server and its database.
        app: Key of the app.
    """

    def __init__(self, url: str, app: str) -> None:
        self._client: redis.Redis = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
            client_name="tap-smokeball-rate-limit",
        )
        self._key = f"tap-smokeball:rate-limit:{app}"
        self._script = self._client.register_script(_SCRIPT)

    def exchange(self, demand: Demand) -> Grant:
        """Tell what this process holds and wants, and return what it may start."""
        pause = "" if demand.pause_seconds is None else f"{demand.pause_seconds:.6f}"
        answer: list[Any] = self._script(
            keys=[self._key],
            args=[
                demand.process,
                demand.requests_per_second,
                demand.burst,
                demand.in_flight,
                demand.waiting,
                pause,
                int(demand.is_returning),
            ],
        )
        granted, wait, paused, rate, full_rate, processes, at = answer
        return Grant(
            int(granted),
            float(wait),
            float(paused),
            float(rate),
            float(full_rate),
            int(processes),
            float(at),
        )

    def leave(self, process: str) -> None:
        """Forget a process that holds nothing."""
        self._client.hdel(self._key, f"process:{process}")

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        self._client.close()


def open_store(url: str, app: str) -> RedisRateLimit:
    """Return the store; it connects with its first call."""
    return RedisRateLimit(url, app)
