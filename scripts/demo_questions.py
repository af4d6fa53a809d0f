"""Build the sections of the demo's report, each with a chart and a table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from scripts import demo_charts
from scripts.demo_formatting import (
    AGE_CLASSES,
    DAYS_OVERDUE,
    MAX_ROWS,
    Column,
    Section,
    amounts,
    dollars,
    exceptions,
    latest,
    matter_count,
    matter_number,
    money,
    month_of,
    percent,
    reconciliation,
    remainder_and_total,
    stacked,
    total,
)
from scripts.demo_report import subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.demo_formatting import Row
    from scripts.demo_report import Answers


def work_in_progress(answers: Answers) -> Section:
    """Build the section on unbilled work by matter."""
    found = answers["work_in_progress"]
    inactive = [row for row in found if not row["is_active"]]
    columns = (
        Column("Matter", number=False),
        Column("Client and subject", number=False),
        Column("Responsible", number=False, minor=True),
        Column("Hours", minor=True),
        Column("Fees", minor=True),
        Column("Expenses", minor=True),
        Column("Total"),
    )
    sums = ("hours", "fees", "expenses", "total")
    rows = [
        [matter_number(row), subject(row), row["responsible"] or "", *amounts([row], sums)]
        for row in found[:MAX_ROWS]
    ]
    rows += remainder_and_total(found, "more matters", lambda some: ["", *amounts(some, sums)])
    return Section(
        "Work in progress",
        "Billable fees and expenses that are not on a sent invoice, without tax. "
        f"{money(total(inactive, 'total'))} of it is on leads and on matters that are not active.",
        _dollars_by_matter(found, {"fees": "Fees", "expenses": "Expenses"}),
        f"The {MAX_ROWS} matters with the most work in progress; the table has the same data",
        columns,
        rows,
    )


def receivables(answers: Answers) -> Section:
    """Build the section on unpaid invoices by age."""
    found = answers["receivables_by_age"]
    columns = (
        Column("Matter", number=False),
        Column("Client and subject", number=False),
        *(Column(name, minor=key != "days_over_90") for key, name in DAYS_OVERDUE.items()),
        Column("Total"),
    )
    sums = (*DAYS_OVERDUE, "total")
    rows = [[matter_number(row), subject(row), *amounts([row], sums)] for row in found[:MAX_ROWS]]
    rows += remainder_and_total(found, "more matters", lambda some: amounts(some, sums))
    data = [
        {"name": name, "series": "Owed", "order": 0, "value": float(total(found, key))}
        for key, name in DAYS_OVERDUE.items()
    ]
    return Section(
        "Receivables by age",
        "Unpaid amounts of sent invoices, with tax and interest, by days overdue.",
        demo_charts.columns(data, ["Owed"], "Dollars"),
        "Owed amounts by days overdue; the last row of the table has the same data",
        columns,
        rows,
    )


def collection(answers: Answers) -> Section:
    """Build the section on billed and paid shares by month."""
    found = latest(answers["realization_and_collection"])
    columns = (
        Column("Month", number=False),
        Column("Recorded", minor=True),
        Column("Billed"),
        Column("Realization"),
        Column("Due", minor=True),
        Column("Paid"),
        Column("Collection"),
    )

    def cells(rows: Sequence[Row]) -> list[str]:
        recorded, billed, due, paid = (
            total(rows, name) for name in ("recorded", "billed", "due", "paid")
        )
        return [
            *(dollars(amount) for amount in (recorded, billed)),
            percent(billed, recorded),
            *(dollars(amount) for amount in (due, paid)),
            percent(paid, due),
        ]

    series = {"realization": "Realization", "collection": "Collection"}
    data = [
        {"name": month_of(row, short=True), "series": name, "value": float(row[key])}
        for row in found
        for key, name in series.items()
        if row[key] is not None
    ]
    return Section(
        "Realization and collection",
        "Realization is the billed share of billable fees, after write-offs and discounts. "
        "Collection is the paid share of invoices that were issued at least 90 days ago, without "
        f"interest and client credit. The last {len(found)} months, by date of issue.",
        demo_charts.lines(data, list(series.values()), "Percent"),
        "Realization and collection by month; the table has the same data",
        columns,
        [*([month_of(row), *cells([row])] for row in found), ["All", *cells(found)]],
    )


def hours(answers: Answers) -> Section:
    """Build the section on billable hours in the last complete month."""
    all_months = answers["hours_against_target"]
    this_month = date.fromisoformat(answers["matters_by_stage"][0]["as_of"]).replace(day=1)
    last_month = max(row["month"] for row in all_months if row["month"] < this_month.isoformat())
    found = [row for row in all_months if row["month"] == last_month]
    columns = (
        Column("Fee earner", number=False),
        Column("Hours", minor=True),
        Column("Billable"),
        Column("Target"),
        Column("Of target"),
    )

    def cells(rows: Sequence[Row]) -> list[str]:
        target = total(rows, "target_hours")
        billable = total(rows, "billable_hours")
        worked = amounts(rows, ("hours",))
        return [*worked, f"{billable:,.1f}", f"{target:,.0f}", percent(billable, target)]

    data = [
        {
            "name": row["name"],
            "series": "Billable hours",
            "value": float(row["billable_hours"]),
            "target": float(row["target_hours"]),
        }
        for row in found
    ]
    return Section(
        "Hours against target",
        f"Time recorded in {month_of(found[0])} by staff with a target. The targets are low, "
        "because the simulated firm records little time.",
        demo_charts.bars_with_target(data, "Billable hours", "Target"),
        "Billable hours and target of each fee earner; the table has the same data",
        columns,
        [*([row["name"], *cells([row])] for row in found), ["All", *cells(found)]],
    )


def trust(answers: Answers) -> Section:
    """Build the section on money held in trust."""
    found = answers["trust_balances"]
    inactive = [row for row in found if row["status"] not in {"Open", "Pending"}]
    columns = (
        Column("Matter", number=False),
        Column("Client and subject", number=False),
        Column("Status", number=False, minor=True),
        Column("Protected", minor=True),
        Column("Available", minor=True),
        Column("Balance"),
    )
    sums = ("protected", "available", "balance")
    rows = [
        [matter_number(row), subject(row), row["status"], *amounts([row], sums)]
        for row in found[:MAX_ROWS]
    ]
    rows += remainder_and_total(found, "more balances", lambda some: ["", *amounts(some, sums)])
    return Section(
        "Trust balances",
        "Money held for clients, by matter. "
        f"{matter_count(inactive).capitalize()} that are closed still hold "
        f"{money(total(inactive, 'balance'))}. {exceptions(answers['trust_exceptions'])} "
        f"{reconciliation(answers['trust_reconciliation'])}",
        _dollars_by_matter(found, {"available": "Available", "protected": "Protected"}),
        f"The {MAX_ROWS} largest balances; the table has the same data",
        columns,
        rows,
    )


def stages(answers: Answers) -> Section:
    """Build the section on active matters by stage and age."""
    found = answers["matters_by_stage"]
    columns = (
        Column("Stage set", number=False),
        Column("Stage", number=False),
        *(Column(name, minor=True) for name in AGE_CLASSES.values()),
        Column("Matters"),
        Column("Average age"),
    )
    rows = [
        [
            row["stage_set"],
            row["stage"],
            *(f"{row[key]:,}" for key in AGE_CLASSES),
            f"{row['matters']:,}",
            "" if row["average_age"] is None else f"{Decimal(row['average_age']):,.0f}",
        ]
        for row in found
    ]
    sets: dict[str, Row] = {}
    for row in found:
        sums = sets.setdefault(row["stage_set"], {"stage_set": row["stage_set"]})
        for key in AGE_CLASSES:
            sums[key] = sums.get(key, 0) + row[key]
    counts = [f"{sum(row[key] for row in found):,}" for key in (*AGE_CLASSES, "matters")]
    return Section(
        "Matters by stage and age",
        "Open and pending matters, without leads, by stage. The age is in days since opening.",
        demo_charts.bars(
            stacked(list(sets.values()), lambda row: row["stage_set"], AGE_CLASSES),
            list(AGE_CLASSES.values()),
            "Matters",
            demo_charts.AGES,
        ),
        "Active matters of each stage set by age; the table has the same data",
        columns,
        [*rows, ["All", "", *counts, ""]],
    )


def leads(answers: Answers) -> Section:
    """Build the section on converted and lost leads by year."""
    outcomes = {"converted": "Converted", "still_open": "Open", "lost": "Lost"}
    has_rates = any(row["conversion"] is not None for row in answers["lead_conversion"])
    years: dict[str, Row] = {}
    for row in answers["lead_conversion"]:
        sums = years.setdefault(row["month"][:4], {"year": row["month"][:4]})
        for key in ("leads", *outcomes):
            sums[key] = sums.get(key, 0) + int(row[key])
    found = list(years.values())
    columns = (
        Column("Year", number=False),
        Column("Leads"),
        *(Column(name) for name in outcomes.values()),
        Column("Conversion"),
    )

    def cells(rows: Sequence[Row]) -> list[str]:
        counts = {key: sum(row[key] for row in rows) for key in ("leads", *outcomes)}
        # In the first month of the log, too little has been decided.
        decided = counts["converted"] + counts["lost"] if has_rates else 0
        conversion = percent(Decimal(counts["converted"]), Decimal(decided))
        return [*(f"{count:,}" for count in counts.values()), conversion]

    return Section(
        "Lead conversion",
        "Outcome of the leads that were open when they were first loaded, by the year of their "
        "creation. Smokeball does not record that a matter was a lead, so earlier leads do not "
        "count. There is no conversion rate in the first 30 days.",
        demo_charts.columns(
            stacked(found, lambda row: row["year"], outcomes), list(outcomes.values()), "Leads"
        ),
        "Leads of each year by outcome; the table has the same data",
        columns,
        [*([row["year"], *cells([row])] for row in found), ["All", *cells(found)]],
    )


def _dollars_by_matter(rows: Sequence[Row], series: dict[str, str]) -> str:
    """Draw the amounts of the first matters: one bar per matter, one segment per column."""
    data = stacked(rows[:MAX_ROWS], matter_number, series)
    return demo_charts.bars(data, list(series.values()), "Dollars")


PARTS = (work_in_progress, receivables, collection, hours, trust, stages, leads)
