"""Computes what the page of a firm shows first: trust, unbilled work and debts, by its filters."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.expected_billing import ExpectedBilling
from tests.expected_figures import FEE, ZERO, billable_amount
from tests.expected_people import ExpectedPeople, billable_minutes
from tests.expected_trust import HELD, ExpectedTrust

if sys.version_info >= (3, 12):
    from typing import Self
else:
    from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.daily_images import Image
    from tests.expected_figures import FirmFigures

Row = dict[str, Any]
Table = list[dict[str, Any]]
"""Rows: a text is shown as it is, a number with some of its digits, None as a dash."""

NONE = "\N{EN DASH}"
ALL = ""
EVERYTHING = (date.min, date.max)
FEW, IDLE_DAYS, OLD_DAYS = 10, 60, 90
WIP_AGES = {
    "Up to 30 days": (None, 30),
    "31 to 60 days": (31, 60),
    "61 to 90 days": (61, 90),
    "91 to 180 days": (91, 180),
    "181 to 365 days": (181, 365),
    "Over 365 days": (366, None),
}
OVERDUE_AGES = {
    "Not due": (None, 0),
    "1 to 30 days": (1, 30),
    "31 to 60 days": (31, 60),
    "61 to 90 days": (61, 90),
    "Over 90 days": (91, None),
}


def day_text(day: date | None) -> str:
    return f"{day.day} {month_text(day)}" if day else NONE


def month_text(day: date | None) -> str:
    return f"{day:%b %Y}" if day else "No date"


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return a share in percent."""
    return 100 * part / whole if whole else None


