"""The columns of the dbt package's staging models: their names, kinds and sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.sync.declared_stream import DeclaredStream

NUMBERS = {"quantity", "percentage", "inputTaxRate", "outputTaxRate", "ratio"}
"""Properties with numbers that are not amounts of money."""
TRUE_BY_DEFAULT = {"isBillable", "enabled", "active"}
MAX_FLAT_PROPERTIES = 14
"""An object with more properties, or with nested ones, stays JSON."""

SINGULAR = {
    "activity_codes": "activity_code",
    "bank_accounts": "bank_account",
    "contacts": "contact",
    "events": "event",
    "expenses": "expense",
    "fees": "fee",
    "files": "file",
    "folders": "folder",
    "groups": "group",
    "intake_forms": "form",
    "intake_submissions": "submission",
    "invoices": "invoice",
    "layout_designs": "layout_design",
    "matter_roles": "matter_role",
    "matter_types": "matter_type",
    "matters": "matter",
    "memos": "memo",
    "referral_types": "referral_type",
    "stage_sets": "stage_set",
    "subtasks": "subtask",
    "task_documents": "task_document",
    "tasks": "task",
    "transactions": "transaction",
}
"""The name of the id in the streams that others join by ``id``; elsewhere it is ``record_id``."""

RENAMED = {
    ("contact_relations", "id"): "related_contact_id",
    ("firm", "id"): "firm_id",
    ("staff", "id"): "staff_id",
    ("staff", "former"): "is_former",
    ("firm_users", "isFormerUser"): "is_former",
    ("files", "dateCreated"): "created_date",
    ("files", "dateModified"): "modified_date",
    # Names that are reserved in SQL.
    ("files", "from"): "sent_from",
    ("files", "to"): "sent_to",
    ("matter_layouts", "index"): "item_index",
    ("matter_layouts", "values"): "field_values",
}
EXTRA_COLUMNS = {
    "contacts": [
        ("person_first_name", "text", ["person.firstName"]),
        ("person_last_name", "text", ["person.lastName"]),
        ("company_name", "text", ["company.name"]),
        ("trust_name", "text", ["trust.name"]),
        ("group_name", "text", ["groupOfPeople.name"]),
    ],
    # A deprecated link and the mark of a template arrive as unknown fields.
    "matters": [("is_template", "boolean", ["isMatterTemplate", "extraFields.isMatterTemplate"])],
}
"""Further columns of a stream: parts of objects that stay JSON."""


class StagedColumn(NamedTuple):
    """A column of a staging model.

    Attributes:
        name: Its name.
        kind: The kind of its conversion, see the macro ``type_of``.
        sources: Loaded columns, or paths into one; the first with a value counts.
        description: Its description.
        sensitivity: Why its values need care, if they do.
    """

    name: str
    kind: str
    sources: list[str]
    description: str
    sensitivity: str | None


def staged_columns(stream: DeclaredStream) -> list[StagedColumn]:
    """Return the columns of a stream's staging model, without those that the model adds."""
    found: dict[str, StagedColumn] = {}
    sensitivity = {column.name: column.sensitivity for column in stream.all_columns}
    for name, prop in stream.schema["properties"].items():
        mark = sensitivity.get(name) or stream.sensitivity
        for staged in _staged(stream.name, name, prop, mark):
            if staged.name in found:
                sources = [*found[staged.name].sources, *staged.sources]
                found[staged.name] = found[staged.name]._replace(sources=sources)
            else:
                found[staged.name] = staged
    for name, kind, sources in EXTRA_COLUMNS.get(stream.name, []):
        parent = found[snake_case(sources[0].partition(".")[0])]
        text = f"`{sources[0]}` of the record"
        found[name] = StagedColumn(name, kind, list(sources), text, parent.sensitivity)
    return list(found.values())


def _staged(
    stream: str, path: str, prop: dict[str, Any], mark: str | None
) -> Iterator[StagedColumn]:
    """Yield the columns that a property becomes: several, if it is a flat object."""
    types = [each for each in prop["type"] if each != "null"]
    text = str(prop.get("description", ""))
    inner = prop.get("properties", {})
    name = RENAMED.get((stream, path)) or _name(stream, path, prop)
    if path.rpartition(".")[2] == "href":
        return
    if name == "is_deleted":
        yield StagedColumn("is_marked_deleted", "boolean", [path], text, mark)
    elif types == ["object"] and set(inner) == {"id", "href"}:
        yield StagedColumn(f"{name}_id", "text", [f"{path}.id"], f"{text}: its id", mark)
    elif types == ["object"] and _is_flat(inner):
        for key, each in inner.items():
            for staged in _staged(stream, f"{path}.{key}", each, mark):
                yield staged._replace(description=f"{text}: {staged.description}")
    else:
        yield from _times(stream, path, prop, StagedColumn(name, "", [path], text, mark))


def _times(
    stream: str, path: str, prop: dict[str, Any], column: StagedColumn
) -> Iterator[StagedColumn]:
    """Yield a column with its kind, and the date of a time as a second column."""
    name, text = column.name, column.description
    if prop.get("format") == "date-time":
        stem = name.removesuffix("_date").removesuffix("_at")
        yield column._replace(name=f"{stem}_at", kind="time")
        if not name.endswith("_at"):
            note = f"{text}: the date in the firm's time zone"
            yield column._replace(name=f"{stem}_date", kind="local_date", description=note)
    elif stream == "events" and path in {"startTime", "endTime"}:
        yield column._replace(kind="local_time")
        name = name.replace("_time", "_date")
        note = f"{text}: its date, in the zone of the event"
        yield column._replace(name=name, kind="text_date", description=note)
    else:
        yield column._replace(kind=_kind(stream, path, prop))


def _kind(stream: str, path: str, prop: dict[str, Any]) -> str:
    leaf = path.rpartition(".")[2]
    type_ = next(each for each in prop["type"] if each != "null")
    if type_ in {"object", "array"}:
        return "json"
    if type_ == "boolean":
        return "true_boolean" if leaf in TRUE_BY_DEFAULT else "boolean"
    if type_ == "number":
        return "number" if leaf in NUMBERS else "money"
    if (stream, path) == ("tasks", "duration"):
        return "minutes"
    return "date" if prop.get("format") == "date" else {"string": "text"}.get(type_, type_)


def _name(stream: str, path: str, prop: dict[str, Any]) -> str:
    """Return the name of a property's column."""
    if path == "id":
        return f"{SINGULAR[stream]}_id" if stream in SINGULAR else "record_id"
    parent, _, leaf = path.rpartition(".")
    name = snake_case(leaf)
    if parent == "invoiceTotals":
        return name if name.endswith("total") else f"{name}_amount"
    if "boolean" in prop["type"] and not name.startswith(("is_", "has_")):
        name = f"is_{name}"
    if "integer" in prop["type"]:
        suffixes = {"duration": "_minutes", "duration_worked": "", "last_updated": "_ticks"}
        name += suffixes.get(name, "")
        name = {"duration_worked": "worked_minutes"}.get(name, name)
    if (stream, path) == ("tasks", "duration"):
        name = "duration_minutes"
    return f"{snake_case(parent)}_{name}" if parent else name


def _is_flat(properties: dict[str, Any]) -> bool:
    kinds = {kind for each in properties.values() for kind in each["type"]}
    return 0 < len(properties) <= MAX_FLAT_PROPERTIES and not kinds & {"object", "array"}


def snake_case(name: str) -> str:
    """Return a property's name in the warehouse's style."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\.", "_", name).lower()
