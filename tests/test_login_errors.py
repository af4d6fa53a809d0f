"""``tap-smokeball-login``: each failure is printed with its cause and advice."""

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

from tests.forked_process import run_forked
from tests.harness import TOKEN
from tests.login_helpers import CANARY, LOGIN, code_from
from tests.webdriver import free_port

if TYPE_CHECKING:
    from tests.login_helpers import LoginDriver

pytestmark = pytest.mark.slow


class TestSignInErrors:
    def test_unregistered_redirect_uri_is_named(self, login_driver: LoginDriver) -> None:
        login_driver.firm.control.settings(redirect_uris=["http://localhost:8765/callback"])
        screen = login_driver.fail_early()
        assert "Sign-in failed (redirect_mismatch)" in screen
        assert f"The redirect URI {login_driver.redirect_uri} is not registered" in screen
        assert "Register exactly this URI" in screen

    def test_unknown_client_id_is_reported(self, login_driver: LoginDriver) -> None:
        screen = login_driver.fail_early(
            "--no-browser", f"--port={login_driver.port}", "--client-id=nobody"
        )
        assert "Sign-in failed (invalid_client). Smokeball does not know this client_id" in screen

    def test_port_in_use_is_reported(self, login_driver: LoginDriver) -> None:
        with socket.create_server(("127.0.0.1", login_driver.port)):
            screen = login_driver.fail_early()
        assert f"Port {login_driver.port} is not available" in screen
        assert "pass another --port" in screen

    def test_unreachable_server_is_reported(self, login_driver: LoginDriver) -> None:
        screen = login_driver.fail_early(TAP_SMOKEBALL_AUTH_URL=f"http://127.0.0.1:{free_port()}")
        assert "no connection, tried 3 times" in screen

    def test_denied_access_is_reported(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        page = login.follow_redirect(login.consent("deny"))
        assert "Sign-in failed" in page.text
        status, screen = login.wait()
        assert status == 1
        assert "Sign-in failed (access_denied). The user denied access" in screen
        assert login_driver.value("refresh_token") is None

    @pytest.mark.parametrize("error", ["<script>", "x" * 50])
    def test_unknown_error_text_is_not_quoted(self, login_driver: LoginDriver, error: str) -> None:
        login = login_driver.start()
        state = login.consent("deny").split("state=")[1]
        query = {"error": error, "error_description": CANARY, "state": state}
        page = login.follow_redirect(login_driver.redirect_uri, params=query)
        status, screen = login.wait()
        assert status == 1
        assert "Sign-in failed (unrecognized error code). Run tap-smokeball-login again" in screen
        for text in (page.text, screen):
            assert error not in text
            assert CANARY not in text

    def test_redirect_without_code_is_reported(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        login.follow_redirect(
            f"{login_driver.redirect_uri}?state={login.consent().split('state=')[1]}"
        )
        status, screen = login.wait()
        assert status == 1
        assert "The redirect holds neither a code nor an error" in screen

    def test_expired_code_is_reported(self, login_driver: LoginDriver) -> None:
        login = login_driver.start()
        redirect = login.consent()
        login_driver.firm.control.settings(clock_offset_seconds=301)
        login.follow_redirect(redirect)
        status, screen = login.wait()
        assert status == 1
        assert "Sign-in failed (invalid_grant). The code has expired" in screen
        assert login_driver.value("refresh_token") is None

    def test_wrong_client_secret_is_reported(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(client_secret=CANARY, refresh_token=None)
        login = login_driver.start()
        login.sign_in()
        status, screen = login.wait()
        assert status == 1
        assert "Sign-in failed (invalid_client). Client ID, client secret, region" in screen
        assert "Check client_id and client_secret" in screen
        assert CANARY not in screen

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            ({"how": "reset"}, "Token request failed (no connection)"),
            ({"how": "status", "status": 503}, "Token request failed (503 from the server)"),
            ({"how": "html"}, "The response is not an OAuth token response"),
            ({"how": "empty"}, "The response is not an OAuth token response"),
            ({"how": "error_document"}, "The response is not an OAuth token response"),
        ],
    )
    def test_failed_token_request_is_reported(
        self, login_driver: LoginDriver, fault: dict[str, Any], expected: str
    ) -> None:
        login = login_driver.start()
        redirect = login.consent()
        login_driver.firm.control.fail(count=1, template=TOKEN, **fault)
        login.follow_redirect(redirect)
        status, screen = login.wait()
        assert status == 1
        assert expected in screen
        assert "Run tap-smokeball-login again" in screen
        assert code_from(redirect) not in screen

    def test_timeout_is_reported(self, login_driver: LoginDriver) -> None:
        login = login_driver.start("--no-browser", f"--port={login_driver.port}", "--timeout=1")
        status, screen = login.wait()
        assert status == 1
        assert "Timed out after 1 s waiting for sign-in" in screen

    def test_ctrl_c_writes_nothing(self, login_driver: LoginDriver) -> None:
        before = login_driver.file.read_bytes()
        login = login_driver.start()
        login.process.send_signal(signal.SIGINT)
        status, screen = login.wait()
        assert status == 130
        assert "Nothing was written" in screen
        assert login_driver.file.read_bytes() == before

    def test_missing_browser_is_reported(self, login_driver: LoginDriver) -> None:
        login = login_driver.start(f"--port={login_driver.port}", BROWSER="false %s")
        login.sign_in()
        status, screen = login.wait()
        assert status == 0
        assert "No browser is available here" in screen

    def test_invalid_settings_are_named(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(client_secret=f'"{CANARY} {CANARY}"', region=CANARY)
        screen = login_driver.fail_early()
        assert "client_secret: takes printable text without spaces" in screen
        assert "region: takes one of us, au, uk" in screen
        assert CANARY not in screen

    def test_missing_client_id_is_reported(self, login_driver: LoginDriver) -> None:
        login_driver.write_env_file(client_id=None)
        assert "client_id is missing. Pass --client-id" in login_driver.fail_early()

    @pytest.mark.parametrize(
        "uri",
        [
            "localhost:8765",
            "http://firm.example/callback",
            "http://localhost:8765/?a=b",
            "http://u:p@localhost:8765/",
        ],
    )
    def test_invalid_redirect_uri_is_rejected(self, login_driver: LoginDriver, uri: str) -> None:
        login = login_driver.start(f"--redirect-uri={uri}")
        status, screen = login.wait()
        assert status == 2
        assert "Pass the redirect URI of the app" in screen

    def test_port_and_redirect_uri_are_exclusive(self, login_driver: LoginDriver) -> None:
        login = login_driver.start("--port=1", "--redirect-uri=http://localhost:2/")
        assert login.wait()[0] == 2

    @pytest.mark.parametrize(
        ("path", "expected"),
        [("folder", "is not a file"), ("none/.env", "cannot be written"), ("latin", "not UTF-8")],
    )
    def test_unusable_env_file_is_reported_first(
        self, login_driver: LoginDriver, path: str, expected: str
    ) -> None:
        (login_driver.folder / "folder").mkdir()
        (login_driver.folder / "latin").write_bytes("A=é".encode("latin-1"))
        screen = login_driver.fail_early(
            "--no-browser", f"--port={login_driver.port}", f"--env-file={path}"
        )
        assert expected in screen

    def test_missing_oauthlib_is_reported(self, tmp_path: Path) -> None:
        program = (
            "import sys; sys.modules['oauthlib'] = None;"
            "from tap_smokeball.login.__main__ import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 1
        assert b"with its extra `login`" in done.stderr


def test_documentation_lists_every_option() -> None:
    page = (Path(__file__).parent.parent / "docs" / "login.md").read_text(encoding="utf-8")
    table = page[page.index("## Options") : page.index("`TAP_SMOKEBALL_REGION`")]
    done = run_forked([*LOGIN, "--help"])
    shown = re.findall(r"^  (--[a-z-]+)", done.stdout.decode(), re.MULTILINE)
    assert sorted(re.findall(r"`(--[a-z-]+)`", table)) == sorted({*shown} - {"--help"})


@pytest.mark.parametrize(
    ("arguments", "host"),
    [
        ((), "auth.smokeball.com:443"),
        (("--region=au",), "auth.smokeball.com.au:443"),
        (("--region=uk", "--environment=staging"), "datastaging-auth.smokeball.co.uk:443"),
    ],
)
def test_region_and_environment_select_host(
    login_driver: LoginDriver, arguments: tuple[str, ...], host: str
) -> None:
    login_driver.write_env_file(auth_url=None)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        connect_targets: list[str] = []

        def serve() -> None:
            for _ in range(3):
                with proxy.accept()[0] as connection:
                    connect_targets.append(connection.recv(1000).decode().split()[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        screen = login_driver.fail_early(
            "--no-browser", f"--port={login_driver.port}", *arguments, HTTPS_PROXY=address
        )
        thread.join(timeout=30)
    assert connect_targets == [host] * 3
    assert "no connection" in screen
