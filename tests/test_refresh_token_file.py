"""A refresh token that the server replaces is kept in a file, or announced."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import AuthenticationError
from tests.harness import FEES, TOKEN, Output, config, run
from tests.memory_adapter import ADAPTERS
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Json, Process

LOST = "Smokeball replaced the refresh token, and the new one is not stored"
SERVICE_USER = 12345


@pytest.fixture
def memory_firm() -> MemoryFirm:
    firm = MemoryFirm(matters=8)
    firm.control.settings(rotate_refresh_tokens="invalidate")
    return firm


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token.json"


def run_with_renewals(firm: MemoryFirm, **settings: Any) -> Output:
    """Run the tap, and revoke its access token twice meanwhile."""
    for nth in (2, 4):
        firm.control.schedule(FEES, [{"command": "revoke"}], nth=nth)
    return run(config(firm, burst=1, **settings))


def stored_token(file: Path) -> str:
    return str(json.loads(file.read_text())["refresh_token"])


def request_new_token(firm: MemoryFirm) -> str:
    """Return a refresh token like that of a new sign-in, while the old one stays valid."""
    firm.control.settings(rotate_refresh_tokens=True)
    before = set(firm.control.tokens())
    assert run(config(firm)).status == 0
    firm.control.settings(rotate_refresh_tokens=False)
    firm.control.revoke()
    [new] = set(firm.control.tokens()) - before
    return new


def test_replaced_token_serves_later_runs(
    memory_firm: MemoryFirm, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for requests in (3, 6):
        assert run_with_renewals(memory_firm, refresh_token_file=str(file)).status == 0
        assert memory_firm.control.requests()["by_template"][TOKEN] == requests
    assert stored_token(file) in memory_firm.control.tokens()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert "replaced" not in caplog.text
    assert not any(token in caplog.text for token in memory_firm.control.tokens())


def test_replaced_token_is_announced_once(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """The run that cannot keep the token warns; the error of the next one names the cause."""
    assert run_with_renewals(memory_firm).status == 0
    assert caplog.text.count(LOST) == 1
    assert "Set refresh_token_file" in caplog.text
    assert not any(token in caplog.text for token in memory_firm.control.tokens())
    caplog.clear()
    assert run(config(memory_firm)).status == 1
    assert "invalid_grant" in caplog.text
    assert "was replaced in an earlier run that could not keep the new one" in caplog.text


def test_unchanged_token_is_not_announced(
    memory_firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    memory_firm.control.settings(rotate_refresh_tokens=False)
    assert run_with_renewals(memory_firm).status == 0
    assert LOST not in caplog.text


def test_new_sign_in_overrides_file(memory_firm: MemoryFirm, file: Path) -> None:
    new = request_new_token(memory_firm)
    settings = config(memory_firm, refresh_token_file=str(file))
    assert run(settings).status == 0
    assert stored_token(file) == settings["refresh_token"]
    assert run({**settings, "refresh_token": new}).status == 0
    assert stored_token(file) == new


@pytest.mark.parametrize("around", ["{}", "\ufeff {}\r\n"])
def test_bare_token_file_replaces_setting(memory_firm: MemoryFirm, file: Path, around: str) -> None:
    settings = config(memory_firm, refresh_token_file=str(file))
    file.write_text(around.format(settings["refresh_token"]))
    file.chmod(0o644)
    assert run({**settings, "refresh_token": None}).status == 0
    assert stored_token(file) in memory_firm.control.tokens()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run({**settings, "refresh_token": None, "client_secret": None}).status == 1


@pytest.mark.parametrize("path", ["missing/token.json", "", "a-file/token.json"])
def test_unwritable_token_file_ends_run_first(
    memory_firm: MemoryFirm, tmp_path: Path, path: str
) -> None:
    """The run ends before the server could replace the token."""
    (tmp_path / "a-file").touch()
    with pytest.raises(AuthenticationError) as error:
        run(config(memory_firm, refresh_token_file=str(tmp_path / path)))
    assert str(error.value).startswith("refresh_token_file: cannot be opened (")
    assert "Name a file in a folder that the tap may write" in str(error.value)
    assert memory_firm.control.requests()["total"] == 0


@pytest.mark.parametrize(
    "content", [b"r3fresh canary", b"{r3fresh", b'{"refresh_token": 5}', b"\xe9"]
)
def test_invalid_token_file_is_not_quoted(
    memory_firm: MemoryFirm, file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    with pytest.raises(AuthenticationError) as error:
        run(config(memory_firm, refresh_token_file=str(file)))
    assert str(error.value).startswith("refresh_token_file: takes a file with a refresh token")
    assert "r3fresh" not in str(error.value)
    assert file.read_bytes() == content


def test_token_file_without_token_is_reported(
    memory_firm: MemoryFirm, file: Path, process: Process
) -> None:
    settings = config(memory_firm, refresh_token_file=str(file), refresh_token=None)
    output = process.run(settings)
    assert output.status == 1
    assert "refresh_token_file: holds no token, and refresh_token is not set. " in output.stderr
    assert "Traceback" not in output.stderr


def test_lost_folder_leaves_run_complete(
    memory_firm: MemoryFirm, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the file vanishes, the run uses the token in memory, and logs an error."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def remove(_: Json) -> None:
        if folder.exists():
            folder.rename(tmp_path / "elsewhere")
            memory_firm.control.revoke()

    settings = config(memory_firm, refresh_token_file=str(folder / "token.json"))
    assert run(settings, on_message=remove).status == 0
    assert f"{LOST}: " in caplog.text
    assert "refresh_token_file: cannot be opened" in caplog.text


def test_replaced_token_keeps_time_of_sign_in(
    memory_firm: MemoryFirm, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A successor expires with the first token, whose time of issue the settings have."""
    settings = config(memory_firm, refresh_token_file=str(file))
    settings["refresh_token_issued_at"] = "2026-01-01T00:00:00Z"  # noqa: S105 - a day
    for _ in range(2):
        assert run(settings).status == 0
        settings["refresh_token_issued_at"] = None
    assert caplog.text.count("The refresh token expired on 2026-01-31") == 2


