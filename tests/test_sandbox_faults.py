"""Faults of the sandbox, as a test asks for them."""

from __future__ import annotations

import pytest
import requests

from smokeball_sandbox import ControlError
from tests.sandbox_client import FEES, Client, mint


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_statuses_on_demand(client: Client, status: int) -> None:
    client.sandbox.control.fail(status=status, count=2, after=1, retry_after=7)
    answers = [client.get("/matters", Limit=1) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, status, status, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert "Retry-After" not in answers[0].headers
    assert ("message" in answers[1].json()) == (status in {401, 403, 429, 503})


def test_faults_are_aimed(client: Client, busy: str) -> None:
    fail = client.sandbox.control.fail
    fail(template=FEES)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy}/fees").status_code == 503
    fail(template="POST /oauth2/token", status=500)
    assert client.get("/matters").status_code == 200
    assert mint(client.sandbox).status_code == 500
    fail(path_contains=busy, status=502)
    assert client.get("/matters").status_code == 200
    assert client.get(f"/matters/{busy}").status_code == 502
    fail(count=50)
    client.sandbox.control.clear_faults()
    assert client.get("/matters").status_code == 200
    for nonsense in ({"how": "explode"}, {"template": "GET /nowhere"}, {"count": 0}):
        with pytest.raises(ControlError):
            fail(**nonsense)


def test_broken_connections(client: Client) -> None:
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


def test_nonsense_for_an_answer(client: Client) -> None:
    fail = client.sandbox.control.fail
    fail(how="html")
    answer = client.get("/matters")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<!DOCTYPE html>")
    fail(how="error_document")
    answer = client.get("/matters")
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    fail(how="empty")
    answer = client.get("/matters")
    assert (answer.status_code, answer.content) == (200, b"")
    fail(how="slow", seconds=0.05)
    assert client.get("/matters").json()["value"]
