"""The progress display of a run, on a terminal and elsewhere."""

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
    DEFAULT_STREAMS,
    FEES,
    TAP,
    TOKEN,
    CollectingWriter,
    Output,
    catalog,
    config,
    request_count,
    run,
    run_tap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.tap import TapSmokeball
    from tests.conftest import StartFirm
    from tests.harness import Json, Process

pytestmark = pytest.mark.slow

COLUMNS, LINES = 110, 24


class Terminal:
    """A pseudo terminal that records the frames of its screen."""

    def __init__(self, height: int = LINES) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, COLUMNS, 0, 0))
        self._screen = pyte.HistoryScreen(COLUMNS, height, history=2000)
        self._stream = pyte.ByteStream(self._screen)
        self.frames: list[str] = []
        self.raw_output = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            self.raw_output += data
            self._stream.feed(data)
            self.frames.append("\n".join(self._screen.display))

    def close(self) -> None:
        os.close(self.slave)
        self._reader.join(timeout=10)
        os.close(self._master)

    @property
    def final_lines(self) -> list[str]:
        """The lines at the end, including those that have scrolled off the screen."""
        above = [
            "".join(line[column].data for column in range(COLUMNS))
            for line in self._screen.history.top
        ]
        return [line.rstrip() for line in [*above, *self._screen.display]]

    def has_shown(self, pattern: str) -> bool:
        return any(re.search(pattern, frame, re.MULTILINE) for frame in self.frames)

    @property
    def cursor_is_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, height: int = LINES) -> Iterator[Terminal]:
    """Make standard error a terminal with log lines, for a run in this process."""
    screen = Terminal(height)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("LINES", str(height))
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(os.dup(screen.slave), "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        handler = logging.StreamHandler(stderr)
        logging.getLogger().addHandler(handler)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.INFO)
        try:
            yield screen
        finally:
            logging.getLogger().removeHandler(handler)
            logging.getLogger().setLevel(level)
            stderr.flush()
            assert handler.stream is stderr
            assert sys.stderr is stderr
            screen.close()


def test_progress_display_updates_on_terminal(start: StartFirm, process: Process) -> None:
    """The display shows streams and a total, and makes way for the summary."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=20)
    settings = config(firm, burst=1)
    screen = Terminal()
    out = process.folder / "out"
    unwanted = {"NO_COLOR", "LINES", "COLUMNS", "LOGLEVEL", "TAP_SMOKEBALL_LOGLEVEL"}
    environment = {k: v for k, v in os.environ.items() if k not in unwanted}
    with out.open("wb") as stdout:
        done = subprocess.run(
            [*TAP, *process.file_arguments(settings, None, None)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=screen.slave,
            check=False,
            timeout=120,
            env={**environment, "TERM": "xterm-256color"},
        )
    screen.close()
    assert done.returncode == 0
    output = Output.parse(out.read_bytes().splitlines())
    assert len(output.records("fees")) == 60
    assert screen.has_shown(r"^fees .* \d+ rows +\d+ of 60 matters *$")
    assert screen.has_shown(
        r"^1 of 2 streams, \d+% done, [\d.]+ of 1000 requests per second, latency \d+ ms, "
        r"(\d+|under a) seconds? left *$"
    )
    assert not screen.cursor_is_hidden
    final_lines = screen.final_lines
    assert not any("streams, " in line or "of 60 matters" in line for line in final_lines)
    table = final_lines.index("stream   rows  requests  seconds  status")
    assert final_lines[0].startswith("matters: the API sends fields")
    assert final_lines[table - 1] == "Run summary:"
    assert not any(re.search("METRIC|INFO|sync of|Skipping", line) for line in final_lines)
    assert [line.split()[:3] for line in final_lines[table + 1 : table + 3]] == [
        ["matters", "60", "1"],
        ["fees", "60", "60"],
    ]
    assert [line for line in final_lines[table + 3 :] if line][1:] == [
        "Next: pass the last state that the target printed to the next run with --state."
    ]


def test_progress_display_keeps_log_lines_above(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log lines during the display stay on the screen, each once."""
    firm = start(matters=40, fees=1, exact_fees=True, latency_ms=20)
    long_text = "x" * (COLUMNS + 20)
    ids: list[str] = []

    def log_message(message: Json) -> None:
        if message["type"] == "RECORD" and message["stream"] == "fees":
            ids.append(message["record"]["id"])
            logging.getLogger("target").info("%s done", ids[-1])
            if len(ids) == 1:
                sys.stderr.write(f"a warning {long_text}\n")

    with terminal(monkeypatch) as screen:
        run(config(firm, burst=1), on_message=log_message)
    final_lines = screen.final_lines
    assert len(ids) == 40
    assert [line.split()[0] for line in final_lines if line.endswith(" done")] == ids
    assert "".join(final_lines).count(f"a warning {long_text}") == 1
    assert screen.has_shown(r"of 40 matters")
    assert not any("of 40 matters" in line for line in final_lines)


