"""The report of ``--test``: access, account, clock and the expiry of the login."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tests.harness import DEFAULT_STREAMS, catalog, config, run_connection_test, sandbox_rows
from tests.memory_firm import MemoryFirm
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

pytestmark = pytest.mark.slow

SOME_STREAMS = ("firm", "matters", "fees", "tasks")


def parse_report(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return the lines of the report, by their first words."""
    text = capsys.readouterr().out
    lines = [line.split(maxsplit=1) for line in text.splitlines()[1:] if line]
    return {name: rest[0] for name, *rest in lines}


def run_and_parse(
    firm: SandboxServer, capsys: pytest.CaptureFixture[str], **more: object
) -> dict[str, str]:
    run_connection_test(config(firm, **more), catalog(wanted=SOME_STREAMS))
    return parse_report(capsys)


class TestStreams:
    def test_access_check_passes_all_streams(
        self, start: StartFirm, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each stream is reported with at most one row, in under 60 requests."""
        firm = start(matters=20)
        output = run_connection_test(config(firm), catalog(wanted=STREAMS))
        assert output.status == 0
        report = parse_report(capsys)
        assert report.keys() > STREAMS.keys()
        assert all(report[stream].startswith("ok") for stream in STREAMS)
        assert all(len(output.records(stream)) <= 1 for stream in STREAMS)
        assert firm.control.requests()["total"] < 70
        assert report["requests"] == f"{firm.control.requests()['total']} for this test"

    def test_access_check_tries_several_parents(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A stream has rows although its first parents have none; an empty one says how many."""
        firm = MemoryFirm(matters=12)
        wanted = catalog(wanted=["transactions"])
        accounts = sorted(e["row"]["id"] for e in sandbox_rows(firm, "bank_accounts"))
        last = max(entry["parent"] for entry in sandbox_rows(firm, "transactions"))
        assert accounts[0] != last
        for kept, expected in (
            (last, "ok"),
            (None, f"ok (no rows in {len(accounts)} bank accounts)"),
        ):
            for entry in sandbox_rows(firm, "transactions"):
                if entry["parent"] != kept:
                    firm.control.delete("transactions", parent=entry["parent"], nth=0, hard=True)
            run_connection_test(config(firm), wanted)
            assert parse_report(capsys)["transactions"] == expected

    def test_access_check_reads_nested_folders(self, start: StartFirm) -> None:
        firm = start(matters=3)
        for entry in sandbox_rows(firm, "matters"):
            matter = entry["row"]["id"]
            top = firm.control.add("folders", parent=matter, set={"parentId": None})["row"]["id"]
            firm.control.add("folders", parent=matter, set={"parentId": top})
        output = run_connection_test(config(firm), catalog(wanted=["folders"]))
        assert output.status == 0
        assert len(output.records("folders")) == 1

    def test_access_check_names_missing_scope(
        self, start: StartFirm, capsys: pytest.CaptureFixture[str]
    ) -> None:
        firm = start(matters=5)
        firm.control.settings(scopes=["matters/read", "firm/read", "tasks/read"])
        output = run_connection_test(config(firm), catalog(wanted=SOME_STREAMS))
        assert output.status == 1
        assert output.stderr == "1 of 4 streams failed: fees"
        report = parse_report(capsys)
        assert report["fees"] == "no, 403: grant the scope fees/read and sign in again"
        assert report["tasks"] == "ok"

    def test_access_check_skips_children_of_403_list(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Child streams of a forbidden list are reported with the parent's name."""
        firm.control.settings(scopes=["fees/read"])
        report = run_and_parse(firm, capsys)
        assert report["matters"].startswith("no, 403")
        assert report["fees"] == "no, matters could not be listed"
        assert report["account"] == "not available: 403, the scope firm/read is missing"
        assert report["product"] == report["account"]

    def test_access_check_reports_empty_firm(
        self, start: StartFirm, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = run_and_parse(start(matters=0), capsys)
        assert report["matters"] == "ok (no rows in sample)"
        assert report["fees"] == "skipped: no matters found"
        assert report["leads"] == "available, but there are none"

    def test_access_check_stops_at_failed_login(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """After a failed token request the test makes no other request."""
        firm.control.revoke(refresh=True)
        output = run_connection_test(config(firm), catalog(wanted=SOME_STREAMS))
        assert output.status == 1
        report = parse_report(capsys)
        assert report["matters"] == "no, 400 invalid_grant from the token endpoint"
        assert report["product"] == "unknown: 400 invalid_grant from the token endpoint"
        assert firm.control.requests()["total"] == 1


class TestAccount:
    def test_access_check_shows_firm_and_product(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        row = sandbox_rows(firm, "firm")[0]["row"]
        firm.control.touch(
            "firm",
            nth=0,
            set={"name": "Ash & Co", "productId": "SMK004", "addOnIds": ["ADD005", "ADD099"]},
        )
        run_connection_test(config(firm), catalog(wanted=SOME_STREAMS))
        report = parse_report(capsys)
        status = row["status"]["status"]
        assert report["account"] == f"Ash & Co, {row['owner']}, {status}, id {row['id']}"
        assert report["product"] == "Boost (SMK004), add-ons: Api, ADD099"
        assert report["intake"].startswith("not available: 403")

    def test_access_check_shows_unknown_product_id(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        firm.control.touch("firm", nth=0, set={"productId": "SMK009", "addOnIds": None})
        assert run_and_parse(firm, capsys)["product"] == "unknown (SMK009), add-ons: none"

    def test_access_check_shows_leads_and_intake(
        self, start: StartFirm, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = run_and_parse(start(matters=30), capsys, include_leads=False)
        assert report["leads"] == "available; include_leads is false"
        assert report["intake"] == "available"


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "words"),
        [
            (0, "this machine's clock agrees with Smokeball's"),
            (3600, "this machine's clock is 1 hour behind Smokeball's; "),
            (-120, "this machine's clock is 2 minutes ahead of Smokeball's; "),
        ],
    )
    def test_access_check_shows_clock_skew(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str], ahead: int, words: str
    ) -> None:
        firm.control.settings(clock_offset_seconds=ahead)
        assert run_and_parse(firm, capsys)["clock"].replace(" 1 second ", " ").startswith(words)

    def test_access_check_handles_missing_date(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        firm.control.settings(date_header=False)
        assert run_and_parse(firm, capsys)["clock"] == "unknown: no response has a Date header"


def days_ago(days: int) -> str:
    return (datetime.now(timezone.utc) - timedelta(days=days)).isoformat()


class TestLogin:
    @pytest.mark.parametrize(
        ("issued", "words"),
        [
            (days_ago(10), r"refresh token, 10 days old, expires in (169|170|19|20) days"),
            ("2026-08-23", r"refresh token, \d+ days old, expired: sign in again"),
            (None, "refresh token; set refresh_token_issued_at to be warned before it expires"),
        ],
        ids=["young", "expired", "unknown"],
    )
    def test_access_check_shows_refresh_token_age(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str], issued: str, words: str
    ) -> None:
        assert re.fullmatch(
            words, run_and_parse(firm, capsys, refresh_token_issued_at=issued)["login"]
        )

    def test_access_check_shows_other_grants(
        self, firm: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings: Json = config(firm)
        del settings["refresh_token"]
        run_connection_test(settings, catalog(wanted=SOME_STREAMS))
        assert parse_report(capsys)["login"] == "client credentials, which do not expire"
        (token,) = firm.control.tokens()[:1]
        run_connection_test({**config(firm), "access_token": token}, catalog(wanted=SOME_STREAMS))
        assert parse_report(capsys)["login"] == "access_token, which is not renewed"


def test_access_check_uses_default_selection(
    start: StartFirm, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Without a catalog the test checks the default streams, without a summary."""
    firm = start(matters=5)
    caplog.set_level(logging.INFO)
    output = run_connection_test(config(firm), catalog(wanted=DEFAULT_STREAMS))
    assert {m["stream"] for m in output.messages_of_type("SCHEMA")} == set(DEFAULT_STREAMS)
    assert "Run summary" not in caplog.text + capsys.readouterr().out
