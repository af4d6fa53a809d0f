"""The queries of `examples/analytics` return results that match the firm's rows."""

from __future__ import annotations

import base64
import json
import re
import shutil
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot
from sqlglot import exp

from scripts import demo_page, demo_questions, demo_report, demo_targets
from scripts.analytics import queries
from smokeball_sandbox import SandboxServer
from tests.expected_query_results import EXPECTED, by_key
from tests.expected_rows import VOID, ExpectedRows, parse_date
from tests.harness import catalog, sandbox_rows
from tests.pipeline import AMOUNTS, Pipeline
from tests.servers import UnavailableError
from tests.warehouses import DuckDB, Postgres, Session, Snowflake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.analytics import Query
    from tests.harness import Json
    from tests.warehouses import Warehouse

    RunScript = Callable[[str], list[dict[str, Any]]]

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent.parent / "examples" / "analytics"
STREAMS = (
    "matters",
    "fees",
    "expenses",
    "invoices",
    "staff",
    "bank_accounts",
    "matter_balances",
    "transactions",
    "matter_stages",
    "stage_sets",
    "firm",
)
TITLE = "Fees of Smith"
AGE_LIMITS_DAYS = (0, 1, 30, 31, 60, 61, 90, 91)
"""Days overdue at which an age range starts or ends."""
LINK = {"id": "VARCHAR", "href": "VARCHAR"}
TOTALS = ("billed", "writtenOff", "discount", "total", "paid", "waived", "unpaid")
BIGQUERY_RECORDS: dict[str, dict[str, Json]] = {
    "matters": {"personResponsible": LINK},
    "fees": {"staff": LINK},
    "invoices": {"invoiceTotals": dict.fromkeys(TOTALS, "VARCHAR")},
    "transactions": {"matter": LINK},
    "matter_stages": {"stageSet": LINK, "stage": {**LINK, "name": "VARCHAR"}},
}
"""Columns that are records in BigQuery, and the fields that the queries read."""
LOADED_WAREHOUSES: list[type[Warehouse]] = [DuckDB, Postgres, Snowflake]
SUBSTITUTES = {"bigquery": "duckdb"}
"""The warehouse that runs the queries where the emulator lacks a part of the SQL."""


class EdgeCaseFirm:
    """A firm with rows for each case of the definitions."""

    def __init__(self, sandbox: SandboxServer, today: date) -> None:
        self._control = sandbox.control
        self._sandbox = sandbox
        self._today = today
        self.leads: dict[str, date] = {}

    def rows(self, resource: str) -> list[Json]:
        return sandbox_rows(self._sandbox, resource)

    def remember_leads(self) -> None:
        """Remember the current leads, like keep_leads.sql."""
        for entry in self.rows("matters"):
            if entry["row"]["isLead"]:
                opened = parse_date(entry["row"].get("leadOpenedDate"))
                if opened:
                    self.leads.setdefault(entry["row"]["id"], opened)

    def add_edge_cases(self) -> None:
        """Add cases that the generator does not make."""
        touch = self._control.touch
        billable_fees = [
            entry
            for entry in self.rows("fees")
            if entry["row"]["isBillable"]
            and not (entry["row"]["isWrittenOff"] or entry["row"]["isDeleted"])
            and "invoiceId" not in entry["row"]
        ]
        void = next(e["row"]["id"] for e in self.rows("invoices") if e["row"]["status"] == VOID)
        changes: list[Json] = [
            {"invoiceId": void},
            {"invoiceId": "an invoice that was never loaded"},
            {"isInvoicedExternally": True},
            {"isBillable": None, "isDeleted": None},
            {"amount": 0.1, "amountExcTax": 0.1, "billableAmountExcTax": 0.1},
        ]
        for change, entry in zip(changes, billable_fees, strict=False):
            touch("fees", entry["row"]["id"], parent=entry["parent"], set=change)
        receivables = [e for e in self.rows("invoices") if e["row"]["invoiceTotals"]["unpaid"]]
        alive = {e["row"]["id"] for e in self.rows("matters") if e["row"]["status"] != "Deleted"}
        sent = [e for e in receivables if e["row"]["status"] == 1 and e["parent"] in alive]
        due = [f"{self._today - timedelta(days=days)}T00:00:00+00:00" for days in AGE_LIMITS_DAYS]
        dates: list[Json] = [{"dueDate": None}, {"dueDate": None, "issuedDate": None}]
        dates += [{"dueDate": due_date} for due_date in due]
        for change, entry in zip(dates, sent, strict=False):
            touch("invoices", entry["row"]["id"], parent=entry["parent"], set=change)
        # A deleted matter with time entries, unpaid invoices and a trust balance.
        kept = {entry["parent"] for entry in sent[: len(dates)]}
        deleted_matter = next(entry["parent"] for entry in sent if entry["parent"] not in kept)
        self._control.delete("matters", deleted_matter, hard=False)
        # The largest amount of all matters, so that the demo page shows its title.
        largest_fee = {"amount": 90000, "amountExcTax": 90000, "billableAmountExcTax": 90000}
        touch(
            "fees",
            billable_fees[-1]["row"]["id"],
            parent=billable_fees[-1]["parent"],
            set=largest_fee,
        )
        touch("matters", billable_fees[-1]["parent"], set={"title": f"{TITLE} & <i>"})
        accounts = [entry["row"] for entry in self.rows("bank_accounts")]
        trust = next(account["id"] for account in accounts if account["type"] == "Trust")
        for change in ({"type": "Mystery"}, {"type": "BankFees", "matter": None}, {}):
            self._control.add("transactions", parent=trust, set=change)
        for _ in range(3):
            self._control.add("matters", set={"isLead": True})
        [pending] = [e["row"] for e in self.rows("matters") if e["row"]["status"] == "Pending"][:1]
        touch("matters", pending["id"], set={"openedDate": None})

    def resolve_leads(self) -> None:
        """Convert two leads, delete one and add one."""
        first, second, third, *_ = [
            entry["row"]["id"]
            for entry in self.rows("matters")
            if entry["row"]["isLead"] and entry["row"]["status"] == "Open"
        ]
        self._control.convert(first)
        self._control.convert(second)
        self._control.delete("matters", third, hard=False)
        self._control.add("matters", set={"isLead": True})


