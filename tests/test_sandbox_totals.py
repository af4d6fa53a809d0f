"""Sums of invoices and balances in the sandbox, in every region."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate

import pytest

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas.ledger import SIGNS
from tests.sandbox_client import cents


@pytest.mark.parametrize("region", ["us", "au"])
def test_invoice_totals_equal_entry_sums(region: str) -> None:
    with SandboxServer(matters=60, region=region) as sandbox:
        stored = {name: sandbox.control.rows(name) for name in ("fees", "expenses", "invoices")}
    entries = {
        each["row"]["id"]: (each["parent"], name, each["row"])
        for name in ("fees", "expenses")
        for each in stored[name]
    }
    placed = {id_: row.get("invoiceId") for id_, (_, _, row) in entries.items()}
    seen: set[str] = set()
    taxes = 0
    for each in stored["invoices"]:
        invoice, totals = each["row"], each["row"]["invoiceTotals"]
        expected = dict.fromkeys(("fees", "expenses", "fees off", "expenses off", "tax"), 0)
        for entry in invoice.get("entries", ()):
            parent, name, row = entries[entry["id"]]
            assert (parent, row["invoiceId"]) == (each["parent"], invoice["id"])
            assert row["versionId"] == entry["versionId"]
            assert entry["type"] == (2 if name == "expenses" else row["feeType"])
            assert not row["isDeleted"]
            assert row["finalized"] == (invoice["status"] != 0)
            seen.add(entry["id"])
            fee = name == "fees"
            amount = cents(row["billableAmountExcTax" if fee else "amountExcTax"])
            expected[name] += amount
            if row["isWrittenOff"]:
                expected[f"{name} off"] += amount
            else:
                expected["tax"] += cents(row["billableTax" if fee else "tax"])
        sums = {name: cents(amount) for name, amount in totals.items()}
        assert sums["feeTotal"] == expected["fees"]
        assert sums["expenseTotal"] == expected["expenses"]
        assert sums["writtenOffFeeTotal"] == expected["fees off"]
        assert sums["writtenOffExpenseTotal"] == expected["expenses off"]
        assert sums["billed"] == expected["fees"] + expected["expenses"]
        assert sums["tax"] == expected["tax"]
        surcharge = sums["total"] - sums["billed"] - sums["tax"] - sums["interest"]
        assert (surcharge > 0) <= (invoice.get("surcharge", {}).get("type", 0) > 0)
        owed = sums["total"] - sums["discount"] - sums["writtenOff"] - sums["waived"]
        assert sums["unpaid"] == owed - sums["paid"] == sums["unpaidExcInterest"] + sums["interest"]
        assert (sums["discount"] > 0) <= ("discount" in invoice)
        if invoice["status"] == 2:
            assert sums["unpaid"] == 0 < sums["paid"]
            assert invoice["paidDate"] > "2000"
        taxes += sums["tax"]
    assert seen == {id_ for id_, invoice in placed.items() if invoice}
    assert (taxes > 0) == (region == "au")
    statuses = {each["row"]["status"] for each in stored["invoices"]}
    assert {0, 1, 2} <= statuses
    assert statuses & {3, 4}
    numbers = [
        row["row"]["invoiceNumber"] for row in stored["invoices"] if "invoiceNumber" in row["row"]
    ]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("region", ["us", "au"])
def test_balances_equal_transaction_sums(region: str) -> None:
    with SandboxServer(matters=60, region=region) as sandbox:
        stored = {
            name: sandbox.control.rows(name)
            for name in ("bank_accounts", "matter_balances", "transactions", "invoices")
        }
    held: Counter[tuple[str, str]] = Counter()
    paid: Counter[str] = Counter()
    accounts = {each["row"]["id"]: each["row"] for each in stored["bank_accounts"]}
    rows = {each["row"]["id"]: each["row"] for each in stored["transactions"]}
    for each in stored["transactions"]:
        row, matter = each["row"], each["row"]["matter"]["id"]
        assert row["bankAccount"]["id"] == each["parent"]
        amount = SIGNS[row["type"]] * cents(row["amount"])
        held[each["parent"], matter] += amount
        if row["type"].startswith("InvoicePayment"):
            paid[matter] -= amount
        if "reversedFromTransaction" in row:
            origin = rows[row["reversedFromTransaction"]["id"]]
            assert origin["reversed"]
            assert origin["reversedToTransaction"]["id"] == row["id"]
            assert row["type"] == f"{origin['type']}Reversal"
            assert row["amount"] == origin["amount"]
    changes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in stored["transactions"]:
        amount = SIGNS[each["row"]["type"]] * cents(each["row"]["amount"])
        entered = each["row"]["enteredDate"]
        changes[each["parent"], each["row"]["matter"]["id"]][entered] += amount
    for by_time in changes.values():
        assert min(accumulate(by_time[entered] for entered in sorted(by_time))) >= 0
    balances = {
        (each["parent"], each["row"]["matter"]["id"]): each["row"]
        for each in stored["matter_balances"]
    }
    assert {key: cents(row["balance"]) for key, row in balances.items()} == dict(held)
    for row in balances.values():
        assert 0 <= cents(row["protectedBalance"]) <= cents(row["balance"])
        rest = cents(row["balance"]) - cents(row["protectedBalance"])
        assert cents(row["availableBalance"]) == rest
    for id_, account in accounts.items():
        copies = [balances[id_, copy["matter"]["id"]] for copy in account["matterBalances"]]
        assert copies == account["matterBalances"]
        assert cents(account["balance"]) == sum(cents(copy["balance"]) for copy in copies)
        assert ("contactBalances" in account) == (region == "us")
        by_contact = sum(cents(each["balance"]) for each in account.get("contactBalances", ()))
        assert by_contact == (cents(account["balance"]) if region == "us" else 0)
    billed: Counter[str] = Counter()
    for each in stored["invoices"]:
        billed[each["parent"]] += cents(each["row"]["invoiceTotals"]["paid"])
    assert +paid == +billed
    assert any(row["type"] == "Trust" and row["balance"] > 0 for row in accounts.values())
    assert any(row.get("reversed") for row in rows.values())
    assert ("ControlledMoney" in {row["type"] for row in accounts.values()}) == (region == "au")
