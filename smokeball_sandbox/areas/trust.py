"""Bank accounts, their transactions and their balances per matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox.areas.common import (
    filter_by_matter,
    leave_unmarked,
    matter_link,
    parent_id,
    property_setter,
)
from smokeball_sandbox.areas.ledger import SIGNS, accounts, ledger, transaction
from smokeball_sandbox.areas.matters import MatterPlan, matter_plans
from smokeball_sandbox.clock import TICKS_PER_DAY, iso
from smokeball_sandbox.resources import (
    CreateRequest,
    Data,
    DateFilter,
    Resource,
    ResponseFormat,
    Row,
)
from smokeball_sandbox.value_helpers import divide_half_up, guid, money, record_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.ledger import Account
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import RowReader

_TYPES = ("Operating", "Trust", "Credit", "ControlledMoney")
_OPEN, _CLOSED = 0, 1
_PROTECTED = 0.1
_UNPRESENTED = 0.1
_SHARE_WITHOUT_DATE = 0.05
_CHEQUES = "unpresentedChequesBalance"


def account_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all accounts; their balances are derived properties."""
    rng = firm.rng("account records")
    return [_account(firm, rng, each) for each in accounts(firm)]


def create_account(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an account."""
    first = accounts(firm)[0]
    row = _account(firm, rng, first._replace(id=guid(rng), name="New account"))
    row.updated = request.now
    return row


def _account(firm: Firm, rng: Random, account: Account) -> Row:
    data: Data = {
        **record_header(account.id, f"{firm.url}/bankaccounts/{account.id}", "BankAccounts"),
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
    return Row(data, firm.anchor_ticks - TICKS_PER_DAY)


def _balances_of(store: RowReader, account: Row) -> Data:
    """Return an account's balances: total, per matter and, in the US, per contact."""
    firm = store.firm
    balances = store.rows(store.resources["matter_balances"], account.id)
    cents = sum(round(row.data["balance"] * 100) for row in balances)
    found: Data = {"balance": money(cents), "matterBalances": [row.data for row in balances]}
    if firm.region == "us":
        clients = firm.cached(
            "clients", lambda: {plan.id: plan.client for plan in matter_plans(firm)}
        )
        found["contactBalances"] = contacts = []
        for row in balances:
            balance = {name: row.data[name] for name in row.data if name != _CHEQUES}
            if row.id in clients:
                rng = firm.rng("contact balance", row.id)
                balance["contact"] = firm.contact_link(rng, clients[row.id])
            contacts.append(balance)
    return found


def balance_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the sums of an account's transactions per matter."""
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


def create_balance(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a zero balance of a matter."""
    matter = request.properties.get("matter", {}).get("id") or rng.choice(matter_plans(firm)).id
    return _balance(firm, rng, parent_id(request), matter, 0, request.now)


def _balance(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, account_id: str, matter_id: str, cents: int, ticks: int
) -> Row:
    protected = divide_half_up(cents, 3) if rng.random() < _PROTECTED else 0
    data = {
        "matter": matter_link(firm, rng, matter_id),
        "balance": money(cents),
        "protectedBalance": money(protected),
        "availableBalance": money(cents - protected),
        _CHEQUES: money(divide_half_up(cents, 5) if rng.random() < _UNPRESENTED else 0),
        "lastUpdated": iso(ticks, fraction=True),
    }
    if rng.random() < _SHARE_WITHOUT_DATE:
        del data["lastUpdated"]
    return Row(data, ticks, account_id, id=matter_id)


def _mark_balance_updated(row: Row, _: Random) -> None:
    row.data["lastUpdated"] = iso(row.updated, fraction=True)


def transaction_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the transactions of one account."""
    return [] if parent is None else list(ledger(firm).get(parent.id, ()))


def create_transaction(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a deposit for a random matter; no balance changes."""
    plan: MatterPlan = rng.choice(matter_plans(firm))
    return transaction(firm, rng, parent_id(request), plan, "Deposit", 10_000, request.now)


def _filter_by_type(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.value("type")
    if wanted is None:
        return None
    if wanted not in _TYPES:
        query.add_error("type", f"'{wanted}' is not one of: {', '.join(_TYPES)}.")
    return lambda row: row.data["type"] == wanted


def _filter_by_matter_id(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.value("matterId")
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
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("status", _CLOSED),
    response_format=ResponseFormat.VALUE,
    filters=(_filter_by_type, _filter_by_matter_id),
    derived_properties=_balances_of,
)
MATTER_BALANCES = Resource(
    name="matter_balances",
    path="/bankaccounts/{bankAccountId}/matter-balances",
    scope="bankaccounts/read",
    parent="bank_accounts",
    generate=balance_rows,
    create=create_balance,
    mark_updated=_mark_balance_updated,
    mark_deleted=None,
    id_parameter=None,
    date_filters=(DateFilter("LastUpdated", "iso"),),
    filters=(filter_by_matter,),
    should_keep_lists=True,
)
TRANSACTIONS = Resource(
    name="transactions",
    path="/bankaccounts/{bankAccountId}/transactions",
    scope="bankaccounts/read",
    parent="bank_accounts",
    generate=transaction_rows,
    create=create_transaction,
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("reversed"),
    date_filters=(DateFilter("LastUpdated", "iso"),),
    filters=(filter_by_matter,),
    should_keep_lists=True,
)