@dataclass(frozen=True)
class ExpectedDecisions:
    """The figures of the page.

    Attributes:
        firm: The rows of the firm.
        billing: Its bills and payments.
        people: Its fee earners, matters and leads.
        trust: Its ledgers.
        images: The daily images of the past.
        area: Practice area of the matters; empty for all.
        attorney: Who is responsible for the matters, or the fee earner; empty for all.
        span: First and last day of the period.
    """

    firm: FirmFigures
    billing: ExpectedBilling
    people: ExpectedPeople
    trust: ExpectedTrust
    images: list[Image]
    area: str = ALL
    attorney: str = ALL
    span: tuple[date, date] = EVERYTHING

    @classmethod
    def of(cls, firm: FirmFigures, images: list[Image]) -> Self:
        """Return the page of a firm, with all of its rows."""
        billing = ExpectedBilling(firm)
        return cls(firm, billing, ExpectedPeople(firm, billing), ExpectedTrust(firm), images)

    def chosen(self, **choice: Any) -> Self:
        """Return the page after a choice of filters."""
        return replace(self, **choice)

    def passes(self, matter: str | None) -> bool:
        """Whether the rows of a matter pass the filters of practice area and attorney."""
        if matter is None:
            return not (self.area or self.attorney)
        is_of_area = self.area in {ALL, self.people.area_of(matter)}
        return is_of_area and self.attorney in {ALL, self.attorney_of(matter)}

    def attorney_of(self, matter: str) -> str:
        """Return the name of who is responsible for a matter."""
        row = self.firm.by_id("matters")[matter]
        return self.people.name_of((row.get("personResponsible") or {}).get("id"))

    def label(self, matter: str | None) -> str:
        """Return the number of a matter."""
        if matter is None:
            return ""
        row = self.firm.by_id("matters")[matter]
        return row.get("number") or ("(lead)" if row["isLead"] else "(no number)")

    def during(self, day: date | None) -> bool:
        if self.span == EVERYTHING:
            return True
        return day is not None and self.span[0] <= day <= self.span[1]

    # Unbilled work

    @cached_property
    def work(self) -> list[Row]:
        """Return the unbilled entries that pass the filters."""
        found = []
        for kind, state, matter, row in self.firm.entries():
            if state not in {"wip", "on_draft", "orphaned"} or not self.passes(matter):
                continue
            worked = date.fromisoformat(row["feeDate" if kind == FEE else "expenseDate"])
            is_time = kind == FEE and row["feeType"] == 1
            found.append(
                {
                    "matter": matter,
                    "kind": kind,
                    "state": state,
                    "day": worked,
                    "age": (self.firm.today - worked).days,
                    "amount": billable_amount(kind, row),
                    "hours": Decimal(billable_minutes(row)) / 60 if is_time else ZERO,
                }
            )
        return found

    @cached_property
    def unbilled(self) -> list[Row]:
        return [row for row in self.work if row["state"] != "orphaned"]

    @cached_property
    def old_work(self) -> list[Row]:
        return [row for row in self.unbilled if row["age"] > OLD_DAYS]

    def work_by_age(self) -> Table:
        whole = sum_of(self.unbilled, "amount")
        return [
            {"Age": label, "Amount": amount, "Share": share(amount, whole)}
            for label, (low, high) in WIP_AGES.items()
            for amount in [
                sum_of((r for r in self.unbilled if within(r["age"], low, high)), "amount")
            ]
        ]

    def work_by_matter(self) -> Table:
        return [
            {
                "Matter": self.label(matter),
                "Over 90 days": sum_of((r for r in rows if r["age"] > OLD_DAYS), "amount"),
                "Fees": sum_of((r for r in rows if r["kind"] == FEE), "amount"),
                "Disbursements": sum_of((r for r in rows if r["kind"] != FEE), "amount"),
                "Hours": sum_of(rows, "hours"),
                "Total": sum_of(rows, "amount"),
                "Oldest": day_text(min(row["day"] for row in rows)),
            }
            for matter, rows in grouped(self.unbilled, "matter").items()
            if sum_of(rows, "amount")
        ]

    # Debts

    @cached_property
    def debts(self) -> list[Row]:
        """Return what each debtor owes of each invoice of matters that pass the filters."""
        return [
            {"debtor": debtor, **sums}
            for (invoice, debtor), sums in self.billing.debts.items()
            if self.passes(self.billing.matters[invoice]) and sums["owed_amount"]
        ]

    @cached_property
    def overdue(self) -> list[Row]:
        return [row for row in self.debts if row["owed_amount"] > 0 and row["days_overdue"] > 0]

    def owed_by_age(self) -> Table:
        debts = [row for row in self.debts if row["owed_amount"] > 0]
        whole = sum_of(debts, "owed_amount")
        return [
            {"Age": label, "Amount": amount, "Share": share(amount, whole)}
            for label, (low, high) in OVERDUE_AGES.items()
            for amount in [
                sum_of((r for r in debts if within(r["days_overdue"], low, high)), "owed_amount")
            ]
        ]

    def owed_by_debtor(self) -> Table:
        found = []
        for debtor, rows in grouped(self.debts, "debtor").items():
            late = [row for row in rows if row in self.overdue]
            old = [row for row in late if row["days_overdue"] > OLD_DAYS]
            found.append(
                {
                    "Debtor": self.contact_name(debtor) or "(no debtor)",
                    "Overdue": sum_of(late, "owed_amount"),
                    "Over 90 days": sum_of(old, "owed_amount"),
                    "Most days overdue": max((row["days_overdue"] for row in late), default=None),
                    "Bills": len(rows),
                    "Credits": sum_of((r for r in rows if r["owed_amount"] < 0), "owed_amount"),
                    "Owed": sum_of(rows, "owed_amount"),
                }
            )
        return found

    def contact_name(self, contact: str | None) -> str:
        row = self.firm.by_id("contacts").get(contact or "", {})
        person = row.get("person") or {}
        names: list[str | None] = [
            " ".join(filter(None, (person.get("firstName"), person.get("lastName"))))
        ]
        names += [
            (row.get(kind) or {}).get("name") for kind in ("company", "trust", "groupOfPeople")
        ]
        return next(filter(None, names), "")

    # Trust

    def trust_exceptions(self) -> Table:
        return [
            {
                "Priority": priority,
                "Exception": kind.capitalize(),
                "Matter": self.label(matter),
                "Account": self.trust.accounts[account]["accountName"],
                "Amount": amount,
            }
            for priority, kind, account, matter, amount in self.trust.exceptions
            if self.passes(matter)
        ]

    def trust_accounts(self) -> Table:
        """Return the accounts, which do not depend on the filters."""
        return [
            {
                "Account": self.trust.accounts[id_]["accountName"],
                "State": "Agree; no statement" if sums["agrees"] else "Differ",
                "Matters": sums["ledger_balance"],
                "Movements": sums["moved_amount"],
                "Book": sums["book_balance"],
                "Statement": None,
                "Overdrawn": sums["overdrawn_ledgers"],
            }
            for (id_,), sums in self.trust.reconciliation.items()
        ]

    def transferable(self) -> Table:
        return [
            {
                "Matter": self.label(matter),
                "Available": sums["available_amount"],
                "Unpaid bills": sums["unpaid_amount"],
                "Oldest bill": day_text(sums["oldest"]),
                "May move": sums["transferable_amount"],
            }
            for (matter,), sums in self.trust.transferable.items()
            if self.passes(matter)
        ]

    def ledgers_held(self) -> int:
        """Count the balances that are not zero."""
        return sum(
            bool(sums["balance"]) and self.passes(matter)
            for (_, matter), sums in self.trust.ledgers.items()
        )

    def held(self, day: date | None = None) -> Decimal:
        """Return the trust and controlled money, less the movements after a day."""
        return sum(
            (
                sums["balance"] - (self.trust.moved_after(key, day) if day else ZERO)
                for key, sums in self.trust.ledgers.items()
                if self.trust.accounts[key[0]]["type"] in HELD and self.passes(key[1])
            ),
            ZERO,
        )

    def work_on(self, image: Image) -> Decimal:
        return sum((sum(row, ZERO) for id_, row in image.work.items() if self.passes(id_)), ZERO)

    def overdue_on(self, image: Image) -> Decimal:
        return sum((late for id_, (*_, late) in image.debts.items() if self.passes(id_)), ZERO)


def sum_of(rows: Iterable[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), ZERO)


def within(value: int, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def grouped(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found