class LoadedWarehouses:
    """The warehouses that a firm is loaded into, and the expected rows.

    Args:
        stack: Stops the servers.
        folder: The folder for files.
    """

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.today = datetime.now(timezone.utc).date()
        sandbox = SandboxServer(matters=60, region="au", anchor=self.today)
        self._sandbox = stack.enter_context(sandbox)
        self._firm = EdgeCaseFirm(self._sandbox, self.today)
        self._stack = stack
        self._folder = folder
        self._pipelines: dict[str, Pipeline] = {}
        self._missing: dict[str, str] = {}
        for warehouse_type in LOADED_WAREHOUSES:
            self._start_warehouse(warehouse_type)
        self._firm.add_edge_cases()
        self._load()
        self._firm.resolve_leads()
        self._load()
        self._run_script: dict[str, RunScript] = {
            name: pipeline.warehouse.run_script for name, pipeline in self._pipelines.items()
        }
        if "duckdb" in self._pipelines:
            self._run_script["bigquery"] = self._copy_as_bigquery()
        rows = {name: self._firm.rows(name) for name in STREAMS}
        self.firm = ExpectedRows(rows, self.today, self._firm.leads)

    def run_query(self, dialect: str, query: str) -> list[dict[str, Any]]:
        """Run a query in the warehouse of its dialect."""
        if dialect not in self._run_script:
            pytest.skip(self._missing[SUBSTITUTES.get(dialect, dialect)])
        return self._run_script[dialect](statements(dialect, query))

    def database(self) -> demo_report.Database:
        """Return the firm's DuckDB file for the demo."""
        if "duckdb" not in self._pipelines:
            pytest.skip(self._missing["duckdb"])
        warehouse = self._pipelines["duckdb"].warehouse
        assert isinstance(warehouse, DuckDB)
        return demo_report.Database(warehouse.database, warehouse.python)

    def _start_warehouse(self, warehouse_type: type[Warehouse]) -> None:
        name = warehouse_type.name.lower()
        folder = self._folder / name
        folder.mkdir()
        try:
            warehouse = self._stack.enter_context(warehouse_type(folder))
        except UnavailableError as error:
            self._missing[name] = str(error)
        else:
            self._pipelines[name] = Pipeline(self._sandbox, warehouse, folder)

    def _load(self) -> None:
        for name, pipeline in self._pipelines.items():
            pipeline.run(catalog(wanted=[*STREAMS, demo_report.RUN_LOG]))
            pipeline.warehouse.run_script(statements(name, "keep_leads"))
        self._firm.remember_leads()

    def _copy_as_bigquery(self) -> RunScript:
        """Copy the DuckDB file, with objects and amounts in BigQuery's types."""
        warehouse = self._pipelines["duckdb"].warehouse
        assert isinstance(warehouse, DuckDB)
        path = self._folder / "records.duckdb"
        shutil.copy(warehouse.database, path)
        session = Session(warehouse.python, "duckdb", str(path))
        self._stack.callback(session.close)
        for table in STREAMS:
            forms = BIGQUERY_RECORDS.get(table, {})
            changes = [
                f"json_transform({name}, '{json.dumps(form)}') AS {name}"
                for name, form in forms.items()
            ]
            changes += [f"CAST({name} AS VARCHAR) AS {name}" for name in AMOUNTS[table]]
            if changes:
                session(
                    "run_script",
                    f"CREATE OR REPLACE TABLE smokeball.{table} AS "  # noqa: S608
                    f"SELECT * REPLACE ({', '.join(changes)}) FROM smokeball.{table}",
                )
        return lambda script: session("run_script", script)


