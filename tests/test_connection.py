"""Tokens, headers and faults: what stands between the tap and the API."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import FEES, MATTERS, TOKEN, asked, config, run, truth

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Output, Process

pytestmark = pytest.mark.slow


def is_whole(output: Output, firm: SandboxServer) -> bool:
    return output.status == 0 and all(
        output.ids(stream) == {entry["row"]["id"]: 1 for entry in truth(firm, stream)}
        for stream in ("matters", "fees")
    )


class TestTokens:
    def test_refresh_token(self, firm: SandboxServer) -> None:
        assert is_whole(run(config(firm)), firm)

    def test_client_credentials(self, firm: SandboxServer) -> None:
        settings = config(firm)
        del settings["refresh_token"]
        assert is_whole(run(settings), firm)

    def test_a_public_client_has_no_secret(self, firm: SandboxServer) -> None:
        settings = config(firm)
        del settings["client_secret"]
        assert is_whole(run({**settings, **firm.public_credentials}), firm)

    def test_a_given_token_is_used_as_it_is(self, firm: SandboxServer) -> None:
        import requests  # noqa: PLC0415 - the test plays the login

        form = {"grant_type": "client_credentials", "client_id": firm.credentials["client_id"]}
        basic = (firm.credentials["client_id"], firm.credentials["client_secret"])
        answer = requests.post(f"{firm.url}/oauth2/token", data=form, auth=basic, timeout=10)
        firm.control.reset_requests()
        settings = {
            "api_url": firm.url,
            "auth_url": firm.url,
            "api_key": firm.credentials["api_key"],
            "access_token": answer.json()["access_token"],
            "requests_per_second": 1000,
        }
        assert is_whole(run(settings), firm)
        assert asked(firm, TOKEN) == 0
        firm.control.revoke()
        output = run(settings)
        assert output.status == 1
        assert asked(firm, TOKEN) == 0

    def test_one_token_serves_all_workers(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=1, exact_fees=True)
        run(config(firm, burst=20))
        assert asked(firm, TOKEN) == 1

    def test_a_token_is_renewed_before_it_ends(self, start: StartFirm) -> None:
        firm = start(matters=40, fees=1, exact_fees=True, latency_ms=100, token_seconds=2)
        assert is_whole(run(config(firm, burst=1)), firm)
        assert asked(firm, TOKEN) > 2
        assert "401" not in firm.control.requests()["by_status"]

    def test_a_revoked_token_is_renewed_once_for_all(self, start: StartFirm) -> None:
        firm = start(matters=60, fees=1, exact_fees=True, latency_ms=20)
        firm.control.script(FEES, [{"command": "revoke"}], nth=20)
        assert is_whole(run(config(firm)), firm)
        assert asked(firm, TOKEN) == 2

    @pytest.mark.parametrize("rotate", [True, "invalidate"])
    def test_a_returned_refresh_token_is_used_from_then_on(
        self, firm: SandboxServer, rotate: Any
    ) -> None:
        firm.control.settings(rotate_refresh_tokens=rotate)
        for nth in (2, 6):
            firm.control.script(FEES, [{"command": "revoke"}], nth=nth)
        assert is_whole(run(config(firm, burst=1)), firm)
        assert asked(firm, TOKEN) == 3

    def test_a_refused_login_says_what_to_do(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        output = run(config(firm, refresh_token="r3fresh-canary"))  # noqa: S106 - a canary
        assert output.status == 1
        assert asked(firm, TOKEN) == 1
        assert "invalid_grant" in caplog.text
        assert "sign in again" in caplog.text
        assert "r3fresh-canary" not in caplog.text

    def test_a_wrong_secret_says_what_to_do(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert run(config(firm, client_secret="s3cret-canary")).status == 1  # noqa: S106
        assert "check client_id and client_secret" in caplog.text
        assert "s3cret-canary" not in caplog.text

    def test_a_token_that_is_never_accepted(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        firm.control.fail(count=1000, how="status", status=401, template=MATTERS)
        assert run(config(firm)).status == 1
        assert (asked(firm, TOKEN), asked(firm, MATTERS)) == (2, 2)
        assert "refuses a newly issued token" in caplog.text

    def test_a_login_that_stumbles_is_asked_again(self, firm: SandboxServer) -> None:
        for how in ("reset", "html", "empty", "error_document"):
            firm.control.fail(count=1, how=how, template=TOKEN)
        firm.control.fail(count=1, how="status", status=503, template=TOKEN)
        assert is_whole(run(config(firm)), firm)


def test_every_request_has_an_id_and_a_name(firm: SandboxServer) -> None:
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
def test_what_passes_is_tried_again(
    firm: SandboxServer, fault: dict[str, Any], template: str
) -> None:
    firm.control.fail(count=2, template=template, **fault)
    output = run(config(firm, request_timeout_seconds=1))
    assert is_whole(output, firm)
    expected = 1 if template == MATTERS else 12
    assert asked(firm, template) == expected + 2


def test_retry_after_is_obeyed(firm: SandboxServer) -> None:
    firm.control.fail(count=1, how="status", status=429, retry_after=2, template=FEES)
    assert is_whole(run(config(firm)), firm)
    log = [e for e in firm.control.requests(log=True)["log"] if e["template"] == FEES]
    refused = next(index for index, entry in enumerate(log) if entry["status"] == 429)
    # What set out before the answer was read still arrives; then nothing, for two seconds.
    late = [e["t"] - log[refused]["t"] for e in log[refused + 1 :]]
    assert sum(wait < 1.9 for wait in late) <= 8
    assert max(late) >= 1.9


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "Check the settings"),
        (403, "grant the app the scope fees/read"),
        (418, "report it with the request id"),
    ],
)
def test_what_does_not_pass_fails_that_stream_alone(
    firm: SandboxServer, status: int, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(config(firm))
    firm.control.fail(count=100, how="status", status=status, template=FEES)
    matter = truth(firm, "matters")[0]["row"]["id"]
    firm.control.touch("matters", matter, set={"description": "New"})
    firm.control.reset_requests()
    output = run(config(firm, burst=1), first.state)
    assert output.status == 1
    assert output.stderr == "1 of 2 streams failed: fees"
    assert matter in output.ids("matters")
    assert asked(firm, FEES) <= 2
    assert output.bookmark("fees") == first.bookmark("fees")
    assert output.bookmark("matters") != first.bookmark("matters")
    told = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(told) == 1
    assert told[0].startswith(f"{status} fees (GET /matters/{{matterId}}/fees, request id ")
    assert advice in told[0]


def test_a_missing_scope_names_it(firm: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    firm.control.settings(scopes=["matters/read"])
    output = run(config(firm))
    assert output.status == 1
    assert len(output.records("matters")) == 12
    assert "grant the app the scope fees/read" in caplog.text


def test_a_wrong_api_key_fails_all(firm: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    output = run(config(firm, api_key="k3y-canary"))
    assert output.status == 1
    assert output.stderr == "2 of 2 streams failed: matters, fees"
    assert output.records("matters") == []
    assert "check api_key" in caplog.text
    assert "k3y-canary" not in caplog.text


def test_matters_that_vanish_before_their_turn_are_passed_over(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    firm = start(matters=40, fees=2, exact_fees=True)
    gone = [
        {"command": "delete", "resource": "matters", "nth": n, "hard": True} for n in (30, 20, 10)
    ]
    firm.control.script(MATTERS, gone, when="after")
    output = run(config(firm))
    assert output.status == 0
    assert len(output.records("matters")) == 40
    assert output.ids("fees") == {entry["row"]["id"]: 1 for entry in truth(firm, "fees")}
    told = [r.getMessage() for r in caplog.records if "gone" in r.getMessage()]
    assert told == ["fees: 3 of 40 matters are gone since they were listed (404)"]


def test_trouble_that_does_not_end_fails_in_the_end(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    firm.control.fail(count=10_000, how="status", status=503, template=FEES)
    output = run(config(firm, max_retries=2))
    assert output.status == 1
    assert "503 from the server, tried 3 times" in caplog.text


def test_a_dead_server(process: Process) -> None:
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
    assert "failed: ConnectionFailed" in output.stderr


def test_the_allowance_is_kept_without_a_429(start: StartFirm) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, latency_ms=60, rate=10, burst=5)
    assert is_whole(run(config(firm, requests_per_second=10, burst=5)), firm)
    report = firm.control.requests()
    assert "429" not in report["by_status"]
    assert report["max_in_flight"] <= 5


def test_an_allowance_that_others_use_too(start: StartFirm) -> None:
    firm = start(matters=60, fees=1, exact_fees=True, rate=30, burst=5)
    assert is_whole(run(config(firm, requests_per_second=60, burst=10)), firm)
    assert "429" in firm.control.requests()["by_status"]
