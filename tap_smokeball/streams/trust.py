"""Trust: bank accounts, what they hold for whom, and what went in and out."""

from __future__ import annotations

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import PAGED_OR_OBJECT, VALUE
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    decimal,
    enumeration,
    link,
    linked_id,
    object_list,
    opt_in,
    string,
    updated_at_time,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.sync.base_stream import EXTRACTED_TICKS
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import UpdatedSinceFilter

ACCOUNT_TYPES = {0: "Operating", 1: "Trust", 2: "Credit", 3: "ControlledMoney"}
ACCOUNT_STATES = {0: "Open", 1: "Closed"}

_BALANCES = (
    decimal("balance", "Balance in the firm's currency"),
    decimal("protectedBalance", "Part of the balance that is protected"),
    decimal("availableBalance", "Balance less what is protected"),
)
_CHEQUES = decimal("unpresentedChequesBalance", "Cheques that are not reconciled yet")
_CHANGED = updated_at_time("lastUpdated", "When the balance last changed")


class BankAccountsStream(ParentStream):
    """Bank accounts: operating, trust, credit and controlled money."""

    name = "bank_accounts"
    plural_name = "bank accounts"
    path = "/bankaccounts"
    primary_keys = ("id",)
    scope = "bankaccounts/read"
    sensitivity = "trust"
    response_format = VALUE
    columns = Columns(
        string("id", "Id of the bank account"),
        string("href", "Address of the bank account in the API"),
        string("type", "Operating, Trust, Credit or ControlledMoney"),
        *enumeration("status", "Status of the account", ACCOUNT_STATES),
        link("matter", "Matter of the account, for controlled money"),
        *enumeration("accountType", "Kind of account; given up in favour of `type`", ACCOUNT_TYPES),
        string("accountName", "Name of the account"),
        string("accountNumber", "Number of the account"),
        string("bankName", "Name of the bank"),
        string("branchNumber", "Number of the branch: BSB, routing number or sort code"),
        string("branchName", "Name of the branch"),
        decimal("balance", "Balance in the firm's currency"),
        object_list(
            "contactBalances",
            "What the account holds for each contact in each matter (US)",
            link("matter", "Matter"),
            link("contact", "Contact"),
            *_BALANCES,
            _CHANGED,
        ),
        opt_in(
            object_list(
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
    sensitivity = "trust"
    updated_since_filter = UpdatedSinceFilter("LastUpdated", dotnet_ticks.to_iso_seconds)
    updated_at_field = "lastUpdated"
    columns = Columns(
        linked_id("matterId", "matter", "Id of the matter"),
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
    replication_key = EXTRACTED_TICKS
    scope = "bankaccounts/read"
    sensitivity = "trust"
    response_format = PAGED_OR_OBJECT
    updated_since_filter = UpdatedSinceFilter("LastUpdated", dotnet_ticks.to_iso_seconds)
    columns = Columns(
        string("id", "Id of the transaction"),
        string("href", "Address of the transaction in the API"),
        string("payorName", "Name of the one who paid"),
        link("matter", "Matter of the transaction"),
        link("payor", "Contact who paid"),
        link("bankAccount", "Bank account that the money moved in"),
        string(
            "type",
            "Deposit, InvoicePayment, VendorPayment, BankFees, Interest, any of these with "
            "Reversal behind it, or Transfer",
        ),
        decimal("amount", "Amount in the firm's currency"),
        date_time("enteredDate", "When the transaction was entered"),
        date_time("effectiveDate", "When the transaction took effect"),
        string("reference", "Reference"),
        string("reason", "Reason"),
        string("description", "Description"),
        string("note", "Note for the firm's own use"),
        boolean("reversed", "Whether the transaction is reversed"),
        link("reversedToTransaction", "Transaction that reverses this one"),
        link("reversedFromTransaction", "Transaction that this one reverses"),
    )


STREAMS = (BankAccountsStream, MatterBalancesStream, TransactionsStream)
