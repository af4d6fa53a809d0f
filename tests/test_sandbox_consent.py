"""The sandbox's consent: the authorization-code grant, and how it refuses."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.sandbox_client import Client, Json

REDIRECT_URI = "http://localhost:8765/callback"
VERIFIER = "v" * 43
DIGEST = hashlib.sha256(VERIFIER.encode()).digest()
PKCE = {
    "code_challenge": base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
    "code_challenge_method": "S256",
}


def asked(sandbox: SandboxServer, **change: str | None) -> Json:
    client = sandbox.credentials["client_id"]
    query = {"response_type": "code", "client_id": client, "redirect_uri": REDIRECT_URI, **PKCE}
    whole = {**query, "state": "s1", **change}
    return {name: value for name, value in whole.items() if value is not None}


def decide(sandbox: SandboxServer, query: Json, decision: str = "allow") -> requests.Response:
    return requests.post(
        f"{sandbox.url}/oauth2/authorize",
        {"decision": decision},
        params=query,
        timeout=10,
        allow_redirects=False,
    )


def told(answer: requests.Response) -> Json:
    """What the way back says."""
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: value for name, (value,) in query.items()}


def code(sandbox: SandboxServer, **change: str | None) -> str:
    return str(told(decide(sandbox, asked(sandbox, **change)))["code"])


def redeem(sandbox: SandboxServer, once: str, **change: str | None) -> requests.Response:
    known = sandbox.credentials
    form = {
        "grant_type": "authorization_code",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "redirect_uri": REDIRECT_URI,
        "code": once,
        "code_verifier": VERIFIER,
        **change,
    }
    whole = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{sandbox.url}/oauth2/token", whole, timeout=10)


def test_a_code_brings_tokens(client: Client) -> None:
    sandbox = client.sandbox
    page = requests.get(f"{sandbox.url}/oauth2/authorize", params=asked(sandbox), timeout=10)
    assert page.status_code == 200
    assert "fees/read" in page.text
    answer = decide(sandbox, asked(sandbox))
    assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert told(answer).keys() == {"code", "state"}
    assert told(answer)["state"] == "s1"
    tokens = redeem(sandbox, told(answer)["code"]).json()
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert {tokens["access_token"], tokens["refresh_token"]} <= set(sandbox.control.tokens())
    client.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert client.get("/matters").status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    client.sign_in(**form)
    assert client.get("/matters").status_code == 200


def test_fewer_scopes_can_be_asked_for(client: Client) -> None:
    tokens = redeem(client.sandbox, code(client.sandbox, scope="matters/read")).json()
    client.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert client.get("/matters").status_code == 200
    assert client.get("/contacts").status_code == 403


def test_no(sandbox: SandboxServer) -> None:
    answer = decide(sandbox, asked(sandbox), "deny")
    assert told(answer) == {"error": "access_denied", "state": "s1"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "nothing/read"}, "invalid_scope"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        (
            {
                "client_id": "sandbox-public-client",
                "code_challenge": None,
                "code_challenge_method": None,
            },
            "invalid_request",
        ),
    ],
)
def test_refusals_that_the_app_is_told_of(
    sandbox: SandboxServer, change: dict[str, str | None], error: str
) -> None:
    query = asked(sandbox, **change)
    url = f"{sandbox.url}/oauth2/authorize"
    page = requests.get(url, params=query, timeout=10, allow_redirects=False)
    for answer in (page, decide(sandbox, query)):
        assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?")
        assert told(answer) == {"error": error, "state": "s1"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": REDIRECT_URI + "/"}, "redirect_mismatch"),
        ({"redirect_uri": None}, "redirect_mismatch"),
        ({"client_id": "another"}, "invalid_client"),
    ],
)
def test_refusals_that_only_the_user_sees(
    sandbox: SandboxServer, change: dict[str, str | None], error: str
) -> None:
    query = asked(sandbox, **change)
    answer = decide(sandbox, query)
    assert told(answer) == {"error": error, "client_id": query["client_id"]}
    page = requests.get(f"{sandbox.url}/oauth2/authorize", params=query, timeout=10)
    assert page.url.startswith(f"{sandbox.url}/error?")
    assert page.status_code == 400
    assert error in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": None},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"redirect_uri": None},
        {"client_id": "sandbox-public-client", "client_secret": None},
        {"code": "another"},
    ],
)
def test_codes_that_are_worth_nothing(
    sandbox: SandboxServer, change: dict[str, str | None]
) -> None:
    answer = redeem(sandbox, code(sandbox), **change)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_a_code_works_once_right_or_wrong(sandbox: SandboxServer) -> None:
    for verifier, status in ((VERIFIER, 200), ("wrong", 400)):
        once = code(sandbox)
        assert redeem(sandbox, once, code_verifier=verifier).status_code == status
        assert redeem(sandbox, once).json() == {"error": "invalid_grant"}


def test_a_code_lives_five_minutes(sandbox: SandboxServer) -> None:
    for age, status in ((280, 200), (300, 400)):
        sandbox.control.settings(clock_offset_seconds=0)
        once = code(sandbox)
        sandbox.control.settings(clock_offset_seconds=age)
        assert redeem(sandbox, once).status_code == status


def test_an_app_with_a_secret_may_do_without_a_proof(sandbox: SandboxServer) -> None:
    once = code(sandbox, code_challenge=None, code_challenge_method=None)
    assert redeem(sandbox, once, code_verifier=None).status_code == 200


def test_what_is_missing_from_the_form(sandbox: SandboxServer) -> None:
    answer = redeem(sandbox, "", code=None)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