def test_unsaved_token_is_saved_later(memory_firm: MemoryFirm, tmp_path: Path) -> None:
    """A file that comes back with an older token does not replace the one in memory."""
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "token.json"
    client = open_client(memory_firm, file)
    for source, target in ((folder, elsewhere), (elsewhere, folder)):
        source.rename(target)
        memory_firm.control.revoke()
        request_firm(client)
    client.close()
    assert stored_token(file) in memory_firm.control.tokens()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_token_file_keeps_its_owner(memory_firm: MemoryFirm, file: Path) -> None:
    file.touch(0o640)
    os.chown(file, SERVICE_USER, SERVICE_USER)
    assert run(config(memory_firm, refresh_token_file=str(file))).status == 0
    found = file.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (
        SERVICE_USER, SERVICE_USER, 0o640,
    )  # fmt: skip


def open_client(firm: MemoryFirm, file: Path) -> ApiClient:
    settings = Settings.from_config(config(firm, refresh_token_file=str(file)))
    client = ApiClient(settings)
    client.transport.mount(firm.url, ADAPTERS[firm.url])
    return client


def request_firm(client: ApiClient) -> None:
    endpoint = Endpoint("/firm", "firm/read")
    assert client.get(endpoint, {}, {}, lambda body: body["name"]).data


def test_token_replaced_meanwhile_is_read(memory_firm: MemoryFirm, file: Path) -> None:
    """A client that has read the file sends the token that another one put there since."""
    early, late = open_client(memory_firm, file), open_client(memory_firm, file)
    request_firm(late)
    request_firm(early)
    for client in (early, late):
        client.close()


def test_processes_share_token_file(memory_firm: MemoryFirm, file: Path) -> None:
    """Clients at once never send a token that another one had replaced."""
    memory_firm.control.settings(latency_ms=2)

    def run_client(_: int) -> None:
        client = open_client(memory_firm, file)
        request_firm(client)
        client.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run_client, range(16)))
    assert stored_token(file) in memory_firm.control.tokens()
