"""A simulated firm, an inbox and a receiver, each a process, and the subscription between them."""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import requests
from click.testing import CliRunner
from sqlalchemy import update

from smokeball_sandbox import SandboxServer
from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox.tables import EVENTS, RECEIVERS
from tap_smokeball.webhooks.command import webhooks
from tests.forked_process import ForkedProcess
from tests.harness import config
from tests.inbox_helpers import open_database
from tests.receiver_process import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from tests.harness import Json

OLD_SECONDS = 120
"""Age of events that need not be acted on again."""

_SERVE = [sys.executable, "-m", "tap_smokeball.webhooks", "serve"]
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:(\d+)\n")
_names = itertools.count(1)


class WebhookSite:
    """A firm that sends events over HTTP to a receiver, which can be killed.

    Args:
        folder: Takes the files of all parts.
        inbox: URL of the inbox; a SQLite file in the folder by default.

    Attributes:
        sandbox: The simulated firm.
        inbox: URL of the inbox.
        firm: Name of the firm in the inbox; `subscribe` chooses a new one.
        receiver_log: What all receivers have logged.
        settings: The settings of the tap that do not vary.
    """

    def __init__(self, folder: Path, inbox: str | None = None) -> None:
        self.folder = folder
        self.inbox = inbox or f"sqlite:///{folder / 'inbox.db'}"
        self.firm = ""
        self.receiver_log = folder / "receiver.log"
        self.settings: Json = {}
        self._ports = ["0", "0"]
        self._receiver: ForkedProcess | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.sandbox = self._stack.enter_context(SandboxServer(matters=1))
        self._log = self._stack.enter_context(self.receiver_log.open("wb"))
        self._stack.callback(self.kill_receiver)
        self.start_receiver()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start_receiver(self) -> None:
        """Start the receiver, on the same ports each time."""
        if self._receiver:
            return
        offset = self.receiver_log.stat().st_size
        options = ["--port", self._ports[0], "--admin-port", self._ports[1]]
        environment = clean_environment(TAP_SMOKEBALL_WEBHOOK_INBOX=self.inbox)
        self._receiver = ForkedProcess(
            [*_SERVE, *options], stdout=self._log, stderr=self._log, env=environment
        )
        while len(ports := _ADDRESS.findall(self.receiver_log.read_bytes()[offset:])) < 2:
            assert self._receiver.poll() is None, self.receiver_log.read_text()
            time.sleep(0.005)
        self._ports = [port.decode() for port in ports]

    def kill_receiver(self) -> None:
        """Kill the receiver, if it runs, as the kernel does when memory ends."""
        if self._receiver:
            self._receiver.kill()
            self._receiver.wait(60)
            self._receiver = None

    def metrics(self) -> str:
        """Return what the receiver shows to its monitoring."""
        return requests.get(f"{self.admin_url}/metrics", timeout=30).text

    @property
    def admin_url(self) -> str:
        """Address of health and metrics."""
        return f"http://127.0.0.1:{self._ports[1]}"

    def subscribe(self, catalog: Json | None = None, **tap_settings: Any) -> None:
        """Subscribe to the events of the firm, under a new name.

        Args:
            catalog: Its selected streams decide on the events; by default those of the tap.
            tap_settings: Settings of the tap.
        """
        self.firm = f"firm-{next(_names)}"
        self.settings = config(
            self.sandbox, webhook_inbox=self.inbox, webhook_firm=self.firm, **tap_settings
        )
        url = f"http://127.0.0.1:{self._ports[0]}/webhooks/{self.firm}"
        self.run_command("subscribe", "--url", url, catalog=catalog)
        self.age_events()

    def run_command(self, name: str, *options: str, catalog: Json | None = None) -> str:
        """Run a command for the firm, and return its output."""
        arguments = [name, *options]
        contents = {"config": self.settings} | ({"catalog": catalog} if catalog else {})
        for option, content in contents.items():
            path = self.folder / f"command-{option}.json"
            path.write_text(json.dumps(content))
            arguments += [f"--{option}", str(path)]
        result = CliRunner().invoke(webhooks, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def age_events(self) -> None:
        """Let all events of the firm have arrived earlier."""
        ticks = OLD_SECONDS * dotnet_ticks.PER_SECOND
        statement = update(EVENTS).where(EVENTS.c.firm == self.firm)
        self._update(statement.values(arrived=EVENTS.c.arrived - ticks))

    def age_receivers(self) -> None:
        """Let the last sign of life of each receiver be longer ago than a minute."""
        self._update(update(RECEIVERS).values(heartbeat=1))

    def _update(self, statement: Any) -> None:
        with open_database(self.inbox) as database, database.write() as (connection, _):
            connection.execute(statement)
