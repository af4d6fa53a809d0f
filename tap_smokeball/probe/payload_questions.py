"""Questions about the form of records: links, nulls, unknown fields and types of values."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import UnexpectedResponseError
from tap_smokeball.probe.question import Answer, Question, from_counts, not_known
from tap_smokeball.probe.samples import linked
from tap_smokeball.records.converters import HYPERMEDIA_KEYS, ValueCounts
from tap_smokeball.records.record_builder import RecordBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pages import Row
    from tap_smokeball.probe.question import Evidence
    from tap_smokeball.probe.samples import Samples

_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,39}")
"""What a property of the API looks like: other keys may be data."""

_CONTENTS = {"folders", "files"}  # what a folder holds: streams of their own
_MANY_ROWS = 20
_FEW_ROLES = 6
_MAX_NAMES = 20
_MY_FIRM = "MyFirm"


class _AllColumns(dict[Any, bool]):
    """The selection of all columns."""

    def __missing__(self, _: object) -> bool:
        return True


def _objects(value: Any) -> Iterator[Row]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _all_objects(samples: Samples) -> Iterator[Row]:
    for _, rows in samples.read():
        yield from _objects(rows)


def _link_name(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for each in _all_objects(samples):
        if "id" in each and "href" in each:
            counts["rel"] += "rel" in each
            counts["relation"] += "relation" in each and "rel" not in each
            counts["neither"] += not {"rel", "relation"} & each.keys()
    named = {name: counts[name] for name in ("rel", "relation")}
    answer = from_counts(named)
    return Answer(answer.value, {**answer.evidence, "neither": counts["neither"]})


def _nulls(samples: Samples) -> Answer:
    nulls: Counter[str] = Counter()
    rows = 0
    for name, found in samples.read():
        rows += len(found)
        nulls[name] += sum(value is None for row in found for value in row.values())
    evidence: Evidence = {"rows": rows, **{name: n for name, n in nulls.items() if n}}
    if any(nulls.values()):
        return Answer("sent", evidence)
    return Answer("left out", evidence) if rows >= _MANY_ROWS else not_known(**evidence)


def _built(samples: Samples) -> Iterator[tuple[str, ValueCounts, Counter[str]]]:
    """Yield, for each stream that was read, the values that its columns do not take."""
    for name, body in samples.bodies():
        stream = samples.streams[name]
        try:
            rows = stream.response_format.parse(body.content).rows
        except UnexpectedResponseError:
            continue
        if name == "folders":
            rows = [entry["folder"] for entry in rows if entry["folder"]]
        counts = ValueCounts(Counter(), Counter())
        unknown: Counter[str] = Counter()
        mask: Any = _AllColumns()
        builder = RecordBuilder(stream.all_columns, mask, "keep", counts)
        declared = {column.source or column.name for column in stream.all_columns}
        for row in rows:
            unknown.update(row.keys() - declared - HYPERMEDIA_KEYS - _CONTENTS)
        for _ in builder.records(rows, {}):
            pass
        yield name, counts, unknown


def _unknown_fields(samples: Samples) -> Answer:
    found: Counter[str] = Counter()
    unnamed = 0
    for name, _, unknown in _built(samples):
        for field, rows in unknown.items():
            if _FIELD_NAME.fullmatch(field):
                found[f"{name}.{field}"] += rows
            else:
                unnamed += rows
    evidence: Evidence = dict(found.most_common(_MAX_NAMES))
    if unnamed:
        evidence["keys that are no field names"] = unnamed
    return Answer("some" if evidence else "none", evidence)


def _value_types(samples: Samples) -> Answer:
    converted: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for name, counts, _ in _built(samples):
        for total, each in ((converted, counts.converted), (rejected, counts.rejected)):
            for path, number in each.items():
                field = path.split(".", 1)[0]  # a deeper part of the path may be a key of data
                if _FIELD_NAME.fullmatch(field):
                    total[f"{name}.{field}"] += number
    evidence: Evidence = dict(converted.most_common(_MAX_NAMES))
    evidence |= {f"{name} (not taken)": n for name, n in rejected.most_common(_MAX_NAMES)}
    if rejected:
        return Answer("some not taken", evidence)
    return Answer("some converted" if converted else "as declared", evidence)


def _roles_of_items(items: Any) -> dict[str, str]:
    """Return the contact of each role in the items of a matter, by the role's id."""
    return {
        str(each["id"]): linked(each, "contact")
        for each in _objects(items)
        if each.get("type") == "role" and each.get("id")
    }


