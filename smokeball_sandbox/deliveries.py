"""Webhook events on their way: delays, losses, signatures, and the thread that posts them."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import deque
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from smokeball_sandbox.clock import TICKS_PER_SECOND
from smokeball_sandbox.responses import encode

if TYPE_CHECKING:
    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.settings import EventRules, Settings
    from smokeball_sandbox.subscriptions import Subscription, Subscriptions

LOG_LENGTH = 50_000
_HOLD_BACK_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 60.0
_WAITING = "waiting"
_OTHER_ACCOUNT = "0ddba11a-0000-4000-a000-00000000cafe"


class Event(NamedTuple):
    """One event for one subscription; nothing may change the body that is sent of it."""

    subscription_id: str
    type: str
    resource_id: str | None
    request_id: str
    content: dict[str, Any]


@dataclass
class Delivery:
    """One delivery of an event, and what became of it.

    Attributes:
        number: Number of the delivery.
        event: The event.
        due: Ticks at which it is delivered.
        anomalies: What goes wrong with it, as named in `EventRules`.
        outcome: One of waiting, lost, delivered, refused (another status than 2xx), failed (no
            response), taken (by a test), and dropped (the subscription is gone).
        status: Status of the receiver's response.
        at: Ticks of the attempt.
    """

    number: int
    event: Event
    due: int
    anomalies: tuple[str, ...]
    outcome: str = _WAITING
    status: int | None = None
    at: int | None = None

    def report(self) -> dict[str, Any]:
        """Return the delivery as the control endpoint does."""
        return {
            "number": self.number,
            "subscription_id": self.event.subscription_id,
            "type": self.event.type,
            "resource_id": self.event.resource_id,
            "request_id": self.event.request_id,
            "due": self.due,
            "anomalies": list(self.anomalies),
            "outcome": self.outcome,
            "status": self.status,
            "at": self.at,
        }


class Deliveries:
    """Holds events until they are due, and posts them from a thread.

    The thread runs only while events wait. It posts one event at a time, in order of their due
    times, and never again.
    """

    def __init__(self, settings: Settings, clock: Clock, subscriptions: Subscriptions) -> None:
        self._settings = settings
        self._clock = clock
        self._subscriptions = subscriptions
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._count = 0
        self._waiting: list[Delivery] = []
        self._posting: Delivery | None = None
        self._send_now_until = 0
        self._log: deque[Delivery] = deque(maxlen=LOG_LENGTH)

    def clear(self) -> None:
        """Drop all events that wait, and the log."""
        with self._changed:
            self._count = self._send_now_until = 0
            self._waiting.clear()
            self._log.clear()
            self._changed.notify_all()

    def wake(self) -> None:
        """Look again at what is due, because the clock or a setting changed."""
        with self._changed:
            if self._waiting and self._thread is None and self._rules.transport == "http":
                self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def _rules(self) -> EventRules:
        return self._settings.events

    def add(self, event: Event, delay_seconds: float) -> None:
        """Deliver an event after a delay, as the rules say."""
        rules = self._rules
        with self._changed:
            rng = Random(f"{rules.seed}/{self._count}")
            shares = {
                "lost": rules.lost,
                "repeated": rules.repeated,
                "reordered": rules.reordered,
                "late": rules.late,
                "wrong_account": rules.wrong_account,
                "wrong_signature": rules.wrong_signature,
            }
            drawn = [(name, rng.random() < share) for name, share in shares.items()]
            anomalies = tuple(name for name, is_drawn in drawn if is_drawn)
            seconds = delay_seconds * rules.delay_scale
            if "late" in anomalies:
                seconds += rules.late_seconds
            if "reordered" in anomalies:
                seconds += rng.uniform(0, _HOLD_BACK_SECONDS)
            self._enqueue(event, seconds, anomalies)
            if "repeated" in anomalies:
                self._enqueue(event, seconds + rng.uniform(0, _HOLD_BACK_SECONDS), anomalies)
        self.wake()

    def _enqueue(self, event: Event, seconds: float, anomalies: tuple[str, ...]) -> None:
        self._count += 1
        due = self._clock.ticks() + int(seconds * TICKS_PER_SECOND)
        delivery = Delivery(self._count, event, due, anomalies)
        self._log.append(delivery)
        if "lost" in anomalies:
            delivery.outcome = "lost"
        else:
            self._waiting.append(delivery)

    def report(self) -> list[dict[str, Any]]:
        """Return the latest deliveries, oldest first."""
        with self._changed:
            return [each.report() for each in self._log]

    def send_now(self) -> None:
        """Regard all events that wait as due."""
        with self._changed:
            self._send_now_until = self._count
        self.wake()

    def wait_until_idle(self) -> None:
        """Wait until no event is due or under way."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._thread is None or (self._posting is None and self._next_due() is None)
            )

    def take(self) -> list[dict[str, Any]]:
        """Remove the events that are due; return the URL, headers and body of each request."""
        taken = []
        with self._changed:
            while (delivery := self._next_due()) is not None:
                self._waiting.remove(delivery)
                subscription = self._start(delivery)
                if subscription is not None:
                    delivery.outcome = "taken"
                    headers = self._headers(delivery, subscription)
                    body = _body(delivery).decode()
                    taken.append({"url": subscription.url, "headers": headers, "body": body})
        return taken

    def _next_due(self) -> Delivery | None:
        now = self._clock.ticks()
        due = (d for d in self._waiting if d.due <= now or d.number <= self._send_now_until)
        return min(due, key=lambda each: (each.due, each.number), default=None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._posting = None
                self._changed.notify_all()
                if not self._waiting or self._rules.transport != "http":
                    self._thread = None
                    return
                delivery = self._next_due()
                if delivery is None:
                    first = min(each.due for each in self._waiting)
                    seconds = (first - self._clock.ticks()) / TICKS_PER_SECOND
                    self._changed.wait(min(max(seconds, 0), _LONGEST_WAIT_SECONDS))
                    continue
                self._waiting.remove(delivery)
                self._posting = delivery
                subscription = self._start(delivery)
            if subscription is not None:
                self._post(delivery, subscription)

    def _start(self, delivery: Delivery) -> Subscription | None:
        """Note the attempt; return the subscription, unless it is gone."""
        delivery.at = self._clock.ticks()
        subscription = self._subscriptions.find(delivery.event.subscription_id)
        if subscription is None:
            delivery.outcome = "dropped"
        return subscription

    def _headers(self, delivery: Delivery, subscription: Subscription) -> dict[str, str]:
        timestamp, request_id = str(delivery.at), delivery.event.request_id
        headers = {"Timestamp": timestamp, "RequestId": request_id}
        if subscription.key:
            key = subscription.key
            if "wrong_signature" in delivery.anomalies:
                key = f"not {key}"
            text = f"{timestamp}|{request_id}|{subscription.client_id}"
            digest = hmac.new(key.encode(), text.encode(), hashlib.sha256)
            headers["Signature"] = digest.hexdigest()
        return {
            **headers,
            "content-type": "application/json; charset=utf-8",
            "accept-encoding": "gzip",
            "connection": "close",
        }

    def _post(self, delivery: Delivery, subscription: Subscription) -> None:
        address = urlsplit(subscription.url)
        connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        headers = self._headers(delivery, subscription)
        try:
            connection = connect(address.netloc, timeout=self._rules.timeout_seconds)
            try:
                connection.request("POST", target, _body(delivery), headers)
                delivery.status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError):
            delivery.outcome = "failed"
        else:
            delivery.outcome = "delivered" if delivery.status // 100 == 2 else "refused"  # noqa: PLR2004


def _body(delivery: Delivery) -> bytes:
    content = delivery.event.content
    if "wrong_account" in delivery.anomalies:
        content = {**content, "accountId": _OTHER_ACCOUNT}
    return encode(content)
