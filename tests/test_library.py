"""The API client as a library, and the tap as an object of another program."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tap_smokeball.api import ApiClient, Endpoint
from tap_smokeball.config.settings import Settings
from tap_smokeball.errors import (
    ApiConnectionError,
    AuthenticationError,
    NotFoundError,
    UnexpectedResponseError,
)
from tap_smokeball.tap import TapSmokeball
from tests.harness import CollectingWriter, Output, catalog, config, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
MATTERS = Endpoint("/matters", scope="matters/read", stream="matters")
FEES = Endpoint("/matters/{matterId}/fees", scope="fees/read", stream="fees")


@pytest.fixture
def api(firm: SandboxServer) -> Iterator[ApiClient]:
    """Return a client of the firm that reads pages of five rows."""
    settings = Settings.from_config(config(firm, page_size=5, max_retries=0))
    with closing(ApiClient(settings)) as client:
        yield client


def test_iter_rows_yields_each_row_once(firm: SandboxServer, api: ApiClient) -> None:
    ids = [row["id"] for row in api.iter_rows(MATTERS)]
    expected = sandbox_rows(firm, "matters")
    assert sorted(ids) == sorted(entry["row"]["id"] for entry in expected)
    for matter in ids[:2]:
        fees = [row["id"] for row in api.iter_rows(FEES, {"matterId": matter})]
        assert len(fees) == len(set(fees)) == 3


def test_iter_rows_sends_query_parameters(api: ApiClient) -> None:
    """A time that has not come selects no row."""
    rows = api.iter_rows(MATTERS, params={"UpdatedSince": 3_000_000_000_000_000_000})
    assert list(rows) == []


def test_iter_rows_rejects_row_without_key(api: ApiClient) -> None:
    with pytest.raises(UnexpectedResponseError, match="a row has no number_of_row"):
        list(api.iter_rows(MATTERS, key="number_of_row"))


def test_client_error_names_request(firm: SandboxServer, api: ApiClient) -> None:
    with pytest.raises(NotFoundError) as missing:
        list(api.iter_rows(FEES, {"matterId": "none"}))
    error = missing.value
    assert (error.status, error.stream, error.path) == (404, "fees", FEES.path)
    log = firm.control.requests(log=True)["log"]
    assert error.request_id
    assert error.request_id in json.dumps(log)


def test_connection_error_has_no_request_id(firm: SandboxServer) -> None:
    """A token request has no id of ours."""
    settings = Settings.from_config(config(firm, auth_url="http://127.0.0.1:9", max_retries=0))
    with closing(ApiClient(settings)) as client, pytest.raises(ApiConnectionError) as failed:
        list(client.iter_rows(MATTERS))
    assert (failed.value.path, failed.value.request_id) == ("/oauth2/token", None)


def test_settings_error_has_no_request(firm: SandboxServer) -> None:
    settings = Settings.from_config(config(firm, client_secret="wrong"))  # noqa: S106
    with closing(ApiClient(settings)) as client, pytest.raises(AuthenticationError) as failed:
        list(client.iter_rows(MATTERS))
    error = failed.value
    assert (error.stream, error.path, error.request_id) == (None, None, None)


def test_tap_reads_config_from_several_files(firm: SandboxServer, tmp_path: Path) -> None:
    """Later files override earlier ones."""
    settings = config(firm)
    for name, content in (("all", {**settings, "api_url": "http://127.0.0.1:9"}), ("url", {})):
        (tmp_path / name).write_text(json.dumps(content or {"api_url": settings["api_url"]}))
    both = TapSmokeball(config=[tmp_path / "all", str(tmp_path / "url")])
    assert both.session.settings.api_base == settings["api_url"]
    first = TapSmokeball(config=str(tmp_path / "all"))
    assert first.session.settings.api_base == "http://127.0.0.1:9"


def test_tap_runs_in_another_thread(firm: SandboxServer) -> None:
    """Python handles signals in the main thread alone, so there the tap leaves them."""
    output = Output()
    tap = TapSmokeball(
        config=config(firm), catalog=catalog(), message_writer=CollectingWriter(output)
    )
    thread = threading.Thread(target=tap.run_streams)
    thread.start()
    thread.join(60)
    assert len(output.records("matters")) == 12
    assert len(output.records("fees")) == 36
