"""The sandbox's consent pages: the authorization code grant and its errors."""

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


def consent_query(sandbox: SandboxServer, **change: str | None) -> Json:
    client = sandbox.credentials["client_id"]
    query = {"response_type": "code", "client_id": client, "redirect_uri": REDIRECT_URI, **PKCE}
    parameters = {**query, "state": "s1", **change}
    return {name: value for name, value in parameters.items() if value is not None}


def decide(sandbox: SandboxServer, query: Json, decision: str = "allow") -> requests.Response:
    return requests.post(
        f"{sandbox.url}/oauth2/authorize",
        {"decision": decision},
        params=query,
        timeout=10,
        allow_redirects=False,
    )


def redirect_parameters(response: requests.Response) -> Json:
    """Return the query parameters of a redirect."""
    assert response.status_code == 302
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    return {name: value for name, (value,) in query.items()}


def issue_code(sandbox: SandboxServer, **change: str | None) -> str:
    return str(redirect_parameters(decide(sandbox, consent_query(sandbox, **change)))["code"])


def redeem_code(sandbox: SandboxServer, issued: str, **change: str | None) -> requests.Response:
    credentials = sandbox.credentials
    form = {
        "grant_type": "authorization_code",
        "client_id": credentials["client_id"],
        "client_secret": credentials["client_secret"],
        "redirect_uri": REDIRECT_URI,
        "code": issued,
        "code_verifier": VERIFIER,
        **change,
    }
    fields = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{sandbox.url}/oauth2/token", fields, timeout=10)


def test_consent_code_yields_tokens(client: Client) -> None:
    sandbox = client.sandbox
    page = requests.get(
        f"{sandbox.url}/oauth2/authorize", params=consent_query(sandbox), timeout=10
    )
    assert page.status_code == 200
    assert "fees/read" in page.text
    response = decide(sandbox, consent_query(sandbox))
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert redirect_parameters(response).keys() == {"code", "state"}
    assert redirect_parameters(response)["state"] == "s1"
    tokens = redeem_code(sandbox, redirect_parameters(response)["code"]).json()
    expected = {"access_token", "refresh_token", "id_token", "token_type", "expires_in"}
    assert tokens.keys() == expected
    assert {tokens["access_token"], tokens["refresh_token"]} <= set(sandbox.control.tokens())
    client.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert client.get("/matters").status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    client.sign_in(**form)
    assert client.get("/matters").status_code == 200


def test_consent_scope_limits_token(client: Client) -> None:
    tokens = redeem_code(client.sandbox, issue_code(client.sandbox, scope="matters/read")).json()
    client.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert client.get("/matters").status_code == 200
    assert client.get("/contacts").status_code == 403


def test_consent_denied_returns_access_denied(sandbox: SandboxServer) -> None:
    response = decide(sandbox, consent_query(sandbox), "deny")
    assert redirect_parameters(response) == {"error": "access_denied", "state": "s1"}


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
def test_consent_error_redirects_to_app(
    sandbox: SandboxServer, change: dict[str, str | None], error: str
) -> None:
    query = consent_query(sandbox, **change)
    url = f"{sandbox.url}/oauth2/authorize"
    page = requests.get(url, params=query, timeout=10, allow_redirects=False)
    for response in (page, decide(sandbox, query)):
        assert response.headers["Location"].startswith(f"{REDIRECT_URI}?")
        assert redirect_parameters(response) == {"error": error, "state": "s1"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": REDIRECT_URI + "/"}, "redirect_mismatch"),
        ({"redirect_uri": None}, "redirect_mismatch"),
        ({"client_id": "another"}, "invalid_client"),
    ],
)
def test_consent_bad_client_shows_error_page(
    sandbox: SandboxServer, change: dict[str, str | None], error: str
) -> None:
    query = consent_query(sandbox, **change)
    response = decide(sandbox, query)
    assert redirect_parameters(response) == {"error": error, "client_id": query["client_id"]}
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
def test_code_mismatch_returns_invalid_grant(
    sandbox: SandboxServer, change: dict[str, str | None]
) -> None:
    response = redeem_code(sandbox, issue_code(sandbox), **change)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_grant"})


def test_code_is_spent_after_any_attempt(sandbox: SandboxServer) -> None:
    for verifier, status in ((VERIFIER, 200), ("wrong", 400)):
        code = issue_code(sandbox)
        assert redeem_code(sandbox, code, code_verifier=verifier).status_code == status
        assert redeem_code(sandbox, code).json() == {"error": "invalid_grant"}


def test_code_expires_after_five_minutes(sandbox: SandboxServer) -> None:
    for age, status in ((280, 200), (300, 400)):
        sandbox.control.settings(clock_offset_seconds=0)
        code = issue_code(sandbox)
        sandbox.control.settings(clock_offset_seconds=age)
        assert redeem_code(sandbox, code).status_code == status


def test_confidential_client_may_omit_pkce(sandbox: SandboxServer) -> None:
    code = issue_code(sandbox, code_challenge=None, code_challenge_method=None)
    assert redeem_code(sandbox, code, code_verifier=None).status_code == 200


def test_token_request_without_code_is_invalid(sandbox: SandboxServer) -> None:
    response = redeem_code(sandbox, "", code=None)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})
