"""``tap-smokeball-login``: what can go wrong, told with what to do."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import TOKEN
from tests.login_helpers import CANARY, LOGIN, code_in
from tests.webdriver import free_port

if TYPE_CHECKING:
    from tests.login_helpers import Desk

pytestmark = pytest.mark.slow


class TestWhatGoesWrong:
    def test_a_redirect_uri_that_is_not_registered(self, desk: Desk) -> None:
        desk.firm.control.settings(redirect_uris=["http://localhost:8765/callback"])
        screen = desk.refused()
        assert (
            f"redirect_mismatch from the login: register the redirect URI {desk.redirect_uri}"
            in screen
        )

    def test_an_unknown_app(self, desk: Desk) -> None:
        screen = desk.refused("--no-browser", f"--port={desk.port}", "--client-id=nobody")
        assert "invalid_client from the login: check client_id" in screen

    def test_a_port_that_is_taken(self, desk: Desk) -> None:
        with socket.create_server(("127.0.0.1", desk.port)):
            screen = desk.refused()
        assert f"Port {desk.port} cannot be listened at" in screen
        assert "choose another by --port" in screen

    def test_a_login_that_cannot_be_reached(self, desk: Desk) -> None:
        screen = desk.refused(TAP_SMOKEBALL_AUTH_URL=f"http://127.0.0.1:{free_port()}")
        assert "no connection, tried 3 times" in screen

    def test_a_user_who_does_not_allow_it(self, desk: Desk) -> None:
        login = desk.start()
        page = login.come_back(login.decide("deny"))
        assert "Not signed in" in page.text
        status, screen = login.end()
        assert status == 1
        assert "access_denied from the login: the access was not allowed" in screen
        assert desk.value("refresh_token") is None

    @pytest.mark.parametrize("error", ["<script>", "x" * 50])
    def test_an_error_that_nobody_knows(self, desk: Desk, error: str) -> None:
        login = desk.start()
        state = login.decide("deny").split("state=")[1]
        query = {"error": error, "error_description": CANARY, "state": state}
        page = login.come_back(desk.redirect_uri, params=query)
        status, screen = login.end()
        assert status == 1
        assert "an error without a name from the login: run tap-smokeball-login again" in screen
        for text in (page.text, screen):
            assert error not in text
            assert CANARY not in text

    def test_neither_a_code_nor_an_error(self, desk: Desk) -> None:
        login = desk.start()
        login.come_back(f"{desk.redirect_uri}?state={login.decide().split('state=')[1]}")
        status, screen = login.end()
        assert status == 1
        assert "neither a code nor an error came back" in screen

    def test_a_code_that_has_ended(self, desk: Desk) -> None:
        login = desk.start()
        back = login.decide()
        desk.firm.control.settings(clock_offset_seconds=301)
        login.come_back(back)
        status, screen = login.end()
        assert status == 1
        assert "invalid_grant from the login: the code has ended" in screen
        assert desk.value("refresh_token") is None

    def test_a_wrong_secret(self, desk: Desk) -> None:
        desk.note(client_secret=CANARY, refresh_token=None)
        login = desk.start()
        login.come_back(login.decide())
        status, screen = login.end()
        assert status == 1
        assert "invalid_client from the login: check client_id and client_secret" in screen
        assert CANARY not in screen

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ({"how": "reset"}, "did not answer the code (no connection)"),
            ({"how": "status", "status": 503}, "did not answer the code (503 from the server)"),
            ({"how": "html"}, "the answer is none that a login gives"),
            ({"how": "empty"}, "the answer is none that a login gives"),
            ({"how": "error_document"}, "the answer is none that a login gives"),
        ],
    )
    def test_a_login_that_stumbles(self, desk: Desk, fault: dict[str, Any], said: str) -> None:
        login = desk.start()
        back = login.decide()
        desk.firm.control.fail(count=1, template=TOKEN, **fault)
        login.come_back(back)
        status, screen = login.end()
        assert status == 1
        assert said in screen
        assert "run tap-smokeball-login again" in screen
        assert code_in(back) not in screen

    def test_nobody_comes(self, desk: Desk) -> None:
        login = desk.start("--no-browser", f"--port={desk.port}", "--timeout=1")
        status, screen = login.end()
        assert status == 1
        assert "Nobody signed in within 1 s" in screen

    def test_ctrl_c(self, desk: Desk) -> None:
        before = desk.file.read_bytes()
        login = desk.start()
        login.process.send_signal(signal.SIGINT)
        status, screen = login.end()
        assert status == 130
        assert "Nothing was written" in screen
        assert desk.file.read_bytes() == before

    def test_no_browser(self, desk: Desk) -> None:
        login = desk.start(f"--port={desk.port}", BROWSER="false %s")
        login.come_back(login.decide())
        status, screen = login.end()
        assert status == 0
        assert "No browser can be opened here" in screen

    def test_bad_settings(self, desk: Desk) -> None:
        desk.note(client_secret=f'"{CANARY} {CANARY}"', region=CANARY)
        screen = desk.refused()
        assert "client_secret: takes printable text without spaces" in screen
        assert "region: takes one of us, au, uk" in screen
        assert CANARY not in screen

    def test_no_app_is_named(self, desk: Desk) -> None:
        desk.note(client_id=None)
        assert "client_id: is required, by --client-id" in desk.refused()

    @pytest.mark.parametrize(
        "uri",
        [
            "localhost:8765",
            "http://firm.example/callback",
            "http://localhost:8765/?a=b",
            "http://u:p@localhost:8765/",
        ],
    )
    def test_redirect_uris_that_cannot_be_used(self, desk: Desk, uri: str) -> None:
        login = desk.start(f"--redirect-uri={uri}")
        status, screen = login.end()
        assert status == 2
        assert "takes the app's redirect URI" in screen

    def test_two_redirect_uris(self, desk: Desk) -> None:
        login = desk.start("--port=1", "--redirect-uri=http://localhost:2/")
        assert login.end()[0] == 2

    @pytest.mark.parametrize(
        ("path", "said"),
        [("folder", "is not a file"), ("none/.env", "cannot be written"), ("latin", "not UTF-8")],
    )
    def test_a_file_that_cannot_be_used_is_told_before_anybody_signs_in(
        self, desk: Desk, path: str, said: str
    ) -> None:
        (desk.folder / "folder").mkdir()
        (desk.folder / "latin").write_bytes("A=é".encode("latin-1"))
        screen = desk.refused("--no-browser", f"--port={desk.port}", f"--env-file={path}")
        assert said in screen

    def test_without_the_package_that_it_needs(self, tmp_path: Path) -> None:
        without = (
            "import sys; sys.modules['oauthlib'] = None;"
            "from tap_smokeball.login.__main__ import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", without], capture_output=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 1
        assert b"pip install 'tap-smokeball[login]'" in done.stderr


def test_the_documentation_names_every_option() -> None:
    page = (Path(__file__).parent.parent / "docs" / "login.md").read_text(encoding="utf-8")
    table = page[page.index("## Options") : page.index("`TAP_SMOKEBALL_REGION`")]
    done = subprocess.run([*LOGIN, "--help"], capture_output=True, check=True, text=True)
    shown = re.findall(r"^  (--[a-z-]+)", done.stdout, re.MULTILINE)
    assert sorted(re.findall(r"`(--[a-z-]+)`", table)) == sorted({*shown} - {"--help"})


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        ((), "auth.smokeball.com:443"),
        (("--region=au",), "auth.smokeball.com.au:443"),
        (("--region=uk", "--environment=staging"), "datastaging-auth.smokeball.co.uk:443"),
    ],
)
def test_region_and_environment_choose_the_login(
    desk: Desk, arguments: tuple[str, ...], host: str
) -> None:
    desk.note(auth_url=None)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[str] = []

        def serve() -> None:
            for _ in range(3):
                with proxy.accept()[0] as connection:
                    asked.append(connection.recv(1000).decode().split()[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        screen = desk.refused(
            "--no-browser", f"--port={desk.port}", *arguments, HTTPS_PROXY=address
        )
        thread.join(timeout=30)
    assert asked == [host] * 3
    assert "no connection" in screen