def test_progress_display_fits_short_terminal(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more streams than lines, the display still shows active streams."""
    firm = start(matters=25, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch, height=10) as screen:
        run(config(firm, burst=1), catalog=catalog(wanted=DEFAULT_STREAMS))
    assert screen.has_shown(r"^fees .* \d+ of 25 matters *$")
    assert screen.has_shown(rf"of {len(DEFAULT_STREAMS)} streams, ")
    assert not any("requests per second" in line for line in screen.final_lines)


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", ""), ("LOGLEVEL", "ERROR")]
)
def test_progress_display_respects_opt_out(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    firm = start(matters=12, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch) as screen:
        monkeypatch.setenv(name, value)
        if name == "LOGLEVEL":
            logging.getLogger().setLevel(value)
        run(config(firm, burst=1))
    assert b"\x1b" not in screen.raw_output
    assert b"requests per second" not in screen.raw_output


def test_progress_display_is_off_if_stdout_is_tty(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = start(matters=12, fees=1, exact_fees=True, latency_ms=20)
    with (
        terminal(monkeypatch) as screen,
        os.fdopen(os.dup(screen.slave), "w") as stdout,
        redirect_stdout(stdout),
    ):
        run(config(firm, burst=1))
    assert b"\x1b" not in screen.raw_output


def test_progress_display_ends_cleanly_on_crash(
    start: StartFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = start(matters=30, fees=1, exact_fees=True, latency_ms=20)
    with terminal(monkeypatch) as screen:
        assert run(config(firm, burst=1), crash_at=55).status == -9
    assert screen.has_shown("of 30 matters")
    assert not screen.cursor_is_hidden
    assert not any("of 30 matters" in line for line in screen.final_lines)


def test_request_estimate_converges_to_actual(start: StartFirm) -> None:
    """The estimate learns from the first matters and ends within 1%."""
    firm = start(matters=60, fees=50)
    selection = catalog(wanted=("matters", "fees", "expenses", "matter_roles", "tasks"))
    taps: list[TapSmokeball] = []
    estimates: list[float | None] = []

    def record_estimate(message: Json) -> None:
        remaining = taps[0].session.status.requests_left
        if message["type"] == "RECORD":
            estimates.append(
                None if remaining is None else remaining + taps[0].session.status.requests
            )

    def sync(tap: TapSmokeball) -> None:
        taps.append(tap)
        tap.run_streams()

    settings = config(firm, page_size=20)
    assert (
        run_tap(
            sync, settings, None, selection, CollectingWriter(Output(), on_message=record_estimate)
        ).status
        == 0
    )
    total = firm.control.requests()["total"] - request_count(firm, TOKEN)
    assert estimates[0] is None  # the matters are not listed yet
    assert estimates[-1] == pytest.approx(total, rel=0.01)
    assert estimates[len(estimates) // 2] == pytest.approx(total, rel=0.15)
    assert request_count(firm, FEES) > 120
