"""Runs the tap in this process or another, and parses its output."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any

from tap_smokeball import streams
from tap_smokeball.errors import StreamsFailedError
from tap_smokeball.run.status import RunInterruptedError
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tap_smokeball.tap import TapSmokeball
from tests.forked_process import ForkedProcess, run_forked
from tests.memory_adapter import ADAPTERS

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    from singer_sdk.singerlib import Message

    from smokeball_sandbox import SandboxServer
    from tests.memory_firm import MemoryFirm

Json = dict[str, Any]
TAP = [sys.executable, "-m", "tap_smokeball"]


def decode(line: str | bytes) -> Json:
    """Decode a message; numbers become decimals, not floats, and keep all digits."""
    message: Json = json.loads(line, parse_float=Decimal)
    return message


@dataclass
class Output:
    """The output of a run."""

    messages: list[Json] = field(default_factory=list)
    status: int = 0
    stderr: str = ""
    stdout: str = ""
    """Standard output of an option that writes text instead of messages."""

    def messages_of_type(self, message_type: str) -> list[Json]:
        return [message for message in self.messages if message["type"] == message_type]

    def records(self, stream: str) -> list[Json]:
        return [m["record"] for m in self.messages_of_type("RECORD") if m["stream"] == stream]

    def ids(self, stream: str) -> Counter[str]:
        return Counter(record["id"] for record in self.records(stream))

    @property
    def state(self) -> Json:
        states = self.messages_of_type("STATE")
        return states[-1]["value"] if states else {}

    def bookmark(self, stream: str) -> Json:
        bookmark: Json = self.state["bookmarks"][stream]
        return bookmark

    @classmethod
    def parse(cls, lines: Iterable[bytes], status: int = 0, stderr: str = "") -> Output:
        return cls([decode(line) for line in lines], status, stderr)


def config(sandbox: SandboxServer | MemoryFirm, **more: Any) -> Json:
    """Return settings for a sandbox, without a rate limit that slows the tests."""
    return {
        "api_url": sandbox.url,
        "auth_url": sandbox.url,
        **sandbox.credentials,
        "requests_per_second": 1000,
        **more,
    }


class TargetCrashError(Exception):
    """The target exited before the run ended."""


class CollectingWriter(BufferedMessageWriter):
    """Collects messages as standard output would have them.

    Args:
        output: Receives the messages.
        crash_at: Index of the message at which the target exits; never by default.
        on_message: Called with each message.
    """

    def __init__(
        self,
        output: Output,
        crash_at: int | None = None,
        on_message: Callable[[Json], None] | None = None,
    ) -> None:
        super().__init__()
        self.output = output
        self._crash_at = crash_at
        self._on_message = on_message

    @override
    def write_message(self, message: Message) -> None:
        if self._crash_at is not None and len(self.output.messages) >= self._crash_at:
            raise TargetCrashError
        decoded = decode(bytes(self.format_message(message)))
        self.output.messages.append(decoded)
        if self._on_message:
            self._on_message(decoded)


def run(
    settings: Json,
    state: Json | None = None,
    catalog: Json | None = None,
    *,
    crash_at: int | None = None,
    on_message: Callable[[Json], None] | None = None,
) -> Output:
    """Run the tap in this process; see `run_tap` for the exit status."""
    writer = CollectingWriter(Output(), crash_at, on_message)
    return run_tap(TapSmokeball.run_streams, settings, state, catalog, writer)


def run_connection_test(settings: Json, catalog: Json) -> Output:
    """Run the connection test in this process; a failed test has status 1."""
    return run_tap(TapSmokeball.run_access_check, settings, catalog=catalog)


def run_plan(settings: Json, state: Json | None = None, catalog: Json | None = None) -> Output:
    """Plan a run in this process; a failed plan has status 1."""
    with redirect_stdout(StringIO()) as stdout:
        output = run_tap(TapSmokeball.run_plan, settings, state, catalog)
    output.stdout = stdout.getvalue()
    return output


def run_tap(
    action: Callable[[TapSmokeball], object],
    settings: Json,
    state: Json | None = None,
    catalog: Json | None = None,
    writer: CollectingWriter | None = None,
) -> Output:
    """Run the tap in this process, and put back the signal handlers.

    The status is 1 after a failure, -9 after a target crash, 128 + n after signal n.
    """
    writer = writer or CollectingWriter(Output())
    output = writer.output
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        tap = TapSmokeball(
            config=dict(settings),
            state=json.loads(json.dumps(state)) if state else None,
            catalog=catalog or _core_catalog(),
            message_writer=writer,
        )
        for url, adapter in ADAPTERS.items():
            tap.session.client.transport.mount(url, adapter)
        action(tap)
    except StreamsFailedError as error:
        output.status, output.stderr = 1, str(error)
    except TargetCrashError:
        output.status = -signal.SIGKILL
    except RunInterruptedError as interrupted:
        output.status = 128 + interrupted.signal
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return output


def run_until_time_limit(
    settings: Json, state: Json | None = None, catalog: Json | None = None
) -> Output:
    """Run the tap with a time limit that ends while fees are read, on any machine."""
    for seconds in range(1, 60):
        output = run({**settings, "max_run_minutes": seconds / 60}, state, catalog)
        if "resume" in output.bookmark("fees"):
            break
    return output


CORE_STREAMS = ("matters", "fees")
"""The streams of most tests: a parent stream and a child stream."""


def catalog(
    deselect: Iterable[str] = (),
    select: Iterable[str] = (),
    metadata: dict[str, Json] | None = None,
    wanted: Iterable[str] = CORE_STREAMS,
) -> Json:
    """Return the catalog with streams (``fees``) or columns (``fees.tax``) selected.

    Args:
        deselect: Streams and columns to deselect.
        select: Columns to select in addition to the default ones.
        metadata: Metadata to set on whole streams.
        wanted: Streams to select, unless deselected.
    """
    found: Json = TapSmokeball(validate_config=False).catalog_dict
    for stream in found["streams"]:
        name = stream["tap_stream_id"]
        for entry in stream["metadata"]:
            path = ".".join([name, *entry["breadcrumb"][1::2]])
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = name in wanted and name not in deselect
                entry["metadata"] |= (metadata or {}).get(name, {})
            elif path in deselect or path in select:
                entry["metadata"]["selected"] = path in select
    return found


@dataclass(frozen=True)
class Process:
    """Runs the tap as a process, in a folder for its files."""

    folder: Path

    def file_arguments(self, settings: Json, state: Json | None, catalog: Json | None) -> list[str]:
        arguments = []
        contents = {"config": settings, "state": state, "catalog": catalog or _core_catalog()}
        for name, content in contents.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content))
                arguments += [f"--{name}", str(path)]
        return arguments

    def run(
        self,
        settings: Json,
        *arguments: str,
        state: Json | None = None,
        catalog: Json | None = None,
        environment: dict[str, str] | None = None,
    ) -> Output:
        done = self._run(settings, *arguments, state=state, catalog=catalog, env=environment)
        return Output.parse(done.stdout.splitlines(), done.returncode, done.stderr.decode())

    def run_for_text(
        self,
        settings: Json,
        *arguments: str,
        state: Json | None = None,
        catalog: Json | None = None,
    ) -> Output:
        """Run the tap with an option that writes text instead of messages."""
        done = self._run(settings, *arguments, state=state, catalog=catalog)
        return Output([], done.returncode, done.stderr.decode(), done.stdout.decode())

    def _run(
        self,
        settings: Json,
        *arguments: str,
        state: Json | None,
        catalog: Json | None,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return run_forked(
            [*TAP, *self.file_arguments(settings, state, catalog), *arguments],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
        )

    def run_and_signal(
        self,
        settings: Json,
        is_due: Callable[[], bool],
        signal_number: int,
        state: Json | None = None,
        catalog: Json | None = None,
    ) -> Output:
        """Run the tap and send it a signal once ``is_due`` returns true."""
        output, errors = self.folder / "out", self.folder / "err"
        command = [*TAP, *self.file_arguments(settings, state, catalog)]
        with (
            output.open("wb") as out,
            errors.open("wb") as err,
            ForkedProcess(command, stdout=out, stderr=err, cwd=self.folder) as process,
        ):
            while process.poll() is None and not is_due():
                pass
            process.send_signal(signal_number)
            status = process.wait(timeout=60)
        lines = output.read_bytes().split(b"\n")[:-1]  # the last line may be cut
        return Output.parse(lines, status, errors.read_text())


def run_cli(*arguments: str, environment: dict[str, str] | None = None) -> Output:
    """Run the command line with arguments alone; do not parse standard output."""
    done = run_forked([*TAP, *arguments], env={**os.environ, **(environment or {})})
    output = Output(status=done.returncode, stderr=done.stderr.decode())
    output.messages = [{"type": "TEXT", "text": done.stdout.decode()}]
    return output


def small_catalog(*wanted: str) -> Json:
    """Return the catalog of some streams alone: all others would take most of a tap's start."""
    streams = catalog(wanted=wanted)["streams"]
    return {"streams": [each for each in streams if each["tap_stream_id"] in wanted]}


@cache
def _core_catalog() -> Json:
    return small_catalog(*CORE_STREAMS)


DEFAULT_STREAMS = [str(vars(cls)["name"]) for cls in streams.ALL if cls.selected_by_default]
"""The streams that a catalog selects by default."""


def sandbox_rows(sandbox: SandboxServer | MemoryFirm, resource: str) -> list[Json]:
    """Return each row of the sandbox as ``{"parent", "row", "updated"}``."""
    return [decode(line) for line in sandbox.control.row_lines(resource).splitlines()]


def request_count(sandbox: SandboxServer | MemoryFirm, template: str) -> int:
    """Return the number of requests for a path template since the last reset."""
    counts: dict[str, int] = sandbox.control.requests()["by_template"]
    return counts.get(template, 0)


MATTERS = "GET /matters"
FEES = "GET /matters/{matterId}/fees"
TOKEN = "POST /oauth2/token"  # noqa: S105 - a path


def index_by_id(rows: list[Json]) -> dict[Hashable, Json]:
    """Return rows by id, the index that the paginator takes."""
    return {row["id"]: row for row in rows}
