"""Bad settings are rejected before a request, by name and without their values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_smokeball.tap import TapSmokeball
from tests.harness import MATTERS, catalog, config, run, run_cli

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Process

pytestmark = pytest.mark.slow

GOOD = {"api_key": "k", "client_id": "c", "client_secret": "s"}
CANARY = "c4nary-value"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"api_key": None}, "api_key: is required"),
        ({"api_key": ""}, "api_key: is required"),
        ({"api_key": [CANARY]}, "api_key: takes printable text without spaces"),
        ({"api_key": f"{CANARY}\nX-Evil: 1"}, "api_key: takes printable text without spaces"),
        ({"client_id": None}, "client_id: is required, unless access_token is set"),
        ({"client_secret": None}, "client_secret: is required, unless refresh_token is set"),
        ({"client_secret": {"x": CANARY}}, "client_secret: takes printable text without spaces"),
        ({"refresh_token": 5}, "refresh_token: takes printable text without spaces"),
        ({"access_token": CANARY + " x"}, "access_token: takes printable text without spaces"),
        ({"region": CANARY}, "region: takes one of us, au, uk"),
        ({"environment": CANARY}, "environment: takes one of production, staging"),
        ({"api_url": CANARY}, "api_url: takes a URL such as https://api.example.com"),
        ({"api_url": f"ftp://{CANARY}"}, "api_url: takes a URL such as https://api.example.com"),
        (
            {"api_url": f"https://h/?k={CANARY}"},
            "api_url: takes a URL such as https://api.example.com",
        ),
        ({"api_url": f"http://{CANARY}.example"}, "api_url: must begin with https://"),
        ({"auth_url": f"https://u:{CANARY}@h"}, "auth_url: must not hold a user name or password"),
        ({"auth_url": "http://10.0.0.1"}, "auth_url: must begin with https://"),
        (
            {"auth_url": f"https://h:{CANARY}"},
            "auth_url: takes a URL such as https://api.example.com",
        ),
        ({"account_id": f"../{CANARY}"}, "account_id: takes letters, digits"),
        ({"user_id": f"a {CANARY}"}, "user_id: takes printable text without spaces"),
        ({"start_date": CANARY}, "start_date: takes an RFC 3339 date-time"),
        ({"start_date": "2024-02-30"}, "start_date: takes an RFC 3339 date-time"),
        ({"start_date": "2024-01-01T00:00:00"}, "start_date: takes an RFC 3339 date-time"),
        ({"start_date": "9999-01-01"}, "start_date: lies in the future"),
        ({"refresh_token_issued_at": CANARY}, "refresh_token_issued_at: takes an RFC 3339"),
        ({"refresh_token_issued_at": 5}, "refresh_token_issued_at: takes text"),
        ({"refresh_token_issued_at": "9999-01-01"}, "refresh_token_issued_at: lies in the future"),
        ({"include_leads": CANARY}, "include_leads: takes true or false"),
        ({"matter_statuses": [CANARY]}, "matter_statuses: takes a list, each one of Open"),
        ({"matter_statuses": f"Open,{CANARY}"}, "matter_statuses: takes a list"),
        ({"page_size": "2.5"}, "page_size: takes a whole number"),
        ({"max_run_minutes": "true"}, "max_run_minutes: takes a number"),
        ({"page_size": 0}, "page_size: takes a whole number from 1 to 500"),
        ({"page_size": 501}, "page_size: takes a whole number from 1 to 500"),
        ({"page_size": CANARY}, "page_size: takes a whole number from 1 to 500"),
        ({"requests_per_second": 0}, "requests_per_second: takes a number above 0 to 1000"),
        ({"burst": 0}, "burst: takes a whole number from 1"),
        ({"burst": 2.5}, "burst: takes a whole number from 1"),
        ({"lookback_seconds": -1}, "lookback_seconds: takes a whole number from 0"),
        ({"max_run_minutes": 0}, "max_run_minutes: takes a number above 0"),
        ({"request_timeout_seconds": 0}, "request_timeout_seconds: takes a number above 0"),
        ({"max_retries": -1}, "max_retries: takes a whole number from 0"),
        ({"stream_maps": CANARY}, "stream_maps: takes an object"),
        (
            {"stream_maps": {"fees": {"id": "id", "x": f"{CANARY}("}}},
            "stream_maps: invalid expression for stream `fees`, column `x`",
        ),
        (
            {"stream_maps": {"*": {"x": ""}}},
            "stream_maps: invalid expression for stream `*`, column `x`",
        ),
        (
            {"stream_maps": {"fees": {"__filter__": f"'{CANARY}"}}},
            "stream_maps: invalid expression for stream `fees`, column `__filter__`",
        ),
    ],
)
def test_settings_reject_bad_values(
    change: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names the setting and its accepted values, not the value."""
    caplog.set_level("DEBUG")
    with pytest.raises(ConfigValidationError) as error:
        TapSmokeball(config={**GOOD, **change})
    assert [e[: len(message)] for e in error.value.errors] == [message]
    assert CANARY not in caplog.text + str(error.value) + repr(error.value.errors)


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\ufeff{}", "\t{}\u00a0"])
def test_settings_strip_keys_and_tokens(around: str, caplog: pytest.LogCaptureFixture) -> None:
    """Files and secret stores add a newline; the warning does not show the value."""
    names = ("api_key", "client_id", "client_secret", "refresh_token", "access_token")
    tap = TapSmokeball(config={name: around.format(f"{CANARY}-{name}") for name in names})
    for name in names:
        assert getattr(tap.session.settings, name) == f"{CANARY}-{name}"
        assert f"{name}: had space or line breaks around it" in caplog.text
    assert CANARY not in caplog.text


