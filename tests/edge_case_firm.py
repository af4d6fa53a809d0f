"""A firm with rows for each case of the definitions of the dbt package."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.expected_figures import add_months
from tests.expected_rows import DRAFT, FINAL, PAID, VOID
from tests.harness import sandbox_rows

if TYPE_CHECKING:
    from datetime import date

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json

AGE_LIMITS_DAYS = (0, 1, 30, 31, 60, 61, 90, 91)
"""Days overdue at which an age range starts or ends."""
OVERDRAWN = Decimal("-412.35")
CENT, CREDIT = Decimal("0.01"), Decimal("-25.50")
ORPHANED = "an invoice that was never loaded"
HOSTILE_TITLE = (
    "</script><script>document.title = 'run'</script><img src=x onerror=alert(1)> [[SCRIPT]]"
)
HOSTILE_CLIENT = '=HYPERLINK("https://example.com","Open")'


class EdgeCaseFirm:
    """Changes a sandbox, and remembers its leads."""

    def __init__(self, sandbox: SandboxServer, today: date) -> None:
        self.sandbox = sandbox
        self._control = sandbox.control
        self._today = today
        self.overdrawn_matter = ""

    def rows(self, resource: str) -> list[Json]:
        return sandbox_rows(self.sandbox, resource)

    def add_edge_cases(self) -> None:
        """Add cases that the generator does not make."""
        self._change_fees()
        self._change_invoices()
        self._change_accounts()
        for _ in range(3):
            self._control.add("matters", set={"isLead": True})
        opened = f"{self._today - timedelta(days=100)}T00:00:00+00:00"
        self._control.add("matters", set={"isLead": False, "status": "Open", "openedDate": opened})
        pending = next(e["row"] for e in self.rows("matters") if e["row"]["status"] == "Pending")
        self._touch("matters", {"row": pending, "parent": None}, {"openedDate": None})
        self._touch("matter_stages", self.rows("matter_stages")[0], {"stageSet": {"id": "gone"}})

    def convert_lead(self) -> str:
        """Convert an open lead, and return its id."""
        lead: str = next(
            entry["row"]["id"]
            for entry in self.rows("matters")
            if entry["row"]["status"] == "Open" and entry["row"]["isLead"]
        )
        self._control.convert(lead)
        return lead

    def change_late(self) -> dict[str, str]:
        """Change old rows after a load, and return an entry of each case."""
        alive = {
            entry["row"]["id"]
            for entry in self.rows("matters")
            if entry["row"]["status"] == "Open" and not entry["row"].get("isMatterTemplate")
        }
        fees = [
            entry
            for entry in self.rows("fees")
            if entry["parent"] in alive
            and entry["row"].get("isBillable")
            and not (entry["row"]["isWrittenOff"] or entry["row"].get("isDeleted"))
            and not entry["row"].get("isInvoicedExternally")
            and entry["row"]["feeDate"] <= f"{self._today}"
        ]
        sent = {e["row"]["id"]: e for e in self.rows("invoices") if e["row"]["status"] == FINAL}
        billed = [entry for entry in fees if entry["row"].get("invoiceId") in sent]
        of_void, *_, of_lost_invoice = billed
        unbilled = [entry for entry in fees if "invoiceId" not in entry["row"]]
        deleted, gone, *_, of_template = (
            entry
            for entry in unbilled
            if entry["parent"] not in {of_void["parent"], of_lost_invoice["parent"]}
        )
        self._touch("fees", deleted, {"isDeleted": True})
        self._touch("invoices", sent[of_void["row"]["invoiceId"]], {"status": VOID})
        matter = next(e for e in self.rows("matters") if e["row"]["id"] == of_template["parent"])
        self._touch("matters", matter, {"isMatterTemplate": True})
        cases = {"deleted": deleted, "gone": gone, "of_template": of_template}
        cases |= {"of_void": of_void, "of_lost_invoice": of_lost_invoice}
        lost = {"lost_invoice": of_lost_invoice["row"]["invoiceId"]}
        return {case: entry["row"]["id"] for case, entry in cases.items()} | lost

    def _touch(self, resource: str, entry: Json, change: Json) -> None:
        parent = {"parent": entry["parent"]} if entry["parent"] else {}
        self._control.touch(resource, entry["row"]["id"], set=change, **parent)

    def _give_hostile_names(self, matter: Json) -> None:
        """Give a matter a title, and its client a name, that a program could run."""
        self._touch("matters", {"row": matter, "parent": None}, {"title": HOSTILE_TITLE})
        client = matter["clients"][0]["id"]
        contact = next(each for each in self.rows("contacts") if each["row"]["id"] == client)
        others = dict.fromkeys(("company", "trust", "groupOfPeople"))
        person = {"firstName": HOSTILE_CLIENT, "lastName": None}
        self._touch("contacts", contact, {**others, "person": person})

    def _change_fees(self) -> None:
        billable = [
            entry
            for entry in self.rows("fees")
            if entry["row"]["isBillable"]
            and not (entry["row"]["isWrittenOff"] or entry["row"]["isDeleted"])
            and "invoiceId" not in entry["row"]
        ]
        ids = {e["row"]["status"]: e["row"]["id"] for e in self.rows("invoices")}
        changes: list[Json] = [
            {"invoiceId": ids[VOID]} if VOID in ids else {},
            {"invoiceId": ORPHANED},
            {"isInvoicedExternally": True},
            {"isBillable": None, "isDeleted": None},
            {"isBillable": False, "billableAmountExcTax": 0, "invoiceId": ids[FINAL]},
            {"amount": 0.1, "amountExcTax": 0.1, "billableAmountExcTax": 0.1},
            {"isWrittenOff": True},
            {"feeDate": f"{self._today + timedelta(days=40)}", "feeType": 1},
        ]
        for change, entry in zip(changes, billable, strict=False):
            self._touch("fees", entry, change)
        template = next(e for e in self.rows("matters") if e["row"]["id"] == billable[-1]["parent"])
        self._touch("matters", template, {"isMatterTemplate": True})

    def _change_invoices(self) -> None:
        alive = {e["row"]["id"] for e in self.rows("matters") if e["row"]["status"] != "Deleted"}
        all_rows = [e for e in self.rows("invoices") if e["parent"] in alive]
        drafts = [
            entry
            for entry in all_rows
            if entry["row"]["status"] == DRAFT and entry["row"]["invoiceTotals"]["feeTotal"]
        ]
        for entry in drafts[:1]:
            self._touch("invoices", entry, {"discount": {"type": 1, "percentage": 20}})
        sent = [e for e in all_rows if e["row"]["status"] == FINAL]
        unpaid = [e for e in sent if e["row"]["invoiceTotals"]["unpaid"] > 0]
        changes: list[Json] = [{"dueDate": None}, {"dueDate": None, "issuedDate": None}]
        changes += [
            {"dueDate": f"{self._today - timedelta(days=days)}T00:00:00+00:00"}
            for days in AGE_LIMITS_DAYS
        ]
        for change, entry in zip(changes, unpaid, strict=False):
            self._touch("invoices", entry, change)
        month_end, written_off, *paid = [e for e in all_rows if e["row"]["status"] == PAID]
        self._change_totals(unpaid, paid)
        # Midnight of October 1 in Sydney is September 30 in UTC.
        local = {"issuedDate": "2026-10-01T00:00:00+10:00", "dueDate": "2026-10-15T00:00:00+11:00"}
        self._touch("invoices", month_end, local)
        totals = written_off["row"]["invoiceTotals"]
        half = Decimal(round(totals["paid"] / 2))
        rest = totals["writtenOff"] + totals["paid"] - half
        self._set_totals(written_off, paid=half, writtenOff=rest)

    def _change_totals(self, unpaid: list[Json], paid: list[Json]) -> None:
        """Set totals that are rare: a cent, a credit, nothing, interest that was paid."""
        *_, cent, credit = (e for e in unpaid if not e["row"]["invoiceTotals"]["interest"])
        nothing, without_totals, with_interest = [
            e for e in paid if e["row"]["invoiceTotals"]["paid"] > 0
        ][:3]
        contacts = [{"contact": {"id": e["row"]["id"]}} for e in self.rows("contacts")[:3]]
        self._touch("invoices", cent, {"debtors": contacts})
        self._set_totals(cent, unpaid=CENT, unpaidExcInterest=CENT)
        self._touch(
            "invoices", credit, {"dueDate": f"{self._today - timedelta(days=100)}T00:00:00+00:00"}
        )
        self._set_totals(credit, unpaid=CREDIT, unpaidExcInterest=CREDIT)
        self._set_totals(nothing, **dict.fromkeys(nothing["row"]["invoiceTotals"], Decimal()))
        self._touch("invoices", without_totals, {"invoiceTotals": None})
        totals = with_interest["row"]["invoiceTotals"]
        more = {name: totals[name] + 10 for name in ("interest", "total", "paid")}
        self._set_totals(with_interest, **more)

    def _set_totals(self, entry: Json, **amounts: Decimal) -> None:
        totals = entry["row"]["invoiceTotals"] | amounts
        totals = {name: float(amount) for name, amount in totals.items()}
        self._touch("invoices", entry, {"invoiceTotals": totals})

    def _change_accounts(self) -> None:
        open_accounts = [e["row"] for e in self.rows("bank_accounts") if e["row"]["status"] == 0]
        accounts = {row["type"]: row["id"] for row in open_accounts}
        former = next(e for e in self.rows("bank_accounts") if e["row"]["status"] == 1)
        self._touch("bank_accounts", former, {"accountName": "Trust account"})
        forgotten = {"matter": {"id": self.rows("matters")[0]["row"]["id"]}, "balance": 75}
        add = self._control.add
        add("matter_balances", parent=former["row"]["id"], set=forgotten)
        trust = accounts["Trust"]
        balances = [e for e in self.rows("matter_balances") if e["parent"] == trust]
        matters = {e["row"]["id"]: e["row"] for e in self.rows("matters")}
        overdrawn = next(
            e["row"]
            for e in balances
            if matters[e["row"]["matter"]["id"]]["status"] in {"Open", "Pending"}
        )
        self.overdrawn_matter = overdrawn["matter"]["id"]
        self._give_hostile_names(matters[self.overdrawn_matter])
        # Booked so that the transactions agree with the ledger.
        paid = float(Decimal(overdrawn["balance"]) - OVERDRAWN)
        link = {"id": self.overdrawn_matter}
        add(
            "transactions",
            parent=trust,
            set={"type": "VendorPayment", "amount": paid, "matter": link},
        )
        changed = {"balance": float(OVERDRAWN), "availableBalance": float(OVERDRAWN)}
        self._control.touch("matter_balances", self.overdrawn_matter, parent=trust, set=changed)
        other = next(e["row"]["matter"] for e in balances if e["row"] is not overdrawn)
        month_before = f"{add_months(self._today, -1)}T00:00:00Z"
        for change in (
            {"type": "Mystery", "amount": 1, "matter": other},
            {"type": "BankFees", "amount": 2, "matter": None},
            {"type": "DepositReversal", "amount": 3, "matter": other, "reversed": False}
            | {"effectiveDate": month_before},
        ):
            add("transactions", parent=trust, set=change)
        credit = {"type": "InvoicePayment", "amount": 50, "matter": other}
        add("transactions", parent=accounts["Credit"], set=credit)
