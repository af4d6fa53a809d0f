"""Trust: bank accounts, what they hold for whom, and what went in and out."""

from __future__ import annotations

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import PAGED_OR_OBJECT, VALUE
from tap_smokeball.records.columns import (
    changed_at,
    code,
    flag,
    id_in,
    link,
    many,
    moment,
    number,
    opt_in,
    text,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.sync.base_stream import EXTRACTED
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import Since

ACCOUNT_TYPES = {0: "Operating", 1: "Trust", 2: "Credit", 3: "ControlledMoney"}
ACCOUNT_STATES = {0: "Open", 1: "Closed"}

_BALANCES = (
    number("balance", "Balance in the firm's currency"),
    number("protectedBalance", "Part of the balance that is protected"),
    number("availableBalance", "Balance less what is protected"),
)
_CHEQUES = number("unpresentedChequesBalance", "Cheques that are not reconciled yet")
_CHANGED = changed_at("lastUpdated", "When the balance last changed")


class BankAccountsStream(ParentStream):
    """Bank accounts: operating, trust, credit and controlled money."""

    name = "bank_accounts"
    noun = "bank accounts"
    path = "/bankaccounts"
    primary_keys = ("id",)
    scope = "bankaccounts/read"
    sensitive = "trust"
    shape = VALUE
    columns = Columns(
        text("id", "Id of the bank account"),
        text("href", "Address of the bank account in the API"),
        text("type", "Operating, Trust, Credit or ControlledMoney"),
        *code("status", "Status of the account", ACCOUNT_STATES),
        link("matter", "Matter of the account, for controlled money"),
        *code("accountType", "Kind of account; given up in favour of `type`", ACCOUNT_TYPES),
        text("accountName", "Name of the account"),
        text("accountNumber", "Number of the account"),
        text("bankName", "Name of the bank"),
        text("branchNumber", "Number of the branch: BSB, routing number or sort code"),
        text("branchName", "Name of the branch"),
        number("balance", "Balance in the firm's currency"),
        many(
            "contactBalances",
            "What the account holds for each contact in each matter (US)",
            link("matter", "Matter"),
            link("contact", "Contact"),
            *_BALANCES,
            _CHANGED,
        ),
        opt_in(
            many(
                "matterBalances",
                "What the account holds for each matter; the stream `matter_balances` has the same",
                link("matter", "Matter"),
                *_BALANCES,
                _CHEQUES,
                _CHANGED,
            ),
        ),
    )


class MatterBalancesStream(ChildStream):
    """What a bank account holds for each matter."""

    name = "matter_balances"
    parent_stream_type = BankAccountsStream
    parent_key = "bankAccountId"
    path = "/bankaccounts/{bankAccountId}/matter-balances"
    primary_keys = ("bankAccountId", "matterId")
    replication_key = "lastUpdated"
    scope = "bankaccounts/read"
    sensitive = "trust"
    since = Since("LastUpdated", dotnet_ticks.to_iso_seconds)
    stamp = "lastUpdated"
    columns = Columns(
        id_in("matterId", "matter", "Id of the matter"),
        link("matter", "Matter that the money is held for"),
        *_BALANCES,
        _CHEQUES,
        _CHANGED,
    )


class TransactionsStream(ChildStream):
    """Transactions of a bank account, reversed ones included."""

    name = "transactions"
    parent_stream_type = BankAccountsStream
    parent_key = "bankAccountId"
    path = "/bankaccounts/{bankAccountId}/transactions"
    primary_keys = ("id",)
    replication_key = EXTRACTED
    scope = "bankaccounts/read"
    sensitive = "trust"
    shape = PAGED_OR_OBJECT
    since = Since("LastUpdated", dotnet_ticks.to_iso_seconds)
    columns = Columns(
        text("id", "Id of the transaction"),
        text("href", "Address of the transaction in the API"),
        text("payorName", "Name of the one who paid"),
        link("matter", "Matter of the transaction"),
        link("payor", "Contact who paid"),
        link("bankAccount", "Bank account that the money moved in"),
        text(
            "type",
            "Deposit, InvoicePayment, VendorPayment, BankFees, Interest, any of these with "
            "Reversal behind it, or Transfer",
        ),
        number("amount", "Amount in the firm's currency"),
        moment("enteredDate", "When the transaction was entered"),
        moment("effectiveDate", "When the transaction took effect"),
        text("reference", "Reference"),
        text("reason", "Reason"),
        text("description", "Description"),
        text("note", "Note for the firm's own use"),
        flag("reversed", "Whether the transaction is reversed"),
        link("reversedToTransaction", "Transaction that reverses this one"),
        link("reversedFromTransaction", "Transaction that this one reverses"),
    )


STREAMS = (BankAccountsStream, MatterBalancesStream, TransactionsStream)
