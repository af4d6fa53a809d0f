"""What the queries of `examples/analytics` answer is what the firm's rows say."""

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

from scripts import demo_page, demo_questions, demo_report
from scripts.analytics import queries
from smokeball_sandbox import SandboxServer
from tests.expected_answers import EXPECTED, by_key
from tests.expected_rows import VOID, Books, day
from tests.harness import catalog, truth
from tests.pipeline import AMOUNTS, Pipeline
from tests.servers import Unavailable
from tests.warehouses import DuckDB, Postgres, Session, Snowflake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.analytics import Query
    from tests.harness import Json
    from tests.warehouses import Warehouse

    Answer = Callable[[str], list[dict[str, Any]]]

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
EDGES = (0, 1, 30, 31, 60, 61, 90, 91)
"""Days overdue at which an age ends or begins."""
LINK = {"id": "VARCHAR", "href": "VARCHAR"}
TOTALS = ("billed", "writtenOff", "discount", "total", "paid", "waived", "unpaid")
RECORDS: dict[str, dict[str, Json]] = {
    "matters": {"personResponsible": LINK},
    "fees": {"staff": LINK},
    "invoices": {"invoiceTotals": dict.fromkeys(TOTALS, "VARCHAR")},
    "transactions": {"matter": LINK},
    "matter_stages": {"stageSet": LINK, "stage": {**LINK, "name": "VARCHAR"}},
}
"""Columns that are records in BigQuery, and what the queries read of them."""
LOADED: list[type[Warehouse]] = [DuckDB, Postgres, Snowflake]
STANDS_FOR = {"bigquery": "duckdb"}
"""What answers for a warehouse whose imitation does not understand all of its SQL."""


