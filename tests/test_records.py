"""Values of records are exact, null where the API sends none, and never lost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tap_smokeball import dotnet_ticks
from tests.harness import config, run, sandbox_rows

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm


def test_record_keeps_all_digits_of_amounts(firm: SandboxServer) -> None:
    amount = 123456789012.345678901234567890
    exact = "123456789012.345678901234567890"
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"amount": amount, "rate": 0.1, "tax": 1e-7})
    record = next(r for r in run(config(firm)).records("fees") if r["id"] == fee)
    sent = next(e["row"] for e in sandbox_rows(firm, "fees") if e["row"]["id"] == fee)
    assert (record["amount"], record["rate"], record["tax"]) == (
        sent["amount"],
        Decimal("0.1"),
        Decimal("1E-7"),
    )
    assert str(record["amount"]) == str(sent["amount"])
    assert exact.startswith(str(sent["amount"])[:15])


def test_record_amounts_sum_to_source_totals(start: StartFirm) -> None:
    firm = start(matters=200, region="au")
    records = run(config(firm)).records("fees")
    for column in ("amount", "tax", "amountExcTax", "amountIncTax", "billableAmountExcTax"):
        expected = sum(
            (Decimal(e["row"].get(column, 0)) for e in sandbox_rows(firm, "fees")), Decimal(0)
        )
        assert sum((Decimal(record[column] or 0) for record in records), Decimal(0)) == expected


def test_record_adds_timestamp_column_to_ticks(firm: SandboxServer) -> None:
    for record in run(config(firm)).records("matters"):
        assert record["lastUpdatedAt"] == dotnet_ticks.to_column(int(record["versionId"]))


def test_record_adds_enum_name_if_known(firm: SandboxServer) -> None:
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"feeType": 7})
    names = {r["feeType"]: r["feeTypeName"] for r in run(config(firm)).records("fees")}
    assert names.pop(7) is None
    assert names.items() <= {(0, "Fixed"), (1, "Time")}


def test_record_keeps_and_logs_unknown_fields(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Unknown fields arrive in extraFields, and one log line names them."""
    caplog.set_level("INFO")
    rows = sandbox_rows(firm, "fees")[:2]
    for entry in rows:
        change = {"carbon": {"kg": 1.5}, "sourceItems": [{"id": "x", "mood": "new"}]}
        firm.control.touch("fees", entry["row"]["id"], set=change)
    records = {record["id"]: record for record in run(config(firm)).records("fees")}
    for entry in rows:
        record = records[entry["row"]["id"]]
        assert record["extraFields"] == {
            "carbon": {"kg": Decimal("1.5")},
            "sourceItems.0.mood": "new",
        }
        assert record["sourceItems"][0]["id"] == "x"
        assert "mood" not in record["sourceItems"][0]
    lines = [record.getMessage() for record in caplog.records]
    messages = [line for line in lines if line.startswith("fees: ") and "carbon" in line]
    assert len(messages) == 1
    assert "sourceItems[].mood" in messages[0]


def test_record_keeps_field_named_like_tap_column(firm: SandboxServer) -> None:
    """A field named like a column of the tap arrives in extraFields."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"feeType": None, "feeTypeName": "Theirs"})
    record = next(r for r in run(config(firm)).records("fees") if r["id"] == fee)
    assert (record["feeType"], record["feeTypeName"]) == (None, None)
    assert record["extraFields"]["feeTypeName"] == "Theirs"


def test_record_keeps_values_of_unexpected_type(firm: SandboxServer) -> None:
    """The column is null, and extraFields keeps the value."""
    matter = sandbox_rows(firm, "matters")[0]["row"]["id"]
    change = {"branch": "HQ", "clients": {"id": "c"}, "openedDate": 5, "tags": ["a"]}
    firm.control.touch("matters", matter, set=change)
    record = next(r for r in run(config(firm)).records("matters") if r["id"] == matter)
    assert (record["branch"], record["clients"], record["openedDate"]) == (None, None, None)
    assert record["tags"] == [None]
    kept = record["extraFields"]
    assert {name: kept[name] for name in ("branch", "clients", "openedDate", "tags.0")} == {
        "branch": "HQ",
        "clients": {"id": "c"},
        "openedDate": 5,
        "tags.0": "a",
    }


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2022-07-01", "2022-07-01"),
        ("2022-07-01T00:00:00", "2022-07-01"),
        ("2022-07-01T00:00:00.0000000+10:00", "2022-07-01"),
        ("2022-06-30T14:00:00Z", None),
        ("2022-02-30", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_record_date_ignores_midnight_and_offset(
    firm: SandboxServer, sent: str, expected: str | None
) -> None:
    """A date has no time; a value with another time is none."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"feeDate": sent})
    assert (
        next(r for r in run(config(firm)).records("fees") if r["id"] == fee)["feeDate"] == expected
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2023-03-08T04:18:22.3044791Z", "2023-03-08T04:18:22.304479Z"),
        ("2023-03-08T04:18:22Z", "2023-03-08T04:18:22Z"),
        ("2023-03-08T14:18:22+10:00", "2023-03-08T04:18:22.000000Z"),
        ("2023-03-08T04:18:22", None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_record_timestamp_is_converted_to_utc(
    firm: SandboxServer, sent: str, expected: str | None
) -> None:
    """A timestamp with an offset becomes UTC; one without is none."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"createdDate": sent})
    record = next(r for r in run(config(firm)).records("fees") if r["id"] == fee)
    assert record["createdDate"] == expected


def test_record_of_cleared_value_has_null(firm: SandboxServer) -> None:
    first = run(config(firm))
    fee = next(r["id"] for r in first.records("fees") if r["subject"])
    firm.control.touch("fees", fee, set={"subject": None})
    record = next(r for r in run(config(firm), first.state).records("fees") if r["id"] == fee)
    assert record["subject"] is None
