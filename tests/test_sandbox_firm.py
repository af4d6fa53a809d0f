"""The sandbox's firm, and its dependence on the seed."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Decimal

from smokeball_sandbox import SandboxServer
from tests.sandbox_client import NAMES


def test_firm_data_depends_on_seed() -> None:
    def dump(seed: int) -> str:
        with SandboxServer(matters=15, seed=seed) as sandbox:
            rows = [sandbox.control.rows(name) for name in ("matters", "fees")]
            return json.dumps(rows).replace(sandbox.url, "")

    first = dump(3)
    assert first == dump(3)
    assert first != dump(4)


def test_matters_have_realistic_properties(sandbox: SandboxServer) -> None:
    matters = [each["row"] for each in sandbox.control.rows("matters")]
    assert len({row["id"] for row in matters}) == 120
    leads = [row for row in matters if row["isLead"]]
    assert 2 < len(leads) < 30
    assert all("leadOpenedDate" in row for row in leads)
    assert {"number" in row for row in leads} == {True, False}
    assert all("number" in row and "openedDate" in row for row in matters if not row["isLead"])
    assert {"Open", "Closed", "Pending"} <= {row["status"] for row in matters}
    assert any("clientIds" in row for row in matters)
    assert any("clientIds" not in row for row in matters)
    fractions = [row for row in matters if "." in row.get("openedDate", "")]
    found = [re.fullmatch(r"[-\dT:]{19}\.(\d+)Z", row["openedDate"]) for row in fractions]
    assert {len(each[1]) for each in found if each} == {3, 6, 7}
    assert all(found)
    assert {row["isMatterTemplate"] for row in matters} == {True, False}
    forms = {tuple(row["personResponsible"]) for row in matters}
    assert forms == {("id", "href", "rel"), ("id", "href", "relation", "method"), ("id", "href")}
    types = [row["matterType"] for row in matters]
    assert all(link["id"].rpartition("_")[2].isupper() for link in types)
    assert all(link["href"].rpartition("_")[2].islower() for link in types)


def test_fee_amounts_match_rate_and_duration(sandbox: SandboxServer) -> None:
    entries = sandbox.control.rows("fees")
    fees = [each["row"] for each in entries]
    matters = {each["row"]["id"] for each in sandbox.control.rows("matters")}
    assert {each["parent"] for each in entries} < matters
    for fee in fees:
        rate, amount = Decimal(str(fee["rate"])), Decimal(str(fee["amount"]))
        hours = Decimal(fee["duration"]) / 60
        expected = (rate * hours).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert amount == (expected if fee["feeType"] == 1 else rate)
        assert fee["amountExcTax"] == fee["amountIncTax"] == fee["amount"]
        assert fee["isBillable"] or not fee["isWrittenOff"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", fee["feeDate"])
    for name in ("isWrittenOff", "isDeleted", "finalized"):
        assert {fee[name] for fee in fees} == {True, False}
    assert any(fee["amount"] != int(fee["amount"]) for fee in fees)
    assert any("sourceItems" in fee for fee in fees)
    assert any("invoiceId" in fee for fee in fees)
    created = {fee["createdDate"] == "0001-01-01T00:00:00" for fee in fees}
    assert created == {True, False}


def test_matters_and_fees_contain_no_null(sandbox: SandboxServer) -> None:
    for name in ("matters", "fees"):
        assert "null" not in json.dumps([each["row"] for each in sandbox.control.rows(name)])


def test_exact_fees_and_tax_follow_options() -> None:
    with SandboxServer(matters=10, fees=3, exact_fees=True, region="au") as sandbox:
        fees = [each["row"] for each in sandbox.control.rows("fees")]
    assert len(fees) == 30
    assert any(fee["tax"] for fee in fees)
    for fee in fees:
        parts = Decimal(str(fee["amountExcTax"])) + Decimal(str(fee["tax"]))
        assert parts == Decimal(str(fee["amountIncTax"]))
        assert fee["amount"] == fee["amountIncTax" if fee["taxInclusive"] else "amountExcTax"]


def test_firm_data_ignores_request_order() -> None:
    def dump(names: list[str], seed: int) -> dict[str, str]:
        with SandboxServer(matters=12, seed=seed) as sandbox:
            return {
                name: str(sandbox.control.rows(name)).replace(sandbox.url, "") for name in names
            }

    first = dump(NAMES, 3)
    assert dump(NAMES[::-1], 3) == first
    other = dump(NAMES, 4)
    assert [name for name in NAMES if other[name] == first[name]] == []
