"""A firm that is read twice, by all streams, for the tests that look at each of them."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from smokeball_sandbox import SandboxServer
from tap_smokeball import streams
from tap_smokeball.records.columns import walk_columns
from tests.harness import Output, catalog, config, run, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

STREAMS = {str(vars(stream)["name"]): stream for stream in streams.ALL}
INCREMENTAL = sorted(name for name, stream in STREAMS.items() if "replication_key" in vars(stream))
OPT_IN = [
    ".".join([name, *place[1::2]])
    for name, stream in STREAMS.items()
    for place, field in walk_columns(stream.columns.fields)
    if not field.selected
]


@dataclass
class Firm:
    """A firm that was read twice, with a change to each incremental stream in between."""

    rows: dict[str, list[Json]]
    first: Output
    changed: dict[str, tuple[Any, ...]]
    later: dict[str, list[Json]]
    second: Output
    requests: list[list[Json]]
    """The requests of both runs."""

    def queries(self, template: str, run: int = 0) -> list[dict[str, list[str]]]:
        """Return the parameters of each request for a path template."""
        found = [parse_qs(r["query"]) for r in self.requests[run] if r["template"] == template]
        assert found
        return found


@contextmanager
def read_twice() -> Iterator[Firm]:
    """Read a firm, change a row of each incremental stream, and read it again."""
    with SandboxServer(matters=25) as sandbox:
        chosen = catalog(wanted=STREAMS, select=OPT_IN)
        rows = {name: truth(sandbox, name) for name in STREAMS}
        first = run(config(sandbox), catalog=chosen)
        asked = [sandbox.control.requests(log=True)["log"]]
        changed = {}
        for name in INCREMENTAL:
            parent = rows[name][-1]["parent"]
            changed[name] = key_of(name, sandbox.control.touch(name, parent=parent, nth=0))
        later = {name: truth(sandbox, name) for name in STREAMS}
        sandbox.control.reset_requests()
        second = run(config(sandbox), first.state, chosen)
        asked.append(sandbox.control.requests(log=True)["log"])
        yield Firm(rows, first, changed, later, second, asked)


def primary_keys(stream: str) -> tuple[str, ...]:
    names: tuple[str, ...] = vars(STREAMS[stream])["primary_keys"]
    return names


def key_of(stream: str, entry: Json) -> tuple[Any, ...]:
    """Return the primary key that a row of the sandbox must arrive with."""
    declared = STREAMS[stream]
    row = entry["row"]

    def part(name: str) -> Any:
        if name == declared.parent_key:
            return entry["parent"]
        return row[name] if name in row else row["matter"]["id"]

    return tuple(part(name) for name in primary_keys(stream))


def keys(output: Output, stream: str) -> Counter[tuple[Any, ...]]:
    names = primary_keys(stream)
    return Counter(tuple(r[name] for name in names) for r in output.records(stream))


def schema(output: Output, stream: str) -> Json:
    found: Json = next(m["schema"] for m in output.of("SCHEMA") if m["stream"] == stream)
    return found
