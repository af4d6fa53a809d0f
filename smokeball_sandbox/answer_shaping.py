"""Shapes records and envelopes as the tenant answers the open questions about the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from smokeball_sandbox.clock import UNSET_DATE
from smokeball_sandbox.tenant_answers import DEFAULT_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from smokeball_sandbox.resources import Data, Row, RowReader
    from smokeball_sandbox.tenant_answers import TenantAnswers

_UTC_OFFSET = timedelta(hours=5)
_LOCAL_MIDNIGHT = "T05:00:00"
_DRAFT, _FINAL = 0, 1
_DROPPED = ("Deleted", "Cancelled")
_AMOUNTS = frozenset(
    {"amount", "amountExcTax", "amountIncTax", "balance", "price", "rate", "tax", "unitPrice"}
)
_CREDIT_TYPES = {"Deposit": "Interest", "InvoicePayment": "VendorPayment"}
_MY_FIRM = "MyFirm"


class AnswerShaper:
    """Shapes the records of one resource.

    Args:
        answers: How the tenant behaves.
        reader: Reads rows of other resources.
        name: Name of the resource.
    """

    def __init__(self, answers: TenantAnswers, reader: RowReader, name: str) -> None:
        self._answers = answers
        self._reader = reader
        self._name = name
        self.is_active = answers != DEFAULT_ANSWERS
        self.is_unwrapped = name == "transactions" and answers.transactions == "value"
        self._shape_resource = _SHAPERS.get(name)

    def should_list(self, row: Row, *, is_filtered: bool, names_status: bool) -> bool:
        """Return whether a list holds a row."""
        answers, data = self._answers, row.data
        if self._name == "matters" and answers.dropped_matters == "gone" and not names_status:
            return data["status"] not in _DROPPED
        if not data.get("isDeleted") or answers.deleted_rows == "listed":
            return True
        return answers.deleted_rows == "unfiltered" and not is_filtered

    def record(self, data: Data, *, names_matter: bool = False) -> Data:
        """Return a record as the tenant sends it.

        Args:
            data: The record; it stays as it is.
            names_matter: Whether the request has a ``MatterId``.
        """
        answers = self._answers
        shaped: Data = _copy(data)
        if self._shape_resource is not None:
            self._shape_resource(shaped, answers, self._reader)
        if self._name == "events" and answers.event_matters == "absent" and not names_matter:
            shaped.pop("matter", None)
        _shape_any(shaped, answers)
        return shaped

    def records(self, records: list[Data]) -> list[Data]:
        """Return the records of a page, with nulls for what others of them have."""
        if self._answers.nulls == "omitted":
            return records
        nulls = {name: None for record in records for name in record}
        return [{**nulls, **record} for record in records]

    def envelope(self, envelope: Data) -> Data:
        """Return an envelope as the tenant sends it."""
        rows = envelope["value"]
        if self._answers.limit == "rows":
            envelope["limit"] = len(rows)
        elif self._answers.limit == "absent":
            envelope.pop("limit", None)
        return envelope


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _objects(value: Any) -> Iterable[Data]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _shape_any(data: Data, answers: TenantAnswers) -> None:
    for each in _objects(data):
        if answers.links != "mixed":
            relation = each.pop("rel", None) or each.pop("relation", None)
            if relation:
                each[answers.links] = relation
        if answers.amounts == "text":
            for name in _AMOUNTS & each.keys():
                if isinstance(each[name], (int, float)):
                    each[name] = str(each[name])


def _shape_matter(data: Data, answers: TenantAnswers, reader: RowReader) -> None:
    if answers.lead_dates == "kept" and not data["isLead"] and "openedDate" in data:
        data["leadOpenedDate"] = data["openedDate"]
    if answers.live_payloads == "absent":
        data.pop("isMatterTemplate", None)
    if answers.items == "roles" and "items" in data:
        roles = reader.rows(reader.resources["matter_roles"], data["id"])
        others = {
            name: each
            for name, each in data["items"].items()
            if not any(item.get("type") == "role" for item in each)
        }
        data["items"] = others
        for role in roles:
            kept = {name: _copy(each) for name, each in role.data.items() if name != "self"}
            data["items"].setdefault(role.data["name"], []).append({"type": "role", **kept})


def _shape_role(data: Data, answers: TenantAnswers, _: RowReader) -> None:
    if answers.live_payloads == "absent":
        if (data.get("contact") or {}).get("id") == _MY_FIRM:
            del data["contact"]
        if None in data.get("representatives", ()):
            del data["representatives"]


def _shape_event(data: Data, answers: TenantAnswers, _: RowReader) -> None:
    if answers.event_times == "utc":
        for name in ("startTime", "endTime"):
            data[name] = (datetime.fromisoformat(data[name]) + _UTC_OFFSET).isoformat()
    if answers.occurrences == "shared" and data["type"] == "Occurrence":
        data["id"] = "series"


def _shape_fee(data: Data, answers: TenantAnswers, _: RowReader) -> None:
    if answers.non_billable == "never" and not data["isBillable"]:
        data.pop("invoiceId", None)


def _shape_invoice(data: Data, answers: TenantAnswers, _: RowReader) -> None:
    totals = data["invoiceTotals"]
    if answers.written_off == "exceeding" and totals["writtenOff"]:
        totals["writtenOff"] = totals["writtenOff"] * 2 + 1
    if answers.draft_totals == "gross" and data["status"] == _DRAFT:
        for name in ("unpaid", "unpaidExcInterest"):
            totals[name] = round(totals[name] + totals["discount"], 2)
    is_unpaid = data["status"] == _FINAL and data.get("paidDate", UNSET_DATE) == UNSET_DATE
    if answers.paid_dates == "kept" and is_unpaid:
        data["paidDate"] = data["issuedDate"]
    if answers.dates == "local":
        data["issuedDate"] = data["issuedDate"].replace("T00:00:00", _LOCAL_MIDNIGHT)


def _shape_transaction(data: Data, answers: TenantAnswers, reader: RowReader) -> None:
    is_payment = data["type"] == "InvoicePayment"
    if answers.transfers == "unsigned" and data["type"] == "Transfer":
        data["amount"] = abs(data["amount"])
    if answers.dates == "local":
        data["effectiveDate"] = data["effectiveDate"].replace("T00:00:00", _LOCAL_MIDNIGHT)
    if answers.payments != "text" and is_payment:
        data.pop("reason", None)
    if answers.payments == "link" and is_payment:
        data["invoice"] = {"id": data["id"][::-1]}
    account_id = data["bankAccount"]["id"]
    accounts = reader.rows(reader.resources["bank_accounts"])
    account = next((each for each in accounts if each.id == account_id), None)
    if answers.credit == "firm" and account is not None and account.data["type"] == "Credit":
        data["type"] = _CREDIT_TYPES.get(data["type"], data["type"])


def _shape_account(data: Data, answers: TenantAnswers, _: RowReader) -> None:
    if answers.credit == "firm" and data["type"] == "Credit":
        data["balance"] = -data["balance"]


_SHAPERS: Mapping[str, Callable[[Data, TenantAnswers, RowReader], None]] = {
    "matters": _shape_matter,
    "matter_roles": _shape_role,
    "events": _shape_event,
    "fees": _shape_fee,
    "expenses": _shape_fee,
    "invoices": _shape_invoice,
    "transactions": _shape_transaction,
    "bank_accounts": _shape_account,
}
