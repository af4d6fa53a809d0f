"""The ledger: transactions of the firm's bank accounts per matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smokeball_sandbox.areas.common import matter_link
from smokeball_sandbox.areas.invoices import invoices_of
from smokeball_sandbox.areas.matters import matter_plans
from smokeball_sandbox.clock import TICKS_PER_DAY, iso, iso_date
from smokeball_sandbox.resources import Data, Row
from smokeball_sandbox.value_helpers import divide_half_up, guid, link, money, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm

REVERSAL = "Reversal"
SIGNS = {
    "Deposit": 1,
    "DepositReversal": -1,
    "InvoicePayment": -1,
    "InvoicePaymentReversal": 1,
    "VendorPayment": -1,
    "VendorPaymentReversal": 1,
    "Transfer": 1,
    "BankFees": -1,
    "BankFeesReversal": 1,
    "Interest": 1,
    "InterestReversal": -1,
}
_TRUST_SHARE = 0.6
_CONTROLLED = 3
_CREDIT_SHARE = 0.15
_RETAINER_SHARE = 0.5


class Account(NamedTuple):
    """A bank account; ``matter`` is set if it is held for one matter."""

    id: str
    type: str
    name: str
    is_open: bool = True
    matter: str | None = None


def accounts(firm: Firm) -> list[Account]:
    """Return the firm's accounts; the credit account holds what it owes to its clients."""

    def build() -> list[Account]:
        rng = firm.rng("accounts")
        found = [
            Account(guid(rng), "Operating", "Office account"),
            Account(guid(rng), "Trust", "Trust account"),
            Account(guid(rng), "Trust", "Former trust account", is_open=False),
            Account(guid(rng), "Credit", "Client credit"),
        ]
        if firm.region == "au":
            matters = [plan for plan in matter_plans(firm) if not plan.is_lead][:_CONTROLLED]
            for plan in matters:
                name = f"Controlled money of {plan.client.full_name}"
                found.append(Account(guid(rng), "ControlledMoney", name, matter=plan.id))
        return found

    return firm.cached("accounts", build)


def ledger(firm: Firm) -> dict[str, list[Row]]:
    """Return all transactions by account; no matter's balance is ever negative."""

    def build() -> dict[str, list[Row]]:
        operating, trust, _, credit, *others = accounts(firm)
        controlled = {each.matter: each for each in others}
        posted: dict[str, list[Row]] = {each.id: [] for each in accounts(firm)}
        for plan in matter_plans(firm):
            matter_ledger = _MatterLedger(firm, plan, posted)
            account = trust if matter_ledger.rng.random() < _TRUST_SHARE else operating
            matter_ledger.pay_invoices(account, operating, credit)
            if plan.id in controlled:
                matter_ledger.hold_controlled_money(controlled[plan.id])
        return posted

    return firm.cached("ledger", build)


