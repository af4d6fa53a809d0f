"""``tap-smokeball-login``: the command as a process, with the test for a browser."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_smokeball.login.env_file import EnvFile, EnvFileError
from tests.harness import TOKEN, Process, config
from tests.webdriver import DRIVER, browser, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            assert window.address().startswith(desk.redirect_uri)
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


class Terminal:
    """A sign-in at a terminal, which shows what is typed unless it is told not to."""

    def __init__(self, desk: Desk, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.screen, self._seen = "", 0
        # The first terminal that a new session opens is the one whose Ctrl-C it gets.
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
            terminal.type(answer)
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
        terminal.type("\x03")
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
        terminal.type(uri)
        terminal.until("That is not where this sign-in ended")
        terminal.until(": ")
        terminal.type(back)
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
