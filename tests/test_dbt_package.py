"""The dbt package builds on DuckDB and Postgres, and its figures match the firm's rows."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from scripts import demo_report
from smokeball_sandbox import SandboxServer
from tap_smokeball import streams
from tests.daily_images import earlier_images, insert_images
from tests.dbt_project import PACKAGE, UNIT_TESTS, DbtProject
from tests.edge_case_firm import HOSTILE_CLIENT, OVERDRAWN, EdgeCaseFirm
from tests.expected_figures import FEE_EARNERS, NOT_OPEN, FirmFigures
from tests.expected_page import ExpectedPage
from tests.firm_page import FirmPage, make_page, page_rows
from tests.harness import catalog, sandbox_rows
from tests.mart_checks import MART_CHECKS
from tests.metricflow import MetricFlow
from tests.page_checks import CHECKS, expected_figures, row_figures
from tests.pipeline import Pipeline
from tests.recorded_firm import STREAMS
from tests.servers import UnavailableError
from tests.warehouses import DuckDB, Postgres
from tests.webdriver import DRIVER, open_browser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.warehouses import Warehouse

pytestmark = pytest.mark.slow

ZONES = {"au": "Australia/Sydney", "us": "America/Chicago", "uk": "Europe/London"}
CURRENCIES = {"au": "AUD", "us": "USD", "uk": "GBP"}
RESOURCES = (
    *("matters", "matter_types", "matter_stages", "stage_sets", "contacts", "staff"),
    *("fees", "expenses", "invoices", "bank_accounts", "matter_balances", "transactions"),
    *("tasks", "events", "memos", "files"),
)
KNOWN_PROBLEMS = {
    # The firm has an overdrawn ledger, a wrong book, orphans and odd totals on purpose.
    "smokeball__trust_has_overdrawn_ledgers": "fail",
    "smokeball__trust_does_not_reconcile": "warn",
    "smokeball__wip_ageing_has_orphans": "warn",
    "smokeball__invoices_fees_are_not_their_entries": "warn",
    "smokeball__invoices_unpaid_is_not_total_less_payments": "warn",
    "smokeball__time_entries_are_in_the_future": "warn",
    "smokeball__receipts_are_paid_by_matter": "warn",
    "smokeball_links_stg_smokeball__fees": "warn",
    "smokeball_links_stg_smokeball__matter_stages": "warn",
    # A role's contact can be `MyFirm`, which is no contact.
    "smokeball_links_stg_smokeball__matter_roles": "warn",
}
MODELS = ("time_entries", "disbursements", "invoice_lines", "receipts", "trust_ledger")
"""Marts whose rows are compared after an incremental build and a full refresh."""
EXPENSES = "smokeball_links_stg_smokeball__expenses"
WAIT = pytest.mark.timeout(900)  # dbt and several firms


def problems(found: dict[str, str]) -> dict[str, str]:
    """Return failures by the name of the test, without its arguments."""
    return {
        next(
            (known for known in (*KNOWN_PROBLEMS, EXPENSES) if name.startswith(known)), name
        ): status
        for name, status in found.items()
    }


WANTED = [*STREAMS, demo_report.RUN_LOG]
DAILY = {"wip_daily": "total", "ar_daily": "owed_amount"}
"""The daily images, and the amount of each."""


class Firm:
    """A firm with edge cases, loaded into a schema of a warehouse."""

    def __init__(self, stack: ExitStack, region: str, today: date, name: str) -> None:
        sandbox = SandboxServer(matters=60, region=region, anchor=today)
        self.cases = EdgeCaseFirm(stack.enter_context(sandbox), today)
        self.cases.add_edge_cases()
        self._region = region
        self._name = name
        self._today = today
        self.loaded = self.figures()
        self.images = earlier_images(self.loaded)

    def figures(self) -> FirmFigures:
        """Return the figures of the firm as it is now."""
        rows = {resource: self.cases.rows(resource) for resource in RESOURCES}
        return FirmFigures(rows, self._today, ZoneInfo(ZONES[self._region]), self._name)

    def page(self) -> ExpectedPage:
        """Return the page of the firm as it was loaded first."""
        return ExpectedPage.of(self.loaded, self.images)


@dataclass
class BuiltWarehouse:
    """A warehouse with the marts of one or several firms.

    Attributes:
        warehouse: The warehouse.
        project: The package with this warehouse.
        firms: The firms by their names in ``source_relation``.
        pipelines: The pipeline of each firm.
    """

    warehouse: Warehouse
    project: DbtProject
    firms: dict[str, Firm]
    pipelines: dict[str, Pipeline]

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.warehouse.run_script(query)

    def run(self, command: str, *arguments: str) -> dict[str, str]:
        """Run dbt, and return failures by the name of the test."""
        self.warehouse.connect(self.project)
        return problems(self.project.run(command, *arguments))

    def sorted_rows(self, model: str) -> list[str]:
        """Return the rows of a model as text, in an order."""
        return sorted(str(row) for row in self.rows(f"select * from analytics.{model}"))  # noqa: S608

    def figures(
        self, firm: str, mart: str, keys: list[str], sums: list[str], where: str = "1 = 1"
    ) -> dict[tuple[Any, ...], Any]:
        """Return sums of a firm's rows in a mart, by key. A sum may have another name: a as b."""
        columns = [f"sum({each.partition(' as ')[0]}) as {each.split(' as ')[-1]}" for each in sums]
        rows = self.rows(
            f"select {', '.join(keys + columns)} from analytics.smokeball__{mart} "  # noqa: S608
            f"where source_relation = '{firm}' and {where} group by {', '.join(keys)}"
        )
        return {
            tuple(_plain(row.pop(key)) for key in keys): {
                name: None if value is None else Decimal(value) for name, value in row.items()
            }
            for row in rows
        }

    def images(self, mart: str, column: str) -> list[dict[str, Any]]:
        """Return the rows and the amount of each day of a daily mart."""
        return self.rows(
            f"select day, count(*) as rows_found, sum({column}) as amount "  # noqa: S608
            f"from analytics.smokeball__{mart} group by day order by day"
        )


