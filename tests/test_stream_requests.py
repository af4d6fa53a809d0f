"""What each stream asks the API for, and what it leaves unasked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.harness import catalog, config, run, truth
from tests.recorded_firm import STREAMS, Firm, keys, read_twice, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    with read_twice() as firm:
        yield firm


class TestRequests:
    def test_past_events_are_asked_for(self, firm: Firm) -> None:
        for number in (0, 1):
            for query in firm.queries("GET /events", number):
                assert query["From"] == ["1990-01-01T00:00:00"]
        since = firm.queries("GET /events", 1)[0]["UpdatedSince"][0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", since)

    @pytest.mark.parametrize(
        ("template", "parameter", "form"),
        [
            ("GET /stages", "UpdatedSince", r"\d{18}"),
            ("GET /stagesets", "UpdatedSince", r"\d{18}"),
            ("GET /activitycodes", "UpdatedSince", r"\d{18}"),
            ("GET /matters/{matterId}/expenses", "UpdatedSince", r"\d{18}"),
            ("GET /matters/{matterId}/invoices", "UpdatedSince", r"\d{18}"),
            (
                "GET /bankaccounts/{bankAccountId}/transactions",
                "LastUpdated",
                r"[-\d]{10}T[:\d]{8}Z",
            ),
        ],
    )
    def test_filters_are_in_their_own_dialect(
        self, firm: Firm, template: str, parameter: str, form: str
    ) -> None:
        queries = firm.queries(template, 1)
        sent = [query[parameter][0] for query in queries if parameter in query]
        assert sent
        assert all(re.fullmatch(form, value) for value in sent)
        assert not any(parameter in query for query in firm.queries(template))

    @pytest.mark.parametrize(
        "template",
        [
            "GET /firm",
            "GET /firmusers",
            "GET /groups",
            "GET /referraltypes",
            "GET /bankaccounts",
            "GET /matters/{matterId}/roles",
            "GET /tasks/{taskId}/subtasks",
            "GET /contacts/{contactId}/relations",
        ],
    )
    def test_lists_at_once_are_not_asked_for_in_pages(self, firm: Firm, template: str) -> None:
        assert all(query == {} for query in firm.queries(template))

    def test_sensitive_blocks_are_asked_for_by_name(self, firm: Firm) -> None:
        blocks = "passportDetails,deathDetails,citizenshipDetails,utbmsDetails,tags"
        signing = "executionOptions,voiDetails"
        assert firm.queries("GET /contacts")[0]["Fields"] == [f"{blocks},{signing}"]
        assert firm.queries("GET /staff")[0]["Fields"] == ["rate"]

    def test_subtasks_are_asked_for_only_where_there_are_some(self, firm: Firm) -> None:
        whole = [entry for entry in firm.rows["tasks"] if entry["row"].get("subTasks")]
        assert len(whole) < len(firm.rows["tasks"])
        assert len(firm.queries("GET /tasks/{taskId}/subtasks")) == len(whole)

    def test_each_folder_is_looked_into_once(self, firm: Firm) -> None:
        template = "GET /matters/{matterId}/documents/folders/{folderId}"
        assert len(firm.queries(template)) == len(firm.rows["folders"])


def test_a_matter_without_an_archive_is_not_taken_for_gone(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = start(matters=20)
    output = run(config(sandbox), catalog=catalog(wanted=["archives"]))
    assert 0 < len(output.records("archives")) < 20
    assert "are gone" not in caplog.text


def test_by_default_nothing_sensitive_is_asked_for(start: StartFirm) -> None:
    sandbox = start(matters=5)
    output = run(config(sandbox), catalog=catalog(wanted=["contacts"]))
    query = sandbox.control.requests(log=True)["log"][-1]["query"]
    assert parse_qs(query)["Fields"] == ["tags"]
    person = schema(output, "contacts")["properties"]["person"]["properties"]
    assert "birthDate" in person
    assert not person.keys() & {"passportDetails", "deathDetails", "voiDetails"}
    people = [r["person"] for r in output.records("contacts") if r["person"]]
    assert people
    assert not any("passportDetails" in one for one in people)


def test_matter_types_of_one_location(start: StartFirm) -> None:
    sandbox = start(matters=2)
    location = truth(sandbox, "matter_types")[0]["row"]["location"]
    only = catalog(wanted=["matter_types"])
    output = run(config(sandbox, matter_type_location=location), catalog=only)
    assert {r["location"] for r in output.records("matter_types")} == {location}


def test_a_firm_without_intake_is_told_so_and_loses_nothing_else(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = start(matters=4, intake=False)
    output = run(config(sandbox), catalog=catalog(wanted=STREAMS))
    assert output.status == 1
    assert output.stderr == "2 of 32 streams failed: intake_forms, intake_submissions"
    assert "intake" in next(r.getMessage() for r in caplog.records if r.levelname == "ERROR")
    for stream in STREAMS.keys() - {"intake_forms", "intake_submissions"}:
        assert keys(output, stream).total() == len(truth(sandbox, stream))


def test_a_firm_without_leads_is_a_firm(start: StartFirm) -> None:
    sandbox = start(matters=30)
    for entry in truth(sandbox, "matters"):
        if entry["row"]["isLead"]:
            sandbox.control.delete("matters", entry["row"]["id"], hard=True)
    output = run(config(sandbox), catalog=catalog(wanted=["matters", "fees", "matter_roles"]))
    assert output.status == 0
    assert output.ids("matters").total() == len(truth(sandbox, "matters"))
