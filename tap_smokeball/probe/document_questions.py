"""Questions about files and folders, and about child lists as such."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tap_smokeball.probe.question import Answer, Question, from_counts, not_known

if TYPE_CHECKING:
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.reader import Body
    from tap_smokeball.probe.samples import Samples

_CHILD_LISTS = ("fees", "expenses", "invoices", "memos", "files")
_MATTERS_ASKED = 3


def _entries(body: Body) -> int:
    """Return how many folders and files a listing holds."""
    return sum(
        len(entries)
        for listing in body.rows
        for name in ("folders", "files")
        if isinstance(entries := listing.get(name), list)
    )


def _folder_offsets(samples: Samples) -> Answer:
    asked = 0
    for matter, body in samples.children("folders", _MATTERS_ASKED):
        asked += 1
        entries = _entries(body)
        if entries > 1:
            second = _entries(samples.fetch_child("folders", matter, Offset=1, Limit=1))
            evidence: Evidence = {"entries": entries, "entries at the second offset": second}
            kinds = {0: "listings", 1: "entries", entries: "neither"}
            return Answer(kinds[second], evidence) if second in kinds else not_known(**evidence)
    return not_known(**{"matters asked": asked})


def _child_sizes(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    evidence: Evidence = {}
    for name in _CHILD_LISTS:
        found: Counter[str] = Counter()
        for _, body in samples.children(name, 1 if name == "files" else None):
            size, rows = body.number("size"), len(body.rows)
            if size is None:
                found["missing"] += 1
            elif size < rows:
                found["too low"] += 1
            elif size > rows and not body.has_next:
                found["too high"] += 1
            else:
                found["right"] += 1
        counts += found
        evidence |= {f"{name}: {kind}": number for kind, number in found.items()}
    return Answer(from_counts(counts).value, evidence)


QUESTIONS = (
    Question(
        "folder_offsets",
        "Does the offset of a folder's listing count its entries?",
        ("documents/read",),
        4,
        {"entries": "", "listings": "", "neither": ""},
        "asks for a second page if the first may not be the last",
        _folder_offsets,
    ),
    Question(
        "child_list_size",
        "Does the size of a list below a matter say how many rows it has?",
        ("documents/read",),
        1,
        {"right": "", "missing": "", "too low": "", "too high": "", "mixed": ""},
        "never ends a list because of its size alone",
        _child_sizes,
    ),
)
