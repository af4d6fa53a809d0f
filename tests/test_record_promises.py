"""Records: what the tap always keeps and what it never emits, whatever the API sends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness import catalog, config, run, sandbox_rows
from tests.recording_server import RecordingServer

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer


def test_amount_keeps_more_digits_than_float() -> None:
    """No amount passes through a float, which keeps 15 to 17 digits."""
    amount = "12345678901234567890.123456789"
    body = f'{{"value": [{{"id": "a", "rate": {amount}, "salary": {amount}}}], "size": 1}}'
    with RecordingServer(body=body.encode()) as server:
        settings = {"api_url": server.url, "api_key": "k", "access_token": "t"}
        output = run(settings, catalog=catalog(wanted=["staff"], select=["staff.rate"]))
    [record] = output.records("staff")
    assert str(record["rate"]) == amount
    assert str(record["extraFields"]["salary"]) == amount


def test_unknown_field_loses_its_signed_urls(firm: SandboxServer) -> None:
    """Whoever holds a signed URL can read the document, in any field and at any depth."""
    canary = "https://files.example/signed-canary"
    new_field = {"name": "scan.pdf", "versions": [{"downloadUrl": canary, "number": 2}]}
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"scan": new_field, "uploadUrl": canary})
    output = run(config(firm))
    [record] = [record for record in output.records("fees") if record["id"] == fee]
    assert record["extraFields"] == {"scan": {"name": "scan.pdf", "versions": [{"number": 2}]}}
    assert canary not in json.dumps(output.messages, default=str)
