"""Runs the tap against a sandbox, as a process or as an object, and reads what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from tap_smokeball import streams
from tap_smokeball.errors import StreamsFailedError
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tap_smokeball.tap import TapSmokeball

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    from singer_sdk.singerlib import Message

    from smokeball_sandbox import SandboxServer

Json = dict[str, Any]

TAP = [sys.executable, "-m", "tap_smokeball"]


def decode(line: str | bytes) -> Json:
    """Decode a message with its numbers as they stand, none of them as a float."""
    message: Json = json.loads(line, parse_float=Decimal)
    return message


@dataclass
class Output:
    """What a run wrote."""

    messages: list[Json] = field(default_factory=list)
    status: int = 0
    stderr: str = ""
    stdout: str = ""
    """What stands there besides messages."""

    def of(self, kind: str) -> list[Json]:
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[Json]:
        return [m["record"] for m in self.of("RECORD") if m["stream"] == stream]

    def ids(self, stream: str) -> Counter[str]:
        return Counter(record["id"] for record in self.records(stream))

    @property
    def state(self) -> Json:
        states = self.of("STATE")
        return states[-1]["value"] if states else {}

    def bookmark(self, stream: str) -> Json:
        bookmark: Json = self.state["bookmarks"][stream]
        return bookmark

    @classmethod
    def parse(cls, lines: Iterable[bytes], status: int = 0, stderr: str = "") -> Output:
        return cls([decode(line) for line in lines], status, stderr)


def config(sandbox: SandboxServer, **more: Any) -> Json:
    """Return settings that reach a sandbox, at full speed unless told otherwise."""
    return {
        "api_url": sandbox.url,
        "auth_url": sandbox.url,
        **sandbox.credentials,
        "requests_per_second": 1000,
        **more,
    }


class Crash(Exception):  # noqa: N818 - what the test does to the tap
    """The target died."""


class Collector(BufferedMessageWriter):
    """Takes messages as they would stand on standard output.

    Args:
        output: Where they go.
        crash_at: Index of the message at which the target dies, if it shall.
        on_message: Called with each.
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
            raise Crash
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
    """Run the tap as an object; a failed run has status 1, a crashed one status -9."""
    writer = Collector(Output(), crash_at, on_message)
    return use(TapSmokeball.sync_all, settings, state, catalog, writer)


def examined(settings: Json, catalog: Json) -> Output:
    """Have the tap test what it can reach, as an object; a failed test has status 1."""
    return use(TapSmokeball.run_connection_test, settings, catalog=catalog)


def planned(settings: Json, state: Json | None = None, catalog: Json | None = None) -> Output:
    """Have the tap plan a run, as an object; a failed plan has status 1."""
    with redirect_stdout(StringIO()) as stdout:
        output = use(TapSmokeball.plan, settings, state, catalog)
    output.stdout = stdout.getvalue()
    return output


def use(
    what: Callable[[TapSmokeball], object],
    settings: Json,
    state: Json | None = None,
    catalog: Json | None = None,
    writer: Collector | None = None,
) -> Output:
    """Use the tap as an object; what fails has status 1, what crashes status -9.

    A run that was told to stop has the status that its process would end with.
    """
    writer = writer or Collector(Output())
    output = writer.output
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        tap = TapSmokeball(
            config=dict(settings),
            state=json.loads(json.dumps(state)) if state else None,
            catalog=catalog or _core(),
            message_writer=writer,
        )
        what(tap)
    except StreamsFailedError as error:
        output.status, output.stderr = 1, str(error)
    except Crash:
        output.status = -signal.SIGKILL
    except SystemExit as stopped:
        output.status = int(stopped.code or 0)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return output


def cut_short(settings: Json, state: Json | None = None, catalog: Json | None = None) -> Output:
    """Run the tap with a limit that ends it while it reads the fees, on whatever machine."""
    for seconds in range(1, 60):
        output = run({**settings, "max_run_minutes": seconds / 60}, state, catalog)
        if "resume" in output.bookmark("fees"):
            break
    return output


