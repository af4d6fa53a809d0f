"""The ``Search`` of contacts, staff and files: terms of a field, an operator and a value."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import Data, Row

    Finder = Callable[[Data], Iterable[Any]]

_TERM = re.compile(r"(\w+):(!|>=|>|<=|<)?(.*)", re.DOTALL)


def searched(fields: Mapping[str, Finder]) -> Callable[[Query], Callable[[Row], bool] | None]:
    """A filter by search terms, all of which must hold.

    Args:
        fields: What can be searched; each finds the values in a record.
    """

    def build(query: Query) -> Callable[[Row], bool] | None:
        tests = []
        for text in query.all("Search"):
            for term in filter(None, re.split(r"\s+AND\s+", text.strip())):
                match = _TERM.fullmatch(term)
                if match is None or match[1] not in fields:
                    query.refuse("Search", f"'{term}' cannot be searched for.")
                else:
                    tests.append(_test(fields[match[1]], match[2] or "", match[3].strip().lower()))
        if not tests:
            return None
        return lambda row: all(test(row.data) for test in tests)

    return build


def _test(find: Finder, operator: str, wanted: str) -> Callable[[Data], bool]:
    pattern = re.compile(translate(re.sub(r"([?\[])", r"[\1]", wanted)))

    def holds(value: str) -> bool:
        if operator in {"", "!"}:
            return pattern.fullmatch(value) is not None
        if operator[0] == ">":
            return value > wanted or (operator == ">=" and value == wanted)
        return value < wanted or (operator == "<=" and value == wanted)

    def test(data: Data) -> bool:
        found = any(holds(str(value).lower()) for value in find(data) if value is not None)
        return found != (operator == "!")

    return test
