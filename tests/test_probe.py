"""``--probe``: the sandbox gives each answer, and the report holds no data of the firm."""

from __future__ import annotations

import json
import re
import stat
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from smokeball_sandbox.areas import RESOURCES
from tests.harness import Process, config, run_tap, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm
from tests.tenant_switches import ANSWERS, SWITCHES, apply, pairwise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartFirm
    from tests.harness import Json
    from tests.tenant_switches import Combination

pytestmark = pytest.mark.slow

NOT_KNOWN = "not known"

EXPECTED: dict[str, tuple[str, dict[Any, str]]] = {
    "list_size": (
        "size",
        {"right": "right", "missing": "missing", "zero": "too low", 2: "too high"},
    ),
    "list_limit": (
        "limit",
        {"request": "the request's", "rows": "the number of rows", "absent": "missing"},
    ),
    "page_length": ("max_page", {None: NOT_KNOWN, 3: "fewer rows"}),
    "unpaged_lists": ("undeclared_paging", {True: "mixed", False: "whole"}),
    "list_order": ("order", {"stable": "the same", "changing": "changing", "moving": "changing"}),
    "list_sort": ("sort", {"obeyed": "obeyed", "ignored": "ignored"}),
    "folder_offsets": ("folder_offsets", {"listings": "listings", "entries": "entries"}),
    "transactions": ("transactions", {"page": "page", "value": "value"}),
    "filter_contacts": ("inclusive", {True: "inclusive", False: "exclusive"}),
    "filter_matter_stages": ("inclusive", {True: "inclusive", False: "exclusive"}),
    "filter_fractions": ("fractions", {"refused": "refused", "accepted": "accepted"}),
    "deleted_listed": (
        "deleted_rows",
        {"listed": "listed", "gone": NOT_KNOWN, "unfiltered": "listed"},
    ),
    "deleted_filtered": (
        "deleted_rows",
        {"listed": "returned", "gone": NOT_KNOWN, "unfiltered": "left out"},
    ),
    "deleted_matters": ("dropped_matters", {"listed": "listed", "gone": "left out"}),
    "event_times": ("event_times", {"local": "local", "utc": "UTC"}),
    "event_matters": ("event_matters", {"named": "yes", "absent": "only by MatterId"}),
    "occurrence_ids": ("occurrences", {"own": "own", "shared": "shared"}),
    "written_off": ("written_off", {"within": "within", "exceeding": "exceeds"}),
    "transfer_sign": ("transfers", {"signed": "signed", "unsigned": "unsigned"}),
    "money_dates": ("dates", {"midnight": "plain dates", "local": "with a time of day"}),
    "non_billable": ("non_billable", {"invoiced": "some", "never": "none"}),
    "payments": (
        "payments",
        {"text": "by a number in a text", "link": "by a field", "unnamed": "no"},
    ),
    "lead_fields": ("lead_dates", {"dropped": NOT_KNOWN, "kept": "kept"}),
    "paid_date": ("paid_dates", {"cleared": "cleared", "kept": "kept"}),
    "credit_accounts": (
        "credit",
        {"client": "the client's credit", "firm": "the firm's debt"},
    ),
    "link_name": ("links", {"mixed": "mixed", "rel": "rel", "relation": "relation"}),
    "nulls": ("nulls", {"omitted": "left out", "sent": "sent"}),
    "matter_items": ("items", {"parties": "no", "roles": "yes"}),
    "templates": ("live_payloads", {"seen": "marked", "absent": NOT_KNOWN}),
    "null_representatives": ("live_payloads", {"seen": "seen", "absent": "not seen"}),
    "leads": ("leads", {"available": "available", "refused": "refused"}),
    "event_types": ("webhook_types", {"live": "all offered", "guide": "some missing"}),
    "value_types": ("amounts", {"number": "as declared", "text": "some converted"}),
}
"""The answer of each question for each value of its switch."""

FIRST: Combination = {}
OTHER: Combination = {
    **{name: values[-1] for name, values in ANSWERS.items()},
    "leads": "available",
    "deleted_rows": "unfiltered",
    "sort": "ignored",
    "inclusive": False,
    "size": "missing",
    "undeclared_paging": False,
    "webhook_types": "guide",
}


ALONE = [
    (name, value)
    for name in dict.fromkeys(name for name, _ in EXPECTED.values())
    for value in SWITCHES[name][1:]
]
"""Each answer of each switch but the default."""


class Probe(NamedTuple):
    """A probe's report, and the requests that it took."""

    report: Json
    table: str
    requests: int

    @property
    def answers(self) -> dict[str, str]:
        return {each["id"]: each["answer"] for each in self.report["questions"]}

    def evidence(self, question: str) -> Json:
        (found,) = [e["evidence"] for e in self.report["questions"] if e["id"] == question]
        evidence: Json = found
        return evidence


@pytest.fixture(scope="module")
def memory_firm() -> MemoryFirm:
    return MemoryFirm(matters=120)


@pytest.fixture
def firm(memory_firm: MemoryFirm) -> MemoryFirm:
    memory_firm.control.clear_schedule()
    memory_firm.control.reset()
    return memory_firm


