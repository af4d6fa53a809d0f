"""What people see while a run lasts, on a terminal and elsewhere."""

from __future__ import annotations

import fcntl
import logging
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import pyte
import pytest

from tests.harness import (
    DEFAULT,
    FEES,
    TAP,
    TOKEN,
    Collector,
    Output,
    asked,
    catalog,
    config,
    run,
    use,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.tap import TapSmokeball
    from tests.conftest import StartFirm
    from tests.harness import Json, Process

pytestmark = pytest.mark.slow

WIDE, HIGH = 110, 24


class Terminal:
    """A pseudo terminal, and what its screen has shown."""

    def __init__(self, high: int = HIGH) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", high, WIDE, 0, 0))
        self._screen = pyte.HistoryScreen(WIDE, high, history=2000)
        self._stream = pyte.ByteStream(self._screen)
        self.frames: list[str] = []
        self.raw = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            self.raw += data
            self._stream.feed(data)
            self.frames.append("\n".join(self._screen.display))

    def close(self) -> None:
        os.close(self.slave)
        self._reader.join(timeout=10)
        os.close(self._master)

    @property
    def left_over(self) -> list[str]:
        """All lines that are still there at the end, those that scrolled away included."""
        above = [
            "".join(line[column].data for column in range(WIDE))
            for line in self._screen.history.top
        ]
        return [line.rstrip() for line in [*above, *self._screen.display]]

    def saw(self, pattern: str) -> bool:
        return any(re.search(pattern, frame, re.MULTILINE) for frame in self.frames)

    @property
    def cursor_is_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, high: int = HIGH) -> Iterator[Terminal]:
    """Make standard error a terminal, with log lines on it, for a run as an object."""
    shown = Terminal(high)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(WIDE))
    monkeypatch.setenv("LINES", str(high))
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(os.dup(shown.slave), "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        handler = logging.StreamHandler(stderr)
        logging.getLogger().addHandler(handler)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.INFO)
        try:
            yield shown
        finally:
            logging.getLogger().removeHandler(handler)
            logging.getLogger().setLevel(level)
            stderr.flush()
            assert handler.stream is stderr
            assert sys.stderr is stderr
            shown.close()


def test_a_display_on_a_terminal(start: StartFirm, process: Process) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=20)
    settings = config(firm, burst=1)
    shown = Terminal()
    out = process.folder / "out"
    environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "LINES", "COLUMNS"}}
    with out.open("wb") as stdout:
        done = subprocess.run(
            [*TAP, *process.files(settings, None, None)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=shown.slave,
            check=False,
            timeout=120,
            env={**environment, "TERM": "xterm-256color"},
        )
    shown.close()
    assert done.returncode == 0
    output = Output.parse(out.read_bytes().splitlines())
    assert len(output.records("fees")) == 60
    assert shown.saw(r"^fees .* \d+ rows +\d+ of 60 matters *$")
    assert shown.saw(
        r"^1 of 2 streams, \d+% done, [\d.]+ of 1000 requests/s, (\d+|under a) seconds? left *$"
    )
    assert not shown.cursor_is_hidden
    left = shown.left_over
    assert not any("streams, " in line or "of 60 matters" in line for line in left)
    assert sum("Beginning sync of 'fees'" in line for line in left) == 1
    table = left.index("stream   rows  requests  seconds  how it ended")
    assert [line.split()[:3] for line in left[table + 1 : table + 3]] == [
        ["matters", "60", "1"],
        ["fees", "60", "60"],
    ]


def test_log_lines_pass_above_it(start: StartFirm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm = start(matters=40, fees=1, exact_fees=True, latency_ms=20)
    long = "x" * (WIDE + 20)
    ids: list[str] = []

    def say(message: Json) -> None:
        if message["type"] == "RECORD" and message["stream"] == "fees":
            ids.append(message["record"]["id"])
            logging.getLogger("target").info("%s done", ids[-1])
            if len(ids) == 1:
                sys.stderr.write(f"a warning {long}\n")

    with terminal(monkeypatch) as shown:
        run(config(firm, burst=1), on_message=say)
    left = shown.left_over
    assert len(ids) == 40
    assert [line.split()[0] for line in left if line.endswith(" done")] == ids
    assert "".join(left).count(f"a warning {long}") == 1
    assert shown.saw(r"of 40 matters")
    assert not any("of 40 matters" in line for line in left)


def test_more_streams_than_lines(start: StartFirm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm = start(matters=25, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch, high=10) as shown:
        run(config(firm, burst=1), catalog=catalog(wanted=DEFAULT))
    assert shown.saw(r"^fees .* \d+ of 25 matters *$")
    assert shown.saw(rf"of {len(DEFAULT)} streams, ")
    assert not any("requests/s" in line for line in shown.left_over)


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", ""), ("LOGLEVEL", "ERROR")]
)
def test_none_where_it_is_not_wanted(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    firm = start(matters=12, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch) as shown:
        monkeypatch.setenv(name, value)
        if name == "LOGLEVEL":
            logging.getLogger().setLevel(value)
        run(config(firm, burst=1))
    assert b"\x1b" not in shown.raw
    assert b"requests/s" not in shown.raw


def test_none_where_the_messages_are_on_the_terminal_too(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = start(matters=12, fees=1, exact_fees=True, latency_ms=20)
    with (
        terminal(monkeypatch) as shown,
        os.fdopen(os.dup(shown.slave), "w") as stdout,
        redirect_stdout(stdout),
    ):
        run(config(firm, burst=1))
    assert b"\x1b" not in shown.raw


def test_a_crash_leaves_the_terminal_as_it_was(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = start(matters=30, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch) as shown:
        assert run(config(firm, burst=1), crash_at=55).status == -9
    assert shown.saw("of 30 matters")
    assert not shown.cursor_is_hidden
    assert not any("of 30 matters" in line for line in shown.left_over)


def test_the_forecast_is_what_a_run_then_takes(start: StartFirm) -> None:
    """Over all streams, and learned from what lies below the first matters."""
    firm = start(matters=60, fees=50)
    chosen = catalog(wanted=("matters", "fees", "expenses", "matter_roles", "tasks"))
    taps: list[TapSmokeball] = []
    expected: list[float | None] = []

    def look(message: Json) -> None:
        left = taps[0].run.requests_left
        if message["type"] == "RECORD":
            expected.append(None if left is None else left + taps[0].run.requests)

    def sync(tap: TapSmokeball) -> None:
        taps.append(tap)
        tap.sync_all()

    settings = config(firm, page_size=20)
    assert use(sync, settings, None, chosen, Collector(Output(), on_message=look)).status == 0
    total = firm.control.requests()["total"] - asked(firm, TOKEN)
    assert expected[0] is None  # the matters are not listed yet
    assert expected[-1] == pytest.approx(total, rel=0.01)
    assert expected[len(expected) // 2] == pytest.approx(total, rel=0.15)
    assert asked(firm, FEES) > 120
