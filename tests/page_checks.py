"""What the page of a firm must show, computed from the rows of the firm."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.edge_case_firm import HOSTILE_CLIENT, HOSTILE_TITLE, OVERDRAWN
from tests.expected_decisions import NONE, sum_of
from tests.expected_figures import add_months
from tests.expected_tiles import (
    NOTABLE,
    image_notes,
    money,
    notes,
    periods,
    span_text,
    tiles,
)
from tests.page_tables import differences, number_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.expected_page import ExpectedPage
    from tests.firm_page import FirmPage

Figures = dict[str, Decimal]

READABLE = 4.5
"""Contrast that WCAG asks for."""
PHONE, TABLET, DESKTOP = 390, 820, 1280
CALENDARS = (("2027-02-28", 4), ("2028-02-29", 7), ("2026-06-30", 7))
"""Dates of the page, and first months of the fiscal year."""


def expected_figures(page: ExpectedPage) -> Figures:
    """Return the figures of the whole firm and of all time."""
    old, hours = page.old_bills(), page.hours
    return {
        "exceptions": Decimal(sum(row["Priority"] <= NOTABLE for row in page.trust_exceptions())),
        "held": sum_of(page.trust.ledgers.values(), "balance"),
        "transferable": sum_of(page.trust.transferable.values(), "transferable_amount"),
        "wip": sum_of(page.unbilled, "amount"),
        "old wip": sum_of(page.old_work, "amount"),
        "orphaned": sum_of(page.work, "amount") - sum_of(page.unbilled, "amount"),
        "owed": sum_of(page.debts, "owed_amount"),
        "overdue": sum_of(page.overdue, "owed_amount"),
        "billed": sum_of(page.bills, "net_fee_amount"),
        "recorded": sum_of(page.bills, "recorded_fee_amount"),
        "written off": sum_of(page.written_off, "amount"),
        "payable": sum_of(page.bills, "payable_amount"),
        "cash": sum_of(page.receipts, "cash_amount"),
        "credit": sum_of(page.receipts, "credit_amount"),
        "due": old["mature_payable_amount"],
        "collected": old["mature_collected_amount"],
        "billable minutes": _minutes(sum_of(hours, "billable_hours")),
        "available minutes": _minutes(sum_of(hours, "available_hours")),
        "active": Decimal(len(page.active_matters)),
        "leads": Decimal(len(page.leads)),
    }


def row_figures(tables: dict[str, list[dict[str, Any]]]) -> Figures:
    """Return the same figures from the rows of the page, whose amounts are cents."""

    def of(
        table: str, *columns: str, where: Callable[[dict[str, Any]], bool] | None = None
    ) -> Decimal:
        rows = [row for row in tables[table] if where is None or where(row)]
        return sum((Decimal(row[name]) for row in rows for name in columns), Decimal()) / 100

    ages = ("days_91_180", "days_181_365", "days_over_365")
    return {
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
        "billable minutes": _hours(tables, "billable_hours"),
        "available minutes": _hours(tables, "available_hours"),
        "active": Decimal(sum(bool(row["is_active"]) for row in tables["matters"])),
        "leads": Decimal(len(tables["leads"])),
    }


def _hours(tables: dict[str, list[dict[str, Any]]], column: str) -> Decimal:
    return _minutes(sum((Decimal(str(row[column])) for row in tables["hours"]), Decimal()))


def _minutes(hours: Decimal) -> Decimal:
    return Decimal(round(hours * 60))


def check_figures(page: FirmPage, expected: ExpectedPage) -> None:
    """All tables and tiles have the computed figures, in each period and for parts of the firm."""
    spans = periods(expected.firm.today)
    areas, attorneys = _largest(expected)
    for area, attorney, name in (
        (areas[0], "", "this month"),
        (areas[1], "", "last month"),
        ("", attorneys[0], "3 months"),
        ("", attorneys[1], "fiscal year"),
        (areas[0], attorneys[0], "last fiscal year"),
        ("", "", "12 months"),
        ("", "", "all"),
    ):
        page.choose(area=area, attorney=attorney, period=name)
        span, before = spans[name]
        chosen = expected.chosen(area=area, attorney=attorney, span=span)
        computed = chosen.tables({span_text(each): each for each in before.values()})
        shown = page.tables()
        pairs = zip(shown, computed, strict=True)
        assert all(caption.startswith(start) for caption, start in pairs)
        wrong = [
            f"{caption}: {text}"
            for (caption, found), table in zip(shown.items(), computed.values(), strict=True)
            for text in differences(found, table)
        ]
        assert not wrong, "\n".join([f"{area}, {attorney}, {name}:", *wrong])
        figures = tiles(chosen)
        assert {each: (page.tile(each), page.tile_text(each)) for each in figures} == figures
        texts = notes(chosen, before) | image_notes(chosen)
        assert {each: page.notes(each) for each in texts} == texts
    few = "Realization and collection by month of issue"
    assert any("only 1 bill" in text for text in page.column(few, "Realization"))
    as_of = page.browser.run("return document.querySelector('.as-of').innerText")
    assert as_of.startswith("Complete until ")


def check_figures_open_rows(page: FirmPage, _: ExpectedPage) -> None:
    """Each underlined figure of a table opens rows that add up to it."""
    for caption, column, figure, rows, totals in page.opened_rows():
        if caption.startswith(("Trust", "Money in trust")):
            assert rows  # balances and bills that a figure is about
        elif column in {"Matters", "Idle", "Leads"} and "$" not in figure:
            assert figure == str(rows)
        else:
            assert figure in totals, (caption, column, figure, totals)


def check_calendars(page: FirmPage, expected: ExpectedPage) -> None:
    """Periods end where the calendar does, in a leap year and with another fiscal year."""
    for as_of, start in CALENDARS:

        def change(data: Any, as_of: str = as_of, start: int = start) -> None:
            data["settings"].update(as_of=as_of, fiscal_year_start=start)

        page.open_edited(change)
        for name, (span, before) in periods(date.fromisoformat(as_of), start).items():
            page.choose(period=name)
            chosen = expected.chosen(span=span)
            shown, texts = tiles(chosen), notes(chosen, before)
            for label in ("Cash received", "Fees billed"):
                assert page.tile(label) == shown[label][0], (as_of, name)
                assert page.notes(label) == texts[label], (as_of, name)


def check_first_build(page: FirmPage, expected: ExpectedPage) -> None:
    """Without an earlier image, the tiles say so."""

    def forget(data: Any) -> None:
        tables = data["tables"]
        tables["images"]["rows"] = [row for row in tables["images"]["rows"] if "trust" in row]
        tables["lockup"]["rows"] = [max(tables["lockup"]["rows"])]

    page.open_edited(forget)
    found = image_notes(expected.chosen(images=[]))
    assert {label: page.notes(label) for label in found} == found


def check_conversion(page: FirmPage, expected: ExpectedPage) -> None:
    """After the first 30 days of the history, leads that count have a rate of conversion."""
    counted = [row for row in expected.leads if row["is_counted"]]
    first_day = f"{add_months(expected.firm.today, -2)}T00:00:00Z"

    def decide(data: Any) -> None:
        leads = data["tables"]["leads"]
        outcome, began, is_counted = map(
            leads["columns"].index, ("outcome", "log_began_at", "is_counted")
        )
        outcomes = iter(("converted", "lost", "lost", *["open"] * len(counted)))
        for row in leads["rows"]:
            row[began] = first_day
            row[outcome] = next(outcomes) if row[is_counted] else row[outcome]

    assert "Conversion" not in page.rates("Leads by source")
    page.open_edited(decide)
    page.choose(period="all")
    assert page.rates("Leads by source")["Conversion"] == "33.3%"


def _largest(expected: ExpectedPage) -> tuple[list[str], list[str]]:
    """Return the practice areas and the attorneys with the most bills, the largest first."""
    matters = [expected.billing.matters[id_] for (id_,) in expected.billing.bills]
    areas = Counter(map(expected.people.area_of, matters)).most_common(2)
    attorneys = Counter(map(expected.attorney_of, matters)).most_common(2)
    return [name for name, _ in areas], [name for name, _ in attorneys]


def check_trust_comes_first(page: FirmPage, _: ExpectedPage) -> None:
    """The overdrawn ledger is the first row, with texts that nothing has run."""
    assert page.column("Trust exceptions", "Exception")[0] == "Overdrawn"
    assert page.column("Trust exceptions", "Amount")[0] == money(OVERDRAWN, "0.01")
    assert HOSTILE_TITLE in page.column("Trust exceptions", "Matter")[0]
    assert page.column("Trust exceptions", "Client")[0] == HOSTILE_CLIENT
    title = page.browser.run("return document.title")
    assert title != "run"
    assert not page.browser.run("return document.querySelectorAll('img').length")


def check_sorting(page: FirmPage, _: ExpectedPage) -> None:
    """A column sorts in both directions."""
    found = []
    for _time in range(2):
        page.sort("Owed by debtor", "Owed")
        found.append(
            [number_of(text) or Decimal() for text in page.column("Owed by debtor", "Owed")]
        )
    assert found == [sorted(found[0], reverse=True), sorted(found[1])]
    assert found[0][0] > found[1][0]


def check_csv(page: FirmPage, _: ExpectedPage) -> None:
    """Texts are no formulas, and numbers are numbers."""
    rows = list(
        csv.DictReader(io.StringIO(page.csv("Trust exceptions", "Amount").removeprefix("\ufeff")))
    )
    assert rows[0]["Client"] == f"'{HOSTILE_CLIENT}"
    assert rows[0]["Title"] == HOSTILE_TITLE
    assert rows[0]["Amount"] == str(OVERDRAWN)


def check_network(page: FirmPage, _: ExpectedPage) -> None:
    """The page requests nothing, and cannot."""
    script = "return performance.getEntriesByType('resource').length"
    assert page.browser.run(script) == 0
    blocked = "return fetch('https://example.com').then(() => 'sent', () => 'blocked')"
    assert page.browser.run(blocked) == "blocked"


def check_appearance(page: FirmPage, _: ExpectedPage) -> None:
    """Texts have contrast in both themes, and no width scrolls sideways."""
    for theme in ("light", "dark"):
        for width in (PHONE, TABLET, DESKTOP):
            page.browser.emulate(theme, width)
            over = page.browser.run("return document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (theme, width)
        assert page.lowest_contrast() >= READABLE, theme


def check_missing_stream(page: FirmPage, _: ExpectedPage) -> None:
    """Figures whose streams are not loaded are no zeros: tile and section say what is missing."""
    stream = "bank_accounts"

    def unload(data: Any) -> None:
        rows = data["tables"]["freshness"]["rows"]
        data["tables"]["freshness"]["rows"] = [row for row in rows if row[0] != stream]

    page.open_edited(unload)
    assert page.tile("Trust exceptions") == page.tile("Cash received") == NONE
    section = page.browser.run("return document.querySelector('#trust').innerText")
    assert section.splitlines()[-1] == f"Not loaded: {stream}."


CHECKS = (
    check_figures,
    check_figures_open_rows,
    check_trust_comes_first,
    check_sorting,
    check_csv,
    check_network,
    check_appearance,
    check_calendars,
    check_first_build,
    check_conversion,
    check_missing_stream,
)
