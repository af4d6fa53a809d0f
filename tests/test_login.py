"""``tap-smokeball-login``: the command as a process, with the test for a browser."""

from __future__ import annotations

import socket
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import requests
from dotenv import dotenv_values

from tests.harness import TOKEN, config
from tests.login_helpers import CANARY, LOGIN, Login, code_in
from tests.webdriver import DRIVER, browser

if TYPE_CHECKING:
    from tests.login_helpers import Desk

pytestmark = pytest.mark.slow


class TestSigningIn:
    def test_what_it_notes_runs_the_tap(self, desk: Desk) -> None:
        desk.file.chmod(0o644)
        before = desk.file.read_text()
        login = desk.start()
        back = login.decide()
        assert back.startswith(f"{desk.redirect_uri}?code=")
        page = login.come_back(back)
        assert page.status_code == 200
        assert "You can close this window" in page.text
        assert code_in(back) not in page.text
        status, screen = login.end()
        assert status == 0, screen
        assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
        assert desk.file.read_text().startswith(before)
        assert desk.value("refresh_token") in desk.firm.control.tokens()
        for canary in {*desk.canaries(), code_in(back)}:
            assert canary not in screen
        assert "tap-smokeball --config=ENV --test" in screen
        desk.firm.control.reset_requests()
        output = desk.tap()
        assert (output.status, len(output.records("matters"))) == (0, 12)
        assert "The refresh token" not in output.stderr
        assert desk.firm.control.requests()["by_template"][TOKEN] == 1

    def test_again_when_the_token_has_ended(self, desk: Desk) -> None:
        desk.note(refresh_token_issued_at="2026-01-01")  # noqa: S106 - a day
        for _ in range(2):
            login = desk.start()
            login.come_back(login.decide())
            assert login.end()[0] == 0
        lines = desk.file.read_text().splitlines()
        assert sum(line.startswith("TAP_SMOKEBALL_REFRESH_TOKEN=") for line in lines) == 1
        assert not (desk.value("refresh_token_issued_at") or "").startswith("2026-01-01")

    def test_an_app_without_a_secret(self, desk: Desk) -> None:
        desk.note(client_secret=None, **{**desk.firm.public_credentials, "refresh_token": None})
        login = desk.start()
        login.come_back(login.decide())
        assert login.end()[0] == 0
        assert desk.tap().status == 0

    def test_a_file_that_is_not_there_yet(self, desk: Desk) -> None:
        variables = {f"TAP_SMOKEBALL_{k.upper()}": str(v) for k, v in config(desk.firm).items()}
        del variables["TAP_SMOKEBALL_REFRESH_TOKEN"]
        desk.file.unlink()
        arguments = ("--no-browser", f"--port={desk.port}", "--region=us", "--env-file=new.env")
        login = desk.start(*arguments, **variables)
        login.come_back(login.decide())
        assert login.end()[0] == 0
        new = desk.folder / "new.env"
        assert stat.S_IMODE(new.stat().st_mode) == 0o600
        # What the environment gives stays there.
        names = {"REGION", "REFRESH_TOKEN", "REFRESH_TOKEN_ISSUED_AT"}
        assert set(dotenv_values(new)) == {f"TAP_SMOKEBALL_{name}" for name in names}
        assert not desk.file.exists()
        assert {path.name for path in desk.folder.iterdir()} == {"new.env", "errors"}

    def test_the_file_that_the_tap_reads_and_no_other(self, desk: Desk) -> None:
        real = desk.file.rename(desk.folder / "real.env")
        desk.file.symlink_to(real)
        below = desk.folder / "below"
        below.mkdir()
        command = [*LOGIN, "--no-browser", f"--port={desk.port}"]
        login = Login(command, below, desk.environment)
        login.come_back(login.decide())
        assert login.end()[0] == 0
        assert desk.file.is_symlink()
        assert desk.value("refresh_token")
        assert [path.name for path in below.iterdir()] == ["errors"]

    def test_the_browser_is_opened(self, desk: Desk) -> None:
        script = desk.folder / "browser.py"
        script.write_text(
            "import sys, requests\nrequests.post(sys.argv[1], {'decision': 'allow'}, timeout=30)\n"
        )
        command = f"{sys.executable} {script} %s &"
        login = desk.start(f"--port={desk.port}", BROWSER=command)
        status, screen = login.end()
        assert status == 0, screen

    @pytest.mark.skipif(DRIVER is None, reason="needs chromedriver, and a browser for it")
    def test_a_real_browser(self, desk: Desk) -> None:
        login = desk.start()
        with browser(desk.folder / "profile") as window:
            window.open(login.address)
            assert desk.firm.credentials["client_id"] in window.text()
            window.click('button[value="allow"]')
            window.arrive(desk.redirect_uri)
            assert "You can close this window" in window.text()
        status, screen = login.end()
        assert status == 0, screen
        assert desk.tap().status == 0

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    def test_other_names_of_this_machine(self, desk: Desk, host: str) -> None:
        uri = f"http://{host}:{desk.port}/"
        desk.firm.control.settings(redirect_uris=[uri])
        login = desk.start("--no-browser", f"--redirect-uri={uri}")
        login.come_back(login.decide())
        assert login.end()[0] == 0

    def test_variables_that_would_win_over_the_file_are_pointed_out(self, desk: Desk) -> None:
        desk.note(refresh_token=None, access_token=CANARY)
        login = desk.start(TAP_SMOKEBALL_REFRESH_TOKEN=f"{CANARY}-2")
        login.come_back(login.decide())
        status, screen = login.end()
        assert status == 0
        assert "TAP_SMOKEBALL_REFRESH_TOKEN is also set in the environment" in screen
        assert "TAP_SMOKEBALL_ACCESS_TOKEN is set, and would be used instead" in screen
        assert CANARY not in screen


class TestOnlyTheAnswerThatIsAwaited:
    def test_others_are_turned_away(self, desk: Desk) -> None:
        login = desk.start()
        back = login.decide()
        for uri, host, status in (
            (back.replace("state=", "state=x"), None, 400),
            (back.split("&state", maxsplit=1)[0], None, 400),
            (f"{desk.redirect_uri}?error=access_denied", None, 400),
            (back, "evil.example", 403),
            (back, f"evil.example:{desk.port}", 403),
            (back.replace("/callback", "/callback/x"), None, 404),
            (back.replace("/callback", "/"), None, 404),
            (back.replace("/callback", "/favicon.ico"), None, 404),
        ):
            turned_away = login.come_back(uri, headers={"Host": host} if host else {})
            assert turned_away.status_code == status
            assert "You can close this window" not in turned_away.text
        assert requests.post(back, timeout=10).status_code == 501
        assert login.come_back(back).status_code == 200
        ended, screen = login.end()
        assert ended == 0, screen
        assert screen.count("its state is not ours") == 3

    def test_connections_that_say_nothing_do_not_delay_it(self, desk: Desk) -> None:
        login = desk.start()
        with socket.create_connection(("127.0.0.1", desk.port)):
            login.come_back(login.decide())
            assert login.end()[0] == 0

    def test_it_listens_to_this_machine_alone_and_no_longer_than_needed(self, desk: Desk) -> None:
        login = desk.start()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", desk.port), timeout=5)
        login.come_back(login.decide())
        assert login.end()[0] == 0
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", desk.port), timeout=5)