class _MatterLedger:
    """Posts the transactions of one matter."""

    def __init__(self, firm: Firm, plan: MatterPlan, posted: dict[str, list[Row]]) -> None:
        self.rng = firm.rng("ledger", plan.id)
        self._firm = firm
        self._plan = plan
        self._posted = posted

    def pay_invoices(self, account: Account, operating: Account, credit: Account) -> None:
        """Post the payments of the matter's invoices, and deposits before them."""
        rng, held = self.rng, 0
        has_credit = self._firm.rng("credit", self._plan.id).random() < _CREDIT_SHARE
        ticks = self._plan.opened
        for invoice in invoices_of(self._firm, self._plan):
            paid = round(invoice.data["invoiceTotals"]["paid"] * 100)
            if paid == 0:
                continue
            number = f"Invoice {invoice.data['invoiceNumber']}"
            ticks = max(invoice.updated - TICKS_PER_DAY, ticks)
            if has_credit:
                has_credit = False
                paid -= self._apply_credit(credit, paid, ticks, number)
            if held < paid:
                retainer = rng.randrange(30_000, 750_000, 500)
                more = paid - held + (retainer if rng.random() < _RETAINER_SHARE else 0)
                self._post(account, "Deposit", more, ticks, number)
                held += more
            if paid == 0:
                continue
            if rng.random() < 0.05:  # noqa: PLR2004
                failed = self._post(account, "InvoicePayment", paid, ticks, number)
                self._reverse(account, failed, ticks)
            ticks += TICKS_PER_DAY // 2
            self._post(account, "InvoicePayment", paid, ticks, number)
            held -= paid
        self._spend(account, operating, held, ticks)

    def _apply_credit(self, credit: Account, due: int, ticks: int, reason: str) -> int:
        """Post a credit memo and pay from it; return what it paid."""
        memo = self.rng.randrange(5_000, 250_000, 500)
        self._post(credit, "Deposit", memo, ticks, "Credit memo")
        paid = min(memo, due)
        self._post(credit, "InvoicePayment", paid, ticks + TICKS_PER_DAY // 2, reason)
        return paid

    def _spend(self, account: Account, operating: Account, held: int, ticks: int) -> None:
        rng = self.rng
        if rng.random() < 0.1:  # noqa: PLR2004
            bounced = self._post(account, "Deposit", rng.randrange(10_000, 200_000), ticks, "")
            self._reverse(account, bounced, ticks)
        if held == 0:
            return
        if rng.random() < 0.4:  # noqa: PLR2004
            part = divide_half_up(held, 4)
            self._post(account, "VendorPayment", part, ticks, "Search fees")
            held -= part
        if account is not operating and rng.random() < 0.3:  # noqa: PLR2004
            part = divide_half_up(held, 2)
            self._post(account, "Transfer", -part, ticks, "To office account")
            self._post(operating, "Transfer", part, ticks, "From trust account")

    def hold_controlled_money(self, account: Account) -> None:
        """Post deposit, interest and fees of the matter's controlled-money account."""
        ticks = self._plan.opened
        deposit = self.rng.randrange(2_000_000, 9_000_000, 50_000)
        self._post(account, "Deposit", deposit, ticks, "Deposit held")
        self._post(account, "Interest", 12_345, ticks + TICKS_PER_DAY, "")
        for kind, cents in (("Interest", 999), ("BankFees", 500)):
            wrong = self._post(account, kind, cents, ticks + TICKS_PER_DAY, "")
            self._reverse(account, wrong, ticks + TICKS_PER_DAY)
        self._post(account, "BankFees", 250, ticks + TICKS_PER_DAY, "")

    def _post(self, account: Account, kind: str, cents: int, ticks: int, reason: str) -> Row:
        latest = self._firm.anchor_ticks - TICKS_PER_DAY
        row = transaction(
            self._firm, self.rng, account.id, self._plan, kind, cents, min(ticks, latest)
        )
        if reason:
            row.data["reason"] = reason
        self._posted[account.id].append(row)
        return row

    def _reverse(self, account: Account, row: Row, ticks: int) -> None:
        cents = round(row.data["amount"] * 100)
        back = self._post(account, row.data["type"] + REVERSAL, cents, ticks, "Entered in error")
        base = f"{self._firm.url}/bankaccounts/{account.id}/transactions"
        rng = self.rng
        row.data["reversed"] = True
        row.data["reversedToTransaction"] = link(rng, back.id, f"{base}/{back.id}", "Transactions")
        back.data["reversedFromTransaction"] = link(rng, row.id, f"{base}/{row.id}", "Transactions")


def transaction(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, account_id: str, plan: MatterPlan, kind: str, cents: int, ticks: int
) -> Row:
    """Build a transaction."""
    id_ = guid(rng)
    account_href = f"{firm.url}/bankaccounts/{account_id}"
    data: Data = {
        **record_header(id_, f"{account_href}/transactions/{id_}", "Transactions"),
        "payorName": plan.client.full_name,
        "matter": matter_link(firm, rng, plan.id),
        "payor": firm.contact_link(rng, plan.client),
        "bankAccount": link(rng, account_id, account_href, "BankAccounts"),
        "type": kind,
        "amount": money(cents),
        "enteredDate": iso(ticks, fraction=True),
        "effectiveDate": f"{iso_date(ticks)}T00:00:00Z",
        "reversed": False,
    }
    chance = rng.random()
    if chance < 0.7:  # noqa: PLR2004
        data["reference"] = f"R{rng.randrange(100_000):05d}"
    if chance < 0.4:  # noqa: PLR2004
        data["description"] = f"{kind} for {plan.client.name}"
    if chance < 0.1:  # noqa: PLR2004
        data["note"] = "Confirmed by telephone"
    return Row(data, ticks, account_id)
