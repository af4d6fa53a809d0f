"""Computes the tables of the page of a firm, for a choice of its filters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from tests.daily_images import last_images
from tests.expected_decisions import (
    IDLE_DAYS,
    NONE,
    ExpectedDecisions,
    Row,
    Table,
    day_text,
    grouped,
    month_text,
    share,
    sum_of,
)
from tests.expected_figures import FEE, ZERO, add_months, billable_amount, month_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.daily_images import Image

Span = tuple[date, date]


class ExpectedPage(ExpectedDecisions):
    """The figures of the page."""

    # Cash and bills

    @cached_property
    def all_bills(self) -> list[Row]:
        return [
            {"day": self.billing.days[id_], **sums}
            for (id_,), sums in self.billing.bills.items()
            if self.passes(self.billing.matters[id_])
        ]

    @cached_property
    def bills(self) -> list[Row]:
        return [row for row in self.all_bills if self.during(row["day"])]

    @cached_property
    def all_receipts(self) -> list[Row]:
        return [row for row in self.billing.receipt_rows if self.passes(row["matter"])]

    @cached_property
    def receipts(self) -> list[Row]:
        return [row for row in self.all_receipts if self.during(row["day"])]

    @cached_property
    def written_off(self) -> list[Row]:
        """Return the fees that were written off without a bill, by the day of the work."""
        found: list[Row] = [
            {"day": date.fromisoformat(row["feeDate"]), "amount": billable_amount(kind, row)}
            for kind, state, matter, row in self.firm.entries()
            if kind == FEE and state == "written_off_unbilled" and self.passes(matter)
        ]
        return [row for row in found if self.during(row["day"])]

    def cash_by_month(self) -> Table:
        before = _months_before(self.all_receipts, "cash_amount")
        found = []
        for month, rows in _by_month(self.receipts).items():
            cash = [row for row in rows if row["account_type"] != "Credit"]
            found.append(
                {
                    "Month": month_text(month) if month else NONE,
                    "Cash": sum_of(rows, "cash_amount"),
                    **before(month),
                    "Fees": sum_of(cash, "fee_amount"),
                    "Costs": sum_of(cash, "cost_amount"),
                    "Tax": sum_of(cash, "tax_amount"),
                    "Client credit": sum_of(rows, "credit_amount"),
                }
            )
        return found

    def billed_by_month(self) -> Table:
        before = _months_before(self.all_bills, "net_fee_amount")
        return [
            {
                "Month": month_text(month) if month else NONE,
                "Fees": sum_of(rows, "net_fee_amount"),
                **before(month),
                "Bills": len(rows),
                "Costs": sum_of(rows, "net_cost_amount"),
                "Tax": sum_of(rows, "tax_amount"),
                "To be paid": sum_of(rows, "payable_amount"),
            }
            for month, rows in _by_month(self.bills).items()
        ]

    # Shares

    def shares_by_month(self) -> Table:
        bills, lost = _by_month(self.bills), _by_month(self.written_off)
        return [
            {
                "Month": month_text(month) if month else NONE,
                **realization_of(bills.get(month, []), lost.get(month, [])),
                **collection_of(bills.get(month, [])),
            }
            for month in {*bills, *lost}
        ]

    @cached_property
    def all_hours(self) -> list[Row]:
        """Return the hours of the fee earner, or of all, by month."""
        found = [
            {"name": self.people.name_of(id_), "staff": id_, "month": month, **sums}
            for (id_, month), sums in self.people.hours.items()
        ]
        return [row for row in found if self.attorney in {"", row["name"]}]

    @cached_property
    def hours(self) -> list[Row]:
        """Return the hours of the months that the period has a part of."""
        first, last = self.span[0].replace(day=1), self.span[1]
        return [row for row in self.all_hours if first <= row["month"] <= last]

    def utilization_by_fee_earner(self, earlier: dict[str, Span]) -> Table:
        """Return the utilization of each fee earner, also in earlier periods by their headings."""
        before = {
            heading: grouped(self.chosen(span=span).hours, "staff")
            for heading, span in earlier.items()
        }
        return [
            {
                "Fee earner": rows[0]["name"],
                "Role": self.people.staff[staff].get("role") or "(unknown)",
                **utilization_of(rows),
                **{
                    heading: utilization_of(found.get(staff, []))["Utilization"]
                    for heading, found in before.items()
                },
            }
            for staff, rows in grouped(self.hours, "staff").items()
        ]

    # Pipeline

    @cached_property
    def active_matters(self) -> list[Row]:
        return [row for id_, row in self.people.matters.items() if self.passes(id_)]

    def idle(self, rows: Iterable[Row]) -> int:
        return sum(row["idle_days"] is not None and row["idle_days"] >= IDLE_DAYS for row in rows)

    def matters_by_stage(self) -> Table:
        found = []
        for (stage_set, stage), rows in grouped(self.active_matters, "stage").items():
            ages = [row["age_days"] for row in rows if row["age_days"] is not None]
            found.append(
                {
                    "Stage set": stage_set or "(no stage set)",
                    "Stage": stage or "(no stage)",
                    "Matters": len(rows),
                    "Idle": self.idle(rows),
                    "Average age, days": Decimal(sum(ages)) / len(ages) if ages else None,
                }
            )
        return found

    @cached_property
    def leads(self) -> list[Row]:
        return [row for id_, row in self.people.leads.items() if self.passes(id_)]

    def leads_by_source(self) -> Table:
        """Return the leads by source. In the first days of the history, there is no rate."""
        found = []
        leads = [row for row in self.leads if self.during(row["opened"])]
        for source, rows in grouped(leads, "source").items():
            known = [row["outcome"] for row in rows if row["is_counted"]]
            counts = {name: known.count(name.lower()) for name in ("Converted", "Lost", "Open")}
            found.append(
                {
                    "Source": source,
                    "Leads": len(rows),
                    "Counted": len(known),
                    **counts,
                    "Conversion": None,
                }
            )
        return found

    # Lock-up

    def lockup_of(self, image: Image | None) -> Row:
        """Return the lock-up of the whole firm on the day of an image; without one, of today."""
        if image:
            fees = sum((fees for fees, _ in image.work.values()), ZERO)
            owed = sum((without_tax for _, without_tax, _ in image.debts.values()), ZERO)
            return self.billing.lockup(fees, owed, image.day)
        fees = sum((row["fees"] for row in self.firm.work_in_progress().values()), ZERO)
        owed = sum((row["owed_exc_tax_amount"] for row in self.billing.debts.values()), ZERO)
        return self.billing.lockup(fees, owed, self.firm.today)

    def month_ends(self) -> dict[date, Image | None]:
        """Return the last image of each month; that of this month is today's, None."""
        return {**last_images(self.images), month_of(self.firm.today): None}

    def lockup(self) -> Table:
        return [
            {
                "Month": month_text(day),
                "Image of": day_text(day),
                "Unbilled fees": found["wip_fees"],
                "Debtors, no tax": found["owed_exc_tax_amount"],
                "Fees billed in 12 months": found["billed_fees_in_12_months"],
                "Unbilled, days": found["wip_days"],
                "Debtors, days": found["debtor_days"],
                "Lock-up, days": found["lockup_days"],
            }
            for image in self.month_ends().values()
            for day in [image.day if image else self.firm.today]
            for found in [self.lockup_of(image)]
        ]

    def old_bills(self) -> Row:
        old = [row for row in self.bills if row["is_mature"]]
        return {
            "mature_payable_amount": sum_of(old, "payable_amount"),
            "mature_collected_amount": sum_of(old, "collected_amount"),
        }

    def tables(self, earlier: dict[str, Span]) -> dict[str, Table]:
        """Return the tables by the start of their caption."""
        return {
            "Trust exceptions": self.trust_exceptions(),
            "Reconciliation by account": self.trust_accounts(),
            "Money in trust for unpaid bills, by matter": self.transferable(),
            "Unbilled work by age": self.work_by_age(),
            "Unbilled work by matter": self.work_by_matter(),
            "Owed by days overdue": self.owed_by_age(),
            "Owed by debtor": self.owed_by_debtor(),
            "Lock-up by month": self.lockup(),
            "Cash received by month": self.cash_by_month(),
            "Fees billed by month": self.billed_by_month(),
            "Realization and collection by month of issue": self.shares_by_month(),
            "Utilization by fee earner": self.utilization_by_fee_earner(earlier),
            "Active matters by stage": self.matters_by_stage(),
            "Leads by source": self.leads_by_source(),
        }