def _plain(value: Any) -> Any:
    """Return a key as the expected figures have it."""
    text = str(value)
    is_date = (
        len(text) >= 10 and text[:10].count("-") == 2 and text[:4].isdigit() and text[4] == "-"
    )
    return date.fromisoformat(text[:10]) if is_date and len(text) <= 19 else value


def assert_equal(actual: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Compare each figure, to the cent. Rows of nothing but zeros may be missing."""
    for key, figures in expected.items():
        row = actual.get(key)
        for name, value in figures.items():
            found = None if row is None else row[name]
            assert (found or 0) == value, (key, name)
    assert set(actual) <= set(expected)


def variables(regions: list[str]) -> dict[str, Any]:
    """Return the variables of the package for firms."""
    found: dict[str, Any] = {"smokeball__as_of": today().isoformat()}
    found["smokeball__timezone"] = ZONES if len(regions) > 1 else ZONES[regions[0]]
    found["smokeball__currency"] = CURRENCIES if len(regions) > 1 else CURRENCIES[regions[0]]
    if len(regions) > 1:
        found["smokeball__union_schemas"] = [{"schema": r, "name": r} for r in regions]
    return found


def today() -> date:
    return datetime.now(timezone.utc).date()


def start(
    stack: ExitStack, warehouse_type: type[Warehouse], folder: Path, regions: list[str]
) -> tuple[dict[str, Firm], dict[str, Pipeline]]:
    """Load firms, one schema for each if there are several."""
    names = {region if len(regions) > 1 else "": region for region in regions}
    firms = {name: Firm(stack, region, today(), name) for name, region in names.items()}
    pipelines = {
        name: Pipeline(
            firm.cases.sandbox,
            stack.enter_context(warehouse_type(folder, schema=name or "smokeball")),
            folder,
        )
        for name, firm in firms.items()
    }
    for name, pipeline in pipelines.items():
        pipeline.run(catalog(wanted=WANTED))
        pipeline.warehouse.run_script(insert_images(firms[name].images, name))
    return firms, pipelines


@pytest.fixture(scope="module")
def duckdb_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtProject]:
    """The package for one firm in DuckDB: parsed once, whatever the database."""
    with DbtProject(tmp_path_factory.mktemp("project"), "duckdb", variables(["au"])) as project:
        yield project


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((DuckDB, ["au", "us", "uk"]), marks=pytest.mark.nightly, id="DuckDB, 3 firms"),
        pytest.param((DuckDB, ["au"]), id="DuckDB"),
        pytest.param((Postgres, ["au"]), id="Postgres"),
    ],
)
def built(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    duckdb_project: DbtProject,
) -> Iterator[BuiltWarehouse]:
    """Build everything: for one firm with the unit tests, in DuckDB also for three at once."""
    warehouse_type, regions = request.param
    with ExitStack() as stack:
        try:
            folder = tmp_path_factory.mktemp("dbt")
            firms, pipelines = start(stack, warehouse_type, folder, regions)
            warehouse = next(iter(pipelines.values())).warehouse
            project = duckdb_project
            if warehouse_type is Postgres or len(regions) > 1:
                own = DbtProject(folder / "dbt", warehouse.name.lower(), variables(regions))
                project = stack.enter_context(own)
            built = BuiltWarehouse(warehouse, project, firms, pipelines)
            found = built.run("build", *([UNIT_TESTS] if len(regions) > 1 else []))
        except UnavailableError as error:
            pytest.skip(str(error))
        assert found == KNOWN_PROBLEMS, "\n".join(project.messages)
        yield built


@WAIT
def test_marts_match_source_rows(built: BuiltWarehouse, subtests: pytest.Subtests) -> None:
    """Each figure equals the one computed from the rows of the firm, to the cent."""
    for name, firm in built.firms.items():
        figures, find, page = firm.loaded, partial(built.figures, name), firm.page()
        for check in MART_CHECKS:
            with subtests.test(check.name, firm=name):
                found = find(check.mart, [*check.keys], [*check.sums], check.where)
                assert not check.differences(found, page)
        with subtests.test("work in progress", firm=name):
            sums = ["fees", "disbursements", "on_draft", "orphaned"]
            sums.append("over_90_days")
            found = find("wip_ageing", ["matter_id"], sums)
            assert_equal(found, figures.work_in_progress())
            assert sum(row["orphaned"] for row in found.values()) > 0
        with subtests.test("discounts of drafts", firm=name):
            found = find("wip_ageing", ["source_relation"], ["draft_adjustment"])
            discount = figures.draft_discounts()
            assert abs(found[name,]["draft_adjustment"] + discount) < Decimal("0.1")
        with subtests.test("receivables", firm=name):
            sums = ["owed_amount", "days_overdue * 1.0 / debtors as days_overdue"]
            found = find("ar_ageing", ["invoice_id"], sums)
            for row in found.values():
                row["days_overdue"] = round(row["days_overdue"])
            assert_equal(found, figures.receivables())
        with subtests.test("billing and cash", firm=name):
            expected = figures.billing()
            assert_equal(find("billing_monthly", ["month"], list(expected[None,])), expected)
        with subtests.test("billable hours", firm=name):
            counted = "is_time and entry_state not in ('deleted', 'template')"
            keys = ["staff_id", "work_month"]
            found = find("time_entries", keys, ["billable_minutes"], counted)
            assert_equal(found, figures.billable_hours())
        with subtests.test("active matters", firm=name):
            found = find("matters", ["source_relation"], ["1 as matters"], "is_active")
            assert found[name,]["matters"] == figures.active_matters()


@WAIT
def test_trust_exceptions_come_first(built: BuiltWarehouse) -> None:
    """An overdrawn ledger is first; the book, closed matters and lone reversals are reported."""
    for name, firm in built.firms.items():
        found = built.rows(
            "select priority, exception_type, matter_id, matter_status, amount "  # noqa: S608
            "from analytics.smokeball__trust_exceptions "
            f"where source_relation = '{name}' order by priority, amount"
        )
        first = found[0]
        assert (first["exception_type"], first["matter_id"], Decimal(first["amount"])) == (
            "overdrawn",
            firm.cases.overdrawn_matter,
            OVERDRAWN,
        )
        by_type = {row["exception_type"]: row for row in found}
        assert {"ledger differs from movements", "unmatched reversal"} <= set(by_type)
        assert {"unknown type of movement", "money on a matter that is not open"} <= set(by_type)
        assert by_type["money on a matter that is not open"]["matter_status"] in NOT_OPEN
        accounts = built.rows(
            "select is_reconciled from analytics.smokeball__trust_reconciliation "  # noqa: S608
            f"where source_relation = '{name}' and overdrawn_ledgers > 0"
        )
        assert [row["is_reconciled"] for row in accounts] == [False]


@WAIT
def test_page_figures_match_source_rows(
    built: BuiltWarehouse, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """The page has the rows of the marts; in a browser, each figure is that of the firm."""
    for name, firm in built.firms.items():
        page = tmp_path / f"{name or 'page'}.html"
        done = make_page(built.project, page, *(("--firm", name) if name else ()))
        assert done.returncode == 0, done.stderr
        assert page.stat().st_mode & 0o777 == 0o600
        logs = "".join(log.read_text() for log in built.project.folder.glob("logs/*"))
        assert HOSTILE_CLIENT not in done.stdout + done.stderr + logs
        expected = firm.page()
        with subtests.test("rows", firm=name):
            assert row_figures(page_rows(page)) == expected_figures(expected)
        if DRIVER and len(built.firms) == 1 and built.warehouse.name == "DuckDB":
            with open_browser(tmp_path / "profile") as browser:
                browser.open(page.as_uri())
                for check in CHECKS:
                    with subtests.test(check.__name__):
                        check(FirmPage(browser, page), expected)
    if len(built.firms) > 1:
        done = make_page(built.project, tmp_path / "page.html")
        assert done.returncode == 1
        assert "Pass --firm with one of: 'au', 'uk', 'us'" in done.stderr


@WAIT
def test_targets_are_for_fee_earners_only(built: BuiltWarehouse) -> None:
    """Others have hours, but neither target nor utilization."""
    rows = built.rows("select * from analytics.smokeball__timekeeper_monthly")
    for row in rows:
        if row["role"] is not None:
            assert row["is_fee_earner"] == (row["role"] in FEE_EARNERS)
        assert row["is_fee_earner"] or (row["target_hours"] is None)
        assert row["is_fee_earner"] or (row["utilization"] is None)
    assert {row["is_fee_earner"] for row in rows} == {True, False}


@WAIT
def test_invoice_of_sydney_month_end_is_local(built: BuiltWarehouse) -> None:
    """Midnight of October 1 in Sydney is September 30 in UTC, and October for the firm."""
    firm = next(name for name in ("au", "") if name in built.firms)
    [row] = built.rows(
        "select count(*) as invoices from analytics.smokeball__invoices "  # noqa: S608
        f"where source_relation = '{firm}' and issued_month = date '2026-10-01' "
        "and due_date = date '2026-10-15' and issued_date = date '2026-10-01'"
    )
    assert row["invoices"] == 1


@WAIT
@pytest.mark.nightly
def test_metrics_match_source_rows(built: BuiltWarehouse, tmp_path: Path) -> None:
    """MetricFlow accepts the metrics, and their values are the figures of the firm."""
    if built.warehouse.name != "DuckDB" or len(built.firms) > 1:
        pytest.skip("MetricFlow runs for one firm in DuckDB")
    assert not built.run("run", "--select", "smokeball__days")  # renews the manifest
    figures = built.firms[""].loaded
    wip, owed, months = figures.work_in_progress(), figures.receivables(), figures.billing()
    accounts = figures.by_id("bank_accounts")
    expected = {
        "wip_fees": sum(row["fees"] for row in wip.values()),
        "wip_disbursements": sum(row["disbursements"] for row in wip.values()),
        "wip_over_90_days": sum(row["over_90_days"] for row in wip.values()),
        "receivables": sum(row["owed_amount"] for row in owed.values()),
        "cash_collected": sum(row["cash_amount"] for row in months.values()),
        "net_billed_fees": sum(row["net_fee_amount"] for row in months.values()),
        "trust_held": sum(
            row["balance"]
            for (account, _), row in figures.trust().items()
            if accounts[account]["type"] in {"Trust", "ControlledMoney"}
        ),
    }
    metricflow = MetricFlow(built.project, tmp_path)
    assert metricflow.is_valid()
    assert metricflow.query(*expected) == [expected]
    for metric, name in {
        "cash_collected": "cash_amount",
        "net_billed_fees": "net_fee_amount",
    }.items():
        by_month = {
            row["metric_time__month"][:10]: row[metric]
            for row in metricflow.query(metric, group_by="metric_time__month")
        }
        dated = {str(month or ""): row[name] for (month,), row in months.items()}
        assert {m: v for m, v in by_month.items() if v} == {m: v for m, v in dated.items() if v}


@WAIT
def test_second_build_keeps_history(built: BuiltWarehouse) -> None:
    """A converted lead is seen, a day is replaced, and the days before are kept.

    Late changes and deletions give the same rows as a full refresh.
    """
    name, firm = next(iter(built.firms.items()))
    lead = firm.cases.convert_lead()
    changed = firm.cases.change_late()
    built.pipelines[name].run(catalog(wanted=WANTED))
    # A row that is gone without a mark, as after a restored backup.
    schema = name or "smokeball"
    for stream, case in {"fees": "gone", "invoices": "lost_invoice"}.items():
        gone = f"delete from {schema}.{stream} where id = '{changed.pop(case)}'"  # noqa: S608
        built.rows(f"{gone}; select 1 as one")
    before = {mart: built.images(mart, column) for mart, column in DAILY.items()}
    # Expenses may be on the lost invoice, too.
    found = built.run("build", UNIT_TESTS)
    found.pop(EXPENSES, None)
    assert found == KNOWN_PROBLEMS, "\n".join(built.project.messages)
    states = {
        row["entry_id"]: row["entry_state"]
        for row in built.rows("select entry_id, entry_state from analytics.int_smokeball__entries")
    }
    assert {case: states[entry] for case, entry in changed.items()} == {
        "deleted": "deleted",
        "of_lost_invoice": "orphaned",
        "of_template": "template",
        "of_void": "wip",
    }
    compared = [f"smokeball__{each}" for each in MODELS] if len(built.firms) > 1 else []
    compared.append("int_smokeball__entries")
    incremental = {model: built.sorted_rows(model) for model in compared}
    outcome = (
        "select outcome, is_counted from analytics.smokeball__leads "  # noqa: S608
        f"where matter_id = '{lead}' and source_relation = '{name}'"
    )
    assert built.rows(outcome) == [{"outcome": "converted", "is_counted": True}]
    [rate] = built.rows("select max(conversion_rate) as rate from analytics.smokeball__lead_funnel")
    assert rate["rate"] is None
    if len(built.firms) > 1:
        assert built.run("build", UNIT_TESTS, "--full-refresh").items() >= KNOWN_PROBLEMS.items()
        assert built.rows(outcome) == [{"outcome": "converted", "is_counted": True}]
    else:
        assert not built.run("run", "--select", "int_smokeball__entries", "--full-refresh")
    for model, rows in incremental.items():
        assert built.sorted_rows(model) == rows, model
    for mart, column in DAILY.items():
        *earlier, last = built.images(mart, column)
        assert earlier == before[mart][:-1]
        assert len(earlier) == len(firm.images)
        assert last["rows_found"]


class DefaultSelection:
    """A firm whose default streams are in a warehouse, and copies with fewer of them."""

    def __init__(
        self,
        stack: ExitStack,
        folder: Path,
        warehouse_type: type[Warehouse],
        project: DbtProject,
    ) -> None:
        self._project = project
        sandbox = stack.enter_context(SandboxServer(matters=15))
        self.warehouse = stack.enter_context(warehouse_type(folder))
        wanted = [str(vars(each)["name"]) for each in streams.ALL if each.selected_by_default]
        wanted.append(demo_report.RUN_LOG)
        Pipeline(sandbox, self.warehouse, folder).run(catalog(wanted=wanted))
        self.fees = [entry["row"] for entry in sandbox_rows(sandbox, "fees")]
        self._loaded = self.streams()
        self._copy("smokeball", "loaded", self._loaded)

    def run(self, command: str, *arguments: str) -> dict[str, str]:
        """Run dbt, and return the status of each node that is not a success."""
        self.warehouse.connect(self._project)
        return self._project.run(command, *arguments)

    def build(self, *arguments: str) -> None:
        """Build the package; no model and no test fails."""
        found = self.run("build", UNIT_TESTS, *arguments)
        failed = {name for name, status in found.items() if status != "warn"}
        assert not failed, "\n".join(self._project.messages)

    def keep(self, *streams: str) -> None:
        """Start from what was loaded, with these streams or all, and nothing built."""
        self.rows("drop schema if exists analytics cascade; select 1 as one")
        self._copy("loaded", "smokeball", streams or self._loaded)

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.warehouse.run_script(query)

    def count(self, table: str) -> int:
        [row] = self.rows(f"select count(*) as counted from {table}")  # noqa: S608
        counted: int = row["counted"]
        return counted

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each mart."""
        return {
            name: self.count(f"analytics.{name}")
            for name in self._tables("analytics")
            if name.startswith("smokeball__")
        }

    def streams(self) -> list[str]:
        """Return the streams that are loaded."""
        return self._tables("smokeball")

    def _tables(self, schema: str) -> list[str]:
        query = "select table_name as name from information_schema.tables where table_schema = "
        return [row["name"] for row in self.rows(f"{query} '{schema}'")]

    def _copy(self, source: str, target: str, names: Iterable[str]) -> None:
        copies = [
            f"create table {target}.{name} as select * from {source}.{name}"  # noqa: S608
            for name in names
        ]
        statements = [f"drop schema if exists {target} cascade", f"create schema {target}", *copies]
        self.rows("; ".join([*statements, "select 1 as one"]))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(DuckDB, id="DuckDB"),
        pytest.param(Postgres, marks=pytest.mark.nightly, id="Postgres"),
    ],
)
def selected(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    duckdb_project: DbtProject,
) -> Iterator[DefaultSelection]:
    warehouse_type: type[Warehouse] = request.param
    folder = tmp_path_factory.mktemp("selected")
    with ExitStack() as stack:
        project = duckdb_project
        if warehouse_type is Postgres:
            own = DbtProject(folder / "dbt", "postgres", variables(["au"]))
            project = stack.enter_context(own)
        try:
            yield DefaultSelection(stack, folder, warehouse_type, project)
        except UnavailableError as error:
            pytest.skip(str(error))


