"""Deadlines and sizes: a server that hangs, drips or floods stops nothing but itself."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_smokeball.api.pages import Page
from tap_smokeball.api.pagination import OffsetPaginator
from tap_smokeball.errors import ResponseTooLargeError
from tests.harness import FEES, MATTERS, catalog, config, index_by_id, run, sandbox_rows
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output

pytestmark = pytest.mark.slow

LIMIT_MINUTES = 1 / 60


def has_all_fees(output: Output, firm: SandboxServer | MemoryFirm) -> bool:
    return output.ids("fees").keys() == {entry["row"]["id"] for entry in sandbox_rows(firm, "fees")}


class TestTimeLimit:
    def test_hanging_server_leaves_place_kept(self, caplog: pytest.LogCaptureFixture) -> None:
        """Each request hangs for longer than the run may take; the next run resumes."""
        firm = MemoryFirm(matters=12)
        firm.control.fail(count=10_000, how="hang", seconds=60, template=FEES, after=6)
        settings = config(firm, burst=1)
        output = run({**settings, "max_run_minutes": LIMIT_MINUTES})
        assert output.status == 0
        assert "resume" in output.bookmark("fees")
        assert "time limit reached before a retry: no response" in caplog.text
        firm.control.clear_faults()
        rest = run(settings, output.state)
        assert rest.status == 0
        assert "resume" not in rest.bookmark("fees")
        assert 0 < len(rest.records("fees")) < len(sandbox_rows(firm, "fees"))
        assert has_all_fees(type(output)(output.messages + rest.messages), firm)

    def test_unlisted_parents_have_no_children_read(self) -> None:
        """Child streams are not read if the time ends before their parents are listed."""
        firm = MemoryFirm(matters=3)
        rule = {"how": "status", "status": 429, "retry_after": 86_400}
        firm.control.fail(count=10_000, template=MATTERS, **rule)
        output = run(config(firm, max_run_minutes=1))
        assert output.status == 0
        assert output.records("matters") == []
        assert "replication_key_value" not in output.bookmark("matters")

    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_beyond_limit_ends_run(
        self, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nothing waits for a time that lies beyond the end of the run."""
        firm = MemoryFirm(matters=12)
        rule = {"how": "status", "status": status, "retry_after": 86_400}
        firm.control.fail(count=10_000, template=FEES, after=6, **rule)
        output = run(config(firm, burst=1, max_run_minutes=2 * LIMIT_MINUTES))
        assert output.status == 0
        assert "resume" in output.bookmark("fees")
        assert f"time limit reached before a retry: {status}" in caplog.text

    def test_hanging_parent_does_not_keep_place(self, caplog: pytest.LogCaptureFixture) -> None:
        """A parent that hangs while others succeed is remembered; the others are delivered."""
        firm = MemoryFirm(matters=12)
        matter = sorted(entry["row"]["id"] for entry in sandbox_rows(firm, "matters"))[2]
        firm.control.fail(count=10_000, how="hang", seconds=60, template=FEES, path_contains=matter)
        settings = config(firm, max_run_minutes=2 * LIMIT_MINUTES, request_timeout_seconds=1)
        output = run(settings)
        assert output.status == 0
        assert list(output.bookmark("fees")["unread_parents"]) == [matter]
        fees = sandbox_rows(firm, "fees")
        others = [entry for entry in fees if entry["parent"] != matter]
        assert output.ids("fees").keys() == {entry["row"]["id"] for entry in others}
        assert "fees: 1 matters skipped (time limit reached before a retry" in caplog.text
        changed = others[-1]
        firm.control.touch(
            "fees", changed["row"]["id"], parent=changed["parent"], set={"subject": "Changed"}
        )
        again = run(settings, output.state)
        assert changed["row"]["id"] in again.ids("fees")