class AwkwardFirm:
    """A firm with all that the definitions speak of, loaded twice."""

    def __init__(self, sandbox: SandboxServer, today: date) -> None:
        self._control = sandbox.control
        self._sandbox = sandbox
        self._today = today
        self.leads: dict[str, date] = {}

    def rows(self, resource: str) -> list[Json]:
        return truth(self._sandbox, resource)

    def note_leads(self) -> None:
        """Remember the leads of now, as keep_leads.sql does."""
        for entry in self.rows("matters"):
            if entry["row"]["isLead"]:
                opened = day(entry["row"].get("leadOpenedDate"))
                if opened:
                    self.leads.setdefault(entry["row"]["id"], opened)

    def make_awkward(self) -> None:
        """Make of rows what the generator does not."""
        touch = self._control.touch
        open_ = [
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
        for change, entry in zip(changes, open_, strict=False):
            touch("fees", entry["row"]["id"], parent=entry["parent"], set=change)
        owed = [e for e in self.rows("invoices") if e["row"]["invoiceTotals"]["unpaid"]]
        alive = {e["row"]["id"] for e in self.rows("matters") if e["row"]["status"] != "Deleted"}
        sent = [e for e in owed if e["row"]["status"] == 1 and e["parent"] in alive]
        due = [f"{self._today - timedelta(days=days)}T00:00:00+00:00" for days in EDGES]
        dates: list[Json] = [{"dueDate": None}, {"dueDate": None, "issuedDate": None}]
        dates += [{"dueDate": moment} for moment in due]
        for change, entry in zip(dates, sent, strict=False):
            touch("invoices", entry["row"]["id"], parent=entry["parent"], set=change)
        # A deleted matter with everything: time, invoices that are owed, money in trust.
        kept = {entry["parent"] for entry in sent[: len(dates)]}
        gone = next(entry["parent"] for entry in sent if entry["parent"] not in kept)
        self._control.delete("matters", gone, hard=False)
        # The most that any matter has to be billed, so that it stands on the demo's page.
        dear = {"amount": 90000, "amountExcTax": 90000, "billableAmountExcTax": 90000}
        touch("fees", open_[-1]["row"]["id"], parent=open_[-1]["parent"], set=dear)
        touch("matters", open_[-1]["parent"], set={"title": f"{TITLE} & <i>"})
        accounts = [entry["row"] for entry in self.rows("bank_accounts")]
        trust = next(account["id"] for account in accounts if account["type"] == "Trust")
        for change in ({"type": "Mystery"}, {"type": "BankFees", "matter": None}, {}):
            self._control.add("transactions", parent=trust, set=change)
        for _ in range(3):
            self._control.add("matters", set={"isLead": True})
        [pending] = [e["row"] for e in self.rows("matters") if e["row"]["status"] == "Pending"][:1]
        touch("matters", pending["id"], set={"openedDate": None})

    def live_on(self) -> None:
        """Let leads become what they can become."""
        first, second, third, *_ = [
            entry["row"]["id"]
            for entry in self.rows("matters")
            if entry["row"]["isLead"] and entry["row"]["status"] == "Open"
        ]
        self._control.convert(first)
        self._control.convert(second)
        self._control.delete("matters", third, hard=False)
        self._control.add("matters", set={"isLead": True})


class Asked:
    """A firm's books, and the warehouses that hold them.

    Args:
        stack: Ends what is started.
        folder: For files.
    """

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.today = datetime.now(timezone.utc).date()
        sandbox = SandboxServer(matters=60, region="au", anchor=self.today)
        self._sandbox = stack.enter_context(sandbox)
        self._firm = AwkwardFirm(self._sandbox, self.today)
        self._stack = stack
        self._folder = folder
        self._pipelines: dict[str, Pipeline] = {}
        self._missing: dict[str, str] = {}
        for kind in LOADED:
            self._start(kind)
        self._firm.make_awkward()
        self._load()
        self._firm.live_on()
        self._load()
        self._answers: dict[str, Answer] = {
            name: each.warehouse.answers for name, each in self._pipelines.items()
        }
        if "duckdb" in self._pipelines:
            self._answers["bigquery"] = self._as_records()
        rows = {name: self._firm.rows(name) for name in STREAMS}
        self.books = Books(rows, self.today, self._firm.leads)

    def answer(self, dialect: str, query: str) -> list[dict[str, Any]]:
        """Put a query to the warehouse that understands it."""
        if dialect not in self._answers:
            pytest.skip(self._missing[STANDS_FOR.get(dialect, dialect)])
        return self._answers[dialect](statements(dialect, query))

    def database(self) -> demo_report.Database:
        """Return the firm's DuckDB file, as the demo reads it."""
        if "duckdb" not in self._pipelines:
            pytest.skip(self._missing["duckdb"])
        warehouse = self._pipelines["duckdb"].warehouse
        assert isinstance(warehouse, DuckDB)
        return demo_report.Database(warehouse.database, warehouse.python)

    def _start(self, kind: type[Warehouse]) -> None:
        name = kind.name.lower()
        folder = self._folder / name
        folder.mkdir()
        try:
            warehouse = self._stack.enter_context(kind(folder))
        except Unavailable as reason:
            self._missing[name] = str(reason)
        else:
            self._pipelines[name] = Pipeline(self._sandbox, warehouse, folder)

    def _load(self) -> None:
        for name, pipeline in self._pipelines.items():
            pipeline.run(catalog(wanted=STREAMS))
            pipeline.warehouse.answers(statements(name, "keep_leads"))
        self._firm.note_leads()

    def _as_records(self) -> Answer:
        """Copy the DuckDB file, with objects and amounts as BigQuery's loader makes them."""
        warehouse = self._pipelines["duckdb"].warehouse
        assert isinstance(warehouse, DuckDB)
        path = self._folder / "records.duckdb"
        shutil.copy(warehouse.database, path)
        session = Session(warehouse.python, "duckdb", str(path))
        self._stack.callback(session.close)
        for table in STREAMS:
            forms = RECORDS.get(table, {})
            changes = [
                f"json_transform({name}, '{json.dumps(form)}') AS {name}"
                for name, form in forms.items()
            ]
            changes += [f"CAST({name} AS VARCHAR) AS {name}" for name in AMOUNTS[table]]
            if changes:
                session(
                    "answers",
                    f"CREATE OR REPLACE TABLE smokeball.{table} AS "  # noqa: S608
                    f"SELECT * REPLACE ({', '.join(changes)}) FROM smokeball.{table}",
                )
        return lambda script: session("answers", script)


def statements(dialect: str, query: str) -> str:
    """Return a query's file; for what cannot be run here, as DuckDB understands it."""
    text = (FOLDER / dialect / f"{query}.sql").read_text(encoding="utf-8")
    if dialect not in STANDS_FOR:
        return text
    return ";\n".join(sqlglot.transpile(text, read=dialect, write=STANDS_FOR[dialect]))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with ExitStack() as stack:
        yield Asked(stack, tmp_path_factory.mktemp("analytics"))


@pytest.mark.parametrize("query", EXPECTED)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery"])
def test_the_answer_is_what_the_rows_say(asked: Asked, dialect: str, query: str) -> None:
    expected = by_key(query, EXPECTED[query](asked.books))
    answered = by_key(query, asked.answer(dialect, query))
    assert answered.keys() == expected.keys()
    wrong = {
        (key, column): (answered[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if not is_same(answered[key][column], value)
    }
    assert not wrong


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_each_column_is_defined(query: Query) -> None:
    last = sqlglot.parse(query.body, dialect="duckdb")[-1]
    assert last is not None
    select = last if isinstance(last, exp.Select) else last.expression
    assert list(query.columns) == select.named_selects


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.name)
def test_each_query_has_an_expected_answer(query: Query) -> None:
    assert query.name in {*EXPECTED, "keep_leads"}


def test_the_firm_has_what_the_definitions_speak_of(asked: Asked) -> None:
    """An answer of nothing but noughts would prove nothing."""
    assert None in {row["month"] for row in EXPECTED["realization_and_collection"](asked.books)}
    seen: dict[str, set[str]] = {
        query: {
            column
            for row in compute(asked.books)
            for column, value in row.items()
            if value not in (0, None)
        }
        for query, compute in EXPECTED.items()
    }
    for query in queries():
        if query.name in EXPECTED:
            assert seen[query.name] == set(query.columns)


def test_the_page_needs_nothing_else_and_shows_what_the_rows_say(asked: Asked) -> None:
    page = demo_page.page(asked.database().answers())
    assert not re.findall(r"https?:|<script|<link|@import|url\(", page)
    charts = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(charts) == len(demo_questions.PARTS)
    for chart in charts:
        drawing = base64.b64decode(chart).decode()
        assert not re.findall(r"<image|<script|href=|url\(http", drawing)
        assert drawing.count("<path") > 1
    assert f"{TITLE} &amp; &lt;i&gt;" in page
    assert "<i>" not in page
    work = sum(row["total"] for row in EXPECTED["work_in_progress"](asked.books))
    owed = sum(row["total"] for row in EXPECTED["receivables_by_age"](asked.books))
    for amount in (work, owed):
        whole = f"${amount.quantize(Decimal(1), ROUND_HALF_UP):,}"
        assert page.count(whole) >= 2
    balances = EXPECTED["trust_reconciliation"](asked.books)
    wrong = [row for row in balances if row["difference"] or row["unknown"]]
    assert f"{len(wrong)} of {len(balances)} balances differ" in page


def test_the_demo_tells_what_a_run_has_loaded(asked: Asked) -> None:
    database = asked.database()
    totals = database.totals()
    assert totals.amount == sum(row.get("amount", 0) for row in asked.books.all("fees"))
    assert set(totals.rows) == set(STREAMS)
    assert all(totals.rows.values())
    assert database.rows_since(demo_report.LONG_AGO) == totals.rows
    assert not any(database.rows_since(database.latest_load()).values())


def is_same(answered: Any, expected: Any) -> bool:
    """Whether a value is what was expected; a fraction, rounded to what is shown of it."""
    if isinstance(expected, Fraction):
        shown = Decimal(str(answered))
        places = -int(shown.as_tuple().exponent)
        return abs(Fraction(shown) - expected) <= Fraction(1, 2 * 10 ** max(places, 1))
    if isinstance(expected, datetime):
        return bool(str(answered)[:19].replace("T", " ") == expected.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(expected, date):
        return str(answered)[:10] == expected.isoformat()
    if isinstance(expected, (Decimal, int)) and not isinstance(expected, bool):
        return Decimal(str(answered)) == expected
    return bool(answered == expected)
