"""The sandbox's token endpoint and gateway."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from smokeball_sandbox import SandboxServer
from tests.sandbox_client import EVERYTHING, Client, Document, request_token

if TYPE_CHECKING:
    from tests.conftest import StartFirm


def test_client_credentials_grant_yields_token(sandbox: SandboxServer) -> None:
    response = request_token(sandbox)
    assert response.status_code == 200
    assert response.json().keys() == {"access_token", "token_type", "expires_in"}
    assert response.json()["expires_in"] == 3600


def test_control_tokens_lists_active_tokens(start: StartFirm) -> None:
    firm = start(matters=1)
    token = request_token(firm).json()["access_token"]
    assert token in firm.control.tokens()
    firm.control.revoke()
    assert token not in firm.control.tokens()


def test_client_authenticates_in_form_body(sandbox: SandboxServer) -> None:
    known = sandbox.credentials
    form = {
        "grant_type": "refresh_token",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "refresh_token": known["refresh_token"],
    }
    assert requests.post(f"{sandbox.url}/oauth2/token", form, timeout=10).status_code == 200


def test_public_client_refreshes_without_secret(sandbox: SandboxServer) -> None:
    known = sandbox.public_credentials
    form = {"grant_type": "refresh_token", **known}
    url = f"{sandbox.url}/oauth2/token"
    assert requests.post(url, form, timeout=10).status_code == 200
    form["refresh_token"] = sandbox.credentials["refresh_token"]
    assert requests.post(url, form, timeout=10).json() == {"error": "invalid_grant"}
    form["grant_type"] = "client_credentials"
    assert requests.post(url, form, timeout=10).json() == {"error": "unauthorized_client"}


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "stale"}, 400, "invalid_grant"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"scope": "nothing/read"}, 400, "invalid_scope"),
    ],
)
def test_token_endpoint_rejects_invalid_form(
    sandbox: SandboxServer, form: dict[str, str], status: int, error: str
) -> None:
    response = request_token(sandbox, **form)
    assert (response.status_code, response.json()) == (status, {"error": error})


def test_token_endpoint_rejects_wrong_secret(sandbox: SandboxServer) -> None:
    url, id_ = f"{sandbox.url}/oauth2/token", sandbox.credentials["client_id"]
    form = {"grant_type": "client_credentials", "client_id": id_}
    response = requests.post(url, form, auth=(id_, "wrong"), timeout=10)
    assert (response.status_code, response.json()) == (401, {"error": "invalid_client"})
    form |= {"client_secret": "wrong"}
    response = requests.post(url, form, timeout=10)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_client"})
    response = requests.post(url, json=form, timeout=10)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})


def test_refresh_token_rotation_follows_setting() -> None:
    with SandboxServer(matters=1) as sandbox:
        old = sandbox.credentials["refresh_token"]

        def refresh(token: str) -> Document:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            response: Document = request_token(sandbox, **form).json()
            return response

        assert "refresh_token" not in refresh(old)
        sandbox.control.settings(rotate_refresh_tokens=True)
        second = refresh(old)["refresh_token"]
        sandbox.control.settings(rotate_refresh_tokens="invalidate")
        third = refresh(second)["refresh_token"]
        assert refresh(second) == {"error": "invalid_grant"}
        assert "access_token" in refresh(old)
        sandbox.control.settings(rotation_grace_seconds=60)
        fourth = refresh(third)["refresh_token"]
        assert "access_token" in refresh(third)
        sandbox.control.settings(clock_offset_seconds=61)
        assert refresh(third) == {"error": "invalid_grant"}
        third = refresh(fourth)["refresh_token"]
        sandbox.control.revoke(refresh=True)
        assert refresh(third) == {"error": "invalid_grant"}


def test_tokens_expire_by_sandbox_clock(client: Client) -> None:
    client.sandbox.control.settings(token_seconds=100)
    client.sign_in()
    assert client.get("/matters").status_code == 200
    client.sandbox.control.settings(clock_offset_seconds=101)
    response = client.get("/matters")
    assert (response.status_code, response.json()) == (401, {"message": "Unauthorized"})
    client.sign_in()
    assert client.get("/matters").status_code == 200


def test_invalid_credentials_return_401_or_403(client: Client) -> None:
    key = {"x-api-key": "wrong"}
    response = client.get("/matters", key)
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})
    response = client.get("/matters", {"Authorization": "Basic abc"})
    assert (response.status_code, response.json()) == (401, {"message": "Unauthorized"})
    client.sandbox.control.revoke()
    assert client.get("/matters").status_code == 401


def test_token_keeps_scopes_of_issue_time(client: Client, busy_matter: str) -> None:
    client.sandbox.control.settings(scopes=["matters/read"])
    assert client.get(f"/matters/{busy_matter}/fees").status_code == 200
    client.sign_in()
    response = client.get(f"/matters/{busy_matter}/fees")
    assert response.status_code == 403
    assert "execute-api:Invoke" in response.json()["message"]
    assert client.get("/matters").status_code == 200


def test_unknown_path_is_403_and_unknown_id_404(client: Client) -> None:
    for path in ("/leads", "/matters/x/invalid", "/other-account/matters"):
        response = client.get(path)
        assert (response.status_code, list(response.json())) == (403, ["message"])
    for path in ("/matters/unknown", "/matters/unknown/fees", "/matters/unknown/fees/x"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json().keys() == {"type", "title", "status", "detail", "instance"}
    assert client.session.post(f"{client.url}/matters", timeout=10).status_code == 403


def test_request_id_is_echoed_and_logged(client: Client) -> None:
    assert client.get("/matters", {"RequestId": "r-1"}).headers["RequestId"] == "r-1"
    assert "RequestId" not in client.get("/matters").headers
    log = client.sandbox.control.requests(log=True)["log"]
    assert [entry["request_id"] for entry in log] == [None, "r-1", None]


def test_user_id_hides_matters_of_user(client: Client, busy_matter: str) -> None:
    client.sandbox.control.settings(hidden_from_user=[busy_matter])
    user = {"UserId": "someone"}
    everyone = client.ids("/matters", **EVERYTHING)
    seen = [row["id"] for row in client.get("/matters", user, **EVERYTHING).json()["value"]]
    assert set(everyone) - set(seen) == {busy_matter}
    for path in (f"/matters/{busy_matter}", f"/matters/{busy_matter}/fees"):
        assert client.get(path, user).status_code == 403
        assert client.get(path).status_code == 200


def test_account_id_prefixes_paths_and_links() -> None:
    with SandboxServer(matters=12, account_id="acc-1") as sandbox:
        client = Client(sandbox, "/acc-1")
        with client.session:
            text = client.get("/matters", Limit=5).text
            assert f"{sandbox.url}/acc-1/matters" in text
            hrefs = re.findall(rf'"({re.escape(sandbox.url)}[^"]*)', text)
            assert hrefs
            assert all(href.startswith(f"{sandbox.url}/acc-1/") for href in hrefs)
            client.url = sandbox.url
            assert "acc-1" not in client.get("/matters").text
            client.url = f"{sandbox.url}/acc-2"
            assert client.get("/matters").status_code == 403
