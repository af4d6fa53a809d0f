"""Questions about access, the rate limit and the speed of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import NotFoundError, RequestRejectedError
from tap_smokeball.probe.question import Answer, Question, not_known

if TYPE_CHECKING:
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.samples import Samples

_REFILL_SECONDS = 2.5
"""How long no request is sent before a burst, so that the API's bucket is full."""

_TOO_MANY_REQUESTS = 429
_RESERVE = 30
"""Requests that are left for the questions that are asked again."""


def _latency(samples: Samples) -> Answer:
    by_path = samples.reader.seconds
    every = sorted(seconds for each in by_path.values() for seconds in each)
    if not every:
        return not_known()
    median = every[len(every) // 2]
    settings = samples.session.settings
    reachable = min(settings.requests_per_second, settings.burst / max(median, 0.001))
    evidence: dict[str, Any] = {
        "median seconds": round(median, 2),
        "worst seconds": round(every[-1], 2),
        "requests per second in reach": round(reachable, 1),
    }
    for path, seconds in sorted(by_path.items()):
        ordered = sorted(seconds)
        evidence[f"{path} median"] = round(ordered[len(ordered) // 2], 2)
        evidence[f"{path} worst"] = round(ordered[-1], 2)
    is_reached = reachable >= settings.requests_per_second
    return Answer("the rate limit is reached" if is_reached else "answers are too slow", evidence)


def _access(samples: Samples) -> Answer:
    samples.read_others(_RESERVE)
    evidence: Evidence = {}
    for name, _ in samples.bodies():
        evidence[name] = "readable"
    for name, error in samples.failures():
        is_empty = isinstance(error, NotFoundError)  # of one parent that has no such row
        evidence.setdefault(
            name, "empty" if is_empty else f"refused: {error.status or 'no answer'}"
        )
    refused = any(str(each).startswith("refused") for each in evidence.values())
    return Answer("some refused" if refused else "all readable", evidence)


def _leads(samples: Samples) -> Answer:
    try:
        rows = samples.fetch("matters", Type="Leads", Limit=1).rows
    except RequestRejectedError as error:
        return Answer("refused", {"status": error.status or 0})
    return Answer("available", {"has leads": "yes" if rows else "no"})


def _event_types(samples: Samples) -> Answer:
    try:
        body = samples.get("/webhooks/types", "webhooks/read")
    except RequestRejectedError as error:
        return Answer("refused", {"status": error.status or 0})
    content = body.content.get("value") if isinstance(body.content, dict) else body.content
    sent = {each for each in content or () if isinstance(each, str)}
    known = {each for stream in samples.streams.values() for each in stream.event_types}
    evidence: Evidence = {
        "types": len(sent),
        "used": len(sent & known),
        "not offered": ", ".join(sorted(known - sent)) or "none",
    }
    return Answer("all offered" if known <= sent else "some missing", evidence)


def _rate_limit(samples: Samples) -> Answer:
    """Send ten requests at once, half to each of two endpoints, then ten to one."""
    reader, first, second = samples.reader, samples.streams["staff"], samples.streams["firm"]
    samples.wait(_REFILL_SECONDS)
    params = {"Offset": 0, "Limit": 1}
    mixed = reader.burst([first.endpoint(), second.endpoint()] * 5, params)
    evidence: Evidence = {"two endpoints: 429": mixed.count(429), "two endpoints": len(mixed)}
    headers = list(reader.budget.retry_after)
    if _TOO_MANY_REQUESTS not in mixed:
        samples.wait(_REFILL_SECONDS)
        single = reader.burst([first.endpoint()] * 10, params)
        evidence |= {"one endpoint: 429": single.count(429), "one endpoint": len(single)}
        headers = list(reader.budget.retry_after)
        if _TOO_MANY_REQUESTS not in single:
            return not_known(**evidence)
    sent = [each for each in headers if each is not None]
    evidence["Retry-After"] = f"{len(sent)} of {len(headers)}"
    if sent and sent[0].isdigit():
        evidence["Retry-After seconds"] = int(sent[0])
    scope = "app" if _TOO_MANY_REQUESTS in mixed else "endpoint"
    return Answer(f"per {scope}, {'with' if sent else 'without'} Retry-After", evidence)


QUESTIONS = (
    Question(
        "rate_limit",
        "Does the rate limit count by app or by endpoint, and is Retry-After sent?",
        ("firm/read", "staff/read"),
        20,
        {
            "per app, with Retry-After": "",
            "per app, without Retry-After": "",
            "per endpoint, with Retry-After": "a rate limit for each endpoint would be faster",
            "per endpoint, without Retry-After": "a rate limit for each endpoint would be faster",
        },
        "counts all requests of the app together; obeys Retry-After, else waits a second",
        _rate_limit,
    ),
    Question(
        "leads",
        "Does asking for leads fail on the account's tier?",
        ("matters/read",),
        1,
        {"available": "", "refused": "set include_leads to false"},
        "asks for matters and leads together, unless include_leads is false",
        _leads,
        is_repeated=True,
    ),
    Question(
        "event_types",
        "Which event types are offered?",
        ("webhooks/read",),
        1,
        {
            "all offered": "",
            "some missing": "streams whose events are not offered must be polled",
            "refused": "grant the app the scope webhooks/read",
        },
        "subscribes to the types of the streams",
        _event_types,
    ),
    Question(
        "access",
        "Which lists can be read with the scopes of the login?",
        (),
        0,
        {"all readable": "", "some refused": "grant the scopes of these streams, or deselect them"},
        "fails a stream that is refused, and completes the others",
        _access,
    ),
)

LAST_QUESTIONS = (
    Question(
        "latency",
        "How fast are answers, and which rate can be reached?",
        (),
        0,
        {
            "the rate limit is reached": "",
            "answers are too slow": "ask Smokeball for a larger burst, and raise burst",
        },
        "has at most burst requests in flight",
        _latency,
    ),
)
"""Questions that follow from the requests of all others."""
