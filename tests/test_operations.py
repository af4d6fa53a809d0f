"""docs/operations.md matches the output of the tap."""

from __future__ import annotations

import re

import msgspec

from scripts import operations
from scripts.generate_docs import read
from tap_smokeball.reporting.report_types import REPORTS
from tap_smokeball.run.status import StreamStatus


def mask_variable_parts(lines: list[str]) -> str:
    """Return the lines as one text, with the parts masked that differ between runs."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "…", " ".join(" ".join(lines).split()))
    measured = "version|run_id|pid|duration_seconds|requests_per_second|latency_seconds"
    text = re.sub(rf'"({measured})": [^,}}]+', r'"\1": …', text)
    text = re.sub(r'"[0-9a-f]{12}"', '"…"', text)  # hashes of values in the state
    text = re.sub(r"requests in [\w ]+:", "requests in …:", text)
    text = re.sub(r"latency [\d.]+ m?s", "latency …", text)
    return re.sub(r"\b\d+\.\d\b", "…", text)


def test_operations_page_shows_current_output() -> None:
    """The blocks of the page equal the output of the tap."""
    page = read(operations.PAGE)
    for name, lines in operations.blocks().items():
        _, _, rest = page.partition(f"<!-- {name}: begin -->\n")
        shown, end, _ = rest.partition(f"\n<!-- {name}: end -->")
        assert end
        assert mask_variable_parts(shown.splitlines()) == mask_variable_parts(lines), (
            "run python -m scripts.operations"
        )


def test_operations_page_describes_summary_fields() -> None:
    """The page describes each field and each status of the summary."""
    cells = re.findall(r"^\| (.*?) \|", read(operations.PAGE), re.MULTILINE)
    described = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    reports = [msgspec.json.schema(report)["$defs"].values() for report in REPORTS.values()]
    fields = {name for kinds in reports for kind in kinds for name in kind["properties"]}
    assert described == fields
    statuses = re.findall(r"^\| [^`|]* \| `(\w+)` \|", read(operations.PAGE), re.MULTILINE)
    assert sorted(statuses) == sorted(status.name.lower() for status in StreamStatus)