def test_settings_of_spaces_alone_are_not_set() -> None:
    with pytest.raises(ConfigValidationError) as error:
        TapSmokeball(config={**GOOD, "api_key": " \n"})
    assert error.value.errors == ["api_key: is required"]


def test_settings_report_all_errors_together() -> None:
    with pytest.raises(ConfigValidationError) as error:
        TapSmokeball(config={"page_size": 0, "region": "x"})
    names = {message.split(":")[0] for message in error.value.errors}
    assert names == {"api_key", "page_size", "region"}


@pytest.mark.parametrize("option", [(), ("--test",)])
def test_cli_rejects_bad_settings_before_requests(
    firm: SandboxServer, process: Process, option: tuple[str, ...]
) -> None:
    """Invalid settings end the run before the first request."""
    settings = config(firm, client_secret=[CANARY], burst=CANARY)
    output = process.run(settings, *option)
    assert output.status == 1
    assert "burst: takes a whole number" in output.stderr
    assert "client_secret: takes" in output.stderr
    assert "Traceback" not in output.stderr
    assert CANARY not in output.stderr
    assert output.messages == []
    assert firm.control.requests()["total"] == 0


def test_settings_warn_about_misspelt_name(caplog: pytest.LogCaptureFixture) -> None:
    TapSmokeball(config={**GOOD, "page_sise": 5})
    assert "page_sise: no such setting, ignored; did you mean page_size?" in caplog.text


@pytest.mark.parametrize(
    "good",
    [
        {"api_key": "k", "access_token": "t"},
        {"api_key": "k", "client_id": "c", "refresh_token": "r"},
        {**GOOD, "api_url": "http://localhost:1", "auth_url": "http://[::1]:1"},
        {**GOOD, "start_date": "2024-01-31"},
        {**GOOD, "refresh_token_issued_at": "2026-09-01"},
        {**GOOD, "start_date": "2024-01-31T10:00:00.1234567+11:00"},
        {**GOOD, "page_size": "50", "requests_per_second": "2.5", "include_leads": "no"},
        {**GOOD, "user_id": None, "matter_statuses": [], "max_run_minutes": 0.5},
    ],
)
def test_settings_accept_valid_values(good: dict[str, Any]) -> None:
    assert TapSmokeball(config=good).session.settings.api_key == "k"


@pytest.mark.parametrize(
    ("settings", "api", "token"),
    [
        ({}, "https://api.smokeball.com", "https://auth.smokeball.com/oauth2/token"),
        (
            {"region": "au", "environment": "staging"},
            "https://stagingapi.smokeball.com.au",
            "https://datastaging-auth.smokeball.com.au/oauth2/token",
        ),
        (
            {"region": "uk", "account_id": "acc-1"},
            "https://api.smokeball.co.uk/acc-1",
            "https://auth.smokeball.co.uk/oauth2/token",
        ),
        (
            {"api_url": "https://proxy.example/smokeball/", "region": "uk"},
            "https://proxy.example/smokeball",
            "https://auth.smokeball.co.uk/oauth2/token",
        ),
    ],
)
def test_settings_derive_hosts_from_region(settings: dict[str, Any], api: str, token: str) -> None:
    parsed = TapSmokeball(config={**GOOD, **settings}).session.settings
    assert (parsed.api_base, parsed.token_url) == (api, token)