@WAIT
def test_package_builds_on_one_stream(selected: DefaultSelection) -> None:
    """Streams that are not loaded have no rows; everything builds, and no test fails."""
    selected.keep("fees")
    selected.build()
    assert selected.count("analytics.smokeball__time_entries") == len(selected.fees)
    assert selected.count("analytics.smokeball__matters") == 0


@WAIT
@pytest.mark.nightly
@pytest.mark.parametrize("kept", [(), ("matters",), ("fees",)], ids=["default", "matters", "fees"])
def test_second_build_has_the_same_rows(selected: DefaultSelection, kept: tuple[str, ...]) -> None:
    """An incremental build and a full refresh succeed and have the rows of the first build."""
    selected.keep(*kept)
    selected.build()
    first = selected.counts()
    assert first["smokeball__matters"] == (15 if kept != ("fees",) else 0)
    for arguments in ((), ("--full-refresh",)):
        selected.build(*arguments)
        assert selected.counts() == first


@WAIT
def test_package_builds_on_default_selection(selected: DefaultSelection) -> None:
    """The package builds; what the demo prints and the page are those of the firm."""
    selected.keep()
    selected.build()
    [wip] = selected.rows("select sum(total) as amount from analytics.smokeball__wip_ageing")
    [freshness] = selected.rows(
        "select count(*) as complete from analytics.smokeball__load_freshness "
        "where last_run_status = 'complete' and complete_until is not null and rows_loaded > 0"
    )
    # The log of runs has no row about itself.
    assert freshness["complete"] == len(selected.streams()) - 1
    if not isinstance(selected.warehouse, DuckDB):
        return
    database = demo_report.Database(selected.warehouse.database, selected.warehouse.python)
    totals = database.totals()
    assert totals.amount == sum(row.get("amount", 0) for row in selected.fees)
    assert freshness["complete"] == len(totals.rows)
    assert not any(database.rows_since(database.latest_load()).values())
    *_, last = demo_report.unbilled(database.work_in_progress())
    assert f"{Decimal(wip['amount']):,.2f}" in last


