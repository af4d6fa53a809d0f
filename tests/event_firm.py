"""A firm in this process with a webhook subscription and an inbox, but without a receiver."""

from __future__ import annotations

import json
import shutil
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import BaseAdapter
from sqlalchemy import select, update
from urllib3 import HTTPResponse

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError
from tap_smokeball.inbox.append import append_gaps
from tap_smokeball.inbox.events import Event
from tap_smokeball.inbox.prune import prune_events
from tap_smokeball.inbox.subscriptions import Subscriptions, new_key
from tap_smokeball.inbox.tables import EVENTS, READERS, SUBSCRIPTIONS
from tap_smokeball.tap import TapSmokeball
from tests.harness import CollectingWriter, Output, config, run, run_tap, small_catalog
from tests.inbox_helpers import FIRM, SUBSCRIPTION, append, open_database
from tests.memory_adapter import ADAPTERS, MemoryBody
from tests.memory_firm import MemoryFirm
from tests.recorded_firm import STREAMS

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.harness import Json

KEPT_COLUMNS = frozenset({"id", "matterId", "versionId", "lastUpdated", "extractedTicks"})


def narrow_catalog(*streams: str) -> Json:
    """Return the catalog of some streams with few columns: the rest takes most of a run's time."""
    found = small_catalog(*streams)
    for stream in found["streams"]:
        properties = stream["schema"]["properties"]
        unused = properties.keys() - KEPT_COLUMNS
        for entry in stream["metadata"]:
            if entry["breadcrumb"] and entry["breadcrumb"][1] in unused:
                entry["metadata"]["selected"] = False
        for name in unused:
            del properties[name]
    return found


ALL_EVENT_TYPES = frozenset(each for stream in STREAMS.values() for each in stream.event_types)
OLD_SECONDS = 120
"""Age of events that need not be acted on again."""

_event_ticks = count(638_000_000_000_000_000, 10_000_000)


class WebhooksAdapter(BaseAdapter):
    """Answers `GET /webhooks`, and passes other requests on.

    Attributes:
        status: Status of the answer.
        subscriptions: The subscriptions of the firm.
        requests: How often the list was requested.
    """

    def __init__(self, api: BaseAdapter) -> None:
        super().__init__()
        self._api = api
        self.status = 200
        self.subscriptions: list[Json] = []
        self.requests = 0

    @override
    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **keywords: Any
    ) -> requests.Response:
        if not str(request.url).partition("?")[0].endswith("/webhooks"):
            return self._api.send(request, *arguments, **keywords)
        self.requests += 1
        body = {"value": self.subscriptions, "size": len(self.subscriptions)}
        response = requests.Response()
        response.status_code, response.request = self.status, request
        content = json.dumps(body).encode()
        response.raw = HTTPResponse(
            MemoryBody(content, len(content)),
            {"Content-Type": "application/json"},
            self.status,
            preload_content=False,
        )
        response.headers.update(response.raw.headers)
        return response

    @override
    def close(self) -> None:
        """Keep the adapter: sessions share it."""


