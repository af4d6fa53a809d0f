"""Money in and out of the firm's bank accounts, matter by matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smokeball_sandbox.areas.common import matter_link
from smokeball_sandbox.areas.invoices import invoices_of
from smokeball_sandbox.areas.matters import plans
from smokeball_sandbox.clock import TICKS_A_DAY, iso, iso_date
from smokeball_sandbox.resources import Data, Row
from smokeball_sandbox.value_helpers import guid, half_up, head, link, money

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


class Account(NamedTuple):
    """A bank account; ``matter`` is the one it is kept for, if any."""

    id: str
    type: str
    name: str
    is_open: bool = True
    matter: str | None = None


def accounts(firm: Firm) -> list[Account]:
    """The firm's accounts: money of its own, money held for clients."""

    def draw() -> list[Account]:
        rng = firm.rng("accounts")
        found = [
            Account(guid(rng), "Operating", "Office account"),
            Account(guid(rng), "Trust", "Trust account"),
            Account(guid(rng), "Trust", "Former trust account", is_open=False),
            Account(guid(rng), "Credit", "Firm credit card"),
        ]
        if firm.region == "au":
            matters = [plan for plan in plans(firm) if not plan.is_lead][:_CONTROLLED]
            for plan in matters:
                name = f"Controlled money of {plan.client.full_name}"
                found.append(Account(guid(rng), "ControlledMoney", name, matter=plan.id))
        return found

    return firm.once("accounts", draw)


def ledger(firm: Firm) -> dict[str, list[Row]]:
    """Every transaction, by account; what a matter holds never falls below nothing."""

    def draw() -> dict[str, list[Row]]:
        operating, trust, *others = accounts(firm)
        controlled = {each.matter: each for each in others}
        posted: dict[str, list[Row]] = {each.id: [] for each in accounts(firm)}
        for plan in plans(firm):
            book = _Book(firm, plan, posted)
            book.pay_invoices(trust if book.rng.random() < _TRUST_SHARE else operating, operating)
            if plan.id in controlled:
                book.keep(controlled[plan.id])
        return posted

    return firm.once("ledger", draw)


class _Book:
    """What one matter's clients pay in, and what is paid from it."""

    def __init__(self, firm: Firm, plan: MatterPlan, posted: dict[str, list[Row]]) -> None:
        self.rng = firm.rng("ledger", plan.id)
        self._firm = firm
        self._plan = plan
        self._posted = posted

    def pay_invoices(self, account: Account, operating: Account) -> None:
        """Pay what is paid of the matter's invoices, out of money paid in before."""
        rng, held = self.rng, 0
        moment = self._plan.opened
        for invoice in invoices_of(self._firm, self._plan):
            paid = round(invoice.data["invoiceTotals"]["paid"] * 100)
            if paid == 0:
                continue
            number = f"Invoice {invoice.data['invoiceNumber']}"
            moment = max(invoice.updated - TICKS_A_DAY, moment)
            if held < paid:
                more = paid - held + rng.choice((0, 0, 50_000, 123_450))
                self._post(account, "Deposit", more, moment, number)
                held += more
            if rng.random() < 0.05:  # noqa: PLR2004
                failed = self._post(account, "InvoicePayment", paid, moment, number)
                self._reverse(account, failed, moment)
            moment += TICKS_A_DAY // 2
            self._post(account, "InvoicePayment", paid, moment, number)
            held -= paid
        self._spend(account, operating, held, moment)

    def _spend(self, account: Account, operating: Account, held: int, moment: int) -> None:
        rng = self.rng
        if rng.random() < 0.1:  # noqa: PLR2004
            bounced = self._post(account, "Deposit", rng.randrange(10_000, 200_000), moment, "")
            self._reverse(account, bounced, moment)
        if held == 0:
            return
        if rng.random() < 0.4:  # noqa: PLR2004
            part = half_up(held, 4)
            self._post(account, "VendorPayment", part, moment, "Search fees")
            held -= part
        if account is not operating and rng.random() < 0.3:  # noqa: PLR2004
            part = half_up(held, 2)
            self._post(account, "Transfer", -part, moment, "To office account")
            self._post(operating, "Transfer", part, moment, "From trust account")

    def keep(self, account: Account) -> None:
        """Hold money in an account of the matter's own, which bears interest and costs fees."""
        moment = self._plan.opened
        self._post(account, "Deposit", 5_000_000, moment, "Deposit held")
        self._post(account, "Interest", 12_345, moment + TICKS_A_DAY, "")
        for kind, cents in (("Interest", 999), ("BankFees", 500)):
            wrong = self._post(account, kind, cents, moment + TICKS_A_DAY, "")
            self._reverse(account, wrong, moment + TICKS_A_DAY)
        self._post(account, "BankFees", 250, moment + TICKS_A_DAY, "")

    def _post(self, account: Account, kind: str, cents: int, moment: int, reason: str) -> Row:
        latest = self._firm.anchor_ticks - TICKS_A_DAY
        row = transaction(
            self._firm, self.rng, account.id, self._plan, kind, cents, min(moment, latest)
        )
        if reason:
            row.data["reason"] = reason
        self._posted[account.id].append(row)
        return row

    def _reverse(self, account: Account, row: Row, moment: int) -> None:
        cents = round(row.data["amount"] * 100)
        back = self._post(account, row.data["type"] + REVERSAL, cents, moment, "Entered in error")
        base = f"{self._firm.url}/bankaccounts/{account.id}/transactions"
        rng = self.rng
        row.data["reversed"] = True
        row.data["reversedToTransaction"] = link(rng, back.id, f"{base}/{back.id}", "Transactions")
        back.data["reversedFromTransaction"] = link(rng, row.id, f"{base}/{row.id}", "Transactions")


def transaction(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, account_id: str, plan: MatterPlan, kind: str, cents: int, moment: int
) -> Row:
    """One movement of money."""
    id_ = guid(rng)
    account_href = f"{firm.url}/bankaccounts/{account_id}"
    data: Data = {
        **head(id_, f"{account_href}/transactions/{id_}", "Transactions"),
        "payorName": plan.client.full_name,
        "matter": matter_link(firm, rng, plan.id),
        "payor": firm.contact_link(rng, plan.client),
        "bankAccount": link(rng, account_id, account_href, "BankAccounts"),
        "type": kind,
        "amount": money(cents),
        "enteredDate": iso(moment, fraction=True),
        "effectiveDate": f"{iso_date(moment)}T00:00:00Z",
        "reversed": False,
    }
    chance = rng.random()
    if chance < 0.7:  # noqa: PLR2004
        data["reference"] = f"R{rng.randrange(100_000):05d}"
    if chance < 0.4:  # noqa: PLR2004
        data["description"] = f"{kind} for {plan.client.name}"
    if chance < 0.1:  # noqa: PLR2004
        data["note"] = "Confirmed by telephone"
    return Row(data, moment, account_id)
