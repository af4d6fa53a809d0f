"""``tap-smokeball-login``: sign-ins that succeed, and requests that the server ignores."""

from __future__ import annotations

import logging
import os
import socket
import stat
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from dotenv import dotenv_values

from tap_smokeball.api.transport import Transport
from tap_smokeball.login.command import build_settings
from tap_smokeball.login.grant import AuthorizationCodeGrant, StateMismatchError
from tests.harness import TOKEN, config
from tests.login_helpers import CANARY, LOGIN, code_from, consent
from tests.servers import ROOT
from tests.webdriver import DRIVER, open_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.login_helpers import LoginDriver

pytestmark = pytest.mark.slow


class TestSignIn:
    def test_saved_token_runs_the_tap(self, login_driver: LoginDriver) -> None:
        login_driver.file.chmod(0o644)
        before = login_driver.file.read_text()
        login = login_driver.start()
        redirect = login.consent()
        assert redirect.startswith(f"{login_driver.redirect_uri}?code=")
        page = login.follow_redirect(redirect)
        assert page.status_code == 200
        assert "You can close this tab" in page.text
        assert code_from(redirect) not in page.text
        status, screen = login.wait()
        assert status == 0, screen
        assert stat.S_IMODE(login_driver.file.stat().st_mode) == 0o600
        assert login_driver.file.read_text().startswith(before)
        assert login_driver.value("refresh_token") in login_driver.firm.control.tokens()
        for secret in {*login_driver.secret_values(), code_from(redirect)}:
            assert secret not in screen
        assert "tap-smokeball --config=ENV --test" in screen
        login_driver.firm.control.reset_requests()
        output = login_driver.run_tap()
        assert (output.status, len(output.records("matters"))) == (0, 12)
        assert "The refresh token" not in output.stderr
        assert login_driver.firm.control.requests()["by_template"][TOKEN] == 1

    def test_second_sign_in_replaces_token(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(refresh_token_issued_at="2026-01-01")  # noqa: S106 - a day
        for _ in range(2):
            login = login_driver.start()
            login.sign_in()
            assert login.wait()[0] == 0
        lines = login_driver.file.read_text().splitlines()
        assert sum(line.startswith("TAP_SMOKEBALL_REFRESH_TOKEN=") for line in lines) == 1
        assert not (login_driver.value("refresh_token_issued_at") or "").startswith("2026-01-01")

    def test_public_client_needs_no_secret(self, login_driver: LoginDriver) -> None:
        public = {**login_driver.firm.public_credentials, "refresh_token": None}
        login_driver.write_env_file(client_secret=None, **public)
        login = login_driver.start()
        login.sign_in()
        assert login.wait()[0] == 0
        assert login_driver.run_tap().status == 0

    def test_missing_env_file_is_created(self, login_driver: LoginDriver) -> None:
        settings = config(login_driver.firm)
        variables = {f"TAP_SMOKEBALL_{k.upper()}": str(v) for k, v in settings.items()}
        del variables["TAP_SMOKEBALL_REFRESH_TOKEN"]
        login_driver.file.unlink()
        arguments = ("--no-browser", f"--port={login_driver.port}")
        login = login_driver.start(*arguments, "--region=us", "--env-file=new.env", **variables)
        login.sign_in()
        assert login.wait()[0] == 0
        new = login_driver.folder / "new.env"
        assert stat.S_IMODE(new.stat().st_mode) == 0o600
        # Settings of the environment are not copied to the file.
        names = {"REGION", "REFRESH_TOKEN", "REFRESH_TOKEN_ISSUED_AT"}
        assert set(dotenv_values(new)) == {f"TAP_SMOKEBALL_{name}" for name in names}
        assert not login_driver.file.exists()
        assert {path.name for path in login_driver.folder.iterdir()} == {"new.env", "errors"}

    def test_linked_env_file_above_is_updated(self, login_driver: LoginDriver) -> None:
        real = login_driver.file.rename(login_driver.folder / "real.env")
        login_driver.file.symlink_to(real)
        below = login_driver.folder / "below"
        below.mkdir()
        command = [*LOGIN, "--no-browser", f"--port={login_driver.port}"]
        login = login_driver.start_command(command, below)
        login.sign_in()
        assert login.wait()[0] == 0
        assert login_driver.file.is_symlink()
        assert login_driver.value("refresh_token")
        assert [path.name for path in below.iterdir()] == ["errors"]

    def test_browser_opens_start_page(self, login_driver: LoginDriver) -> None:
        script = login_driver.folder / "browser.py"
        script.write_text(
            "import sys\nfrom tests.login_helpers import Browser\nbrowser = Browser()\n"
            "browser.get(browser.consent(sys.argv[1]))\n"
        )
        command = f"{sys.executable} {script} %s &"
        login = login_driver.start(
            f"--port={login_driver.port}", BROWSER=command, PYTHONPATH=str(ROOT)
        )
        status, screen = login.wait()
        assert status == 0, screen

    @pytest.mark.skipif(DRIVER is None, reason="needs chromedriver and a browser")
    def test_real_browser_completes_sign_in(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        with open_browser(login_driver.folder / "profile") as browser:
            browser.open(login.start_url)
            assert login_driver.firm.credentials["client_id"] in browser.text()
            browser.click('button[value="allow"]')
            browser.wait_for_url(login_driver.redirect_uri)
            assert "You can close this tab" in browser.text()
        status, screen = login.wait()
        assert status == 0, screen
        assert login_driver.run_tap().status == 0

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    def test_loopback_address_receives_code(self, login_driver: LoginDriver, host: str) -> None:
        uri = f"http://{host}:{login_driver.port}/"
        login_driver.firm.control.settings(redirect_uris=[uri])
        login = login_driver.start("--no-browser", f"--redirect-uri={uri}")
        login.sign_in()
        assert login.wait()[0] == 0

    def test_overriding_variables_are_reported(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(refresh_token=None, access_token=CANARY)
        login = login_driver.start(TAP_SMOKEBALL_REFRESH_TOKEN=f"{CANARY}-2")
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert "TAP_SMOKEBALL_REFRESH_TOKEN is also set in the environment" in screen
        assert "TAP_SMOKEBALL_ACCESS_TOKEN is set and takes precedence" in screen
        assert CANARY not in screen


class TestCallbackServer:
    def test_foreign_requests_are_rejected(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        redirect = login.consent()
        for uri, host, status in (
            (redirect.replace("state=", "state=x"), None, 400),
            (redirect.split("&state", maxsplit=1)[0], None, 400),
            (f"{login_driver.redirect_uri}?error=access_denied", None, 400),
            (redirect, "evil.example", 403),
            (redirect, f"evil.example:{login_driver.port}", 403),
            (redirect.replace("/callback", "/callback/x"), None, 404),
            (redirect.replace("/callback", "/"), None, 404),
            (redirect.replace("/callback", "/favicon.ico"), None, 404),
        ):
            rejected = login.follow_redirect(uri, headers={"Host": host} if host else {})
            assert rejected.status_code == status
            assert "You can close this tab" not in rejected.text
        assert requests.post(redirect, timeout=10).status_code == 501
        assert login.follow_redirect(redirect).status_code == 200
        exit_status, screen = login.wait()
        assert exit_status == 0, screen
        assert screen.count("Ignored a redirect from another sign-in") == 1
        assert "Ignored 3 redirects from other sign-ins." in screen

    def test_idle_connection_does_not_block(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        with socket.create_connection(("127.0.0.1", login_driver.port)):
            login.sign_in()
            assert login.wait()[0] == 0

    def test_port_is_local_and_closed_at_the_end(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", login_driver.port), timeout=5)
        login.sign_in()
        assert login.wait()[0] == 0
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", login_driver.port), timeout=5)


@contextmanager
def open_grant(driver: LoginDriver) -> Iterator[AuthorizationCodeGrant]:
    """Open a sign-in in this process."""
    settings = build_settings(config(driver.firm))
    transport = Transport(settings, logging.getLogger(__name__))
    with closing(transport):
        yield AuthorizationCodeGrant(settings, transport, driver.redirect_uri)


class TestAuthorizationCodeGrant:
    def test_grant_leaves_environment_unchanged(
        self, login_driver: LoginDriver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
        before = dict(os.environ)
        with open_grant(login_driver) as grant:
            assert dict(os.environ) == before
            grant.preflight()
            assert dict(os.environ) == before
            code = grant.extract_code(consent(grant.authorization_url))
            assert dict(os.environ) == before
            token = grant.exchange_code(code).refresh
        assert token in login_driver.firm.control.tokens()
        assert dict(os.environ) == before

    def test_process_leaves_environment_unchanged(self, login_driver: LoginDriver) -> None:
        program = (
            "import os; before = dict(os.environ)\n"
            "from tap_smokeball.login.command import login\n"
            "login(standalone_mode=False)\n"
            "print('changed:', set(os.environ.items()) ^ set(before.items()))\n"
        )
        arguments = ("--no-browser", f"--port={login_driver.port}")
        command = [sys.executable, "-c", program, *arguments]
        login = login_driver.start_command(command, login_driver.folder)
        login.sign_in()
        status, screen = login.wait()
        assert status == 0, screen
        assert "changed: set()\n" in screen

    @pytest.mark.parametrize("uri", ["", "paste", "http://[", "https://localhost/?code=a&state=b"])
    def test_unrelated_uri_is_a_state_mismatch(self, login_driver: LoginDriver, uri: str) -> None:
        with open_grant(login_driver) as grant, pytest.raises(StateMismatchError):
            grant.extract_code(uri)
