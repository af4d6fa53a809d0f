"""Folders with more files and folders than a page has rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import config, run, small_catalog
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from tests.harness import Json

FOLDERS = "GET /matters/{matterId}/documents/folders"


@pytest.mark.parametrize("offsets", ["listings", "entries"])
@pytest.mark.parametrize("size", ["right", "missing"])
@pytest.mark.parametrize("files", [0, 5, 13])
def test_large_folder_is_read_to_its_end(offsets: str, size: str, files: int) -> None:
    """Whatever the offset counts, all folders arrive, and a small one takes one request."""
    firm = MemoryFirm(matters=2)
    matter = firm.control.rows("matters")[0]["row"]["id"]
    for _ in range(files):
        firm.control.add("files", parent=matter)
        firm.control.add("folders", parent=matter)
    firm.control.settings(folder_offsets=offsets, size=size)
    selection: Json = small_catalog("matters", "folders")
    output = run(config(firm, page_size=5 if files else 500), catalog=selection)
    assert output.status == 0
    expected = {each["row"]["id"] for each in firm.control.rows("folders")}
    assert output.ids("folders").keys() == expected
    assert set(output.ids("folders").values()) <= {1}
    if not files:
        counts = firm.control.requests()["by_template"]
        assert counts[FOLDERS] == 2
