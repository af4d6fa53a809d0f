"""The ``Search`` parameter of contacts, staff and files: field, operator and value."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import Data, Row

    FieldReader = Callable[[Data], Iterable[Any]]

_TERM = re.compile(r"(\w+):(!|>=|>|<=|<)?(.*)", re.DOTALL)


def search_filter(
    fields: Mapping[str, FieldReader],
) -> Callable[[Query], Callable[[Row], bool] | None]:
    """Build a filter by search terms, all of which must match.

    Args:
        fields: Searchable fields; each returns its values in a record.
    """

    def build(query: Query) -> Callable[[Row], bool] | None:
        predicates = []
        for text in query.values("Search"):
            for term in filter(None, re.split(r"\s+AND\s+", text.strip())):
                match = _TERM.fullmatch(term)
                if match is None or match[1] not in fields:
                    query.add_error("Search", f"'{term}' cannot be searched for.")
                else:
                    value = match[3].strip().lower()
                    predicates.append(_predicate(fields[match[1]], match[2] or "", value))
        if not predicates:
            return None
        return lambda row: all(predicate(row.data) for predicate in predicates)

    return build


def _predicate(values: FieldReader, operator: str, wanted: str) -> Callable[[Data], bool]:
    pattern = re.compile(translate(re.sub(r"([?\[])", r"[\1]", wanted)))

    def compare(value: str) -> bool:
        if operator in {"", "!"}:
            return pattern.fullmatch(value) is not None
        if operator[0] == ">":
            return value > wanted or (operator == ">=" and value == wanted)
        return value < wanted or (operator == "<=" and value == wanted)

    def predicate(data: Data) -> bool:
        found = any(compare(str(value).lower()) for value in values(data) if value is not None)
        return found != (operator == "!")

    return predicate
