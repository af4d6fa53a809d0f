"""The command ``status``: whether events come, and how far their readers are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.subscriptions import READ_SCOPE, list_event_types, list_subscriptions
from tap_smokeball.errors import AccessDeniedError, SmokeballError
from tap_smokeball.inbox.events import GAP, InboxEvent, Position
from tap_smokeball.inbox.reader import InboxReader
from tap_smokeball.inbox.subscriptions import Subscriptions
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.run.request_estimate import humanize_seconds
from tap_smokeball.webhooks.firm_options import Firm, firm_options, open_firm
from tap_smokeball.webhooks.subscriber import may_be_unlisted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from tap_smokeball.inbox.subscriptions import ReaderPosition, StoredSubscription
    from tap_smokeball.singer.sdk_compat import ConfigInput

_LATEST_ROWS = 1000


@dataclass(frozen=True)
class Status:
    """What the command found.

    Attributes:
        firm: The firm.
        subscriptions: Each subscription of the inbox, and why it does not serve; None if it does.
        missing_types: Event types that selected streams can use and no subscription has.
        newest: The newest row of the firm in the inbox.
        last_event: The newest event, if it is among the latest rows.
        readers: How far each reader is.
        now: The inbox's clock in ticks.
    """

    firm: Firm
    subscriptions: list[tuple[StoredSubscription, str | None]]
    missing_types: list[str]
    newest: Position
    last_event: InboxEvent | None
    readers: list[ReaderPosition]
    now: int

    @property
    def is_healthy(self) -> bool:
        """Whether one subscription serves all selected streams."""
        is_served = any(problem is None for _, problem in self.subscriptions)
        return is_served and not self.missing_types

    def document(self) -> dict[str, Any]:
        """Return the status as JSON."""
        return {
            "firm": self.firm.name,
            "is_healthy": self.is_healthy,
            "subscriptions": [
                {"id": each.id, "url": each.url, "problem": problem}
                for each, problem in self.subscriptions
            ],
            "missing_event_types": self.missing_types,
            "last_event": self.last_event
            and {
                "type": self.last_event.type,
                "arrived": dotnet_ticks.to_iso_seconds(self.last_event.arrived),
            },
            "readers": [
                {
                    "name": each.reader,
                    "is_at_end": each.seq >= self.newest.seq,
                    "updated": dotnet_ticks.to_iso_seconds(each.updated),
                }
                for each in self.readers
            ],
            "polled_streams": self.firm.polled_streams,
        }

    def table(self) -> str:
        """Return the status for people."""
        return format_table(self._rows())

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "firm", self.firm.name
        for each, problem in self.subscriptions:
            yield "subscription", f"{each.id}: {problem or 'exists'}"
        if not self.subscriptions:
            yield "subscription", "none: run subscribe"
        if self.missing_types:
            yield "not subscribed", f"{', '.join(self.missing_types)}: run subscribe"
        if self.last_event:
            event = self.last_event
            yield "last event", f"{self._ago(event.arrived)}, {event.type}"
        else:
            yield "last event", "none"
        for reader in self.readers:
            place = "at the end" if reader.seq >= self.newest.seq else "behind"
            yield f"reader {reader.reader}", f"{place}, read {self._ago(reader.updated)}"
        yield "polled streams", ", ".join(self.firm.polled_streams) or "none"

    def _ago(self, ticks: int) -> str:
        seconds = max(0, self.now - ticks) // dotnet_ticks.PER_SECOND
        return f"{humanize_seconds(seconds)} ago"


@click.command()
@firm_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the output.",
)
def status(
    *,
    config: ConfigInput,
    catalog: IO[str] | None,
    inbox: str | None,
    firm: str | None,
    format_: str,
) -> None:
    """Show whether the subscription exists, the last event, and how far the readers are.

    The exit status is 0 if the subscription serves all selected streams, and 1 otherwise.
    """
    with open_firm(config, catalog, inbox, firm) as opened:
        found = _find_status(opened)
    click.echo(json.dumps(found.document()) if format_ == "json" else found.table())
    if not found.is_healthy:
        raise click.exceptions.Exit(1)


def _find_status(firm: Firm) -> Status:
    """Compare the inbox with Smokeball, and record the result in the inbox.

    Raises:
        SmokeballError: A request failed, or the inbox cannot be used.
    """
    with (
        InboxReader(firm.inbox, firm.name) as reader,
        Subscriptions(firm.inbox) as subscriptions,
    ):
        stored = subscriptions.find(firm.name)
        try:
            existing = {each.id: each for each in list_subscriptions(firm.client)}
            available = frozenset(list_event_types(firm.client))
        except AccessDeniedError:
            raise SmokeballError(
                f"403: the app lacks the scope {READ_SCOPE}", "Grant it and sign in again"
            ) from None
        problems: list[tuple[StoredSubscription, str | None]] = []
        served: set[str] = set()
        for each in stored:
            if each.client_id != firm.client_id:
                problems.append((each, "belongs to another client_id: not checked"))
                continue
            found = existing.get(each.id)
            if found is None and may_be_unlisted(each):
                problems.append((each, "is not listed, but existed a minute ago: try again"))
                continue
            types = None if found is None else found.event_types
            reader.record_subscription_check(each.id, is_alive=bool(found), event_types=types)
            problem = None
            if found is None:
                problem = "no longer exists: run subscribe"
            elif found.url != each.url:
                problem = "delivers to another URL: run subscribe"
            elif not each.has_key:
                problem = "has no key in the inbox: run subscribe"
            else:
                served |= found.event_types
            problems.append((each, problem))
        newest = reader.newest()
        latest = reader.events_after(Position(max(0, newest.seq - _LATEST_ROWS), 0), _LATEST_ROWS)
        return Status(
            firm=firm,
            subscriptions=problems,
            missing_types=sorted((firm.event_types & available) - served),
            newest=newest,
            last_event=next((each for each in reversed(latest) if each.type != GAP), None),
            readers=subscriptions.readers(firm.name),
            now=reader.now(),
        )
