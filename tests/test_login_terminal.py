"""``tap-smokeball-login``: its prompts at a terminal, and its ``.env`` file."""

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
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from tap_smokeball.login.env_file import EnvFile, EnvFileError
from tests.login_helpers import LOGIN, Browser, code_from, consent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.login_helpers import LoginDriver

pytestmark = pytest.mark.slow


class Terminal:
    """A sign-in at a terminal, which echoes input unless a prompt hides it."""

    def __init__(self, login_driver: LoginDriver, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.screen, self._matched = "", 0
        # A new session prompts for secrets at the first terminal that it opens.
        script = 'exec "$@" <> "$0" >&0 2>&0'
        self._process = login_driver.processes.enter_context(
            subprocess.Popen(
                ["/bin/sh", "-c", script, os.ttyname(slave), *LOGIN, *arguments],
                cwd=login_driver.folder,
                env=login_driver.environment,
                start_new_session=True,
            )
        )
        login_driver.processes.callback(self._process.kill)
        self._slave = slave  # closing it before the child opens it would hang up

    def read_until(self, text: str) -> None:
        """Read up to the next occurrence of a text."""
        while text not in self.screen[self._matched :] and self.read():
            pass
        assert text in self.screen[self._matched :], self.screen
        self._matched = self.screen.index(text, self._matched) + len(text)

    def type(self, text: str) -> None:
        os.write(self._master, f"{text}\n".encode())

    def type_hidden(self, text: str) -> None:
        """Type once echo is off, because switching it off discards earlier input."""
        while termios.tcgetattr(self._slave)[3] & termios.ECHO:
            time.sleep(0.01)
        self.type(text)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends until the process ends.

        Python's input() ignores a signal that arrives while it prints its prompt.
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

    def wait(self) -> int:
        """Read the rest; return the exit status."""
        os.close(self._slave)
        while self.read():
            pass
        os.close(self._master)
        return self._process.wait(timeout=60)


class TestPrompts:
    def test_missing_settings_are_prompted_for(self, login_driver: LoginDriver) -> None:
        credentials = login_driver.firm.credentials
        login_driver.write_env_file(
            client_id=None, client_secret=None, api_key=None, refresh_token=None
        )
        terminal = Terminal(login_driver, "--no-browser", f"--port={login_driver.port}")
        for prompt, value in (
            ("Client ID", credentials["client_id"]),
            ("Client secret", credentials["client_secret"]),
            ("API key", credentials["api_key"]),
        ):
            terminal.read_until(prompt)
            terminal.read_until(": ")
            (terminal.type if prompt == "Client ID" else terminal.type_hidden)(value)
        terminal.read_until("Waiting up to 300 s for the sign-in")
        browser = Browser()
        url = next(line for line in terminal.screen.split() if "/start-" in line)
        redirect = browser.consent(url)
        browser.get(redirect)
        assert terminal.wait() == 0, terminal.screen
        assert credentials["client_id"] in terminal.screen
        for secret in {*login_driver.secret_values(), code_from(redirect)}:
            assert secret not in terminal.screen
        assert login_driver.run_tap().status == 0

    def test_interrupted_prompt_writes_nothing(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(auth_url=None, client_id=None)
        before = login_driver.file.read_bytes()
        terminal = Terminal(login_driver, "--no-browser")
        terminal.read_until("Region of the firm's account (us, au, uk) [us]: ")
        terminal.type("nowhere")
        terminal.read_until("[us]: ")
        terminal.type("au")
        terminal.read_until("[production]: ")
        terminal.interrupt()
        assert terminal.wait() == 130
        assert "Nothing was written" in terminal.screen
        assert login_driver.file.read_bytes() == before

    def test_remote_redirect_uri_is_pasted(self, login_driver: LoginDriver) -> None:
        uri = "https://firm.example/callback"
        login_driver.firm.control.settings(redirect_uris=[uri])
        terminal = Terminal(login_driver, "--no-browser", f"--redirect-uri={uri}")
        terminal.read_until("paste the final URL of the browser")
        terminal.read_until(": ")
        url = next(line for line in terminal.screen.split() if "/authorize?" in line)
        redirect = consent(url)
        assert redirect.startswith(uri)
        terminal.type_hidden(uri)
        terminal.read_until("This URL does not belong to this sign-in")
        terminal.read_until(": ")
        terminal.type_hidden(redirect)
        assert terminal.wait() == 0, terminal.screen
        assert code_from(redirect) not in terminal.screen
        assert login_driver.run_tap().status == 0


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


@given(lines=st.lists(LINES | OLD), last=st.sampled_from(["", "\n"]), value=VALUES)
def test_env_file_keeps_other_lines(
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


def test_env_file_rejects_unstorable_value(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    with pytest.raises(EnvFileError, match="cannot store a value"):
        EnvFile(path).write({"TAP_SMOKEBALL_CLIENT_SECRET": "${A}"})
    assert path.read_text() == "A=1\n"
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
