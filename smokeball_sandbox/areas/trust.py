"""Bank accounts, what they hold for each matter, and the transactions it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox.areas.common import by_matter, marked, matter_link, nothing, parent_id
from smokeball_sandbox.areas.ledger import SIGNS, accounts, ledger, transaction
from smokeball_sandbox.areas.matters import MatterPlan, plans
from smokeball_sandbox.clock import TICKS_A_DAY, iso
from smokeball_sandbox.resources import Data, DateFilter, Request, Resource, Row, Wrapper
from smokeball_sandbox.value_helpers import guid, half_up, head, money

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.ledger import Account
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.store import Store

_TYPES = ("Operating", "Trust", "Credit", "ControlledMoney")
_OPEN, _CLOSED = 0, 1
_PROTECTED = 0.1
_UNPRESENTED = 0.1
_UNDATED = 0.05
_CHEQUES = "unpresentedChequesBalance"


def account_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Every account, without what it holds: that is looked up."""
    rng = firm.rng("account records")
    return [_account(firm, rng, each) for each in accounts(firm)]


def create_account(firm: Firm, rng: Random, request: Request) -> Row:
    """One more account."""
    first = accounts(firm)[0]
    row = _account(firm, rng, first._replace(id=guid(rng), name="New account"))
    row.updated = request.now
    return row


def _account(firm: Firm, rng: Random, account: Account) -> Row:
    data: Data = {
        **head(account.id, f"{firm.url}/bankaccounts/{account.id}", "BankAccounts"),
        "type": account.type,
        "status": _OPEN if account.is_open else _CLOSED,
        "accountType": _TYPES.index(account.type),
        "accountName": account.name,
        "accountNumber": f"{rng.randrange(10**8):08d}",
        "bankName": "Example Bank",
        "branchNumber": f"{rng.randrange(10**6):06d}",
    }
    if account.matter is not None:
        data["matter"] = matter_link(firm, rng, account.matter)
    if rng.random() < 0.7:  # noqa: PLR2004
        data["branchName"] = "High Street"
    return Row(data, firm.anchor_ticks - TICKS_A_DAY)


def _holdings(store: Store, account: Row) -> Data:
    """What an account holds in all, for each matter and, in the US, for each contact."""
    firm = store.firm
    balances = store.rows(store.resources["matter_balances"], account.id)
    cents = sum(round(row.data["balance"] * 100) for row in balances)
    found: Data = {"balance": money(cents), "matterBalances": [row.data for row in balances]}
    if firm.region == "us":
        clients = firm.once("clients", lambda: {plan.id: plan.client for plan in plans(firm)})
        found["contactBalances"] = contacts = []
        for row in balances:
            balance = {name: row.data[name] for name in row.data if name != _CHEQUES}
            if row.id in clients:
                rng = firm.rng("contact balance", row.id)
                balance["contact"] = firm.contact_link(rng, clients[row.id])
            contacts.append(balance)
    return found


def balance_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """The sum of an account's transactions, for each matter that has any."""
    if parent is None:
        return []
    sums: dict[str, int] = {}
    last: dict[str, int] = {}
    for row in ledger(firm).get(parent.id, ()):
        matter = row.data["matter"]["id"]
        cents = SIGNS[row.data["type"]] * round(row.data["amount"] * 100)
        sums[matter] = sums.get(matter, 0) + cents
        last[matter] = max(last.get(matter, 0), row.updated)
    rng = firm.rng("balances", parent.id)
    return [_balance(firm, rng, parent.id, id_, sums[id_], last[id_]) for id_ in sums]


def create_balance(firm: Firm, rng: Random, request: Request) -> Row:
    """Nothing, held for a matter."""
    matter = request.wanted.get("matter", {}).get("id") or rng.choice(plans(firm)).id
    return _balance(firm, rng, parent_id(request), matter, 0, request.now)


def _balance(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, account_id: str, matter_id: str, cents: int, moment: int
) -> Row:
    protected = half_up(cents, 3) if rng.random() < _PROTECTED else 0
    data = {
        "matter": matter_link(firm, rng, matter_id),
        "balance": money(cents),
        "protectedBalance": money(protected),
        "availableBalance": money(cents - protected),
        _CHEQUES: money(half_up(cents, 5) if rng.random() < _UNPRESENTED else 0),
        "lastUpdated": iso(moment, fraction=True),
    }
    if rng.random() < _UNDATED:
        del data["lastUpdated"]
    return Row(data, moment, account_id, id=matter_id)


def _stamp_balance(row: Row, _: Random) -> None:
    row.data["lastUpdated"] = iso(row.updated, fraction=True)


def transaction_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """The transactions of one account."""
    return [] if parent is None else list(ledger(firm).get(parent.id, ()))


def create_transaction(firm: Firm, rng: Random, request: Request) -> Row:
    """A deposit for some matter; balances are not adjusted."""
    plan: MatterPlan = rng.choice(plans(firm))
    return transaction(firm, rng, parent_id(request), plan, "Deposit", 10_000, request.now)


def _by_type(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.first("type")
    if wanted is None:
        return None
    if wanted not in _TYPES:
        query.refuse("type", f"'{wanted}' is not one of: {', '.join(_TYPES)}.")
    return lambda row: row.data["type"] == wanted


def _by_holder(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.first("matterId")
    if wanted is None:
        return None
    return lambda row: (
        row.data.get("matter", {}).get("id") == wanted
        or any(each["matter"]["id"] == wanted for each in row.data["matterBalances"])
    )


BANK_ACCOUNTS = Resource(
    name="bank_accounts",
    path="/bankaccounts",
    scope="bankaccounts/read",
    generate=account_rows,
    create=create_account,
    stamp=nothing,
    bury=marked("status", _CLOSED),
    wrapper=Wrapper.VALUE,
    filters=(_by_type, _by_holder),
    derived=_holdings,
)
MATTER_BALANCES = Resource(
    name="matter_balances",
    path="/bankaccounts/{bankAccountId}/matter-balances",
    scope="bankaccounts/read",
    parent="bank_accounts",
    generate=balance_rows,
    create=create_balance,
    stamp=_stamp_balance,
    bury=None,
    by_id=None,
    date_filters=(DateFilter("LastUpdated", "iso"),),
    filters=(by_matter,),
    dear=True,
)
TRANSACTIONS = Resource(
    name="transactions",
    path="/bankaccounts/{bankAccountId}/transactions",
    scope="bankaccounts/read",
    parent="bank_accounts",
    generate=transaction_rows,
    create=create_transaction,
    stamp=nothing,
    bury=marked("reversed"),
    date_filters=(DateFilter("LastUpdated", "iso"),),
    filters=(by_matter,),
    dear=True,
)
