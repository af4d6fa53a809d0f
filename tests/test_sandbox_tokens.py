"""The sandbox's tokens, and what its gateway lets through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from smokeball_sandbox import SandboxServer
from tests.sandbox_client import EVERYTHING, Client, Document, mint

if TYPE_CHECKING:
    from tests.conftest import StartFirm


def test_client_credentials(sandbox: SandboxServer) -> None:
    answer = mint(sandbox)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert answer.json()["expires_in"] == 3600


def test_tokens_that_are_alive_are_told(start: StartFirm) -> None:
    firm = start(matters=1)
    token = mint(firm).json()["access_token"]
    assert token in firm.control.tokens()
    firm.control.revoke()
    assert token not in firm.control.tokens()


def test_the_client_may_name_itself_in_the_body(sandbox: SandboxServer) -> None:
    known = sandbox.credentials
    form = {
        "grant_type": "refresh_token",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "refresh_token": known["refresh_token"],
    }
    assert requests.post(f"{sandbox.url}/oauth2/token", form, timeout=10).status_code == 200


def test_a_public_client_has_no_secret(sandbox: SandboxServer) -> None:
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
def test_refusals_of_the_token_endpoint(
    sandbox: SandboxServer, form: dict[str, str], status: int, error: str
) -> None:
    answer = mint(sandbox, **form)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_wrong_secret_and_wrong_content_type(sandbox: SandboxServer) -> None:
    url, id_ = f"{sandbox.url}/oauth2/token", sandbox.credentials["client_id"]
    form = {"grant_type": "client_credentials", "client_id": id_}
    answer = requests.post(url, form, auth=(id_, "wrong"), timeout=10)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    form |= {"client_secret": "wrong"}
    answer = requests.post(url, form, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})
    answer = requests.post(url, json=form, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_rotation_of_refresh_tokens() -> None:
    with SandboxServer(matters=1) as sandbox:
        old = sandbox.credentials["refresh_token"]

        def refresh(token: str) -> Document:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            answer: Document = mint(sandbox, **form).json()
            return answer

        assert "refresh_token" not in refresh(old)
        sandbox.control.settings(rotate_refresh_tokens=True)
        second = refresh(old)["refresh_token"]
        sandbox.control.settings(rotate_refresh_tokens="invalidate")
        third = refresh(second)["refresh_token"]
        assert refresh(second) == {"error": "invalid_grant"}
        assert "access_token" in refresh(old)
        sandbox.control.revoke(refresh=True)
        assert refresh(third) == {"error": "invalid_grant"}


def test_tokens_expire_by_the_sandbox_clock(client: Client) -> None:
    client.sandbox.control.settings(token_seconds=100)
    client.sign_in()
    assert client.get("/matters").status_code == 200
    client.sandbox.control.settings(clock_offset_seconds=101)
    answer = client.get("/matters")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    client.sign_in()
    assert client.get("/matters").status_code == 200


def test_revoked_missing_and_wrong_keys(client: Client) -> None:
    key = {"x-api-key": "wrong"}
    answer = client.get("/matters", key)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    answer = client.get("/matters", {"Authorization": "Basic abc"})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    client.sandbox.control.revoke()
    assert client.get("/matters").status_code == 401


def test_scopes_are_baked_into_the_token(client: Client, busy: str) -> None:
    client.sandbox.control.settings(scopes=["matters/read"])
    assert client.get(f"/matters/{busy}/fees").status_code == 200
    client.sign_in()
    answer = client.get(f"/matters/{busy}/fees")
    assert answer.status_code == 403
    assert "execute-api:Invoke" in answer.json()["message"]
    assert client.get("/matters").status_code == 200


def test_unknown_paths_are_forbidden_and_unknown_ids_not_found(client: Client) -> None:
    for path in ("/leads", "/matters/x/nonsense", "/other-account/matters"):
        answer = client.get(path)
        assert (answer.status_code, list(answer.json())) == (403, ["message"])
    for path in ("/matters/unknown", "/matters/unknown/fees", "/matters/unknown/fees/x"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json().keys() == {"type", "title", "status", "detail", "instance"}
    assert client.session.post(f"{client.url}/matters", timeout=10).status_code == 403


def test_request_id_is_echoed(client: Client) -> None:
    assert client.get("/matters", {"RequestId": "r-1"}).headers["RequestId"] == "r-1"
    assert "RequestId" not in client.get("/matters").headers
    log = client.sandbox.control.requests(log=True)["log"]
    assert [entry["request_id"] for entry in log] == [None, "r-1", None]


def test_a_user_may_be_kept_from_matters(client: Client, busy: str) -> None:
    client.sandbox.control.settings(hidden_from_user=[busy])
    user = {"UserId": "someone"}
    everyone = client.ids("/matters", **EVERYTHING)
    seen = [row["id"] for row in client.get("/matters", user, **EVERYTHING).json()["value"]]
    assert set(everyone) - set(seen) == {busy}
    for path in (f"/matters/{busy}", f"/matters/{busy}/fees"):
        assert client.get(path, user).status_code == 403
        assert client.get(path).status_code == 200


def test_account_prefix() -> None:
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
