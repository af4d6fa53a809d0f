"""``tap-smokeball-login``: what other users and programs of the machine cannot do."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import requests
from dotenv import dotenv_values

from smokeball_sandbox import auth
from tests.harness import Process, config, sandbox_rows
from tests.login_helpers import CANARY, LOGIN, Browser, consent

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.login_helpers import LoginDriver

pytestmark = pytest.mark.slow

SERVICE_USER = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

BROWSER_SCRIPT = """
import json, os, pathlib, sys
pathlib.Path({path!r}).write_text(json.dumps([sys.argv, dict(os.environ)]))
"""


class TestBrowser:
    def test_command_line_and_environment_are_safe(self, login_driver: LoginDriver) -> None:
        """The browser gets no secret, and its command line holds nothing that helps a thief."""
        seen, script = login_driver.folder / "seen.json", login_driver.folder / "browser.py"
        script.write_text(BROWSER_SCRIPT.format(path=str(seen)))
        variables = {
            "BROWSER": f"{sys.executable} {script} %s",
            "TAP_SMOKEBALL_CLIENT_SECRET": login_driver.firm.credentials["client_secret"],
            "TARGET_POSTGRES_PASSWORD": CANARY,
            "AWS_SESSION_X": CANARY,
        }
        login = login_driver.start(f"--port={login_driver.port}", **variables)
        authorization_url = login.browser.start(login.start_url)
        login.browser.get(consent(authorization_url))
        status, screen = login.wait()
        assert status == 0, screen
        arguments, environment = json.loads(seen.read_text())
        assert login.start_url in arguments
        assert not any(name in " ".join(arguments) for name in ("state", "challenge", "authorize"))
        assert {"PATH", "BROWSER"} <= environment.keys()
        values = " ".join(environment.values())
        assert CANARY not in values
        assert not any(secret in values for secret in login_driver.secret_values())

    def test_code_from_other_browser_is_rejected(self, login_driver: LoginDriver) -> None:
        """State and challenge alone do not suffice for a redirect."""
        login = login_driver.start()
        authorization_url = login.browser.start(login.start_url)
        stolen = consent(authorization_url)
        assert requests.get(stolen, timeout=10).status_code == 400
        wrong_cookie = {"Cookie": "tap-smokeball-sign-in=é".encode("latin-1").decode("latin-1")}
        assert Browser().get(stolen, headers=wrong_cookie).status_code == 400
        assert login.browser.get(consent(authorization_url)).status_code == 200
        assert login.wait()[0] == 0

    def test_second_browser_stops_sign_in(self, login_driver: LoginDriver) -> None:
        """If somebody else opened the start page first, the user sees it."""
        before = login_driver.file.read_bytes()
        login = login_driver.start()
        thief = Browser()
        thief.start(login.start_url)
        page = login.browser.get(login.start_url)
        assert page.status_code == 409
        assert "Location" not in page.headers
        assert "the sign-in was stopped" in page.text
        status, screen = login.wait()
        assert status == 1
        assert "The start page was opened in a second browser, or by somebody else" in screen
        assert login_driver.file.read_bytes() == before

    def test_start_page_reloads_in_same_browser(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        prefetch = Browser().get(login.start_url, headers={"Sec-Purpose": "prefetch;prerender"})
        assert prefetch.status_code == 503
        assert login.browser.start(login.start_url) == login.browser.start(login.start_url)
        login.sign_in()
        assert login.wait()[0] == 0

    def test_foreign_redirects_are_counted(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        for _ in range(50):
            requests.get(f"{login_driver.redirect_uri}?code=a&state=b", timeout=10)
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert screen.count("Ignored a redirect") == 1
        assert "Ignored 50 redirects from other sign-ins." in screen

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_both_addresses_of_localhost_are_taken(
        self, login_driver: LoginDriver, address: str
    ) -> None:
        """A browser tries both, so that another program must not have one of them."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.create_server((address, login_driver.port), family=family):
            assert f"Port {login_driver.port} is not available" in login_driver.fail_early()
        login = login_driver.start()
        with pytest.raises(OSError, match="in use"):
            socket.create_server((address, login_driver.port), family=family)
        login.sign_in()
        assert login.wait()[0] == 0


