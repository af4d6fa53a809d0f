"""The page for operators, held against what the tap says."""

from __future__ import annotations

import re

from scripts import operations
from scripts.generate_docs import read
from tap_smokeball.run.status import StreamStatus
from tests.test_summary import OF_A_RUN, OF_A_STREAM


def masked(lines: list[str]) -> str:
    """Return lines without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "…", " ".join(" ".join(lines).split()))
    text = re.sub(r'"(version|pid|duration_seconds)": [^,}]+', r'"\1": …', text)
    return re.sub(r"\b\d+\.\d\b", "…", text)


def test_it_shows_what_is_said() -> None:
    page = read(operations.PAGE)
    for name, lines in operations.blocks().items():
        _, _, rest = page.partition(f"<!-- {name}: begin -->\n")
        shown, end, _ = rest.partition(f"\n<!-- {name}: end -->")
        assert end
        assert masked(shown.splitlines()) == masked(lines), "run python -m scripts.operations"


def test_it_describes_every_field_and_every_end() -> None:
    cells = re.findall(r"^\| (.*?) \|", read(operations.PAGE), re.MULTILINE)
    described = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert described == OF_A_RUN | OF_A_STREAM
    ends = re.findall(r"^\| [^`|]* \| `(\w+)` \|", read(operations.PAGE), re.MULTILINE)
    assert sorted(ends) == sorted(outcome.name.lower() for outcome in StreamStatus)