class EventFirm(MemoryFirm):
    """A firm whose events a test writes to the inbox.

    Args:
        folder: Takes the inbox.
        matters: How many matters it has.
        event_types: Event types of the subscription.

    Attributes:
        inbox: URL of the inbox.
        webhooks: Answers the list of subscriptions.
    """

    def __init__(
        self, folder: Path, *, matters: int, event_types: Iterable[str] = ALL_EVENT_TYPES
    ) -> None:
        super().__init__(matters=matters)
        self._file, self._backup = folder / "inbox.db", folder / "inbox.backup"
        self.inbox = f"sqlite:///{self._file}"
        self.webhooks = WebhooksAdapter(ADAPTERS[self.url])
        ADAPTERS[self.url] = self.webhooks
        types = sorted(event_types)
        self.webhooks.subscriptions = [{"id": SUBSCRIPTION, "eventTypes": types}]
        with Subscriptions(self.inbox) as subscriptions:
            subscriptions.save(
                FIRM,
                SUBSCRIPTION,
                client_id="client",
                event_types=types,
                url="https://receiver.example/webhooks/default",
                key=new_key(),
            )
        self.age_inbox(OLD_SECONDS)

    @property
    def matter_ids(self) -> list[str]:
        return sorted(entry["row"]["id"] for entry in self.control.rows("matters"))

    def settings(self, **changed: Any) -> Json:
        """Return settings with a full pass a day and a poll each half an hour."""
        values: Json = {
            "webhook_inbox": self.inbox,
            "full_pass_interval_hours": 24,
            "poll_interval_minutes": 30,
        }
        return config(self, **(values | changed))

    def notify(
        self, event_type: str, matter_id: str | None = None, *, age_seconds: float = OLD_SECONDS
    ) -> None:
        """Let an event arrive that is some seconds old by now."""
        append(self.inbox, Event(event_type, next(_event_ticks), "resource", matter_id))
        newest = select(EVENTS.c.seq).order_by(EVENTS.c.seq.desc()).limit(1).scalar_subquery()
        self._shift(age_seconds, EVENTS.c.seq == newest)

    def notify_many(self, event_type: str, matter_ids: Iterable[str]) -> None:
        """Let an event for each of some matters arrive that is old by now."""
        append(
            self.inbox,
            *(Event(event_type, next(_event_ticks), "resource", id_) for id_ in matter_ids),
        )
        self.age_inbox(OLD_SECONDS)

    def age_inbox(self, seconds: float) -> None:
        """Let all events have arrived earlier."""
        self._shift(seconds, EVENTS.c.seq > 0)

    def _shift(self, seconds: float, condition: Any) -> None:
        ticks = round(seconds * dotnet_ticks.PER_SECOND)
        statement = update(EVENTS).where(condition).values(arrived=EVENTS.c.arrived - ticks)
        with open_database(self.inbox) as database, database.write() as (connection, _):
            connection.execute(statement)

    def add_gap(self, reason: str = "overflow", *, age_seconds: int = OLD_SECONDS) -> None:
        with open_database(self.inbox) as database, database.write() as (connection, now):
            append_gaps(connection, now - age_seconds * dotnet_ticks.PER_SECOND, [FIRM], reason)

    def back_up(self) -> None:
        """Copy the inbox, for `restore`."""
        shutil.copy(self._file, self._backup)

    @property
    def has_backup(self) -> bool:
        return self._backup.exists()

    def restore(self) -> None:
        """Replace the inbox by its copy, and note the gap that a receiver notes when it starts."""
        shutil.copy(self._backup, self._file)
        self.add_gap("receiver_down")

    def prune(self) -> None:
        """Delete all events but the newest."""
        with open_database(self.inbox) as database:
            prune_events(database, 0)

    def forget_check(self) -> None:
        """Let the last check of the subscription be too long ago."""
        with open_database(self.inbox) as database, database.write() as (connection, _):
            connection.execute(update(SUBSCRIPTIONS).values(checked=1))

    def reader_positions(self) -> list[int]:
        with open_database(self.inbox) as database, database.read() as connection:
            return [int(seq) for seq in connection.scalars(select(READERS.c.seq))]

    def requests(self) -> dict[str, int]:
        """Return the requests since the last call, by path template; without tokens."""
        counts: dict[str, int] = dict(self.control.requests()["by_template"])
        self.control.reset_requests()
        counts.pop("POST /oauth2/token", None)
        if self.webhooks.requests:
            counts["GET /webhooks"] = self.webhooks.requests
            self.webhooks.requests = 0
        return counts

    def run_failing(
        self, state: Json | None = None, catalog: Json | None = None, **changed: Any
    ) -> Output:
        """Run the tap, which must fail as a whole; its error becomes standard error."""
        writer = CollectingWriter(Output())
        with pytest.raises(SmokeballError) as error:
            run_tap(TapSmokeball.run_streams, self.settings(**changed), state, catalog, writer)
        writer.output.stderr = str(error.value)
        return writer.output

    def run(self, state: Json | None = None, catalog: Json | None = None, **changed: Any) -> Output:
        return run(self.settings(**changed), state, catalog)
