"""What `examples/analytics` must answer, computed from the sandbox's rows and not by SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from smokeball_sandbox.areas.ledger import SIGNS
from tests.expected_rows import DELETED, DRAFT, VOID, day

if TYPE_CHECKING:
    from tests.expected_rows import Books
    from tests.harness import Json

TIME = 1
NOTHING = Decimal(0)

Row = dict[str, Any]


def share(part: Decimal, whole: Decimal) -> Fraction | None:
    return Fraction(part) * 100 / Fraction(whole) if whole else None


def work_in_progress(books: Books) -> list[Row]:
    statuses = {row["id"]: row["status"] for row in books.all("invoices")}
    found: dict[str, Row] = {}
    for resource, column in (("fees", "fees"), ("expenses", "expenses")):
        for matter_id, row in books.entries(resource):
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
            matter = books.by_id("matters")[matter_id]
            answer = found.setdefault(
                matter_id,
                {
                    "matter_id": matter_id,
                    "number": matter.get("number"),
                    "title": matter["title"],
                    "status": matter["status"],
                    "responsible": books.responsible(matter),
                    "hours": Fraction(0),
                    "fees": NOTHING,
                    "expenses": NOTHING,
                    "on_draft": NOTHING,
                    "total": NOTHING,
                    "oldest": date.max,
                },
            )
            if is_fee and row["feeType"] == TIME:
                answer["hours"] += Fraction(row["duration"], 60)
            answer[column] += amount
            answer["on_draft"] += amount if statuses.get(invoice) == DRAFT else 0
            answer["total"] += amount
            worked = date.fromisoformat(row["feeDate" if is_fee else "expenseDate"])
            answer["oldest"] = min(answer["oldest"], worked)
    return list(found.values())


AGES = (
    ("not_due", -10_000, 0),
    ("days_1_30", 1, 30),
    ("days_31_60", 31, 60),
    ("days_61_90", 61, 90),
    ("over_90_days", 91, 10_000),
)


def receivables_by_age(books: Books) -> list[Row]:
    owed: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
    for matter_id, row in books.invoices():
        if unpaid := Decimal(row["invoiceTotals"]["unpaid"]):
            due = day(row.get("dueDate")) or day(row.get("issuedDate")) or books.today
            owed[matter_id].append(((books.today - due).days, unpaid))
    answers = []
    for matter_id, debts in owed.items():
        matter = books.by_id("matters")[matter_id]
        ages = {
            name: sum((unpaid for days, unpaid in debts if low <= days <= high), NOTHING)
            for name, low, high in AGES
        }
        answers.append(
            {
                "as_of": books.today,
                "matter_id": matter_id,
                "number": matter.get("number"),
                "title": matter["title"],
                "responsible": books.responsible(matter),
                "invoices": len(debts),
                **ages,
                "total": sum((unpaid for _, unpaid in debts), NOTHING),
                "most_days": max(days for days, _ in debts),
            }
        )
    return answers


def realization_and_collection(books: Books) -> list[Row]:
    recorded: dict[str, Decimal] = defaultdict(Decimal)
    for resource in ("fees", "expenses"):
        for row in books.all(resource):
            if row.get("invoiceId") and not row.get("isDeleted"):
                recorded[row["invoiceId"]] += Decimal(row["amountExcTax"])
    months: dict[date | None, list[Json]] = defaultdict(list)
    for _, row in books.invoices():
        issued = day(row.get("issuedDate"))
        months[issued and issued.replace(day=1)].append(row)
    answers = []
    for month, rows in months.items():
        sums = {
            name: sum((Decimal(row["invoiceTotals"][name]) for row in rows), NOTHING)
            for name in ("billed", "writtenOff", "discount", "total", "paid", "waived", "unpaid")
        }
        lost = sums["writtenOff"] + sums["discount"]
        worth = sum((recorded[row["id"]] for row in rows), NOTHING)
        answers.append(
            {
                "month": month,
                "invoices": len(rows),
                "recorded": worth,
                "written_off": sums["writtenOff"],
                "discount": sums["discount"],
                "billed": sums["billed"] - lost,
                "realization": share(sums["billed"] - lost, worth),
                "due": sums["total"] - lost,
                "paid": sums["paid"],
                "waived": sums["waived"],
                "unpaid": sums["unpaid"],
                "collection": share(sums["paid"], sums["total"] - lost),
            }
        )
    return answers


def hours_against_target(books: Books) -> list[Row]:
    now = books.today.year * 12 + books.today.month
    minutes: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for _, row in books.entries("fees"):
        worked = date.fromisoformat(row["feeDate"])
        ago = now - (worked.year * 12 + worked.month)
        if row["feeType"] == TIME and ago < 12 and worked <= books.today:
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
        for person in books.all("staff")
        if not person["former"] or (month, person["id"]) in minutes
    ]


def trust_balances(books: Books) -> list[Row]:
    accounts, matters = books.by_id("bank_accounts"), books.by_id("matters")
    answers = []
    for entry in books.rows["matter_balances"]:
        row, account = entry["row"], accounts[entry["parent"]]
        if account["type"] in {"Trust", "ControlledMoney"} and Decimal(row["balance"]):
            matter = matters[row["matter"]["id"]]
            changed = row.get("lastUpdated")
            answers.append(
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
    return answers


def trust_reconciliation(books: Books) -> list[Row]:
    accounts, matters = books.by_id("bank_accounts"), books.by_id("matters")
    moves: dict[tuple[str, str | None], list[Json]] = defaultdict(list)
    for entry in books.rows["transactions"]:
        moves[entry["parent"], entry["row"].get("matter", {}).get("id")].append(entry["row"])
    held: dict[tuple[str, str | None], Decimal] = {
        (entry["parent"], entry["row"]["matter"]["id"]): Decimal(entry["row"]["balance"])
        for entry in books.rows["matter_balances"]
    }
    answers = []
    for key in {*moves, *held}:
        account, matter = key
        moved = sum(
            (SIGNS.get(row["type"], 0) * Decimal(row["amount"]) for row in moves[key]), NOTHING
        )
        answers.append(
            {
                "account_id": account,
                "account_name": accounts[account]["accountName"],
                "account_type": accounts[account]["type"],
                "matter_id": matter,
                "number": matters[matter].get("number") if matter else None,
                "transactions": len(moves[key]),
                "unknown": sum(row["type"] not in SIGNS for row in moves[key]),
                "balance": held.get(key, NOTHING),
                "moved": moved,
                "difference": held.get(key, NOTHING) - moved,
            }
        )
    return answers


def matters_by_stage(books: Books) -> list[Row]:
    places = {row["matter"]["id"]: row for row in books.all("matter_stages")}
    names = {row["id"]: row["name"] for row in books.all("stage_sets")}
    stamps = {
        e["row"]["matter"]["id"]: e["row"]["lastUpdated"] for e in books.rows["matter_stages"]
    }
    groups: dict[tuple[str, str], list[tuple[int | None, int | None]]] = defaultdict(list)
    for row in books.all("matters"):
        if row["status"] in {"Open", "Pending"} and not row["isLead"]:
            place = places.get(row["id"])
            opened = day(row.get("openedDate"))
            age = (books.today - opened).days if opened else None
            key, since = ("(no stage set)", "(no stage)"), None
            if place:
                key = names[place["stageSet"]["id"]], place["stage"]["name"]
                since = (books.today - day_of_ticks(stamps[row["id"]])).days
            groups[key].append((age, since))
    answers = []
    for (stage_set, stage), found in groups.items():
        ages = [age for age, _ in found if age is not None]
        stays = [days for _, days in found if days is not None]
        answers.append(
            {
                "as_of": books.today,
                "stage_set": stage_set,
                "stage": stage,
                "matters": len(found),
                "up_to_90_days": sum(age <= 90 for age in ages),
                "days_91_180": sum(90 < age <= 180 for age in ages),
                "days_181_365": sum(180 < age <= 365 for age in ages),
                "over_365_days": sum(age > 365 for age in ages),
                "average_age": Fraction(sum(ages), len(ages)) if ages else None,
                "average_in_stage": Fraction(sum(stays), len(stays)) if stays else None,
            }
        )
    return answers


def day_of_ticks(ticks: int) -> date:
    return date.fromordinal(ticks // 864_000_000_000 + 1)


def lead_conversion(books: Books) -> list[Row]:
    matters = books.by_id("matters")
    months: dict[date, list[str]] = defaultdict(list)
    for lead, opened in books.leads.items():
        row = matters[lead]
        if row["status"] == "Deleted":
            continue
        fate = "open" if row["isLead"] else "converted"
        if row["isLead"] and row["status"] in {"Closed", "Cancelled"}:
            fate = "lost"
        months[opened.replace(day=1)].append(fate)
    return [
        {
            "month": month,
            "leads": len(fates),
            "converted": fates.count("converted"),
            "lost": fates.count("lost"),
            "still_open": fates.count("open"),
            "conversion": share(
                Decimal(fates.count("converted")), Decimal(len(fates) - fates.count("open"))
            ),
        }
        for month, fates in months.items()
    ]


EXPECTED = {
    each.__name__: each
    for each in (
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
"""What tells the rows of an answer apart."""


def by_key(query: str, rows: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {tuple(str(row[name])[:36] for name in KEYS[query]): row for row in rows}
    assert len(found) == len(rows)
    return found
