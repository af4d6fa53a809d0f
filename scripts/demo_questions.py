"""The questions on the demo's page: of each the chart, and the same as a table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from scripts import demo_charts
from scripts.demo_formatting import (
    MOST,
    Column,
    Part,
    amounts,
    dollars,
    how_many,
    latest,
    matter_number,
    money,
    month_of,
    percent,
    reconciled,
    rest_and_all,
    stacked,
    total,
)
from scripts.demo_report import TARGET, subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.demo_formatting import Row
    from scripts.demo_report import Answers

AGES = {
    "not_due": "Not due",
    "days_1_30": "1-30",
    "days_31_60": "31-60",
    "days_61_90": "61-90",
    "over_90_days": "Over 90",
}
OPEN_FOR = {
    "up_to_90_days": "Up to 90",
    "days_91_180": "91-180",
    "days_181_365": "181-365",
    "over_365_days": "Over 365",
}


def work_in_progress(answers: Answers) -> Part:
    """What can still be billed."""
    found = answers["work_in_progress"]
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
        for row in found[:MOST]
    ]
    rows += rest_and_all(found, "more matters", lambda some: ["", *amounts(some, sums)])
    return Part(
        "Work in progress",
        "Fees and expenses that can be billed and are on no invoice that went out, without tax.",
        demo_charts.bars(
            stacked(found[:MOST], matter_number, {"fees": "Fees", "expenses": "Expenses"}),
            ["Fees", "Expenses"],
            "Dollars",
        ),
        f"The {MOST} matters with the most work in progress, as in the table",
        columns,
        rows,
    )


def receivables(answers: Answers) -> Part:
    """What clients owe."""
    found = answers["receivables_by_age"]
    columns = (
        Column("Matter", number=False),
        Column("Client and subject", number=False),
        *(Column(name, minor=key != "over_90_days") for key, name in AGES.items()),
        Column("Total"),
    )
    sums = (*AGES, "total")
    rows = [[matter_number(row), subject(row), *amounts([row], sums)] for row in found[:MOST]]
    rows += rest_and_all(found, "more matters", lambda some: amounts(some, sums))
    data = [
        {"name": name, "series": "Owed", "order": 0, "value": float(total(found, key))}
        for key, name in AGES.items()
    ]
    return Part(
        "Receivables by age",
        "What is unpaid of invoices that have gone out, with tax and interest, by days overdue.",
        demo_charts.columns(data, ["Owed"], "Dollars"),
        "What is owed by days overdue, as in the last row of the table",
        columns,
        rows,
    )


def collection(answers: Answers) -> Part:
    """How much of the work was billed and paid."""
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
    return Part(
        "Realization and collection",
        "Of the value that was recorded, how much was billed; of what was billed, with tax, how "
        f"much is paid by now. The last {len(found)} months with invoices, by their date of issue.",
        demo_charts.lines(data, list(series.values()), "Percent"),
        "Realization and collection by month, as in the table",
        columns,
        [*([month_of(row), *cells([row])] for row in found), ["All", *cells(found)]],
    )


def hours(answers: Answers) -> Part:
    """What fee earners recorded in the last month that is over."""
    every = answers["hours_against_target"]
    this = date.fromisoformat(answers["matters_by_stage"][0]["as_of"]).replace(day=1)
    last = max(row["month"] for row in every if row["month"] < this.isoformat())
    found = [row for row in every if row["month"] == last]
    columns = (
        Column("Fee earner", number=False),
        Column("Hours", minor=True),
        Column("Billable"),
        Column("Target"),
        Column("Of target"),
    )

    def cells(rows: Sequence[Row]) -> list[str]:
        wanted = total(rows, "target_hours")
        billable = total(rows, "billable_hours")
        worked = amounts(rows, ("hours",))
        return [*worked, f"{billable:,.1f}", f"{wanted:,.0f}", percent(billable, wanted)]

    data = [
        {
            "name": row["name"],
            "series": "Billable hours",
            "value": float(row["billable_hours"]),
            "target": float(row["target_hours"]),
        }
        for row in found
    ]
    return Part(
        "Hours against target",
        f"Time recorded in {month_of(found[0])}. The simulated firm records little: {TARGET} "
        "billable hours a month are its target.",
        demo_charts.against(data, "Billable hours", "Target"),
        "Billable hours of each fee earner and the target, as in the table",
        columns,
        [*([row["name"], *cells([row])] for row in found), ["All", *cells(found)]],
    )


def trust(answers: Answers) -> Part:
    """What is held for clients."""
    found = answers["trust_balances"]
    idle = [row for row in found if row["status"] not in {"Open", "Pending"}]
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
        for row in found[:MOST]
    ]
    rows += rest_and_all(found, "more balances", lambda some: ["", *amounts(some, sums)])
    return Part(
        "Trust balances",
        "Money held for clients, by matter. "
        f"{how_many(idle).capitalize()} that no longer run still hold "
        f"{money(total(idle, 'balance'))}. {reconciled(answers['trust_reconciliation'])}",
        demo_charts.bars(
            stacked(
                found[:MOST], matter_number, {"available": "Available", "protected": "Protected"}
            ),
            ["Available", "Protected"],
            "Dollars",
        ),
        f"The {MOST} largest balances, as in the table",
        columns,
        rows,
    )


def stages(answers: Answers) -> Part:
    """How far the running matters are."""
    found = answers["matters_by_stage"]
    columns = (
        Column("Stage set", number=False),
        Column("Stage", number=False),
        *(Column(name, minor=True) for name in OPEN_FOR.values()),
        Column("Matters"),
        Column("Average age"),
    )
    rows = [
        [
            row["stage_set"],
            row["stage"],
            *(f"{row[key]:,}" for key in OPEN_FOR),
            f"{row['matters']:,}",
            "" if row["average_age"] is None else f"{Decimal(row['average_age']):,.0f}",
        ]
        for row in found
    ]
    sets: dict[str, Row] = {}
    for row in found:
        kept = sets.setdefault(row["stage_set"], {"stage_set": row["stage_set"]})
        for key in OPEN_FOR:
            kept[key] = kept.get(key, 0) + row[key]
    counts = [f"{sum(row[key] for row in found):,}" for key in (*OPEN_FOR, "matters")]
    return Part(
        "Matters by stage and age",
        "Matters that run, without leads, by their stage; ages are days since opening.",
        demo_charts.bars(
            stacked(list(sets.values()), lambda row: row["stage_set"], OPEN_FOR),
            list(OPEN_FOR.values()),
            "Matters",
            demo_charts.AGES,
        ),
        "Running matters of each stage set by age, as in the table",
        columns,
        [*rows, ["All", "", *counts, ""]],
    )


def leads(answers: Answers) -> Part:
    """What has become of the leads."""
    fates = {"converted": "Became clients", "still_open": "Open", "lost": "Lost"}
    years: dict[str, Row] = {}
    for row in answers["lead_conversion"]:
        kept = years.setdefault(row["month"][:4], {"year": row["month"][:4]})
        for key in ("leads", *fates):
            kept[key] = kept.get(key, 0) + row[key]
    found = list(years.values())
    columns = (
        Column("Year", number=False),
        Column("Leads"),
        *(Column(name) for name in fates.values()),
        Column("Conversion"),
    )

    def cells(rows: Sequence[Row]) -> list[str]:
        counts = {key: sum(row[key] for row in rows) for key in ("leads", *fates)}
        decided = Decimal(counts["converted"] + counts["lost"])
        conversion = percent(Decimal(counts["converted"]), decided)
        return [*(f"{count:,}" for count in counts.values()), conversion]

    return Part(
        "Lead conversion",
        "What has become of the leads, by the year in which they came. Smokeball forgets that a "
        "client was a lead: conversions are seen from the first load on.",
        demo_charts.columns(
            stacked(found, lambda row: row["year"], fates), list(fates.values()), "Leads"
        ),
        "Leads of each year by what has become of them, as in the table",
        columns,
        [*([row["year"], *cells([row])] for row in found), ["All", *cells(found)]],
    )


PARTS = (work_in_progress, receivables, collection, hours, trust, stages, leads)
