"""A value of another type than its column's is kept in extraFields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import catalog, config, run, sandbox_rows

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer


@pytest.mark.parametrize(
    ("stream", "column", "value"),
    [
        ("matters", "matterType", "a text"),
        ("tasks", "dueDateOnly", 20260101),
        ("events", "eventType", True),
    ],
    ids=["link", "date", "string"],
)
def test_column_keeps_value_of_other_type(
    firm: SandboxServer, stream: str, column: str, value: Any
) -> None:
    """The column is null, and the row of the firm loses nothing."""
    entry = sandbox_rows(firm, stream)[0]
    parent = {} if entry["parent"] is None else {"parent": entry["parent"]}
    firm.control.touch(stream, entry["row"]["id"], **parent, set={column: value})
    output = run(config(firm), catalog=catalog(wanted=["matters", stream]))
    [record] = [r for r in output.records(stream) if r["id"] == entry["row"]["id"]]
    assert record[column] is None
    assert record["extraFields"][column] == value


def test_enumeration_of_object_has_no_label(firm: SandboxServer) -> None:
    """A label that cannot be looked up does not end the run."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"feeType": {"code": 1}})
    output = run(config(firm))
    [record] = [r for r in output.records("fees") if r["id"] == fee]
    assert record["feeTypeName"] is None
    assert len(output.records("fees")) == 36
