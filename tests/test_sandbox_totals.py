"""Sums of invoices and balances in the sandbox, in every region."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas.ledger import SIGNS
from tests.sandbox_client import cents

if TYPE_CHECKING:
    from tests.harness import Json


NAMES = ("fees", "expenses", "invoices", "bank_accounts", "matter_balances", "transactions")


@cache
def rows_of(region: str) -> dict[str, list[Json]]:
    """Return the rows of a firm as ``{"parent", "row", "updated"}``, by resource."""
    with SandboxServer(matters=60, region=region) as sandbox:
        return {name: sandbox.control.rows(name) for name in NAMES}


@pytest.mark.parametrize("region", ["us", "au"])
def test_invoice_totals_equal_entry_sums(region: str) -> None:
    stored = rows_of(region)
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
            if not row["isBillable"]:
                continue
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
            assert sums["unpaid"] == 0 < sums["paid"] + sums["waived"]
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
    stored = rows_of(region)
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


@pytest.mark.parametrize("region", ["us", "au", "uk"])
class TestVendorRules:
    """What the help pages of Smokeball say of bills; each rule also has its counterexample."""

    def test_entry_is_written_off_on_invoice_alone(self, region: str) -> None:
        """Unbilled work is written off by a final invoice over nothing."""
        stored = rows_of(region)
        for name in ("fees", "expenses"):
            rows = [each["row"] for each in stored[name]]
            assert all("invoiceId" in row for row in rows if row["isWrittenOff"])
            placed = [row for row in rows if "invoiceId" in row]
            kinds = {(row["isBillable"], row["isWrittenOff"]) for row in placed}
            assert kinds == {(True, False), (True, True), (False, False)}, name
        invoices = [each["row"] for each in stored["invoices"]]
        found = [row for row in invoices if row.get("invoiceTitle", "").startswith("Write-off")]
        assert {row["status"] for row in found} == {1}
        for totals in (row["invoiceTotals"] for row in found):
            assert totals["billed"] == totals["writtenOff"] > 0 == totals["unpaid"]
            assert totals["total"] - totals["writtenOff"] == totals["tax"] == 0

    def test_waived_invoice_is_paid(self, region: str) -> None:
        invoices = [each["row"] for each in rows_of(region)["invoices"]]
        waived = [row for row in invoices if row["waived"]]
        assert {row["status"] for row in waived} == {2}
        for row in invoices:
            totals = row["invoiceTotals"]
            assert (totals["waived"] > 0) == row["waived"]
            assert not row["waived"] or totals["paid"] == 0

    def test_discount_is_on_fees_alone(self, region: str) -> None:
        invoices = [each["row"] for each in rows_of(region)["invoices"]]
        discounted = [row for row in invoices if row["invoiceTotals"]["discount"]]
        assert {row["status"] for row in discounted} >= {1, 2}
        for row in discounted:
            totals = row["invoiceTotals"]
            fees = cents(totals["feeTotal"]) - cents(totals["writtenOffFeeTotal"])
            fixed = cents(row["discount"]["fixedDiscount"])
            tenth = (fees + 5) // 10 if row["discount"]["percentage"] else 0
            assert cents(totals["discount"]) == (tenth or fixed) <= fees

    def test_credit_account_pays_for_clients(self, region: str) -> None:
        """A credit memo is the client's, pays an invoice, and can leave a rest."""
        stored = rows_of(region)
        [credit] = [e["row"] for e in stored["bank_accounts"] if e["row"]["type"] == "Credit"]
        moves = [e["row"] for e in stored["transactions"] if e["parent"] == credit["id"]]
        assert {row["type"] for row in moves} == {"Deposit", "InvoicePayment"}
        assert credit["balance"] > 0

    def test_trust_balances_differ(self, region: str) -> None:
        """So a report that shows one balance for another is seen to be wrong."""
        stored = rows_of(region)
        trust = {e["row"]["id"] for e in stored["bank_accounts"] if e["row"]["type"] == "Trust"}
        amounts = [e["row"]["balance"] for e in stored["matter_balances"] if e["parent"] in trust]
        held = [amount for amount in amounts if amount]
        assert len(held) > 5
        assert len(set(held)) > 0.9 * len(held)


def test_draft_can_have_discount() -> None:
    drafts = [each["row"] for each in rows_of("us")["invoices"] if each["row"]["status"] == 0]
    assert {"discount" in row for row in drafts} == {True, False}