def statements(dialect: str, query: str) -> str:
    """Return the text of a query, transpiled where a substitute runs it."""
    text = (FOLDER / dialect / f"{query}.sql").read_text(encoding="utf-8")
    if dialect not in SUBSTITUTES:
        return text
    return ";\n".join(sqlglot.transpile(text, read=dialect, write=SUBSTITUTES[dialect]))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedWarehouses]:
    with ExitStack() as stack:
        yield LoadedWarehouses(stack, tmp_path_factory.mktemp("analytics"))


@pytest.mark.parametrize("query", EXPECTED)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery"])
def test_analytics_query_matches_source_rows(
    loaded: LoadedWarehouses, dialect: str, query: str
) -> None:
    """Each query returns the result computed from the rows of the sandbox."""
    expected = by_key(query, EXPECTED[query](loaded.firm))
    actual = by_key(query, loaded.run_query(dialect, query))
    assert actual.keys() == expected.keys()
    wrong = {
        (key, column): (actual[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if not is_equal(actual[key][column], value)
    }
    assert not wrong


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_analytics_query_defines_its_columns(query: Query) -> None:
    """The header of a query lists the columns that it selects."""
    last = sqlglot.parse(query.body, dialect="duckdb")[-1]
    assert last is not None
    select = last if isinstance(last, exp.Select) else last.expression
    assert list(query.columns) == select.named_selects


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_analytics_query_has_expected_result(query: Query) -> None:
    assert query.name in {*EXPECTED, "keep_leads"}


def test_analytics_firm_covers_all_columns(loaded: LoadedWarehouses) -> None:
    """Each column has a value other than 0; zeros would prove nothing."""
    assert None in {row["month"] for row in EXPECTED["realization_and_collection"](loaded.firm)}
    seen: dict[str, set[str]] = {
        query: {
            column
            for row in compute(loaded.firm)
            for column, value in row.items()
            if value not in (0, None)
        }
        for query, compute in EXPECTED.items()
    }
    for query in queries():
        if query.name in EXPECTED:
            assert seen[query.name] == set(query.columns)


def test_demo_page_is_standalone_and_correct(loaded: LoadedWarehouses) -> None:
    """The page loads no other resource, escapes titles and shows the sums and targets."""
    targets = demo_targets.targets_of(loaded.firm.rows_of("staff"))
    roles = {row["id"]: row.get("role") for row in loaded.firm.rows_of("staff")}
    assert {roles[id_] for id_ in roles.keys() - targets.keys()} <= {"Bookkeeper", "Receptionist"}
    assert "Bookkeeper" not in {roles[id_] for id_ in targets}
    answers = demo_targets.apply_targets(loaded.database().answers(), targets)
    for row in answers["hours_against_target"]:
        assert row["target_hours"] == targets[row["staff_id"]]
        percent = Decimal(row["billable_hours"]) / targets[row["staff_id"]] * 100
        assert abs(row["percent_of_target"] - percent) < Decimal("0.01")
    page = demo_page.page(answers)
    assert not re.findall(r"https?:|<script|<link|@import|url\(", page)
    charts = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(charts) == len(demo_questions.PARTS)
    for chart in charts:
        drawing = base64.b64decode(chart).decode()
        assert not re.findall(r"<image|<script|href=|url\(http", drawing)
        assert drawing.count("<path") > 1
    assert f"{TITLE} &amp; &lt;i&gt;" in page
    assert "<i>" not in page
    work_in_progress = sum(row["total"] for row in EXPECTED["work_in_progress"](loaded.firm))
    receivables = sum(row["total"] for row in EXPECTED["receivables_by_age"](loaded.firm))
    for amount in (work_in_progress, receivables):
        whole = f"${amount.quantize(Decimal(1), ROUND_HALF_UP):,}"
        assert page.count(whole) >= 2
    balances = EXPECTED["trust_reconciliation"](loaded.firm)
    wrong = [row for row in balances if row["difference"] or row["unknown"]]
    assert f"{len(wrong)} of {len(balances)} balances differ" in page


def test_demo_report_counts_loaded_rows(loaded: LoadedWarehouses) -> None:
    """The report counts the rows of each stream and the total of the fees."""
    database = loaded.database()
    totals = database.totals()
    assert totals.amount == sum(row.get("amount", 0) for row in loaded.firm.rows_of("fees"))
    assert set(totals.rows) == set(STREAMS)
    assert all(totals.rows.values())
    assert database.rows_since(demo_report.LONG_AGO).keys() - totals.rows.keys() == {"sync_runs"}
    assert not any(database.rows_since(database.latest_load()).values())


def is_equal(actual: Any, expected: Any) -> bool:
    """Whether a value equals the expected one; a fraction, at the precision shown."""
    if isinstance(expected, Fraction):
        shown = Decimal(str(actual))
        places = -int(shown.as_tuple().exponent)
        return abs(Fraction(shown) - expected) <= Fraction(1, 2 * 10 ** max(places, 1))
    if isinstance(expected, datetime):
        return bool(str(actual)[:19].replace("T", " ") == expected.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(expected, date):
        return str(actual)[:10] == expected.isoformat()
    if isinstance(expected, (Decimal, int)) and not isinstance(expected, bool):
        return Decimal(str(actual)) == expected
    return bool(actual == expected)
