"""The paths and parameters of the requests of each stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.harness import catalog, config, run, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm
from tests.recorded_firm import (
    STREAMS,
    RecordedFirm,
    key_counts,
    record_two_runs,
    schema_of,
    stream_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartFirm

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firm() -> Iterator[RecordedFirm]:
    with record_two_runs() as firm:
        yield firm


class TestRequests:
    def test_events_request_includes_past_events(self, firm: RecordedFirm) -> None:
        """`From` is sent, because the API omits past events by default."""
        for number in (0, 1):
            for query in firm.queries("GET /events", number):
                assert query["From"] == ["1990-01-01T00:00:00"]

    def test_events_request_has_local_updated_since(self) -> None:
        """Unless their reminders are selected: then the events are listed in full."""
        memory_firm, events = MemoryFirm(matters=5), small_catalog("events")
        first = run(config(memory_firm), catalog=events)
        memory_firm.control.reset_requests()
        run(config(memory_firm), first.state, events)
        (query,) = [
            parse_qs(e["query"])
            for e in memory_firm.control.requests(log=True)["log"]
            if e["template"] == "GET /events"
        ]
        since = query["UpdatedSince"][0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", since)
        assert query["From"] == ["1990-01-01T00:00:00"]

    @pytest.mark.parametrize(
        ("template", "parameter", "pattern"),
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
    def test_updated_since_filter_has_endpoint_format(
        self, firm: RecordedFirm, template: str, parameter: str, pattern: str
    ) -> None:
        queries = firm.queries(template, 1)
        sent = [query[parameter][0] for query in queries if parameter in query]
        assert sent
        assert all(re.fullmatch(pattern, value) for value in sent)
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
    def test_unpaged_endpoints_get_no_page_parameters(
        self, firm: RecordedFirm, template: str
    ) -> None:
        assert all(query == {} for query in firm.queries(template))

    def test_opt_in_columns_are_requested_by_name(self, firm: RecordedFirm) -> None:
        blocks = "passportDetails,deathDetails,citizenshipDetails,utbmsDetails,tags"
        signing = "executionOptions,voiDetails"
        assert firm.queries("GET /contacts")[0]["Fields"] == [f"{blocks},{signing}"]
        assert firm.queries("GET /staff")[0]["Fields"] == ["rate"]

    def test_subtasks_are_requested_for_parents_only(self, firm: RecordedFirm) -> None:
        with_subtasks = [entry for entry in firm.rows["tasks"] if entry["row"].get("subTasks")]
        assert len(with_subtasks) < len(firm.rows["tasks"])
        assert len(firm.queries("GET /tasks/{taskId}/subtasks")) == len(with_subtasks)

    def test_folders_are_requested_once(self, firm: RecordedFirm) -> None:
        """Once by each stream that lists them: the folders, and their versions."""
        template = "GET /matters/{matterId}/documents/folders/{folderId}"
        assert len(firm.queries(template)) == 2 * len(firm.rows["folders"])


def test_missing_archive_is_not_a_missing_matter(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """A 404 of an archive means that the matter has none."""
    sandbox = start(matters=20)
    output = run(config(sandbox), catalog=catalog(wanted=["archives"]))
    assert 0 < len(output.records("archives")) < 20
    assert "skipped" not in caplog.text


def test_default_request_omits_sensitive_fields(start: StartFirm) -> None:
    sandbox = start(matters=5)
    output = run(config(sandbox), catalog=catalog(wanted=["contacts"]))
    query = sandbox.control.requests(log=True)["log"][-1]["query"]
    assert parse_qs(query)["Fields"] == ["tags"]
    person = schema_of(output, "contacts")["properties"]["person"]["properties"]
    assert "lastName" in person
    assert not person.keys() & {"passportDetails", "deathDetails", "voiDetails", "birthDate"}
    people = [r["person"] for r in output.records("contacts") if r["person"]]
    assert people
    assert not any("passportDetails" in one for one in people)


def test_matter_types_are_filtered_by_location(start: StartFirm) -> None:
    sandbox = start(matters=2)
    location = sandbox_rows(sandbox, "matter_types")[0]["row"]["location"]
    selection = catalog(wanted=["matter_types"])
    output = run(config(sandbox, matter_type_location=location), catalog=selection)
    assert {r["location"] for r in output.records("matter_types")} == {location}


def test_missing_intake_fails_intake_streams_only(
    start: StartFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """A firm without Intake loses its two streams, and the error names it."""
    sandbox = start(matters=4, intake=False)
    output = run(config(sandbox), catalog=catalog(wanted=STREAMS))
    assert output.status == 1
    assert output.stderr == "2 of 40 streams failed: intake_forms, intake_submissions"
    assert "intake" in next(r.getMessage() for r in caplog.records if r.levelname == "ERROR")
    for stream in STREAMS.keys() - {"intake_forms", "intake_submissions"}:
        assert key_counts(output, stream).total() == len(stream_rows(sandbox, stream))


def test_firm_without_leads_is_read_completely(start: StartFirm) -> None:
    sandbox = start(matters=30)
    for entry in sandbox_rows(sandbox, "matters"):
        if entry["row"]["isLead"]:
            sandbox.control.delete("matters", entry["row"]["id"], hard=True)
    output = run(config(sandbox), catalog=catalog(wanted=["matters", "fees", "matter_roles"]))
    assert output.status == 0
    assert output.ids("matters").total() == len(sandbox_rows(sandbox, "matters"))
