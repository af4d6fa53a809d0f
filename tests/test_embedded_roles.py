"""``roles_from_matters``: the roles come with the list of matters, or else by request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import config, decode, request_count, run, run_tap, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tests.harness import Json, Output

ROLES = "GET /matters/{matterId}/roles"
SELECTION = small_catalog("matters", "matter_roles")


@pytest.fixture(scope="module")
def firm() -> MemoryFirm:
    return MemoryFirm(matters=14)


def roles(output: Output) -> dict[str, Json]:
    """Return the roles that a run delivered, without what comes from a request alone."""
    dropped = {"versionId"}
    return {
        f"{row['matterId']} {row['id']}": {n: v for n, v in row.items() if n not in dropped}
        for row in output.records("matter_roles")
    }


def sync(firm: MemoryFirm, state: Json | None = None, **settings: Any) -> tuple[Output, int]:
    """Return a run's output, and how many requests for roles it took."""
    firm.control.reset_requests()
    settings = {"roles_from_matters": True, "lookback_seconds": 0, **settings}
    output = run(config(firm, **settings), state, SELECTION)
    assert output.status == 0, output.stderr
    return output, request_count(firm, ROLES)


def test_embedded_roles_equal_requested_ones(firm: MemoryFirm) -> None:
    """Each run delivers new, changed and removed roles, with requests for a check alone."""
    firm.control.reset()
    firm.control.settings(answers={"items": "roles"})
    state = None
    for number in range(3):
        embedded, requests = sync(firm, state)
        requested, all_requests = sync(firm, state, roles_from_matters=False)
        assert roles(embedded) == roles(requested) != {}
        assert (requests, all_requests) == (5, len(sandbox_rows(firm, "matters")))
        assert embedded.state["bookmarks"].keys() == requested.state["bookmarks"].keys()
        assert {row["items"] for row in embedded.records("matters") if "items" in row} == set()
        state = embedded.state
        first, second, third = sandbox_rows(firm, "matter_roles")[2 * number :][:3]
        firm.control.touch(
            "matter_roles",
            first["row"]["id"],
            parent=first["parent"],
            set={"description": f"changed {number}"},
        )
        firm.control.delete("matter_roles", second["row"]["id"], parent=second["parent"], hard=True)
        firm.control.add("matter_roles", parent=third["parent"])


def test_matter_with_empty_role_is_requested(firm: MemoryFirm) -> None:
    """Items with a role that has no id may lack a row: the matter takes a request."""
    firm.control.reset()
    embedded, requests = sync(firm)
    requested, all_requests = sync(firm, roles_from_matters=False)
    assert requests == all_requests == len(sandbox_rows(firm, "matters"))
    assert embedded.records("matter_roles") == requested.records("matter_roles") != []


def test_incomplete_items_lead_to_requests(
    firm: MemoryFirm, caplog: pytest.LogCaptureFixture
) -> None:
    """Items that look complete and are not cost no row: a check finds it in the same run."""
    firm.control.reset()
    matters = sandbox_rows(firm, "matters")
    for entry in matters:
        items = {
            name: [item for item in each if "id" in item]
            for name, each in json.loads(json.dumps(entry["row"]["items"])).items()
        }
        for item in items["Client"]:
            del item["subItems"]
        firm.control.touch("matters", entry["row"]["id"], set={"items": items})
    embedded, requests = sync(firm)
    requested, all_requests = sync(firm, roles_from_matters=False)
    assert embedded.records("matter_roles") == requested.records("matter_roles") != []
    assert requests == all_requests + 1
    assert "does not hold the same rows" in caplog.text


def test_plan_counts_embedded_roles_as_list(
    firm: MemoryFirm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.control.reset()
    planned = []
    for answer in ("roles", "parties"):
        firm.control.settings(answers={"items": answer})

        def plan(tap: Any) -> None:
            tap.has_json_reports = True
            tap.run_plan()

        run_tap(plan, config(firm, roles_from_matters=True), catalog=SELECTION)
        report = decode(capsys.readouterr().out)
        planned.append({each["stream"]: each["requests"] for each in report["streams"]})
    assert planned[0]["matter_roles"] == 5
    assert planned[1]["matter_roles"] == len(sandbox_rows(firm, "matters"))
