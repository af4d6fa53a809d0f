"""The sandbox's settings and request log: rate limit, clock and counts."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

import pytest

from smokeball_sandbox import ControlError, SandboxServer
from smokeball_sandbox.clock import EPOCH_TICKS
from tests.sandbox_client import FEES, MATTERS, Client, Document


def test_sandbox_rate_limit_returns_429(client: Client) -> None:
    client.sandbox.control.settings(rate=0.001, burst=3)
    responses = [client.get("/matters", Limit=1) for _ in range(5)]
    assert [each.status_code for each in responses] == [200, 200, 200, 429, 429]
    assert responses[-1].json() == {"message": "Too Many Requests"}
    assert "Retry-After" not in responses[-1].headers
    client.sandbox.control.settings(retry_after=2)
    assert client.get("/matters").headers["Retry-After"] == "2"
    client.sandbox.control.settings(rate=0)
    assert client.get("/matters").status_code == 200


def test_requests_in_flight_are_limited(client: Client) -> None:
    control = client.sandbox.control
    control.settings(rate=1000, burst=2)
    control.fail(how="hang", count=2)
    host, port = client.url.removeprefix("http://").split(":")
    headers = {name: str(value) for name, value in client.session.headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(f"GET /matters HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        while control.requests()["by_status"].get("0") != 2:
            time.sleep(0.01)
        assert client.get("/matters").status_code == 429
        assert control.requests()["max_in_flight"] == 3
    while client.get("/matters").status_code == 429:
        time.sleep(0.01)
    control.reset_requests()
    client.get("/matters")
    assert control.requests()["max_in_flight"] == 1


def test_request_log_counts_requests(client: Client, busy_matter: str) -> None:
    client.get("/matters", {"User-Agent": "tester/1", "UserId": "u"}, Limit=1)
    client.get(f"/matters/{busy_matter}/fees")
    client.get("/nowhere")
    report = client.sandbox.control.requests(log=True)
    assert report["total"] == 4
    assert report["by_template"] == {
        "POST /oauth2/token": 1,
        MATTERS: 1,
        FEES: 1,
        "GET (unknown path)": 1,
    }
    assert report["by_status"] == {"200": 3, "403": 1}
    entry = report["log"][1]
    assert (entry["path"], entry["query"], entry["status"]) == ("/matters", "Limit=1", 200)
    assert (entry["user_id"], entry["user_agent"]) == ("u", "tester/1")


def test_invalid_settings_change_nothing(sandbox: SandboxServer) -> None:
    before = sandbox.control.settings()
    wrong: list[Document] = [
        {"rate": -1},
        {"invalid": 1},
        {"latency_ms": 5, "size": "big"},
        {"max_page": 0},
    ]
    for changes in wrong:
        with pytest.raises(ControlError):
            sandbox.control.settings(**changes)
    assert sandbox.control.settings() == before


def test_clock_offset_shifts_sandbox_time(client: Client) -> None:
    client.sandbox.control.settings(clock_offset_seconds=-86_400)
    response = client.get("/matters", Limit=1)
    ahead = time.time() - parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert 86_000 < ahead < 87_000
    id_ = response.json()["value"][0]["id"]
    updated = client.sandbox.control.touch("matters", id_)["updated"]
    assert 86_000 < time.time() - (updated - EPOCH_TICKS) / 1e7 < 87_000
    client.sandbox.control.settings(date_header=False)
    assert "Date" not in client.get("/matters").headers
