"""Questions about lists: size, limit, page length, end and order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tap_smokeball.errors import RequestRejectedError
from tap_smokeball.probe.question import NOT_KNOWN, Answer, Question, from_counts, not_known
from tap_smokeball.probe.samples import PAGE_ROWS, updated_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.reader import Body
    from tap_smokeball.probe.samples import Samples

_PAGED = ("matters", "contacts", "tasks", "events", "staff", "matter_stages")
_UNPAGED = ("bank_accounts", "groups", "referral_types")
_FEW_ROWS = 3
_UPDATED_AT = {"matters": "versionId", "contacts": "lastUpdated"}


def _lists(samples: Samples, names: tuple[str, ...] = _PAGED) -> Iterator[tuple[str, Body]]:
    for name in names:
        try:
            yield name, samples.page(name)
        except RequestRejectedError:
            continue


def _rows_from(samples: Samples, name: str, offset: int, limit: int = 1) -> int:
    return len(samples.fetch(name, Offset=offset, Limit=limit).rows)


def _is_size_right(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    evidence: Evidence = {}
    for name, body in _lists(samples):
        size, rows = body.number("size"), len(body.rows)
        if size is None:
            found = "missing"
        elif _rows_from(samples, name, max(size, rows)) or size < rows:
            found = "too low"
        elif size > rows and not _rows_from(samples, name, size - 1):
            found = "too high"
        else:
            found = "right"
        counts[found] += 1
        evidence[name] = found
    if not counts:
        return not_known()
    return Answer(next(iter(counts)) if len(counts) == 1 else "mixed", evidence)


def _limit_echo(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for _, body in _lists(samples):
        limit, rows = body.number("limit"), len(body.rows)
        if limit is None:
            counts["missing"] += 1
        elif limit != rows and limit == PAGE_ROWS:
            counts["the request's"] += 1
        elif limit == rows and limit != PAGE_ROWS:
            counts["the number of rows"] += 1
        elif limit != PAGE_ROWS:
            counts["another"] += 1
    return from_counts(counts)


def _page_cap(samples: Samples) -> Answer:
    lengths: list[int] = []
    whole = 0
    for name, body in _lists(samples):
        rows = len(body.rows)
        if rows >= PAGE_ROWS:
            return Answer("500 rows", {"rows of a page": rows})
        if rows and (body.has_next or _rows_from(samples, name, rows)):
            lengths.append(rows)
        else:
            whole += 1
    if lengths:
        return Answer("fewer rows", {"most rows of a page": max(lengths), "lists": len(lengths)})
    return not_known(**{"lists of fewer rows than a page": whole})


def _unpaged_limit(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for name, body in _lists(samples, _UNPAGED):
        if len(body.rows) > 1:
            rows = len(samples.fetch(name, Offset=0, Limit=1).rows)
            counts["paged if asked" if rows == 1 else "whole"] += 1
    return from_counts(counts)


def _is_order_stable(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for name in ("staff", "tasks", "contacts"):
        try:
            first, second = (
                [row.get("id") for row in samples.fetch(name, Sort=None, Limit=100).rows]
                for _ in range(2)
            )
        except RequestRejectedError:
            continue
        common = {*first} & {*second}
        if len(common) >= _FEW_ROWS:
            kept = [[each for each in ids if each in common] for ids in (first, second)]
            counts["the same" if kept[0] == kept[1] else "changing"] += 1
    return from_counts(counts, "changing")


def _is_sort_obeyed(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for name, field in _UPDATED_AT.items():
        try:
            bodies = [
                samples.fetch(name, Sort=f"{order}(lastUpdated)") for order in ("asc", "desc")
            ]
        except RequestRejectedError:
            continue
        first, second = (
            [at for row in body.rows if (at := updated_ticks(row, field))] for body in bodies
        )
        if len({*first}) >= _FEW_ROWS:
            is_obeyed = first == sorted(first) and second == sorted(second, reverse=True)
            counts["obeyed" if is_obeyed else "ignored"] += 1
    return from_counts(counts)


def _transactions_wrapper(samples: Samples) -> Answer:
    return from_counts(
        Counter(
            {"empty": NOT_KNOWN}.get(body.kind, body.kind)
            for _, body in samples.children("transactions")
        )
    )


QUESTIONS = (
    Question(
        "list_size",
        "Does the size of a list say how many rows it has?",
        (),
        18,
        {"right": "", "missing": "", "too low": "", "too high": "", "mixed": ""},
        "never ends a list because of its size alone",
        _is_size_right,
        is_repeated=True,
    ),
    Question(
        "list_limit",
        "What does the limit of a page say?",
        (),
        6,
        {"the request's": "", "the number of rows": "", "missing": "", "another": "", "mixed": ""},
        "takes a short page with a smaller limit for a full one",
        _limit_echo,
        is_repeated=True,
    ),
    Question(
        "page_length",
        "Can a page have 500 rows?",
        (),
        12,
        {"500 rows": "", "fewer rows": "set page_size to the rows of a page: it saves requests"},
        "asks for page_size rows, and for more after a short page that is not the end",
        _page_cap,
        is_repeated=True,
    ),
    Question(
        "unpaged_lists",
        "Do lists without declared paging obey Limit?",
        (),
        6,
        {"whole": "", "paged if asked": "", "mixed": ""},
        "asks for no page; continues with Offset if the answer says that it is not complete",
        _unpaged_limit,
        is_repeated=True,
    ),
    Question(
        "list_order",
        "Is the order of a list the same in two reads?",
        (),
        6,
        {"the same": "", "changing": "set page_size to 500; longer lists may end with an error"},
        "counts the rows of a list, and reads it again until it has seen each",
        _is_order_stable,
        is_repeated=True,
    ),
    Question(
        "list_sort",
        "Is Sort obeyed?",
        ("matters/read",),
        4,
        {"obeyed": "", "ignored": "", "mixed": ""},
        "asks for matters and contacts by their last change, and does not rely on it",
        _is_sort_obeyed,
        is_repeated=True,
    ),
    Question(
        "transactions",
        "How is the list of transactions wrapped?",
        ("bankaccounts/read",),
        5,
        {"page": "", "value": "", "object": "", "array": "", "mixed": ""},
        "reads a page or a single object",
        _transactions_wrapper,
        is_repeated=True,
    ),
)
