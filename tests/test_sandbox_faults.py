"""Faults that a test injects into the sandbox."""

from __future__ import annotations

import pytest
import requests

from smokeball_sandbox import ControlError
from tests.sandbox_client import FEES, Client, request_token


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_status_fault_affects_count_requests(client: Client, status: int) -> None:
    client.sandbox.control.fail(status=status, count=2, after=1, retry_after=7)
    responses = [client.get("/matters", Limit=1) for _ in range(4)]
    assert [each.status_code for each in responses] == [200, status, status, 200]
    assert responses[1].headers["Retry-After"] == "7"
    assert "Retry-After" not in responses[0].headers
    assert ("message" in responses[1].json()) == (status in {401, 403, 429, 503})


def test_fault_affects_only_matching_requests(client: Client, busy_matter: str) -> None:
    fail = client.sandbox.control.fail
    fail(template=FEES)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy_matter}/fees").status_code == 503
    fail(template="POST /oauth2/token", status=500)
    assert client.get("/matters").status_code == 200
    assert request_token(client.sandbox).status_code == 500
    fail(path_contains=busy_matter, status=502)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy_matter}").status_code == 502
    fail(count=50)
    client.sandbox.control.clear_faults()
    assert client.get("/matters").status_code == 200
    for invalid in ({"how": "explode"}, {"template": "GET /nowhere"}, {"count": 0}):
        with pytest.raises(ControlError):
            fail(**invalid)


def test_connection_faults_break_requests(client: Client) -> None:
    fail = client.sandbox.control.fail
    fail(how="reset")
    with pytest.raises(requests.ConnectionError):
        client.get("/matters")
    fail(how="truncate")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/matters")
    fail(how="hang", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        client.get("/matters")
    fail(how="hang")
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{client.url}/matters", timeout=0.2)
    assert client.get("/matters").status_code == 200
    by_status = client.sandbox.control.requests()["by_status"]
    assert by_status["0"] == 3


def test_malformed_response_faults_replace_body(client: Client) -> None:
    fail = client.sandbox.control.fail
    fail(how="html")
    response = client.get("/matters")
    assert response.headers["Content-Type"] == "text/html"
    assert response.text.startswith("<!DOCTYPE html>")
    fail(how="error_document")
    response = client.get("/matters")
    assert (response.status_code, list(response.json())) == (200, ["message"])
    fail(how="empty")
    response = client.get("/matters")
    assert (response.status_code, response.content) == (200, b"")
    fail(how="slow", seconds=0.05)
    assert client.get("/matters").json()["value"]
