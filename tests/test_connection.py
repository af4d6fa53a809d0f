"""Tokens, headers, faults and rate limits between the tap and the API."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import FEES, MATTERS, TOKEN, config, request_count, run, sandbox_rows

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Output, Process

pytestmark = pytest.mark.slow


def is_complete(output: Output, firm: SandboxServer) -> bool:
    return output.status == 0 and all(
        output.ids(stream) == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, stream)}
        for stream in ("matters", "fees")
    )


class TestTokens:
    def test_refresh_token_authenticates_run(self, firm: SandboxServer) -> None:
        assert is_complete(run(config(firm)), firm)

    def test_client_credentials_authenticate_run(self, firm: SandboxServer) -> None:
        settings = config(firm)
        del settings["refresh_token"]
        assert is_complete(run(settings), firm)

    def test_public_client_needs_no_client_secret(self, firm: SandboxServer) -> None:
        settings = config(firm)
        del settings["client_secret"]
        assert is_complete(run({**settings, **firm.public_credentials}), firm)

    def test_access_token_setting_is_used_unchanged(self, firm: SandboxServer) -> None:
        """The tap requests no token if access_token is set, even after a 401."""
        import requests  # noqa: PLC0415 - the test requests the token itself

        form = {"grant_type": "client_credentials", "client_id": firm.credentials["client_id"]}
        basic = (firm.credentials["client_id"], firm.credentials["client_secret"])
        response = requests.post(f"{firm.url}/oauth2/token", data=form, auth=basic, timeout=10)
        firm.control.reset_requests()
        settings = {
            "api_url": firm.url,
            "auth_url": firm.url,
            "api_key": firm.credentials["api_key"],
            "access_token": response.json()["access_token"],
            "requests_per_second": 1000,
        }
        assert is_complete(run(settings), firm)
        assert request_count(firm, TOKEN) == 0
        firm.control.revoke()
        output = run(settings)
        assert output.status == 1
        assert request_count(firm, TOKEN) == 0

    def test_workers_share_one_access_token(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=1, exact_fees=True)
        run(config(firm, burst=20))
        assert request_count(firm, TOKEN) == 1

    def test_access_token_is_renewed_before_expiry(self, start: StartFirm) -> None:
        firm = start(matters=40, fees=1, exact_fees=True, latency_ms=100, token_seconds=2)
        assert is_complete(run(config(firm, burst=1)), firm)
        assert request_count(firm, TOKEN) > 2
        assert "401" not in firm.control.requests()["by_status"]

    def test_revoked_token_is_renewed_once(self, start: StartFirm) -> None:
        """Workers with a revoked token request one new token together."""
        firm = start(matters=60, fees=1, exact_fees=True, latency_ms=20)
        firm.control.schedule(FEES, [{"command": "revoke"}], nth=20)
        assert is_complete(run(config(firm)), firm)
        assert request_count(firm, TOKEN) == 2

    @pytest.mark.parametrize("rotate", [True, "invalidate"])
    def test_rotated_refresh_token_replaces_old_one(self, firm: SandboxServer, rotate: Any) -> None:
        """The tap uses a new refresh token from a token response."""
        firm.control.settings(rotate_refresh_tokens=rotate)
        for nth in (2, 6):
            firm.control.schedule(FEES, [{"command": "revoke"}], nth=nth)
        assert is_complete(run(config(firm, burst=1)), firm)
        assert request_count(firm, TOKEN) == 3

    def test_rejected_refresh_token_logs_advice(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The error says to sign in again and does not show the token."""
        output = run(config(firm, refresh_token="r3fresh-canary"))  # noqa: S106 - a canary
        assert output.status == 1
        assert request_count(firm, TOKEN) == 1
        assert "invalid_grant" in caplog.text
        assert "sign in again" in caplog.text
        assert "r3fresh-canary" not in caplog.text

    def test_rejected_client_secret_logs_advice(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The error names the settings to check and does not show the secret."""
        assert run(config(firm, client_secret="s3cret-canary")).status == 1  # noqa: S106
        assert "Check client_id and client_secret" in caplog.text
        assert "s3cret-canary" not in caplog.text

    def test_run_fails_if_new_token_gets_401(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The tap requests one more token, then fails."""
        firm.control.fail(count=1000, how="status", status=401, template=MATTERS)
        assert run(config(firm)).status == 1
        assert (request_count(firm, TOKEN), request_count(firm, MATTERS)) == (2, 2)
        assert "the API rejects a new access token" in caplog.text

    def test_token_request_is_retried_after_faults(self, firm: SandboxServer) -> None:
        for how in ("reset", "html", "empty", "error_document"):
            firm.control.fail(count=1, how=how, template=TOKEN)
        firm.control.fail(count=1, how="status", status=503, template=TOKEN)
        assert is_complete(run(config(firm)), firm)


def test_requests_carry_id_and_user_agent(firm: SandboxServer) -> None:
    """Each request has a unique id and the tap's user agent."""
    run(config(firm))
    log = [e for e in firm.control.requests(log=True)["log"] if e["template"] != TOKEN]
    assert set(Counter(entry["request_id"] for entry in log).values()) == {1}
    assert all(entry["user_agent"].startswith("tap-smokeball/") for entry in log)


FAULTS: list[dict[str, Any]] = [
    {"how": "reset"},
    {"how": "truncate"},
    {"how": "html"},
    {"how": "error_document"},
    {"how": "empty"},
    {"how": "hang", "seconds": 3},
    {"how": "status", "status": 500},
    {"how": "status", "status": 503, "retry_after": 1},
    {"how": "status", "status": 429},
    {"how": "status", "status": 429, "retry_after": 1},
]


@pytest.mark.parametrize("template", [MATTERS, FEES])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_transient_fault_is_retried(
    firm: SandboxServer, fault: dict[str, Any], template: str
) -> None:
    """A transient fault costs a retry for each failure and no row."""
    firm.control.fail(count=2, template=template, **fault)
    output = run(config(firm, request_timeout_seconds=1))
    assert is_complete(output, firm)
    expected = 1 if template == MATTERS else 12
    assert request_count(firm, template) == expected + 2


def test_retry_after_header_delays_requests(start: StartFirm) -> None:
    """Requests wait for Retry-After, apart from those in flight."""
    firm = start(matters=40, fees=1)
    firm.control.fail(count=1, how="status", status=429, retry_after=2, template=FEES)
    assert is_complete(run(config(firm)), firm)
    log = [e for e in firm.control.requests(log=True)["log"] if e["template"] == FEES]
    refused = next(index for index, entry in enumerate(log) if entry["status"] == 429)
    # Requests in flight before the 429 still arrive; then none for two seconds.
    late = [e["t"] - log[refused]["t"] for e in log[refused + 1 :]]
    assert sum(wait < 1.9 for wait in late) <= 8
    assert max(late) >= 1.9


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "Check the settings"),
        (403, "Grant the app the scope fees/read"),
        (418, "report the request id to Smokeball"),
    ],
)
def test_permanent_error_fails_one_stream(
    firm: SandboxServer, status: int, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A permanent error of all matters fails the stream once, and keeps the bookmark."""
    first = run(config(firm))
    firm.control.fail(count=100, how="status", status=status, template=FEES)
    matter = sandbox_rows(firm, "matters")[0]["row"]["id"]
    firm.control.touch("matters", matter, set={"description": "New"})
    firm.control.reset_requests()
    output = run(config(firm, burst=1), first.state)
    assert output.status == 1
    assert output.stderr == "1 of 2 streams failed: fees"
    assert matter in output.ids("matters")
    assert request_count(firm, FEES) == 13  # the changed matter, then all 12
    assert output.bookmark("fees") == first.bookmark("fees")
    assert output.bookmark("matters") != first.bookmark("matters")
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].startswith(f"{status} fees (GET /matters/{{matterId}}/fees, request id ")
    assert advice in errors[0]


def test_missing_scope_is_named_in_log(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    firm.control.settings(scopes=["matters/read"])
    output = run(config(firm))
    assert output.status == 1
    assert len(output.records("matters")) == 12
    assert "Grant the app the scope fees/read" in caplog.text


def test_wrong_api_key_fails_all_streams(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The error says to check api_key and does not show it."""
    output = run(config(firm, api_key="k3y-canary"))
    assert output.status == 1
    assert output.stderr == "2 of 2 streams failed: matters, fees"
    assert output.records("matters") == []
    assert "Check api_key" in caplog.text
    assert "k3y-canary" not in caplog.text


def test_missing_matters_are_skipped_and_logged(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """Matters that vanish during a run (404) are skipped and counted."""
    firm = start(matters=40, fees=2, exact_fees=True)
    deletions = [
        {"command": "delete", "resource": "matters", "nth": n, "hard": True} for n in (30, 20, 10)
    ]
    firm.control.schedule(MATTERS, deletions, when="after")
    output = run(config(firm))
    assert output.status == 0
    assert len(output.records("matters")) == 40
    assert output.ids("fees") == {entry["row"]["id"]: 1 for entry in sandbox_rows(firm, "fees")}
    [line] = [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()]
    assert line.startswith("fees: 3 matters skipped (404 there is no such record); each run")
    assert len(output.bookmark("fees")["unread_parents"]) == 3


def test_persistent_503_fails_after_max_retries(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    firm.control.fail(count=10_000, how="status", status=503, template=FEES)
    output = run(config(firm, max_retries=2))
    assert output.status == 1
    assert "503 from the server, tried 3 times" in caplog.text


def test_unreachable_server_fails_with_one_line(process: Process) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    settings = {
        "api_url": url,
        "auth_url": url,
        "api_key": "k",
        "client_id": "c",
        "client_secret": "s",
    }
    output = process.run({**settings, "max_retries": 1})
    assert output.status == 1
    assert "no connection, tried 2 times" in output.stderr
    assert "Traceback" not in output.stderr
    assert "failed: no connection, tried 2 times" in output.stderr


def test_rate_limit_is_kept_without_429(start: StartFirm) -> None:
    """The tap keeps rate and burst, so the server sends no 429."""
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=60, rate=10, burst=5)
    assert is_complete(run(config(firm, requests_per_second=10, burst=5)), firm)
    report = firm.control.requests()
    assert "429" not in report["by_status"]
    assert report["max_in_flight"] <= 5


def test_shared_rate_limit_causes_retries_only(start: StartFirm) -> None:
    """A 429 caused by other clients costs retries but no row."""
    firm = start(matters=60, fees=1, exact_fees=True, rate=30, burst=5)
    assert is_complete(run(config(firm, requests_per_second=60, burst=10)), firm)
    assert "429" in firm.control.requests()["by_status"]