def _items_hold_roles(samples: Samples) -> Answer:
    roles = {
        parent["id"]: {
            str(row["id"]): linked(row, "contact")
            for row in body.rows
            if row.get("id") and linked(row, "contact")
        }
        for parent, body in samples.children("matter_roles")
    }
    if not any(roles.values()):
        return not_known(roles=0)
    complete = missing = other = 0
    rows = samples.fetch("matters", Fields="items").rows
    for row in rows:
        items = _roles_of_items(row.get("items"))
        for role, contact in roles.get(row.get("id"), {}).items():
            if role not in items:
                missing += 1
            elif items[role] != contact:
                other += 1
            else:
                complete += 1
    evidence: Evidence = {"roles found": complete, "missing": missing, "other contact": other}
    if missing or other:
        return Answer("no", evidence)
    return Answer("yes", evidence) if complete >= _FEW_ROLES else not_known(**evidence)


def _my_firm(samples: Samples) -> Answer:
    links = sum(
        linked(each, "contact") == _MY_FIRM or each.get("id") == _MY_FIRM
        for each in _all_objects(samples)
    )
    return Answer("seen", {"links": links}) if links else not_known(links=0)


def _templates(samples: Samples) -> Answer:
    rows = samples.rows("matters")
    marked = [row for row in rows if "isMatterTemplate" in row]
    if not marked:
        return not_known(rows=len(rows))
    templates = sum(row["isMatterTemplate"] is True for row in marked)
    return Answer("marked", {"rows": len(rows), "marked": len(marked), "templates": templates})


def _null_representatives(samples: Samples) -> Answer:
    counts: Counter[str] = Counter()
    for each in _objects(samples.rows("matter_roles")):
        for one in each.get("representatives") or ():
            counts["null" if one is None else "link"] += 1
    if not counts:
        return not_known(representatives=0)
    return Answer("seen" if counts["null"] else "not seen", dict(counts))


QUESTIONS = (
    Question(
        "link_name",
        "Is the relation of a link named rel or relation?",
        (),
        0,
        {"rel": "", "relation": "", "mixed": ""},
        "keeps id and href of a link, whatever else it holds",
        _link_name,
        is_repeated=True,
    ),
    Question(
        "nulls",
        "Are properties without a value left out?",
        (),
        0,
        {"left out": "", "sent": ""},
        "emits null in both cases",
        _nulls,
        is_repeated=True,
    ),
    Question(
        "matter_items",
        "Are the items of a matter as complete as its roles?",
        ("matters/read", "roles/read"),
        10,
        {"no": "", "yes": "set roles_from_matters: a request per matter less"},
        "reads the roles of each matter, unless roles_from_matters is true",
        _items_hold_roles,
    ),
    Question(
        "my_firm",
        "Is MyFirm the id of a contact?",
        ("roles/read",),
        7,
        {"seen": "it joins with no contact: see the page on joins"},
        "emits it as it comes",
        _my_firm,
    ),
    Question(
        "templates",
        "Are templates among the matters?",
        ("matters/read",),
        1,
        {"marked": "leave out matters with isMatterTemplate in queries"},
        "emits isMatterTemplate",
        _templates,
    ),
    Question(
        "null_representatives",
        "Are there null representatives of roles?",
        ("roles/read",),
        7,
        {"seen": "", "not seen": ""},
        "emits them as they come",
        _null_representatives,
    ),
)

LAST_QUESTIONS = (
    Question(
        "unknown_fields",
        "Which fields does the API send that the catalog does not know?",
        (),
        0,
        {"none": "", "some": "attach the report to an issue: they get columns"},
        "emits them in extraFields, unless unknown_fields is drop",
        _unknown_fields,
    ),
    Question(
        "value_types",
        "Are values of another type than their column?",
        (),
        0,
        {
            "as declared": "",
            "some converted": "attach the report to an issue",
            "some not taken": "attach the report to an issue: they are in extraFields alone",
        },
        "converts what it can without loss, and keeps the rest in extraFields",
        _value_types,
    ),
)
"""Questions that follow from the rows of all others."""
