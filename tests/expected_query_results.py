"""Computes the expected results of `examples/analytics` without SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from smokeball_sandbox.areas.ledger import SIGNS
from tests.expected_rows import DELETED, DRAFT, VOID, parse_date

if TYPE_CHECKING:
    from tests.expected_rows import ExpectedRows
    from tests.harness import Json

TIME = 1
ZERO = Decimal(0)

Row = dict[str, Any]


def percentage(part: Decimal, whole: Decimal) -> Fraction | None:
    return Fraction(part) * 100 / Fraction(whole) if whole else None


def work_in_progress(firm: ExpectedRows) -> list[Row]:
    statuses = {row["id"]: row["status"] for row in firm.rows_of("invoices")}
    found: dict[str, Row] = {}
    for resource, column in (("fees", "fees"), ("expenses", "expenses")):
        for matter_id, row in firm.active_entries(resource):
            if (
                not row.get("isBillable", True)
                or row["isWrittenOff"]
                or row["isInvoicedExternally"]
            ):
                continue
            invoice = row.get("invoiceId")
            if invoice is not None and statuses.get(invoice) not in {DRAFT, DELETED, VOID}:
                continue
            is_fee = resource == "fees"
            amount = Decimal(row["billableAmountExcTax" if is_fee else "amountExcTax"])
            matter = firm.by_id("matters")[matter_id]
            result = found.setdefault(
                matter_id,
                {
                    "matter_id": matter_id,
                    "number": matter.get("number"),
                    "title": matter["title"],
                    "status": matter["status"],
                    "responsible": firm.responsible_name(matter),
                    "hours": Fraction(0),
                    "fees": ZERO,
                    "expenses": ZERO,
                    "on_draft": ZERO,
                    "total": ZERO,
                    "oldest": date.max,
                },
            )
            if is_fee and row["feeType"] == TIME:
                result["hours"] += Fraction(row["duration"], 60)
            result[column] += amount
            result["on_draft"] += amount if statuses.get(invoice) == DRAFT else 0
            result["total"] += amount
            worked = date.fromisoformat(row["feeDate" if is_fee else "expenseDate"])
            result["oldest"] = min(result["oldest"], worked)
    return list(found.values())


AGES = (
    ("not_due", -10_000, 0),
    ("days_1_30", 1, 30),
    ("days_31_60", 31, 60),
    ("days_61_90", 61, 90),
    ("over_90_days", 91, 10_000),
)


def receivables_by_age(firm: ExpectedRows) -> list[Row]:
    owed: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
    for matter_id, row in firm.issued_invoices():
        if unpaid := Decimal(row["invoiceTotals"]["unpaid"]):
            due = parse_date(row.get("dueDate")) or parse_date(row.get("issuedDate")) or firm.today
            owed[matter_id].append(((firm.today - due).days, unpaid))
    results = []
    for matter_id, debts in owed.items():
        matter = firm.by_id("matters")[matter_id]
        ages = {
            name: sum((unpaid for days, unpaid in debts if low <= days <= high), ZERO)
            for name, low, high in AGES
        }
        results.append(
            {
                "as_of": firm.today,
                "matter_id": matter_id,
                "number": matter.get("number"),
                "title": matter["title"],
                "responsible": firm.responsible_name(matter),
                "invoices": len(debts),
                **ages,
                "total": sum((unpaid for _, unpaid in debts), ZERO),
                "most_days": max(days for days, _ in debts),
            }
        )
    return results


def realization_and_collection(firm: ExpectedRows) -> list[Row]:
    recorded: dict[str, Decimal] = defaultdict(Decimal)
    for resource in ("fees", "expenses"):
        for row in firm.rows_of(resource):
            if row.get("invoiceId") and not row.get("isDeleted"):
                recorded[row["invoiceId"]] += Decimal(row["amountExcTax"])
    months: dict[date | None, list[Json]] = defaultdict(list)
    for _, row in firm.issued_invoices():
        issued = parse_date(row.get("issuedDate"))
        months[issued and issued.replace(day=1)].append(row)
    results = []
    for month, rows in months.items():
        sums = {
            name: sum((Decimal(row["invoiceTotals"][name]) for row in rows), ZERO)
            for name in ("billed", "writtenOff", "discount", "total", "paid", "waived", "unpaid")
        }
        lost = sums["writtenOff"] + sums["discount"]
        recorded_amount = sum((recorded[row["id"]] for row in rows), ZERO)
        results.append(
            {
                "month": month,
                "invoices": len(rows),
                "recorded": recorded_amount,
                "written_off": sums["writtenOff"],
                "discount": sums["discount"],
                "billed": sums["billed"] - lost,
                "realization": percentage(sums["billed"] - lost, recorded_amount),
                "due": sums["total"] - lost,
                "paid": sums["paid"],
                "waived": sums["waived"],
                "unpaid": sums["unpaid"],
                "collection": percentage(sums["paid"], sums["total"] - lost),
            }
        )
    return results


def hours_against_target(firm: ExpectedRows) -> list[Row]:
    now = firm.today.year * 12 + firm.today.month
    minutes: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for _, row in firm.active_entries("fees"):
        worked = date.fromisoformat(row["feeDate"])
        ago = now - (worked.year * 12 + worked.month)
        if row["feeType"] == TIME and ago < 12 and worked <= firm.today:
            both = minutes[worked.replace(day=1), row["staff"]["id"]]
            both[0] += row["duration"]
            both[1] += row["duration"] if row.get("isBillable", True) else 0
    return [
        {
            "month": month,
            "staff_id": person["id"],
            "name": f"{person['firstName']} {person['lastName']}",
            "former": person["former"],
            "hours": Fraction(minutes[month, person["id"]][0], 60),
            "billable_hours": Fraction(minutes[month, person["id"]][1], 60),
            "target_hours": Decimal(120),
            "percent_of_target": Fraction(minutes[month, person["id"]][1] * 100, 60 * 120),
        }
        for month in {month for month, _ in minutes}
        for person in firm.rows_of("staff")
        if not person["former"] or (month, person["id"]) in minutes
    ]


def trust_balances(firm: ExpectedRows) -> list[Row]:
    accounts, matters = firm.by_id("bank_accounts"), firm.by_id("matters")
    results = []
    for entry in firm.rows["matter_balances"]:
        row, account = entry["row"], accounts[entry["parent"]]
        if account["type"] in {"Trust", "ControlledMoney"} and Decimal(row["balance"]):
            matter = matters[row["matter"]["id"]]
            changed = row.get("lastUpdated")
            results.append(
                {
                    "account_name": account["accountName"],
                    "account_type": account["type"],
                    "matter_id": matter["id"],
                    "number": matter.get("number"),
                    "title": matter["title"],
                    "status": matter["status"],
                    "balance": Decimal(row["balance"]),
                    "protected": Decimal(row["protectedBalance"]),
                    "available": Decimal(row["availableBalance"]),
                    "unpresented_cheques": Decimal(row["unpresentedChequesBalance"]),
                    "last_changed": changed and datetime.fromisoformat(f"{changed[:19]}+00:00"),
                }
            )
    return results


def trust_reconciliation(firm: ExpectedRows) -> list[Row]:
    accounts, matters = firm.by_id("bank_accounts"), firm.by_id("matters")
    transactions: dict[tuple[str, str | None], list[Json]] = defaultdict(list)
    for entry in firm.rows["transactions"]:
        transactions[entry["parent"], entry["row"].get("matter", {}).get("id")].append(entry["row"])
    balances: dict[tuple[str, str | None], Decimal] = {
        (entry["parent"], entry["row"]["matter"]["id"]): Decimal(entry["row"]["balance"])
        for entry in firm.rows["matter_balances"]
    }
    results = []
    for key in {*transactions, *balances}:
        account, matter = key
        transaction_sum = sum(
            (SIGNS.get(row["type"], 0) * Decimal(row["amount"]) for row in transactions[key]), ZERO
        )
        results.append(
            {
                "account_id": account,
                "account_name": accounts[account]["accountName"],
                "account_type": accounts[account]["type"],
                "matter_id": matter,
                "number": matters[matter].get("number") if matter else None,
                "transactions": len(transactions[key]),
                "unknown": sum(row["type"] not in SIGNS for row in transactions[key]),
                "balance": balances.get(key, ZERO),
                "moved": transaction_sum,
                "difference": balances.get(key, ZERO) - transaction_sum,
            }
        )
    return results


def matters_by_stage(firm: ExpectedRows) -> list[Row]:
    places = {row["matter"]["id"]: row for row in firm.rows_of("matter_stages")}
    names = {row["id"]: row["name"] for row in firm.rows_of("stage_sets")}
    updated_at = {
        e["row"]["matter"]["id"]: e["row"]["lastUpdated"] for e in firm.rows["matter_stages"]
    }
    groups: dict[tuple[str, str], list[tuple[int | None, int | None]]] = defaultdict(list)
    for row in firm.rows_of("matters"):
        is_matter = not (row["isLead"] or row["isMatterTemplate"])
        if row["status"] in {"Open", "Pending"} and is_matter:
            place = places.get(row["id"])
            opened = parse_date(row.get("openedDate"))
            age = (firm.today - opened).days if opened else None
            key, since = ("(no stage set)", "(no stage)"), None
            if place:
                key = names[place["stageSet"]["id"]], place["stage"]["name"]
                since = (firm.today - date_of_ticks(updated_at[row["id"]])).days
            groups[key].append((age, since))
    results = []
    for (stage_set, stage), found in groups.items():
        ages = [age for age, _ in found if age is not None]
        days_in_stage = [days for _, days in found if days is not None]
        results.append(
            {
                "as_of": firm.today,
                "stage_set": stage_set,
                "stage": stage,
                "matters": len(found),
                "up_to_90_days": sum(age <= 90 for age in ages),
                "days_91_180": sum(90 < age <= 180 for age in ages),
                "days_181_365": sum(180 < age <= 365 for age in ages),
                "over_365_days": sum(age > 365 for age in ages),
                "average_age": Fraction(sum(ages), len(ages)) if ages else None,
                "average_in_stage": Fraction(sum(days_in_stage), len(days_in_stage))
                if days_in_stage
                else None,
            }
        )
    return results


def date_of_ticks(ticks: int) -> date:
    return date.fromordinal(ticks // 864_000_000_000 + 1)


def lead_conversion(firm: ExpectedRows) -> list[Row]:
    matters = firm.by_id("matters")
    months: dict[date, list[str]] = defaultdict(list)
    for lead, opened in firm.leads.items():
        row = matters[lead]
        if row["status"] == "Deleted":
            continue
        outcome = "open" if row["isLead"] else "converted"
        if row["isLead"] and row["status"] in {"Closed", "Cancelled"}:
            outcome = "lost"
        months[opened.replace(day=1)].append(outcome)
    return [
        {
            "month": month,
            "leads": len(outcomes),
            "converted": outcomes.count("converted"),
            "lost": outcomes.count("lost"),
            "still_open": outcomes.count("open"),
            "conversion": percentage(
                Decimal(outcomes.count("converted")),
                Decimal(len(outcomes) - outcomes.count("open")),
            ),
        }
        for month, outcomes in months.items()
    ]


EXPECTED = {
    query.__name__: query
    for query in (
        work_in_progress,
        receivables_by_age,
        realization_and_collection,
        hours_against_target,
        trust_balances,
        trust_reconciliation,
        matters_by_stage,
        lead_conversion,
    )
}
KEYS = {
    "work_in_progress": ["matter_id"],
    "receivables_by_age": ["matter_id"],
    "realization_and_collection": ["month"],
    "hours_against_target": ["month", "staff_id"],
    "trust_balances": ["account_name", "matter_id"],
    "trust_reconciliation": ["account_id", "matter_id"],
    "matters_by_stage": ["stage_set", "stage"],
    "lead_conversion": ["month"],
}
"""The columns that identify a row of each result."""


def by_key(query: str, rows: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {tuple(str(row[name])[:36] for name in KEYS[query]): row for row in rows}
    assert len(found) == len(rows)
    return found