@WAIT
def test_source_freshness_is_that_of_runs(selected: DefaultSelection) -> None:
    """Streams that no run has selected are not late; one that stopped being complete is."""
    selected.keep()
    assert selected.run("source", "freshness") == {}
    selected.rows(
        """update smokeball.sync_runs set "loadedUntil" = "loadedUntil" - interval '27 hours' """
        "where stream = 'fees'; "
        """update smokeball.sync_runs set "loadedUntil" = null where stream = 'matters'; """
        "select 1 as one"
    )
    chosen = [f"source:smokeball.{name}" for name in ("fees", "matters", "invoices", "files")]
    assert selected.run("source", "freshness", "--select", *chosen) == {
        "smokeball.fees": "warn",
        "smokeball.matters": "error",
    }


@WAIT
def test_mart_columns_are_documented(built: BuiltWarehouse) -> None:
    """Each mart and each of its columns has a description."""
    text = (PACKAGE / "models" / "marts" / "smokeball__marts.yml").read_text(encoding="utf-8")
    documented = {
        model["name"]: [column["name"] for column in model["columns"]]
        for model in yaml.safe_load(text)["models"]
    }
    found: dict[str, list[str]] = {}
    for row in built.rows(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'analytics' order by table_name, ordinal_position"
    ):
        if row["table_name"].startswith("smokeball__"):
            found.setdefault(row["table_name"], []).append(row["column_name"])
    assert found == documented
