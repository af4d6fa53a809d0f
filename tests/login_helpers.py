"""Runs ``tap-smokeball-login`` as a process and plays its user's part in the browser."""

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

from tests.forked_process import ForkedProcess
from tests.harness import Process, config
from tests.webdriver import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Output

LOGIN = [sys.executable, "-m", "tap_smokeball.login"]
CANARY = "c4nary-value"
EXISTING_LINES = (
    "# by hand: $HOME 'quoted'\n\nexport OTHER=\"a # b\"\nTAP_SMOKEBALL_BURST=5 # comment\n"
)
_UNSET_PREFIXES = ("TAP_SMOKEBALL_", "OAUTHLIB_", "DISPLAY", "WAYLAND_DISPLAY")


class LoginProcess:
    """A running sign-in, whose start page is printed already."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._errors = folder / "errors"
        start = ForkedProcess if command[: len(LOGIN)] == LOGIN else subprocess.Popen
        with self._errors.open("wb") as errors:
            self.process = start(
                command, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=environment
            )
        assert self.process.stdout
        self._stdout = self.process.stdout
        self.start_url = self._stdout.readline().decode().strip()
        self.browser = Browser()

    def consent(self, decision: str = "allow") -> str:
        """Press a button of the consent page; return the redirect's URI."""
        return self.browser.consent(self.start_url, decision)

    def follow_redirect(self, uri: str, **options: Any) -> requests.Response:
        return self.browser.get(uri, **options)

    def sign_in(self) -> None:
        """Do all that the user does."""
        self.follow_redirect(self.consent())

    def wait(self) -> tuple[int, str]:
        """Return the exit status and the whole output."""
        with self._stdout:
            rest = self._stdout.read().decode()
        status = self.process.wait(timeout=60)
        return status, f"{self.start_url}\n{rest}{self._errors.read_text()}"

    def kill(self) -> None:
        self._stdout.close()
        self.process.kill()
        self.process.wait()


class Browser:
    """The cookies of a browser, and its user."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def get(self, uri: str, **options: Any) -> requests.Response:
        return self._session.get(uri, timeout=10, allow_redirects=False, **options)

    def start(self, start_url: str) -> str:
        """Open the start page; return the authorization URL that it redirects to."""
        response = self.get(start_url)
        assert response.status_code == 302, response.text
        return response.headers["Location"]

    def consent(self, start_url: str, decision: str = "allow") -> str:
        return consent(self.start(start_url), decision)


def consent(authorization_url: str, decision: str = "allow") -> str:
    page = requests.get(authorization_url, timeout=10)
    assert page.status_code == 200
    assert f'value="{decision}"' in page.text
    response = requests.post(
        authorization_url, {"decision": decision}, timeout=10, allow_redirects=False
    )
    assert response.status_code == 302
    return response.headers["Location"]


class LoginDriver:
    """Starts sign-ins in a folder with a ``.env``, on a port that the app has registered."""

    def __init__(self, firm: SandboxServer, folder: Path) -> None:
        self.firm = firm
        self.folder = folder
        self.file = folder / ".env"
        self.port = free_port()
        self.redirect_uri = f"http://localhost:{self.port}/callback"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_UNSET_PREFIXES)
        }
        self.processes = ExitStack()
        firm.control.settings(redirect_uris=[self.redirect_uri])
        self.write_env_file(refresh_token=None)

    def write_env_file(self, **settings: str | None) -> None:
        """Write the sandbox's settings, changed by ``settings``; None leaves one out."""
        merged = {**config(self.firm), **settings}
        lines = [f"TAP_SMOKEBALL_{k.upper()}={v}\n" for k, v in merged.items() if v is not None]
        self.file.write_text(EXISTING_LINES + "".join(lines))

    def start(self, *arguments: str, **variables: str) -> LoginProcess:
        arguments = arguments or ("--no-browser", f"--port={self.port}")
        return self.start_command([*LOGIN, *arguments], self.folder, **variables)

    def start_command(self, command: list[str], folder: Path, **variables: str) -> LoginProcess:
        login = LoginProcess(command, folder, {**self.environment, **variables})
        self.processes.callback(login.kill)
        return login

    def fail_early(self, *arguments: str, **variables: str) -> str:
        """Run a sign-in that fails before it prints a URL; return its output."""
        before = self.file.read_bytes() if self.file.is_file() else None
        login = self.start(*arguments, **variables)
        status, screen = login.wait()
        assert (status, login.start_url) == (1, "")
        assert before == (self.file.read_bytes() if self.file.is_file() else None)
        return screen

    def value(self, name: str) -> str | None:
        return dotenv_values(self.file).get(f"TAP_SMOKEBALL_{name.upper()}")

    def run_tap(self) -> Output:
        process = Process(self.folder)
        return process.run({}, "--config=ENV")

    def secret_values(self) -> set[str]:
        """Return the values that no output may hold."""
        names = {"api_key", "client_secret", "refresh_token"}
        secrets = {value for name, value in self.firm.credentials.items() if name in names}
        return secrets | set(self.firm.control.tokens())


@pytest.fixture
def login_driver(firm: SandboxServer, tmp_path: Path) -> Iterator[LoginDriver]:
    driver = LoginDriver(firm, tmp_path)
    with driver.processes:
        yield driver


def code_from(uri: str) -> str:
    return parse_qs(urlsplit(uri).query)["code"][0]
