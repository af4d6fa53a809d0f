"""What ``--test`` tells: access, account, clock, and how long the login is good for."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tests.harness import DEFAULT, catalog, config, examined, truth
from tests.recorded_firm import STREAMS

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json

SOME = ("firm", "matters", "fees", "tasks")


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def facts(log: pytest.LogCaptureFixture) -> dict[str, str]:
    """Return what was told, by its first word."""
    text = next(m for m in map(logging.LogRecord.getMessage, log.records) if "reached:" in m)
    lines = [line.split(maxsplit=1) for line in text.splitlines()[2:] if line]
    return {name: rest[0] for name, *rest in lines}


def told(firm: SandboxServer, log: pytest.LogCaptureFixture, **more: object) -> dict[str, str]:
    examined(config(firm, **more), catalog(wanted=SOME))
    return facts(log)


class TestStreams:
    def test_all_can_be_reached(self, start: StartFirm, log: pytest.LogCaptureFixture) -> None:
        firm = start(matters=20)
        output = examined(config(firm), catalog(wanted=STREAMS))
        assert output.status == 0
        told = facts(log)
        assert told.keys() > STREAMS.keys()
        assert all(told[stream].startswith("yes") for stream in STREAMS.keys() - {"subtasks"})
        assert told["subtasks"] == "not tried: no tasks to look below were seen"
        assert all(len(output.records(stream)) <= 1 for stream in STREAMS)
        assert firm.control.requests()["total"] < 40
        assert told["requests"] == f"{firm.control.requests()['total']} for this test"

    def test_folders_in_folders_are_no_trouble(self, start: StartFirm) -> None:
        firm = start(matters=3)
        for entry in truth(firm, "matters"):
            matter = entry["row"]["id"]
            top = firm.control.add("folders", parent=matter, set={"parentId": None})["row"]["id"]
            firm.control.add("folders", parent=matter, set={"parentId": top})
        output = examined(config(firm), catalog(wanted=["folders"]))
        assert output.status == 0
        assert len(output.records("folders")) == 1

    def test_scopes_that_are_missing(self, start: StartFirm, log: pytest.LogCaptureFixture) -> None:
        firm = start(matters=5)
        firm.control.settings(scopes=["matters/read", "firm/read", "tasks/read"])
        output = examined(config(firm), catalog(wanted=SOME))
        assert output.status == 1
        assert output.stderr == "1 of 4 streams failed: fees"
        told = facts(log)
        assert told["fees"] == "no, 403: grant the scope fees/read and sign in again"
        assert told["tasks"] == "yes"

    def test_what_hangs_below_a_list_that_is_closed(
        self, firm: SandboxServer, log: pytest.LogCaptureFixture
    ) -> None:
        firm.control.settings(scopes=["fees/read"])
        told_ = told(firm, log)
        assert told_["matters"].startswith("no, 403")
        assert told_["fees"] == "no, matters could not be listed"
        assert told_["account"] == "not available: 403, the scope firm/read is missing"
        assert told_["product"] == told_["account"]

    def test_an_empty_firm(self, start: StartFirm, log: pytest.LogCaptureFixture) -> None:
        told_ = told(start(matters=0), log)
        assert told_["matters"] == "yes, but there is no row"
        assert told_["fees"] == "not tried: no matters to look below were seen"
        assert told_["leads"] == "available, but there is none"

    def test_a_login_that_is_refused(
        self, firm: SandboxServer, log: pytest.LogCaptureFixture
    ) -> None:
        firm.control.revoke(refresh=True)
        output = examined(config(firm), catalog(wanted=SOME))
        assert output.status == 1
        told_ = facts(log)
        assert told_["matters"] == "no, AuthenticationError"
        assert told_["product"] == "not known: AuthenticationError"
        assert firm.control.requests()["total"] == 1


class TestAccount:
    def test_which_firm_it_is(self, firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
        row = truth(firm, "firm")[0]["row"]
        firm.control.touch(
            "firm",
            nth=0,
            set={"name": "Ash & Co", "productId": "SMK004", "addOnIds": ["ADD005", "ADD099"]},
        )
        examined(config(firm), catalog(wanted=SOME))
        assert f"Ash & Co, {row['owner']}, {row['status']['status']}, id {row['id']}" in log.text
        told_ = facts(log)
        assert told_["product"] == "Boost (SMK004), add-ons: Api, ADD099"
        assert told_["intake"].startswith("not available: 403")

    def test_a_product_that_is_not_known(
        self, firm: SandboxServer, log: pytest.LogCaptureFixture
    ) -> None:
        firm.control.touch("firm", nth=0, set={"productId": "SMK009", "addOnIds": None})
        assert told(firm, log)["product"] == "not known (SMK009), add-ons: none"

    def test_leads_and_intake(self, start: StartFirm, log: pytest.LogCaptureFixture) -> None:
        told_ = told(start(matters=30), log, include_leads=False)
        assert told_["leads"] == "available; left out by include_leads"
        assert told_["intake"] == "available"


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "words"),
        [
            (0, "this machine's agrees with Smokeball's"),
            (3600, "this machine's is 1 hour behind Smokeball's; "),
            (-120, "this machine's is 2 minutes ahead of Smokeball's; "),
        ],
    )
    def test_its_skew(
        self, firm: SandboxServer, log: pytest.LogCaptureFixture, ahead: int, words: str
    ) -> None:
        firm.control.settings(clock_offset_seconds=ahead)
        assert told(firm, log)["clock"].replace(" 1 second ", " ").startswith(words)

    def test_without_a_date(self, firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
        firm.control.settings(date_header=False)
        assert told(firm, log)["clock"] == "not known: no answer carried a Date"


def days_ago(days: int) -> str:
    return (datetime.now(timezone.utc) - timedelta(days=days)).isoformat()


class TestLogin:
    @pytest.mark.parametrize(
        ("issued", "words"),
        [
            (days_ago(10), r"refresh token, 10 days old, ends in (169|170|19|20) days"),
            ("2026-08-23", r"refresh token, \d+ days old, has ended: sign in again"),
            (None, "refresh token, issued at a time that is not known"),
        ],
        ids=["young", "ended", "unknown"],
    )
    def test_the_age_of_a_refresh_token(
        self, firm: SandboxServer, log: pytest.LogCaptureFixture, issued: str, words: str
    ) -> None:
        assert re.fullmatch(words, told(firm, log, refresh_token_issued_at=issued)["login"])

    def test_other_ways_in(self, firm: SandboxServer, log: pytest.LogCaptureFixture) -> None:
        settings: Json = config(firm)
        del settings["refresh_token"]
        examined(settings, catalog(wanted=SOME))
        assert facts(log)["login"] == "client credentials, which do not end"
        log.clear()
        (token,) = firm.control.tokens()[:1]
        examined({**config(firm), "access_token": token}, catalog(wanted=SOME))
        assert facts(log)["login"] == "the access_token that was given; it is not renewed"


def test_by_default_it_reads_what_a_run_reads(
    start: StartFirm, log: pytest.LogCaptureFixture
) -> None:
    firm = start(matters=5)
    output = examined(config(firm), catalog(wanted=DEFAULT))
    assert {m["stream"] for m in output.of("SCHEMA")} == set(DEFAULT)
    assert "How it went" not in log.text
