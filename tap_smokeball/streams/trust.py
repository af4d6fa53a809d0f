"""Streams of bank accounts, their balances and their transactions."""

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
    decimal("protectedBalance", "Protected part of the balance"),
    decimal("availableBalance", "Balance minus the protected part"),
)
_CHEQUES = decimal("unpresentedChequesBalance", "Total of unreconciled cheques")
_CHANGED = updated_at_time("lastUpdated", "Date and time of the last update (UTC)")


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
        string("id", "ID of the bank account"),
        string("href", "URL of the bank account in the API"),
        string("type", "Account type: Operating, Trust, Credit or ControlledMoney"),
        *enumeration("status", "Account status", ACCOUNT_STATES),
        link("matter", "Matter of the account; ControlledMoney accounts only"),
        *enumeration("accountType", "Account type (deprecated: use `type`)", ACCOUNT_TYPES),
        string("accountName", "Account name"),
        string("accountNumber", "Account number"),
        string("bankName", "Bank name"),
        string("branchNumber", "Branch number (BSB, routing number or sort code)"),
        string("branchName", "Branch name"),
        decimal("balance", "Balance in the firm's currency"),
        object_list(
            "contactBalances",
            "Balances per contact and matter (US)",
            link("matter", "Matter"),
            link("contact", "Contact"),
            *_BALANCES,
            _CHANGED,
        ),
        opt_in(
            object_list(
                "matterBalances",
                "Balances per matter; duplicates the stream `matter_balances`",
                link("matter", "Matter"),
                *_BALANCES,
                _CHEQUES,
                _CHANGED,
            ),
        ),
    )


class MatterBalancesStream(ChildStream):
    """Balances of a bank account, one row per matter."""

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
        linked_id("matterId", "matter", "ID of the matter"),
        link("matter", "Matter for which the money is held"),
        *_BALANCES,
        _CHEQUES,
        _CHANGED,
    )


class TransactionsStream(ChildStream):
    """Transactions of a bank account, including reversed ones."""

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
        string("id", "ID of the transaction"),
        string("href", "URL of the transaction in the API"),
        string("payorName", "Name of the payor"),
        link("matter", "Matter of the transaction"),
        link("payor", "Contact who paid"),
        link("bankAccount", "Bank account of the transaction"),
        string(
            "type",
            "Type: Deposit, InvoicePayment, VendorPayment, BankFees, Interest "
            "(each also with suffix Reversal) or Transfer",
        ),
        decimal("amount", "Amount in the firm's currency"),
        date_time("enteredDate", "Entry date and time"),
        date_time("effectiveDate", "Effective date and time"),
        string("reference", "Reference"),
        string("reason", "Reason"),
        string("description", "Description"),
        string("note", "Internal note"),
        boolean("reversed", "Whether the transaction is reversed"),
        link("reversedToTransaction", "Transaction that reverses this one"),
        link("reversedFromTransaction", "Transaction that this one reverses"),
    )


STREAMS = (BankAccountsStream, MatterBalancesStream, TransactionsStream)