ENVIRONMENT = {
    "PAGE_SIZE": "7",
    "REQUESTS_PER_SECOND": "900.5",
    "INCLUDE_LEADS": "False",
    "MATTER_STATUSES": "Open, Pending",
}


def test_settings_are_read_from_environment(firm: SandboxServer, tmp_path: Path) -> None:
    catalog_path = tmp_path / "catalog.json"
    catalog_path.write_text(json.dumps(catalog()))
    given = {name.upper(): str(value) for name, value in config(firm).items()} | ENVIRONMENT
    environment = {f"TAP_SMOKEBALL_{name}": value for name, value in given.items()}
    output = run_cli("--config=ENV", f"--catalog={catalog_path}", environment=environment)
    assert output.status == 0, output.stderr
    log = firm.control.requests(log=True)["log"]
    query = next(entry["query"] for entry in log if entry["template"] == MATTERS)
    for part in ("Limit=7", "Type=Matters&", "Status=Open&Status=Pending"):
        assert part in f"{query}&"


@pytest.mark.parametrize("name", ["PAGE_SIZE", "INCLUDE_LEADS", "REQUESTS_PER_SECOND", "BURST"])
def test_settings_reject_bad_environment_values(name: str) -> None:
    environment = {f"TAP_SMOKEBALL_{key.upper()}": value for key, value in GOOD.items()}
    output = run_cli("--config=ENV", environment=environment | {f"TAP_SMOKEBALL_{name}": CANARY})
    assert output.status == 1
    assert f"{name.lower()}: takes" in output.stderr
    assert CANARY not in output.stderr
    assert "Traceback" not in output.stderr


def test_settings_are_read_from_dotenv_file(firm: SandboxServer, process: Process) -> None:
    lines = [f"TAP_SMOKEBALL_{name.upper()}={value}" for name, value in config(firm).items()]
    (process.folder / ".env").write_text("\n".join(lines))
    output = process.run({}, "--config=ENV")
    assert (output.status, len(output.records("matters"))) == (0, 12)


@pytest.mark.parametrize("content", ["{", "[1]", '"text"', None])
def test_cli_rejects_invalid_config_file(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    output = run_cli("--config", str(path))
    assert output.status != 0
    assert "Traceback" not in output.stderr
    assert "--config" in output.stderr


class TestWithoutCredentials:
    def test_discovery_needs_no_credentials(self) -> None:
        output = run_cli("--discover")
        assert output.status == 0
        streams = json.loads(output.messages[0]["text"])["streams"]
        assert {stream["tap_stream_id"] for stream in streams} >= {"matters", "fees"}

    def test_about_option_needs_no_credentials(self) -> None:
        output = run_cli("--about", "--format=json")
        assert output.status == 0
        about = json.loads(output.messages[0]["text"])
        assert "api_key" in about["settings"]["properties"]

    @pytest.mark.parametrize("option", ["--version", "--help"])
    def test_version_and_help_need_no_credentials(self, option: str) -> None:
        assert run_cli(option).status == 0


class TestView:
    def test_include_leads_false_excludes_leads(self, start: StartFirm) -> None:
        firm = start(matters=40, fees=0, exact_fees=True)
        all_matters = run(config(firm)).records("matters")
        matters = run(config(firm, include_leads=False)).records("matters")
        assert {record["isLead"] for record in all_matters} == {True, False}
        assert {record["isLead"] for record in matters} == {False}

    def test_matter_statuses_filter_matters_and_fees(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=1, exact_fees=True)
        output = run(config(firm, matter_statuses=["Pending", "Closed"]))
        assert {r["status"] for r in output.records("matters")} == {"Pending", "Closed"}
        assert {r["matterId"] for r in output.records("fees")} <= output.ids("matters").keys()

    def test_account_id_prefixes_all_request_paths(self, start: StartFirm) -> None:
        firm = start(matters=3, fees=1, exact_fees=True, account_id="acc-1")
        output = run(config(firm, account_id="acc-1"))
        assert len(output.records("fees")) == 3
        assert all("/acc-1/" in r["href"] for r in output.records("matters"))

    def test_user_id_logs_visibility_warning(
        self, start: StartFirm, caplog: pytest.LogCaptureFixture
    ) -> None:
        """user_id is sent as a header, and one warning names the effect."""
        firm = start(matters=3, fees=1, exact_fees=True)
        run(config(firm, user_id="user-1"))
        log = firm.control.requests(log=True)["log"]
        assert {entry["user_id"] for entry in log if entry["template"] == MATTERS} == {"user-1"}
        assert sum("user_id" in record.getMessage() for record in caplog.records) == 1
