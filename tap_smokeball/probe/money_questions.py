"""Questions about money: counts and signs, never amounts."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError
from tap_smokeball.probe.question import Answer, Question, from_counts, not_known
from tap_smokeball.probe.samples import amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tap_smokeball.api.pages import Row
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.samples import Samples

_DRAFT, _FINAL, _PAID = 0, 1, 2
_FEW = 3
_CENT = Decimal("0.01")
_DATE_ONLY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT(\d\d):(\d\d):\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_INVOICE_NUMBER = re.compile(r"\binvoice\b\W{0,5}(?:no|number|nr)?\W{0,3}\d", re.IGNORECASE)


def _totals(invoice: Row) -> dict[str, Decimal]:
    totals = invoice.get("invoiceTotals")
    found = totals.items() if isinstance(totals, dict) else ()
    return {name: number for name, each in found if (number := amount(each)) is not None}


def _entries(samples: Samples) -> dict[str, list[Row]]:
    """Return the fees and expenses of each sampled invoice, as far as they name it."""
    entries: dict[str, list[Row]] = {}
    for name in ("fees", "expenses"):
        for row in samples.rows(name):
            if row.get("invoiceId"):
                entries.setdefault(str(row["invoiceId"]), []).append(row)
    return entries


def _written_off(samples: Samples) -> Answer:
    entries = _entries(samples)
    counts: Counter[str] = Counter()
    for invoice in samples.rows("invoices"):
        written_off = _totals(invoice).get("writtenOff")
        ids = {e.get("id") for e in invoice.get("entries") or () if isinstance(e, dict)}
        rows = entries.get(str(invoice.get("id")), [])
        if not written_off or not ids or ids - {row.get("id") for row in rows}:
            continue
        most = Decimal(0)
        for row in rows:
            names = ("billableAmountExcTax", "amountExcTax", "amount")
            amounts = [number for n in names if (number := amount(row.get(n))) is not None]
            most += max(amounts, default=Decimal(0))
        counts["exceeds" if written_off > most + _CENT else "within"] += 1
    return from_counts(counts, "exceeds")


def _transactions(samples: Samples, kind: str) -> list[Row]:
    return [row for row in samples.rows("transactions") if row.get("type") == kind]


def _transfer_sign(samples: Samples) -> Answer:
    signs: Counter[str] = Counter()
    for row in _transactions(samples, "Transfer"):
        number = amount(row.get("amount"))
        if number:
            signs["negative" if number < 0 else "positive"] += 1
    if signs["negative"]:
        return Answer("signed", dict(signs))
    return Answer("unsigned", dict(signs)) if signs["positive"] >= _FEW else not_known(**signs)


def _date_form(value: Any) -> str | None:
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    if _DATE_ONLY.fullmatch(value):
        return "date only"
    if match := _TIME.fullmatch(value):
        zone = match[3] or ""
        kind = "UTC" if zone in {"Z", "+00:00"} else "an offset" if zone else "no zone"
        is_midnight = match[1] == match[2] == "00"
        return f"midnight, {kind}" if is_midnight else f"another time, {kind}"
    return "another form"


def _date_zones(samples: Samples) -> Answer:
    forms: Counter[str] = Counter()
    fields = {"fees": "feeDate", "invoices": "issuedDate", "transactions": "effectiveDate"}
    for name, field in fields.items():
        try:
            for row in samples.rows(name):
                if form := _date_form(row.get(field)):
                    forms[f"{field}: {form}"] += 1
        except SmokeballError:
            continue
    if not forms:
        return not_known()
    has_times = any("another" in form for form in forms)
    has_offset = any("an offset" in form for form in forms)
    value = "with a time of day" if has_times else "with an offset" if has_offset else "plain dates"
    return Answer(value, dict(forms))


def _non_billable(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for name in ("fees", "expenses"):
        for row in samples.rows(name):
            if row.get("isBillable") is False and row.get("isDeleted") is not True:
                counts["on an invoice" if row.get("invoiceId") else "on none"] += 1
    if counts["on an invoice"]:
        return Answer("some", dict(counts))
    return Answer("none", dict(counts)) if counts["on none"] >= _FEW else not_known(**counts)


def _payments_name_invoices(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for row in _transactions(samples, "InvoicePayment"):
        link = any("invoice" in str(name).lower() and value for name, value in row.items())
        texts = [str(row.get(n) or "") for n in ("reason", "reference", "description", "note")]
        if link:
            counts["by a field"] += 1
        elif any(_INVOICE_NUMBER.search(text) for text in texts):
            counts["by a number in a text"] += 1
        else:
            counts["no"] += 1
    return from_counts(counts)


def _lead_fields(samples: Samples) -> Answer:
    rows = [row for row in samples.rows("matters") if row.get("isLead") is False]
    kept = sum(bool(row.get("leadOpenedDate")) for row in rows)
    evidence: Evidence = {"matters": len(rows), "with lead fields": kept}
    return Answer("kept", evidence) if kept else not_known(**evidence)


def _paid_date(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for invoice in samples.rows("invoices"):
        unpaid = _totals(invoice).get("unpaid", Decimal(0))
        if invoice.get("status") == _FINAL and unpaid > 0:
            paid_at = dotnet_ticks.from_timestamp(invoice.get("paidDate"))
            counts["paidDate" if paid_at else "no paidDate"] += 1
    if counts["paidDate"]:
        return Answer("kept", dict(counts))
    reversals = len(_transactions(samples, "InvoicePaymentReversal"))
    evidence: Evidence = {**counts, "reversed payments": reversals}
    has_both = counts["no paidDate"] and reversals
    return Answer("cleared", evidence) if has_both else not_known(**evidence)


def _draft_totals(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for invoice in samples.rows("invoices"):
        totals = _totals(invoice)
        if invoice.get("status") != _DRAFT or not totals.get("discount"):
            continue
        try:
            gross = totals["total"] - totals["writtenOff"] - totals["paid"] - totals["waived"]
            net, unpaid = gross - totals["discount"], totals["unpaid"]
        except KeyError:
            continue
        counts["net" if abs(unpaid - net) <= _CENT else "gross"
               if abs(unpaid - gross) <= _CENT else "neither"] += 1  # fmt: skip
    return from_counts(counts)


def _credit_accounts(samples: Samples) -> Iterator[tuple[Row, Counter[str]]]:
    for account, body in samples.children("transactions"):
        if account.get("type") == "Credit":
            yield account, Counter(str(row.get("type")) for row in body.rows)


def _credit(samples: Samples) -> Answer:
    evidence: Counter[str] = Counter()
    for account, types in _credit_accounts(samples):
        balance = amount(account.get("balance")) or Decimal(0)
        evidence["negative balances"] += balance < 0
        evidence["deposits"] += types["Deposit"]
        evidence["invoice payments"] += types["InvoicePayment"]
        evidence["vendor payments"] += types["VendorPayment"]
    kept: Evidence = {name: n for name, n in evidence.items() if n}
    if evidence["deposits"] and evidence["invoice payments"] and not evidence["negative balances"]:
        return Answer("the client's credit", kept)
    if evidence["vendor payments"] and not evidence["invoice payments"]:
        return Answer("the firm's debt", kept)
    return not_known(**kept)


_BILLING = ("matters/read", "fees/read", "expenses/read", "invoices/read")
_BANK = ("bankaccounts/read",)

QUESTIONS = (
    Question(
        "written_off",
        "Does writtenOff of an invoice ever exceed its entries?",
        _BILLING,
        25,
        {"within": "", "exceeds": "take write-offs from the entries in queries"},
        "emits the totals as they come",
        _written_off,
    ),
    Question(
        "transfer_sign",
        "Is the amount of a transfer signed?",
        _BANK,
        5,
        {"signed": "", "unsigned": "transfers cannot be summed: leave them out of balances"},
        "emits amounts as they come; the example queries take the sign of a transfer",
        _transfer_sign,
    ),
    Question(
        "money_dates",
        "In which zone are issued, effective and fee dates?",
        _BILLING + _BANK,
        29,
        {
            "plain dates": "",
            "with an offset": "cast the text to a date before a conversion to UTC",
            "with a time of day": "convert the dates to the firm's zone in queries",
        },
        "emits date-times in UTC",
        _date_zones,
    ),
    Question(
        "non_billable",
        "Have non-billable entries an invoice?",
        _BILLING,
        16,
        {"some": "", "none": ""},
        "emits invoiceId as it comes",
        _non_billable,
    ),
    Question(
        "payments",
        "Do payments name their invoice?",
        _BANK,
        5,
        {
            "by a field": "attach the report to an issue: the field gets a column",
            "by a number in a text": "",
            "no": "payments cannot be joined with invoices",
            "mixed": "",
        },
        "emits reason, reference and description",
        _payments_name_invoices,
    ),
    Question(
        "lead_fields",
        "Do lead fields survive conversion?",
        ("matters/read",),
        1,
        {"kept": "conversions can be counted from the matters alone"},
        "emits lead fields as they come; an example keeps leads in a table of its own",
        _lead_fields,
    ),
    Question(
        "paid_date",
        "Is paidDate kept after a payment is reversed?",
        _BILLING + _BANK,
        13,
        {"kept": "take status, not paidDate, in queries", "cleared": ""},
        "emits paidDate as it comes",
        _paid_date,
    ),
    Question(
        "draft_totals",
        "Are the totals of a draft net of its discount?",
        _BILLING,
        8,
        {"net": "", "gross": "subtract the discount in queries", "neither": "", "mixed": ""},
        "emits the totals as they come",
        _draft_totals,
    ),
    Question(
        "credit_accounts",
        "Is an account of the type Credit the client's credit?",
        _BANK,
        5,
        {"the client's credit": "", "the firm's debt": "leave such accounts out of trust money"},
        "emits the account's type",
        _credit,
    ),
)
