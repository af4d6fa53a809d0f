"""The options of the commands that call Smokeball: the tap's own settings, inbox and firm."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError

from tap_smokeball.config import input_files
from tap_smokeball.errors import SmokeballError
from tap_smokeball.inbox.events import FIRM_NAME
from tap_smokeball.redaction import SECRETS
from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.tap import TapSmokeball
from tap_smokeball.webhooks.options import INBOX_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from tap_smokeball.api.client import ApiClient
    from tap_smokeball.singer.sdk_compat import ConfigInput


@dataclass(frozen=True)
class Firm:
    """The firm that a command is about.

    Attributes:
        name: Its name in the inbox.
        inbox: URL of the inbox.
        client: The API.
        client_id: The app, which signatures name.
        streams: The selected streams of the API.
    """

    name: str
    inbox: str = field(repr=False)
    client: ApiClient
    client_id: str
    streams: tuple[SmokeballStream, ...]

    @property
    def event_types(self) -> frozenset[str]:
        """The event types that the selected streams can use, those of their parents included."""
        return frozenset(name for stream in self.streams for name in stream_events(stream))

    @property
    def polled_streams(self) -> list[str]:
        """The selected streams of which no event says that they changed."""
        return [stream.name for stream in self.streams if not stream.event_types]


def stream_events(stream: SmokeballStream) -> tuple[str, ...]:
    """Return the event types of a stream and of its parent, whose new rows have child rows."""
    parent: Any = stream.parent_stream_type
    return stream.event_types + (parent.event_types if parent else ())


def firm_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options whose values `open_firm` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--config",
        multiple=True,
        default=(),
        callback=TapSmokeball.cb_config,
        help="Configuration file of the tap, or ENV to use environment variables and .env.",
    ),
    click.option(
        "--catalog",
        type=click.File(encoding="utf-8"),
        help="Catalog with the selected streams.  [default: the tap's own selection]",
    ),
    click.option(
        "--inbox",
        envvar=INBOX_VARIABLE,
        help="URL of the inbox.  [default: webhook_inbox of the configuration]",
    ),
    click.option(
        "--firm", help="Name of the firm in the inbox.  [default: webhook_firm, or default]"
    ),
)


@contextmanager
def open_firm(
    config: ConfigInput, catalog: IO[str] | None, inbox: str | None, firm: str | None
) -> Iterator[Firm]:
    """Read the settings as the tap does, and connect while the block lasts.

    Raises:
        SmokeballError: A setting is missing or wrong.
    """
    if inbox:
        SECRETS.add(inbox)
    try:
        tap = TapSmokeball(
            config=config.config,
            parse_env_config=config.parse_env,
            catalog=input_files.read_catalog(catalog) if catalog else None,
        )
        # The catalog is checked when the streams are mapped.
        found = (each for each in tap.streams.values() if isinstance(each, SmokeballStream))
        selected = tuple(stream for stream in found if stream.selected)
    except ConfigValidationError as error:
        raise SmokeballError("\n".join(error.errors)) from None
    inbox = inbox or tap.config.get("webhook_inbox")
    name = firm or tap.config.get("webhook_firm") or "default"
    if not inbox:
        raise SmokeballError("the inbox is not named", f"Pass --inbox or set {INBOX_VARIABLE}")
    if not FIRM_NAME.fullmatch(name):
        raise SmokeballError(
            "the firm's name is not valid",
            "Pass 1 to 64 letters, digits, dots, hyphens or underscores as --firm",
        )
    if not (client_id := tap.config.get("client_id")):
        raise SmokeballError(
            "client_id is missing: the signatures of webhooks name it", "Set client_id"
        )
    try:
        yield Firm(name, inbox, tap.session.client, client_id, selected)
    finally:
        tap.session.client.close()