class TestIdentity:
    def test_user_and_firm_are_shown(self, login_driver: LoginDriver) -> None:
        [firm] = sandbox_rows(login_driver.firm, "firm")
        login = login_driver.start()
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert (
            f"Signed in as {auth.USER_EMAIL}, firm {firm['row']['name']} (id {firm['row']['id']})."
            in screen
        )

    def test_unknown_user_and_firm_are_said(self, login_driver: LoginDriver) -> None:
        login_driver.firm.control.settings(id_tokens=False, scopes=["matters/read"])
        login = login_driver.start()
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert "(the token does not name the user); the firm is unknown: 403 access" in screen


class TestEnvFile:
    @needs_root
    def test_file_of_other_user_above_is_refused(self, login_driver: LoginDriver) -> None:
        """Its addresses would get the tokens: neither the sign-in nor the tap reads it."""
        os.chown(login_driver.file, SERVICE_USER, SERVICE_USER)
        below = login_driver.folder / "below"
        below.mkdir()
        login = login_driver.start_command([*LOGIN, "--no-browser"], below)
        status, screen = login.wait()
        assert (status, login.start_url) == (1, "")
        assert f"belongs to another user (id {SERVICE_USER}), so it is not read" in screen
        output = Process(below).run({}, "--config=ENV")
        assert output.status == 1
        assert f"{login_driver.file}: belongs to another user" in output.stderr
        assert login_driver.firm.control.requests()["total"] == 0

    def test_file_that_all_can_change_is_refused(self, login_driver: LoginDriver) -> None:
        login_driver.file.chmod(0o666)
        assert "can be changed by every user of this machine" in login_driver.fail_early()
        output = login_driver.run_tap()
        assert output.status == 1
        assert f"{login_driver.file}: can be changed by every user" in output.stderr
        login_driver.file.chmod(0o664)
        login = login_driver.start()
        login.sign_in()
        assert login.wait()[0] == 0

    @needs_root
    def test_link_of_other_user_is_refused(self, login_driver: LoginDriver) -> None:
        real = login_driver.file.rename(login_driver.folder / "real.env")
        login_driver.file.symlink_to(real)
        os.chown(login_driver.file, SERVICE_USER, SERVICE_USER, follow_symlinks=False)
        assert "belongs to another user" in login_driver.fail_early()

    @needs_root
    def test_root_leaves_file_to_service(self, login_driver: LoginDriver) -> None:
        """In the folder of the service, its file keeps its owner, and the mode for its group."""
        for path in (login_driver.folder, login_driver.file):
            os.chown(path, SERVICE_USER, SERVICE_USER)
        login_driver.file.chmod(0o644)
        login = login_driver.start()
        login.sign_in()
        status, screen = login.wait()
        assert status == 0, screen
        found = login_driver.file.stat()
        assert (found.st_uid, found.st_gid) == (SERVICE_USER, SERVICE_USER)
        assert stat.S_IMODE(found.st_mode) == 0o640
        assert "now belongs to" not in screen
        new = ("--no-browser", f"--port={login_driver.port}", "--env-file=new.env")
        variables = dotenv_values(login_driver.file)
        login = login_driver.start(*new, **{k: v for k, v in variables.items() if v})
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert f"new.env now belongs to user 0, not {SERVICE_USER}. Give it back" in screen

    def test_newline_in_secret_is_stripped(self, login_driver: LoginDriver) -> None:
        secret = login_driver.firm.credentials["client_secret"]
        login_driver.write_env_file(client_secret=f'"{secret}\\n"', refresh_token=None)
        login = login_driver.start()
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert "client_secret: had space or line breaks around it" in screen
        assert secret not in screen

    def test_refresh_token_file_gets_new_token(self, login_driver: LoginDriver) -> None:
        """A file of an earlier sign-in does not override the new one."""
        path = login_driver.folder / "token.json"
        path.write_text("token-of-an-earlier-sign-in")
        login_driver.write_env_file(refresh_token=None, refresh_token_file=str(path))
        login = login_driver.start()
        login.sign_in()
        assert login.wait()[0] == 0
        assert json.loads(path.read_text())["refresh_token"] == login_driver.value("refresh_token")
        assert login_driver.run_tap().status == 0

    def test_unwritable_token_file_is_reported_first(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(refresh_token=None, refresh_token_file=__file__ + "/x")
        assert "refresh_token_file: cannot be opened" in login_driver.fail_early()


def test_env_file_outside_is_ignored_without_env(firm: SandboxServer, tmp_path: Path) -> None:
    """A run that does not read the environment does not mind the file."""
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".env").chmod(0o666)
    assert Process(tmp_path).run(config(firm)).status == 0
