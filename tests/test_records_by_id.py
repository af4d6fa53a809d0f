"""Streams of records that are found by way of others: one refusal, and what a plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import config, run, run_plan, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tests.harness import Output

HISTORY = "GET /matters/{matterId}/documents/files/{fileId}/history"
USER = "GET /users/{id}"


def file_ids(output: Output) -> set[str]:
    return {record["fileId"] for record in output.records("file_versions")}


def test_item_stream_skips_deleted_item() -> None:
    """The file was deleted after it was listed."""
    firm = MemoryFirm(matters=2)
    files = [each["row"]["id"] for each in sandbox_rows(firm, "files")]
    firm.control.fail(template=HISTORY, path_contains=files[0], status=404)
    output = run(config(firm), catalog=small_catalog("matters", "file_versions"))
    assert output.status == 0
    assert file_ids(output) == set(files[1:])


def test_item_stream_reads_others_if_one_fails() -> None:
    """The other items are read, and the next run retries the parent."""
    firm = MemoryFirm(matters=2)
    files = [each["row"]["id"] for each in sandbox_rows(firm, "files")]
    firm.control.fail(template=HISTORY, path_contains=files[0], status=400)
    selection = small_catalog("matters", "file_versions")
    output = run(config(firm), catalog=selection)
    assert output.status == 1
    assert file_ids(output) == set(files[1:])
    again = run(config(firm), output.state, selection)
    assert (again.status, file_ids(again)) == (0, set(files))


@pytest.mark.parametrize(("status", "exit_status"), [(404, 0), (403, 1)])
def test_lookup_stream_reads_others_if_one_fails(status: int, exit_status: int) -> None:
    """A user who was deleted is skipped, and any other error fails the stream at its end."""
    firm = MemoryFirm(matters=2)
    users = [each["row"]["id"] for each in sandbox_rows(firm, "users")]
    firm.control.fail(template=USER, path_contains=users[0], status=status)
    output = run(config(firm), catalog=small_catalog("users"))
    assert output.status == exit_status
    assert output.ids("users").keys() == set(users[1:])


def test_lookup_stream_requests_each_id_once() -> None:
    """Two lists name most users, and several matters have the same type."""
    firm = MemoryFirm(matters=30)
    output = run(config(firm), catalog=small_catalog("users", "matter_type_items"))
    assert output.status == 0
    counts = firm.control.requests()["by_template"]
    assert counts[USER] == len(sandbox_rows(firm, "users"))
    used = {each["row"]["matterType"]["id"] for each in sandbox_rows(firm, "matters")}
    assert counts["GET /mattertypes/{id}"] == len(used)
    assert "bypassMfa" not in output.records("users")[0]


def test_plan_counts_ids_of_lookup_stream() -> None:
    firm = MemoryFirm(matters=5)
    users = len(sandbox_rows(firm, "users"))
    output = run_plan(config(firm), catalog=small_catalog("users"))
    line = next(line for line in output.stdout.splitlines() if line.startswith("users"))
    assert line.split()[1] == str(users + 2)
    assert f"one for each of {users} IDs" in line


def test_layout_fields_name_values_of_layouts() -> None:
    firm = MemoryFirm(matters=5)
    selection = small_catalog("matters", "matter_layouts", "layout_designs", "layout_fields")
    output = run(config(firm), catalog=selection)
    names = {(r["layoutDesignId"], r["name"]) for r in output.records("layout_fields")}
    keys = {
        (layout["layoutDesign"]["id"], value["key"])
        for layout in output.records("matter_layouts")
        for value in layout["values"] or ()
        if "[" not in value["key"]
    }
    assert len(keys & names) > 5