def probe(firm: MemoryFirm, path: Path, **settings: object) -> Probe:
    firm.control.reset_requests()
    with redirect_stdout(StringIO()) as table:
        run_tap(
            lambda tap: tap.run_probe(str(path)),
            config(firm, **settings),
            catalog=small_catalog(),
        )
    return Probe(json.loads(path.read_text()), table.getvalue(), firm.control.requests()["total"])


def limit_rate(firm: MemoryFirm, **settings: Any) -> None:
    """Limit the rate while the probe sends its bursts, the only ones that read the firm."""
    firm.control.settings(**settings)
    for template, rate in (("GET /firm", 2), ("GET /webhooks/types", 0)):
        firm.control.schedule(template, [{"command": "settings", "rate": rate, "burst": 5}])


def expected_answers(combination: Combination) -> dict[str, str]:
    first = {name: next(iter(by_value)) for name, by_value in EXPECTED.values()}
    return {
        question: by_value[combination.get(name, first[name])]
        for question, (name, by_value) in EXPECTED.items()
    }


def wrong_answers(found: dict[str, str], combination: Combination) -> dict[str, str]:
    expected = expected_answers(combination)
    return {q: found[q] for q in expected if found[q] != expected[q]}


class TestAnswers:
    def test_probe_tells_first_answers(self, firm: MemoryFirm, tmp_path: Path) -> None:
        limit_rate(firm, retry_after=1)
        found = probe(firm, tmp_path / "report.json")
        assert not wrong_answers(found.answers, FIRST)
        assert found.answers["rate_limit"] == "per app, with Retry-After"
        assert found.answers["matter_versions"] == "no"
        assert found.evidence("unknown_fields")["matters.clientIds"] > 1
        assert found.requests == found.report["requests"] <= 200
        assert found.report["complete"]
        for question in found.report["questions"]:
            assert question["question"] in found.table
        assert "attach it to an issue" in found.table

    def test_probe_tells_other_answers(self, firm: MemoryFirm, tmp_path: Path) -> None:
        apply(firm, OTHER)
        limit_rate(firm)
        found = probe(firm, tmp_path / "report.json")
        assert wrong_answers(found.answers, OTHER).keys() <= {"non_billable"}
        assert found.answers["non_billable"] in {"none", NOT_KNOWN}
        assert found.answers["rate_limit"] == "per endpoint, without Retry-After"
        assert found.answers["filter_matters"] == "exclusive"
        assert found.answers["filter_events"] in {"exclusive", NOT_KNOWN}
        assert found.requests == found.report["requests"] <= 200

    def test_probe_reports_change_in_the_middle(self, firm: MemoryFirm, tmp_path: Path) -> None:
        limit_rate(firm)
        other = {"sort": "ignored", "limit": "rows", "nulls": "sent", "fractions": "accepted"}
        change = {"command": "settings", "answers": other, "inclusive": False, "size": "missing"}
        firm.control.schedule("GET /webhooks/types", [change])
        found = probe(firm, tmp_path / "report.json").answers
        assert found["list_sort"] == "changed: obeyed, then ignored"
        assert found["list_limit"] == "changed: the request's, then the number of rows"
        assert found["list_size"] == "changed: right, then missing"
        assert found["nulls"] == "changed: left out, then sent"
        assert found["filter_fractions"] == "changed: refused, then accepted"
        assert found["filter_contacts"] == "changed: inclusive, then exclusive"

    @pytest.mark.nightly
    @pytest.mark.parametrize(("name", "value"), ALONE)
    def test_probe_tells_each_answer_alone(
        self, firm: MemoryFirm, tmp_path: Path, name: str, value: Any
    ) -> None:
        """A switch changes the answers of its own questions, or makes others not known."""
        apply(firm, {name: value})
        limit_rate(firm)
        found = probe(firm, tmp_path / "report.json")
        wrong = wrong_answers(found.answers, {name: value})
        assert set(wrong.values()) <= {NOT_KNOWN, "not seen"}
        assert found.requests <= 200

    @pytest.mark.parametrize("number", [3])
    def test_probe_of_combination_is_never_wrong(
        self, firm: MemoryFirm, tmp_path: Path, number: int
    ) -> None:
        combination = {**pairwise()[number], "max_page": None}
        apply(firm, combination)
        limit_rate(firm)
        found = probe(firm, tmp_path / "report.json")
        wrong = wrong_answers(found.answers, combination)
        assert set(wrong.values()) <= {NOT_KNOWN}
        assert found.requests <= 200

    @pytest.mark.parametrize("totals", ["net", "gross"])
    def test_probe_compares_draft_with_discount(
        self, firm: MemoryFirm, tmp_path: Path, totals: str
    ) -> None:
        """In a small firm all matters are read; each gets a version by its newest fee."""
        firm.control.reset(matters=8, fees=0)
        is_gross = totals == "gross"
        answers = {"draft_totals": totals, "matter_versions": "children" if is_gross else "own"}
        limit_rate(firm, answers=answers)
        for entry in sandbox_rows(firm, "memos"):
            firm.control.delete("memos", entry["row"]["id"], parent=entry["parent"], hard=True)
        amounts = {"total": 100, "writtenOff": 0, "paid": 0, "waived": 0}
        amounts |= {"discount": 10, "unpaid": 90, "unpaidExcInterest": 90}
        for entry in sandbox_rows(firm, "matters"):
            matter = entry["row"]["id"]
            firm.control.add("invoices", parent=matter, set={"invoiceTotals": amounts})
            firm.control.add("fees", parent=matter)
        found = probe(firm, tmp_path / "report.json").answers
        assert found["draft_totals"] == totals
        assert found["matter_versions"] == ("yes" if is_gross else "no")

    def test_probe_of_empty_firm_knows_nothing(self, firm: MemoryFirm, tmp_path: Path) -> None:
        firm.control.reset(matters=0)
        limit_rate(firm)
        found = probe(firm, tmp_path / "report.json")
        unknown = {q for q, answer in found.answers.items() if answer == NOT_KNOWN}
        assert unknown >= {
            "written_off",
            "payments",
            "matter_items",
            "matter_versions",
            "paid_date",
        }
        assert not any("bug" in each["evidence"] for each in found.report["questions"])


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


