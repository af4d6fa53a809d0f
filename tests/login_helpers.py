"""Somebody who signs in: the command as a process, with the test for a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from dotenv import dotenv_values

from tests.harness import Process, config
from tests.webdriver import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Output

LOGIN = [sys.executable, "-m", "tap_smokeball.login"]
CANARY = "c4nary-value"
KEPT = "# by hand: $HOME 'quoted'\n\nexport OTHER=\"a # b\"\nTAP_SMOKEBALL_BURST=5 # mine\n"


def is_canary(name: str) -> bool:
    return name in {"api_key", "client_secret", "refresh_token"}


class Login:
    """A sign-in that waits for its user."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._errors = folder / "errors"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env=environment,
                text=True,
            )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()

    def decide(self, decision: str = "allow") -> str:
        """Press a button; return where the browser is sent."""
        return decide(self.address, decision)

    def come_back(self, uri: str, **more: Any) -> requests.Response:
        return requests.get(uri, timeout=10, allow_redirects=False, **more)

    def end(self) -> tuple[int, str]:
        """Return the exit status and all that was on the screen."""
        with self.process as process:
            assert process.stdout
            rest = process.stdout.read()
            status = process.wait(timeout=60)
        return status, f"{self.address}\n{rest}{self._errors.read_text()}"

    def close(self) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        with self.process:
            pass


def decide(address: str, decision: str) -> str:
    page = requests.get(address, timeout=10)
    assert page.status_code == 200
    assert f'value="{decision}"' in page.text
    answer = requests.post(address, {"decision": decision}, timeout=10, allow_redirects=False)
    assert answer.status_code == 302
    return answer.headers["Location"]


class Desk:
    """Somebody at a machine, in a folder with a ``.env``, and a port that the app knows."""

    def __init__(self, firm: SandboxServer, folder: Path) -> None:
        self.firm = firm
        self.folder = folder
        self.file = folder / ".env"
        self.port = free_port()
        self.redirect_uri = f"http://localhost:{self.port}/callback"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TAP_SMOKEBALL_") and name not in {"DISPLAY", "WAYLAND_DISPLAY"}
        }
        self.processes = ExitStack()
        firm.control.settings(redirect_uris=[self.redirect_uri])
        self.note(refresh_token=None)

    def note(self, **more: str | None) -> None:
        """Write the ``.env``."""
        whole = {**config(self.firm), **more}
        lines = [f"TAP_SMOKEBALL_{k.upper()}={v}\n" for k, v in whole.items() if v is not None]
        self.file.write_text(KEPT + "".join(lines))

    def start(self, *arguments: str, **variables: str) -> Login:
        arguments = arguments or ("--no-browser", f"--port={self.port}")
        login = Login([*LOGIN, *arguments], self.folder, {**self.environment, **variables})
        self.processes.callback(login.close)
        return login

    def refused(self, *arguments: str, **variables: str) -> str:
        """Let a sign-in fail before anybody is asked; return what was said."""
        before = self.file.read_bytes() if self.file.is_file() else None
        login = self.start(*arguments, **variables)
        status, screen = login.end()
        assert (status, login.address) == (1, "")
        assert before == (self.file.read_bytes() if self.file.is_file() else None)
        return screen

    def value(self, name: str) -> str | None:
        return dotenv_values(self.file).get(f"TAP_SMOKEBALL_{name.upper()}")

    def tap(self) -> Output:
        process = Process(self.folder)
        return process.run({}, "--config=ENV")

    def canaries(self) -> set[str]:
        """What must not be on the screen."""
        hidden = {value for name, value in self.firm.credentials.items() if is_canary(name)}
        return hidden | set(self.firm.control.tokens())


@pytest.fixture
def desk(firm: SandboxServer, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(firm, tmp_path)
    with desk.processes:
        yield desk


def code_in(uri: str) -> str:
    return parse_qs(urlsplit(uri).query)["code"][0]