def realization_of(bills: list[Row], written_off: list[Row]) -> Row:
    """Return the net fees of bills, and the billable fees with those written off unbilled."""
    recorded, net = sum_of(bills, "recorded_fee_amount"), sum_of(bills, "net_fee_amount")
    lost = sum_of(written_off, "amount")
    return {
        "Billable fees on bills": recorded,
        "Written off unbilled": lost,
        "Fees billed": net,
        "Realization": share(net, recorded + lost) if bills else None,
    }


def collection_of(bills: list[Row]) -> Row:
    """Return what was to be paid and what was paid, of bills that are old enough."""
    old = [row for row in bills if row["is_mature"]]
    due, collected = sum_of(old, "payable_amount"), sum_of(old, "collected_amount")
    return {"Due, old bills": due, "Collected": collected, "Collection": share(collected, due)}


def utilization_of(rows: list[Row]) -> Row:
    """Return the billable hours of the available ones, and of the target."""
    available, billable = sum_of(rows, "available_hours"), sum_of(rows, "billable_hours")
    target = sum_of(rows, "target_hours")
    return {
        "Available": available,
        "Billable": billable,
        "Utilization": share(billable, available),
        "Target": target,
        "Of target": share(billable, target),
        "Fees billed": sum_of(rows, "billed_amount"),
    }


def _by_month(rows: Iterable[Row]) -> dict[date | None, list[Row]]:
    return grouped(({**row, "month": month_of(row["day"])} for row in rows), "month")


def _months_before(rows: list[Row], column: str) -> Callable[[date | None], Row]:
    """Return what finds the amounts of the month and the year before; None before the first."""
    amounts = {month: sum_of(each, column) for month, each in _by_month(rows).items() if month}

    def find(month: date | None) -> Row:
        found: Row = {}
        for name, count in {"Month before": 1, "Year before": 12}.items():
            earlier = month and add_months(month, -count)
            is_known = earlier is not None and earlier >= min(amounts)
            found[name] = amounts.get(earlier, ZERO) if earlier and is_known else None
        return found

    return find