CORE = ("matters", "fees")
"""Streams that most tests are about: a parent and what hangs below it."""


def catalog(
    deselect: Iterable[str] = (),
    select: Iterable[str] = (),
    metadata: dict[str, Json] | None = None,
    wanted: Iterable[str] = CORE,
) -> Json:
    """Return the discovered catalog with streams (``fees``) or columns (``fees.tax``) changed.

    Args:
        deselect: What is not wanted.
        select: What is wanted besides what is by default.
        metadata: Metadata to set on whole streams.
        wanted: The streams that are wanted, unless deselected.
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
    """Runs the tap as its users do."""

    folder: Path

    def files(self, settings: Json, state: Json | None, catalog: Json | None) -> list[str]:
        arguments = []
        contents = {"config": settings, "state": state, "catalog": catalog or _core()}
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
        done = self._done(settings, *arguments, state=state, catalog=catalog, more=environment)
        return Output.parse(done.stdout.splitlines(), done.returncode, done.stderr.decode())

    def text(
        self,
        settings: Json,
        *arguments: str,
        state: Json | None = None,
        catalog: Json | None = None,
    ) -> Output:
        """Run the tap with an option that makes it write text, not messages."""
        done = self._done(settings, *arguments, state=state, catalog=catalog)
        return Output([], done.returncode, done.stderr.decode(), done.stdout.decode())

    def _done(
        self,
        settings: Json,
        *arguments: str,
        state: Json | None,
        catalog: Json | None,
        more: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*TAP, *self.files(settings, state, catalog), *arguments],
            capture_output=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, **(more or {})},
        )

    def run_until(
        self,
        settings: Json,
        stop: Callable[[], bool],
        number: int,
        state: Json | None = None,
        catalog: Json | None = None,
    ) -> Output:
        """Run the tap and send it a signal once ``stop`` says so."""
        output, errors = self.folder / "out", self.folder / "err"
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [*TAP, *self.files(settings, state, catalog)],
                stdout=out,
                stderr=err,
                cwd=self.folder,
            )
            while process.poll() is None and not stop():
                pass
            process.send_signal(number)
            status = process.wait(timeout=60)
        lines = output.read_bytes().split(b"\n")[:-1]  # what was not finished is not a message
        return Output.parse(lines, status, errors.read_text())


def cli(*arguments: str, environment: dict[str, str] | None = None) -> Output:
    """Run the command line with nothing but arguments; standard output is not parsed."""
    done = subprocess.run(
        [*TAP, *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )
    output = Output(status=done.returncode, stderr=done.stderr)
    output.messages = [{"type": "TEXT", "text": done.stdout}]
    return output


@cache
def _core() -> Json:
    return catalog()


DEFAULT = [str(vars(cls)["name"]) for cls in streams.ALL if cls.selected_by_default]
"""Streams that are read unless the catalog says otherwise."""


def truth(sandbox: SandboxServer, resource: str) -> list[Json]:
    """Return every row that the sandbox has, as ``{"parent", "row", "updated"}``."""
    with urlopen(f"{sandbox.url}/_sandbox/rows?resource={resource}") as answer:  # noqa: S310
        return [decode(line) for line in answer.read().splitlines()]


def asked(sandbox: SandboxServer, template: str) -> int:
    """Return how many requests a path template has had since the last reset."""
    counts: dict[str, int] = sandbox.control.requests()["by_template"]
    return counts.get(template, 0)


MATTERS = "GET /matters"
FEES = "GET /matters/{matterId}/fees"
TOKEN = "POST /oauth2/token"  # noqa: S105 - a path


def by_id(rows: list[Json]) -> dict[Hashable, Json]:
    """Return rows by their ids, as the paginator wants to have them."""
    return {row["id"]: row for row in rows}