CANARY = "Canary Smith 4711"
AMOUNT = 98765.43


def with_canaries(value: Any, name: str = "") -> Any:
    """Return a value with canaries for each text and amount in it; ids stay."""
    if isinstance(value, dict):
        return {key: with_canaries(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [with_canaries(each, name) for each in value]
    if isinstance(value, str) and name != "id":
        return CANARY
    return AMOUNT if isinstance(value, float) else value


class TestReport:
    def test_report_holds_no_data_of_firm(self, firm: MemoryFirm, tmp_path: Path) -> None:
        """Canaries are in a row of each list, in each field, and as the name of a field."""
        firm.control.reset(matters=30)
        limit_rate(firm, unknown_property="Canary Jones")
        values = {
            leaf
            for resource in RESOURCES
            for entry in sandbox_rows(firm, resource.name)
            for leaf in leaves(entry["row"])
            if isinstance(leaf, str) and re.search(r"[-@ ]\w|\d{5}", leaf)
        }
        for name in (resource.name for resource in RESOURCES):
            for entry in sandbox_rows(firm, name)[:3]:
                row = json.loads(json.dumps(entry["row"], default=float))
                changes = {n: with_canaries(each, n) for n, each in row.items() if n != "id"}
                key = row.get("id") or row["matter"]["id"]
                firm.control.touch(name, key, parent=entry["parent"], set=changes)
        found = probe(firm, tmp_path / "report.json")
        text = json.dumps(found.report) + found.table
        assert "Canary" not in text
        assert "4711" not in text
        assert "98765" not in text
        fixed = {question["question"] for question in found.report["questions"]}
        leaked = {value for value in values if value in text}
        assert not {value for value in leaked if not any(value in each for each in fixed)}
        assert found.evidence("unknown_fields")["keys that are no field names"] > 0
        read = found.evidence("access").keys()
        assert {resource.name for resource in RESOURCES} <= read
        assert found.requests <= 200

    def test_report_resumes_within_all_requests(self, firm: MemoryFirm, tmp_path: Path) -> None:
        limit_rate(firm)
        path = tmp_path / "report.json"
        first = probe(firm, path).report
        first["complete"] = False
        first["requests"] = 185
        progress = first["progress"]
        progress["second"] = {}
        answered = dict(list(progress["first"].items())[:-12])
        answered["list_sort"][0] = "ignored"
        progress["first"] = answered
        path.write_text(json.dumps(first))
        resumed = probe(firm, path)
        assert 0 < resumed.requests <= 15
        assert resumed.report["requests"] == 185 + resumed.requests
        assert resumed.report["complete"]
        assert resumed.report["progress"]["first"]["list_sort"][0] == "ignored"
        first["requests"] = 199  # the request for an access token is the last
        path.write_text(json.dumps(first))
        assert probe(firm, path).requests == 1

    def test_foreign_file_is_not_overwritten(self, firm: MemoryFirm, tmp_path: Path) -> None:
        path = tmp_path / "notes.json"
        path.write_text('{"mine": 1}')
        with pytest.raises(Exception, match="the file for the report holds something else"):
            probe(firm, path)
        assert path.read_text() == '{"mine": 1}'
        assert firm.control.requests()["total"] == 0


def test_command_line_only_reads(start: StartFirm, tmp_path: Path) -> None:
    """At most ten requests are in flight, also when the settings permit more."""
    firm = start(matters=10, latency_ms=30)
    firm.control.settings(rate=500, burst=5)
    output = Process(tmp_path).run_for_text(config(firm, burst=50), "--probe", "--format", "json")
    assert output.status == 0
    path = tmp_path / "smokeball-probe.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(output.stdout) == json.loads(path.read_text())
    requests = firm.control.requests()
    assert json.loads(path.read_text())["requests"] == requests["total"] <= 200
    assert 5 < requests["max_in_flight"] <= 10
    posts = {name for name in requests["by_template"] if not name.startswith("GET ")}
    assert posts == {"POST /oauth2/token"}
