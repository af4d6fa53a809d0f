"""Runs the webhook receiver as a process, and delivers to it as Smokeball does."""

from __future__ import annotations

import hmac
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tap_smokeball import dotnet_ticks
from tap_smokeball.inbox import open_reader
from tap_smokeball.inbox.events import GAP, START
from tap_smokeball.inbox.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.inbox.events import InboxEvent

COMMAND = [sys.executable, "-m", "tap_smokeball.webhooks"]
CLIENT_ID = "client-1"
_ADDRESS = re.compile(r"http://\S+")
_numbers = itertools.count(1)


def clean_environment(**changed: str) -> dict[str, str]:
    """Return the environment without any setting of the tap."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("TAP_SMOKEBALL")}
    return {**kept, **changed}


@dataclass
class Firm:
    """A firm with a subscription in the inbox."""

    inbox: str
    name: str = field(default_factory=lambda: f"firm-{next(_numbers)}")
    key: str = field(default_factory=lambda: f"key-{next(_numbers)}")
    subscription: str = field(default_factory=lambda: f"subscription-{next(_numbers)}")

    def __post_init__(self) -> None:
        self.save(self.key)

    def save(self, key: str | None = None) -> None:
        with Subscriptions(self.inbox) as subscriptions:
            subscriptions.save(
                self.name,
                self.subscription,
                client_id=CLIENT_ID,
                event_types=["fee.created"],
                url="https://receiver.example",
                key=key,
            )

    def body(self, event_type: str = "fee.created", **changed: Any) -> bytes:
        """Return the body of a delivery; each is an event of its own."""
        envelope = {
            "accountId": "00000000-0000-0000-0000-000000000000",
            "subscriptionId": self.subscription,
            "type": event_type,
            "source": "Smokeball",
            "payload": {"id": f"fee-{next(_numbers)}", "matterId": "matter-1"},
            "timestamp": dotnet_ticks.now(),
        }
        return json.dumps(envelope | changed).encode()

    def headers(
        self, changed: dict[str, str] | None = None, *, key: str = "", ticks: int = 0
    ) -> dict[str, str]:
        """Return the headers of a delivery, with a signature of their own."""
        timestamp = str(ticks or dotnet_ticks.now())
        request_id = f"request-{next(_numbers)}"
        message = f"{timestamp}|{request_id}|{CLIENT_ID}".encode()
        return {
            "Timestamp": timestamp,
            "RequestId": request_id,
            "Signature": hmac.digest((key or self.key).encode(), message, "sha256").hex(),
            "Content-Type": "application/json; charset=utf-8",
            **(changed or {}),
        }

    def rows(self) -> list[InboxEvent]:
        """Return the events in the inbox, without gaps."""
        with open_reader(self.inbox, self.name) as reader:
            return [row for row in reader.events_after(START, 100_000) if row.type != GAP]

    def gaps(self) -> list[str | None]:
        """Return the reasons of the gaps in the inbox, in order."""
        with open_reader(self.inbox, self.name) as reader:
            found = reader.events_after(START, 100_000)
        return [row.resource_id for row in found if row.type == GAP]


class Receiver:
    """A running receiver."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        addresses = []
        assert process.stderr
        for line in process.stderr:
            self.lines.append(line)
            addresses += _ADDRESS.findall(line)
            if len(addresses) == 2:
                break
        else:
            raise AssertionError("".join(self.lines))
        self.url, self.admin_url = addresses
        self._reader = threading.Thread(target=lambda: self.lines.extend(process.stderr or ()))
        self._reader.start()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    def post(
        self, firm: Firm, body: bytes | Iterator[bytes] | None = None, **options: Any
    ) -> requests.Response:
        """Deliver to a firm, by default with a valid signature and a new event."""
        options = {"headers": firm.headers(), "path": f"/webhooks/{firm.name}", **options}
        return requests.post(
            self.url + options.pop("path"),
            data=firm.body() if body is None else body,
            timeout=30,
            **options,
        )

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(self.address, timeout=30)
        connection.sendall(sent)
        return connection

    def send(self, sent: bytes) -> bytes:
        """Send bytes, and return all that comes until the receiver closes the connection."""
        with self.connect() as connection:
            connection.sendall(sent)
            return read_all(connection)

    def metrics(self) -> dict[str, float]:
        text = requests.get(f"{self.admin_url}/metrics", timeout=30).text
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        pairs = [line.rpartition(" ") for line in lines]
        return {
            name.removeprefix("tap_smokeball_webhooks_"): float(value) for name, _, value in pairs
        }

    def refused(self, reason: str) -> float:
        return self.metrics()[f'refused_total{{reason="{reason}"}}']

    def peak_memory_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(timeout=60)
        self._reader.join()
        if self.process.stderr:
            self.process.stderr.close()
        return status


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def raw_request(firm: Firm, body: bytes, headers: dict[str, str], path: str = "") -> bytes:
    """Return the bytes of a request, whose headers may be wrong."""
    lines = [f"POST {path or f'/webhooks/{firm.name}'} HTTP/1.1", "Host: receiver"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def run_receiver(inbox: str, *options: str) -> Iterator[Receiver]:
    """Run a receiver until the end of the block, unless it ends before."""
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--admin-port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(TAP_SMOKEBALL_WEBHOOK_INBOX=inbox),
    ) as process:
        try:
            receiver = Receiver(process)
            yield receiver
            if process.poll() is None:
                assert receiver.stop() == 0, "".join(receiver.lines)
        finally:
            process.kill()
