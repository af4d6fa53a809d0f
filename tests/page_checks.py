"""What the page of a firm must show, computed from the rows of the firm."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.edge_case_firm import HOSTILE_CLIENT, HOSTILE_TITLE, OVERDRAWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.expected_figures import FirmFigures
    from tests.firm_page import FirmPage

Figures = dict[str, Decimal]

FEES = "net_fee_amount"
COMPARED_MONTHS = {"billed in a year": 0, "a month before": 1, "a year before": 12}
READABLE = 4.5
"""Contrast that WCAG asks for."""
PHONE, TABLET, DESKTOP = 390, 820, 1280


def expected_figures(firm: FirmFigures, find: Callable[..., Any]) -> Figures:
    """Return the figures of the whole firm and of all time, without the page and its rows.

    Args:
        firm: The figures computed from the rows of the firm.
        find: Sums a mart, for figures that are compared with the firm elsewhere.
    """
    wip, owed = firm.work_in_progress().values(), firm.receivables().values()
    months = firm.billing().values()

    def of(mart: str, column: str, where: str = "1 = 1") -> Decimal:
        sums = find(mart, ["source_relation"], [f"{column} as figure"], where)
        return next((Decimal(row["figure"]) for row in sums.values()), Decimal())

    def total(rows: Any, name: str) -> Decimal:
        return sum((Decimal(row[name]) for row in rows), Decimal())

    def billed(first: date, last: date) -> Decimal:
        sums = firm.billing().items()
        return total((row for (month,), row in sums if month and first <= month <= last), FEES)

    return {
        **_over_12_months(firm.today, billed),
        "exceptions": of("trust_exceptions", "1", "priority <= 3"),
        "held": total(firm.trust().values(), "balance"),
        "transferable": of("trust_to_office", "transferable_amount"),
        "wip": total(wip, "fees") + total(wip, "disbursements"),
        "old wip": total(wip, "over_90_days"),
        "orphaned": total(wip, "orphaned"),
        "owed": total(owed, "owed_amount"),
        "overdue": total(
            (row for row in owed if row["days_overdue"] > 0 and row["owed_amount"] > 0),
            "owed_amount",
        ),
        "billed": total(months, FEES),
        "recorded": total(months, "recorded_fee_amount"),
        "written off": total(months, "written_off_unbilled_amount"),
        "payable": total(months, "payable_amount"),
        "cash": total(months, "cash_amount"),
        "credit": total(months, "credit_amount"),
        "due": of("billing_monthly", "mature_payable_amount"),
        "collected": of("billing_monthly", "mature_collected_amount"),
        "billable hours": of("timekeeper_monthly", "billable_hours", "is_fee_earner"),
        "available hours": of("timekeeper_monthly", "available_hours", "is_fee_earner"),
        "active": Decimal(firm.active_matters()),
        "leads": of("leads", "1", "outcome <> 'deleted'"),
    }


def _over_12_months(today: date, sum_of: Callable[[date, date], Decimal]) -> Figures:
    """Return a sum over the last 12 whole months, and those a month and a year before."""
    month = today.year * 12 + today.month - 1
    spans = {name: month - count for name, count in COMPARED_MONTHS.items()}

    def first_day(number: int) -> date:
        return date(number // 12, number % 12 + 1, 1)

    return {name: sum_of(first_day(end - 12), first_day(end - 1)) for name, end in spans.items()}


def row_figures(tables: dict[str, list[dict[str, Any]]], today: date) -> Figures:
    """Return the same figures from the rows of the page, whose amounts are cents."""

    def billed(first: date, last: date) -> Decimal:
        limits = (first.isoformat()[:7], last.isoformat()[:7])
        return of(
            "invoices",
            FEES,
            where=lambda row: limits[0] <= (row["issued_date"] or "")[:7] <= limits[1],
        )

    def of(
        table: str, *columns: str, where: Callable[[dict[str, Any]], bool] | None = None
    ) -> Decimal:
        rows = [row for row in tables[table] if where is None or where(row)]
        return sum((Decimal(row[name]) for row in rows for name in columns), Decimal()) / 100

    ages = ("days_91_180", "days_181_365", "days_over_365")
    return {
        **_over_12_months(today, billed),
        "exceptions": Decimal(sum(row["priority"] <= 3 for row in tables["trust_exceptions"])),
        "held": of("trust_balances", "balance"),
        "transferable": of("trust_to_office", "transferable_amount"),
        "wip": of("wip", "total"),
        "old wip": of("wip", *ages),
        "orphaned": of("wip", "orphaned"),
        "owed": of("receivables", "owed_amount"),
        "overdue": of(
            "receivables",
            "owed_amount",
            where=lambda row: row["days_overdue"] > 0 and row["owed_amount"] > 0,
        ),
        "billed": of("invoices", "net_fee_amount"),
        "recorded": of("invoices", "recorded_fee_amount"),
        "written off": of("write_offs", "amount"),
        "payable": of("invoices", "payable_amount"),
        "cash": of("receipts", "cash_amount"),
        "credit": of("receipts", "credit_amount"),
        "due": of("invoices", "payable_amount", where=lambda row: bool(row["is_mature"])),
        "collected": of("invoices", "collected_amount", where=lambda row: bool(row["is_mature"])),
        "billable hours": _hours(tables, "billable_hours"),
        "available hours": _hours(tables, "available_hours"),
        "active": Decimal(sum(bool(row["is_active"]) for row in tables["matters"])),
        "leads": Decimal(len(tables["leads"])),
    }


def _hours(tables: dict[str, list[dict[str, Any]]], column: str) -> Decimal:
    return sum((Decimal(str(row[column])) for row in tables["hours"]), Decimal())


def money(amount: Decimal, unit: str = "0.01") -> str:
    """Return an amount as the page shows it."""
    rounded = amount.quantize(Decimal(unit), ROUND_HALF_UP)
    return f"${rounded:,}" if rounded >= 0 else f"−${-rounded:,}"  # noqa: RUF001 - a minus


def _share(part: Decimal, whole: Decimal) -> str:
    return f"{(100 * part / whole).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def check_figures(page: FirmPage, expected: Figures) -> None:
    """Tiles and totals are the figures of the firm."""
    page.choose("period", "all")
    recorded = expected["recorded"] + expected["written off"]
    shares = {
        "Realization of fees": _share(expected["billed"], recorded),
        "Collected of bills": _share(expected["collected"], expected["due"]),
        "Utilization": _share(expected["billable hours"], expected["available hours"]),
    }
    tiles = {
        "Trust exceptions": f"! {expected['exceptions']}",
        "Trust money": money(expected["transferable"], "1"),
        "Unbilled work": money(expected["old wip"], "1"),
        "Overdue bills": money(expected["overdue"], "1"),
        "Cash received": money(expected["cash"], "1"),
        "Fees billed": money(expected["billed"], "1"),
        "Active matters": str(expected["active"]),
        **shares,
    }
    assert {label: page.tile(label) for label in tiles} == tiles
    totals = {
        ("Money in trust for unpaid bills, by matter", "May move"): "transferable",
        ("Unbilled work by matter", "Total"): "wip",
        ("Unbilled work by matter", "Over 90 days"): "old wip",
        ("Unbilled work by age", "Amount"): "wip",
        ("Owed by debtor", "Owed"): "owed",
        ("Owed by debtor", "Overdue"): "overdue",
        ("Cash received by month", "Cash"): "cash",
        ("Cash received by month", "Client credit"): "credit",
        ("Fees billed by month", "Fees"): "billed",
        ("Fees billed by month", "To be paid"): "payable",
        ("Realization and collection by month of issue", "Written off unbilled"): "written off",
        ("Realization and collection by month of issue", "Due, old bills"): "due",
        ("Realization and collection by month of issue", "Collected"): "collected",
    }
    found = {key: page.total(*key) for key in totals}
    assert found == {key: money(expected[name]) for key, name in totals.items()}
    assert page.total("Active matters by stage", "Matters") == str(expected["active"])
    notes = page.column("Realization and collection by month of issue", "Realization")
    assert any("only 1 bill" in text for text in notes)
    assert page.browser.run("return document.querySelector('.as-of').innerText").startswith(
        "Complete until "
    )


def check_comparison(page: FirmPage, expected: Figures) -> None:
    """A figure has the same figure a month and a year before."""
    page.choose("period", "12 months")
    assert page.tile("Fees billed") == money(expected["billed in a year"], "1")
    month, year = page.notes("Fees billed")
    for name, note in (("a month before", month), ("a year before", year)):
        assert note.startswith(f"{name}: {money(expected[name], '1')}")
    page.choose("period", "all")


def check_trust_comes_first(page: FirmPage, _: Figures) -> None:
    """The overdrawn ledger is the first row, with texts that nothing has run."""
    assert page.column("Trust exceptions", "Exception")[0] == "Overdrawn"
    assert page.column("Trust exceptions", "Amount")[0] == money(OVERDRAWN)
    assert HOSTILE_TITLE in page.column("Trust exceptions", "Matter")[0]
    assert page.column("Trust exceptions", "Client")[0] == HOSTILE_CLIENT
    title = page.browser.run("return document.title")
    assert title != "run"
    assert not page.browser.run("return document.querySelectorAll('img').length")


def check_filters(page: FirmPage, expected: Figures) -> None:
    """The parts of all practice areas add up to the whole; a month is a part of the whole."""
    table = ("Unbilled work by age", "Amount")
    values = "[...document.querySelector('[name=area]').options].map((each) => each.value)"
    whole, *areas = page.browser.run(f"return {values}")
    totals = []
    for area in areas:
        page.choose("area", area)
        totals.append(_amount(page.total(*table)))
    page.choose("area", whole)
    assert len(totals) > 1
    assert sum(totals) == expected["wip"]
    page.choose("period", "last month")
    assert _amount(page.tile("Fees billed")) < expected["billed"]
    page.choose("period", "all")


def check_sorting(page: FirmPage, _: Figures) -> None:
    """A column sorts in both directions."""
    found = []
    for _time in range(2):
        page.sort("Owed by debtor", "Owed")
        found.append([_amount(text) for text in page.column("Owed by debtor", "Owed")])
    assert found == [sorted(found[0], reverse=True), sorted(found[1])]
    assert found[0][0] > found[1][0]


def check_drill_down(page: FirmPage, _: Figures) -> None:
    """A figure opens rows that add up to it."""
    page.sort("Owed by debtor", "Overdue")
    debtor = page.column("Owed by debtor", "Debtor")[0]
    ages = "Unbilled work by age"
    for caption, column, row, opened, summed in (
        ("Owed by debtor", "Overdue", 0, f"Overdue bills: {debtor}", "Owed"),
        (ages, "Amount", 1, f"{ages}: 31 to 60 days", "Amount"),
    ):
        figure = page.column(caption, column)[row]
        page.open_rows(caption, column, row)
        assert page.total(opened, summed, "dialog[open]") == figure
        page.browser.run("document.querySelector('dialog .close').click()")


def check_csv(page: FirmPage, _: Figures) -> None:
    """Texts are no formulas, and numbers are numbers."""
    rows = list(
        csv.DictReader(io.StringIO(page.csv("Trust exceptions", "Amount").removeprefix("\ufeff")))
    )
    assert rows[0]["Client"] == f"'{HOSTILE_CLIENT}"
    assert rows[0]["Title"] == HOSTILE_TITLE
    assert rows[0]["Amount"] == str(OVERDRAWN)


def check_network(page: FirmPage, _: Figures) -> None:
    """The page requests nothing, and cannot."""
    script = "return performance.getEntriesByType('resource').length"
    assert page.browser.run(script) == 0
    blocked = "return fetch('https://example.com').then(() => 'sent', () => 'blocked')"
    assert page.browser.run(blocked) == "blocked"


def check_appearance(page: FirmPage, _: Figures) -> None:
    """Texts have contrast in both themes, and no width scrolls sideways."""
    for theme in ("light", "dark"):
        for width in (PHONE, TABLET, DESKTOP):
            page.browser.emulate(theme, width)
            over = page.browser.run("return document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (theme, width)
        assert page.lowest_contrast() >= READABLE, theme


def check_missing_stream(page: FirmPage, stream: str) -> None:
    """Figures whose streams are not loaded are no zeros: tile and section say what is missing."""
    assert page.tile("Trust exceptions") == page.tile("Cash received") == "–"  # noqa: RUF001
    section = page.browser.run("return document.querySelector('#trust').innerText")
    assert section.splitlines()[-1] == f"Not loaded: {stream}."


CHECKS = (
    check_figures,
    check_comparison,
    check_trust_comes_first,
    check_filters,
    check_sorting,
    check_drill_down,
    check_csv,
    check_network,
    check_appearance,
)


def _amount(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace("$", "").replace(",", ""))  # noqa: RUF001 - a minus