def test_invalid_retry_after_is_ignored() -> None:
    """A wait that makes no sense is no wait."""
    firm = MemoryFirm(matters=12)
    matters = [entry["row"]["id"] for entry in sandbox_rows(firm, "matters")]
    texts = [-5, "NaN", "1e3", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, 10**15]
    for matter, text in zip(matters, texts, strict=False):
        status = 429 if text == texts[-1] else 503
        rule = {"how": "status", "status": status, "retry_after": text}
        firm.control.fail(count=1, template=FEES, path_contains=matter, **rule)
    output = run(config(firm))
    assert output.status == 0
    assert firm.control.requests()["by_status"] == {"200": 14, "429": 1, "503": 6}
    assert has_all_fees(output, firm)


@pytest.mark.parametrize("how", ["drip", "drip_headers"])
def test_dripping_response_is_cut_and_retried(firm: SandboxServer, how: str) -> None:
    """A response that takes too long is cut, although data keeps coming."""
    firm.control.fail(count=1, how=how, seconds=4, template=FEES)
    output = run(config(firm, request_timeout_seconds=0.5, max_request_seconds=1))
    assert output.status == 0
    assert has_all_fees(output, firm)


@pytest.mark.parametrize("how", ["gzip_bomb", "endless"])
def test_flooding_response_is_cut(
    start: StartFirm, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A body that unpacks to hundreds of megabytes takes a few, and fails its stream alone."""
    firm = start(matters=3, fees=1, exact_fees=True)
    firm.control.fail(count=10_000, how=how, template=FEES)
    tracemalloc.start()
    output = run(config(firm, max_response_mb=2, burst=1))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert output.status == 1
    assert output.stderr == "1 of 2 streams failed: fees"
    assert "the response is larger than 2 MB" in caplog.text
    assert peak_bytes < 20_000_000


@pytest.mark.parametrize("size", ["right", "missing"])
def test_large_page_is_read_in_smaller_pages(size: str) -> None:
    """No row is lost when pages have to be smaller than what was asked for."""
    firm = MemoryFirm(matters=80)
    firm.control.settings(size=size)
    output = run(config(firm, max_response_mb=0.02))
    assert output.status == 0
    assert output.ids("matters") == {e["row"]["id"]: 1 for e in sandbox_rows(firm, "matters")}
    assert has_all_fees(output, firm)


@given(
    weights=st.lists(st.integers(0, 4), max_size=60),
    page_size=st.integers(2, 30),
    has_size=st.booleans(),
)
@example(weights=[0] * 10 + [4] * 20, page_size=10, has_size=False)  # shrinks at the second page
def test_shrunk_pages_have_all_rows(weights: list[int], page_size: int, *, has_size: bool) -> None:
    """Pages that become smaller while a list is read leave no gap, with and without a size."""
    rows = [{"id": str(number)} for number in range(len(weights))]

    def fetch(params: Json) -> Page:
        start, end = params["Offset"], params["Offset"] + params["Limit"]
        if sum(weights[start:end]) > 8:  # two rows always fit
            raise ResponseTooLargeError("too large")
        return Page(rows[start:end], size=len(rows) if has_size else None)

    pages = OffsetPaginator(fetch, index_by_id, page_size)
    assert [row for page in pages for row in page] == rows


def test_large_row_fails_its_parent_alone(caplog: pytest.LogCaptureFixture) -> None:
    firm = MemoryFirm(matters=10)
    fee = sandbox_rows(firm, "fees")[0]
    text: Json = {"description": "x" * 100_000}
    firm.control.touch("fees", fee["row"]["id"], parent=fee["parent"], set=text)
    output = run(config(firm, max_response_mb=0.05))
    assert output.status == 1
    assert list(output.bookmark("fees")["unread_parents"]) == [fee["parent"]]
    others = [e["row"]["id"] for e in sandbox_rows(firm, "fees") if e["parent"] != fee["parent"]]
    assert output.ids("fees").keys() >= set(others)
    assert "the response is larger than 0.05 MB" in caplog.text


def test_large_row_fails_its_stream_alone(caplog: pytest.LogCaptureFixture) -> None:
    firm = MemoryFirm(matters=3)
    firm.control.touch("staff", nth=0, set={"formerNames": ["x" * 100_000]})
    output = run(
        config(firm, max_response_mb=0.05), catalog=catalog(select=[], wanted=("staff", "matters"))
    )
    assert output.stderr == "1 of 2 streams failed: staff"
    assert "staff (GET /staff" in caplog.text
