"""``tap-smokeball-login`` at a terminal, and the file that it writes."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import stat
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest
import requests
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_smokeball.login.env_file import EnvFile, EnvFileError
from tests.login_helpers import LOGIN, code_in, decide

if TYPE_CHECKING:
    from pathlib import Path

    from tests.login_helpers import Desk

pytestmark = pytest.mark.slow


class Terminal:
    """A sign-in at a terminal, which shows what is typed unless it is told not to."""

    def __init__(self, desk: Desk, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.screen, self._seen = "", 0
        # The first terminal that a new session opens is the one that it asks for secrets.
        script = 'exec "$@" <> "$0" >&0 2>&0'
        self._process = desk.processes.enter_context(
            subprocess.Popen(
                ["/bin/sh", "-c", script, os.ttyname(slave), *LOGIN, *arguments],
                cwd=desk.folder,
                env=desk.environment,
                start_new_session=True,
            )
        )
        desk.processes.callback(self._process.kill)
        self._slave = slave  # kept open until the other side has it

    def until(self, text: str) -> None:
        """Read up to the next such text."""
        while text not in self.screen[self._seen :] and self.read():
            pass
        assert text in self.screen[self._seen :], self.screen
        self._seen = self.screen.index(text, self._seen) + len(text)

    def type(self, text: str) -> None:
        os.write(self._master, f"{text}\n".encode())

    def type_hidden(self, text: str) -> None:
        """Type once nothing is shown: what is typed before that is thrown away."""
        while termios.tcgetattr(self._slave)[3] & termios.ECHO:
            time.sleep(0.01)
        self.type(text)

    def interrupt(self) -> None:
        """Do what Ctrl-C does, and again if it was not heard.

        Python's input() swallows one that comes while it still shows its question.
        """
        while self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)

    def read(self) -> bool:
        while not select.select([self._master], [], [], 1)[0]:
            if self._process.poll() is not None:
                return False
        try:
            data = os.read(self._master, 1000)
        except OSError:  # the other side is closed
            return False
        self.screen += data.decode()
        return bool(data)

    def end(self) -> int:
        os.close(self._slave)
        while self.read():
            pass
        os.close(self._master)
        return self._process.wait(timeout=60)


class TestAtATerminal:
    def test_what_is_missing_is_asked_for(self, desk: Desk) -> None:
        known = desk.firm.credentials
        desk.note(client_id=None, client_secret=None, api_key=None, refresh_token=None)
        terminal = Terminal(desk, "--no-browser", f"--port={desk.port}")
        for question, answer in (
            ("Client id", known["client_id"]),
            ("Client secret", known["client_secret"]),
            ("API key", known["api_key"]),
        ):
            terminal.until(question)
            terminal.until(": ")
            (terminal.type if question == "Client id" else terminal.type_hidden)(answer)
        terminal.until("Waiting for the sign-in")
        address = next(line for line in terminal.screen.split() if "/authorize?" in line)
        back = decide(address, "allow")
        requests.get(back, timeout=10)
        assert terminal.end() == 0, terminal.screen
        assert known["client_id"] in terminal.screen
        for canary in {*desk.canaries(), code_in(back)}:
            assert canary not in terminal.screen
        assert desk.tap().status == 0

    def test_the_region_is_asked_for_and_nothing_is_written_if_one_leaves(self, desk: Desk) -> None:
        desk.note(auth_url=None, client_id=None)
        before = desk.file.read_bytes()
        terminal = Terminal(desk, "--no-browser")
        terminal.until("Region of the firm's account (us, au, uk) [us]: ")
        terminal.type("nowhere")
        terminal.until("[us]: ")
        terminal.type("au")
        terminal.until("[production]: ")
        terminal.interrupt()
        assert terminal.end() == 130
        assert "Nothing was written" in terminal.screen
        assert desk.file.read_bytes() == before

    def test_a_redirect_uri_of_another_machine_is_pasted(self, desk: Desk) -> None:
        uri = "https://firm.example/callback"
        desk.firm.control.settings(redirect_uris=[uri])
        terminal = Terminal(desk, "--no-browser", f"--redirect-uri={uri}")
        terminal.until("paste its whole address")
        terminal.until(": ")
        address = next(line for line in terminal.screen.split() if "/authorize?" in line)
        back = decide(address, "allow")
        assert back.startswith(uri)
        terminal.type_hidden(uri)
        terminal.until("That is not where this sign-in ended")
        terminal.until(": ")
        terminal.type_hidden(back)
        assert terminal.end() == 0, terminal.screen
        assert code_in(back) not in terminal.screen
        assert desk.tap().status == 0


LINES = st.sampled_from(
    [
        "# a comment",
        "",
        "export A=1",
        "B='two words'",
        'C="a # b" # and more',
        "D=${A}",
        "not a line of a .env",
        "E=",
        "é = ü",
        "TAP_SMOKEBALL_OTHER=x",
        'MANY="\nlines\n"',
    ]
)
OLD = st.sampled_from(
    [
        "TAP_SMOKEBALL_CLIENT_SECRET=old",
        "export TAP_SMOKEBALL_CLIENT_SECRET = 'old'",
        "TAP_SMOKEBALL_CLIENT_SECRET",
        "# TAP_SMOKEBALL_CLIENT_SECRET=",
    ]
)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).filter(
    lambda value: "${" not in value
)


@settings(deadline=None)
@given(lines=st.lists(LINES | OLD), last=st.sampled_from(["", "\n"]), value=VALUES)
def test_the_file_keeps_its_other_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], last: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text("\n".join(lines) + last)
    before = dotenv_values(path)
    EnvFile(path).write({"TAP_SMOKEBALL_CLIENT_SECRET": value})
    after = dotenv_values(path)
    assert after.pop("TAP_SMOKEBALL_CLIENT_SECRET") == value
    before.pop("TAP_SMOKEBALL_CLIENT_SECRET", None)
    assert after == before
    others = [line for line in lines if "CLIENT_SECRET" not in line or line.startswith("#")]
    kept = path.read_text().splitlines()
    assert all(part in kept for line in others for part in line.splitlines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [".env"]


def test_a_value_that_the_file_would_change_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    with pytest.raises(EnvFileError, match="cannot hold"):
        EnvFile(path).write({"TAP_SMOKEBALL_CLIENT_SECRET": "${A}"})
    assert path.read_text() == "A=1\n"
