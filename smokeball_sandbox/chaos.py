"""A server that turns on its client: requests fail and rows change between any two of them.

Everything is drawn from one seed. The same seed and the same requests in the same order give the
same faults, changes and leaps of the clock, whatever the time is. With several requests in flight
it is the order in which they come in that decides, so the same seed may strike another request; a
client that asks for one thing at a time meets exactly the same again.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from smokeball_sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.resources import Data, Resource, Row
    from smokeball_sandbox.simulation import World

LOG_LENGTH = 50_000

_TRIES = 5
_LEADS_AMONG_NEW = 0.3
_MOVING_WITH_A_CHANGE = 0.5
_STATUSES = ("Open", "Pending", "Closed")
_REMARKS = {
    "contacts": "externalSystemId",
    "expenses": "description",
    "fees": "description",
    "invoices": "description",
    "matters": "description",
    "transactions": "note",
}

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Any = msgspec.Meta(min_length=1)
_Kind = Literal[
    "status", "reset", "truncate", "html", "error_document", "empty", "hang", "slow", "revoke"
]
_Change = Literal["touch", "add", "delete", "remove", "convert", "status", "move", "reorder"]


class Hostility(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to happen, and how often; a member that is named twice is drawn twice as often.

    Attributes:
        seed: What everything is drawn from.
        faults: Share of the requests that go wrong, those for a token included.
        kinds: How: as for `Fault`, or "revoke", by which all access tokens die.
        statuses: Which statuses "status" has.
        retry_after: What may stand in their ``Retry-After``; null for none.
        seconds: How long "hang" and "slow" take.
        changes: Share of the requests before which something changes.
        most: The most changes at once.
        what: A row changes (and may move), comes, is marked as deleted, vanishes; a lead becomes a
            matter; a matter is opened or closed; a row, or all of a list, take another place where
            no order is asked for.
        resources: Whose rows.
        clock_seconds: How far the clock may leap before a request; it does at every other one.
    """

    seed: int = 0
    faults: _Share = 0
    kinds: Annotated[tuple[_Kind, ...], _Any] = (
        "status",
        "reset",
        "truncate",
        "html",
        "error_document",
        "empty",
        "hang",
        "slow",
        "revoke",
    )
    statuses: Annotated[tuple[int, ...], _Any] = (429, 500, 502, 503, 504)
    retry_after: Annotated[tuple[int | None, ...], _Any] = (None, 0, 1)
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    changes: _Share = 0
    most: Annotated[int, msgspec.Meta(ge=1)] = 3
    what: Annotated[tuple[_Change, ...], _Any] = (
        "touch",
        "touch",
        "add",
        "delete",
        "remove",
        "convert",
        "status",
        "move",
        "reorder",
    )
    resources: Annotated[tuple[str, ...], _Any] = (
        "matters",
        "fees",
        "contacts",
        "transactions",
        "expenses",
        "invoices",
    )
    clock_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0


class Weather:
    """Does what a `Hostility` says, and keeps a log of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rules: Hostility | None = None
        self._chances: dict[str, Random] = {}
        self._requests = 0
        self._log: deque[Data] = deque(maxlen=LOG_LENGTH)
        self._changes: dict[str, Callable[[Random, Resource], Data | None]] = {
            "touch": self._touch,
            "add": self._add,
            "delete": self._delete,
            "remove": self._remove,
            "convert": self._convert,
            "status": self._status,
            "move": self._move,
            "reorder": self._reorder,
        }

    def begin(self, rules: Hostility) -> None:
        """Be hostile by these rules from now on, with a new log."""
        self._rules = rules
        # One source for each, so that more of the one does not move the other.
        self._chances = {name: Random(f"{rules.seed}/{name}") for name in ("fault", "change")}
        self._requests = 0
        self._log.clear()

    def end(self) -> None:
        """Be friendly again; the log stays."""
        self._rules = None

    def report(self) -> Data:
        """What was done since the last beginning, the oldest first."""
        return {"requests": self._requests, "events": list(self._log)}

    def strike(self, template: str, path: str) -> None:
        """Let the clock leap and rows change, as a request comes in."""
        rules = self._rules
        if rules is None:
            return
        self._requests += 1
        chance = self._chances["change"]
        leap = max(0.0, chance.uniform(-1, 1)) * rules.clock_seconds
        if leap > 0:
            self._world.leap(leap)
            self._note(template, path, {"leap": leap})
        if chance.random() >= rules.changes:
            return
        for _ in range(chance.randint(1, rules.most)):
            what = chance.choice(rules.what)
            resource = self._world.store.resources[chance.choice(rules.resources)]
            command = self._changes[what](chance, resource)
            if command is not None:
                done = self._world.commands.run(command)
                added = {"id": done["row"]["id"]} if what == "add" else {}
                self._note(template, path, {**command, **added})

    def fault(self, template: str, path: str) -> Fault | None:
        """How a request goes wrong, if it does."""
        rules = self._rules
        if rules is None or self._chances["fault"].random() >= rules.faults:
            return None
        chance = self._chances["fault"]
        how = chance.choice(rules.kinds)
        if how == "revoke":
            self._world.authority.revoke(refresh=False)
            self._note(template, path, {"fault": how})
            return Fault(status=401) if template.startswith("GET ") else None
        fault = Fault(how=how, seconds=rules.seconds)
        if how == "status":
            fault.status = chance.choice(rules.statuses)
            fault.retry_after = chance.choice(rules.retry_after)
        self._note(template, path, {"fault": how, "status": fault.status})
        return fault

    def _note(self, template: str, path: str, event: Data) -> None:
        now = self._world.clock.ticks()
        self._log.append(
            {"request": self._requests, "template": template, "path": path, "at": now, **event}
        )

    def _touch(self, chance: Random, resource: Resource) -> Data | None:
        changes: dict[str, Any] = {}
        if resource.name in _REMARKS:
            changes[_REMARKS[resource.name]] = f"hostile {chance.getrandbits(32):08x}"
        moves = chance.random() < _MOVING_WITH_A_CHANGE
        return self._row_command("touch", chance, resource, set=changes, moves=moves)

    def _add(self, chance: Random, resource: Resource) -> Data | None:
        command: Data = {"command": "add", "resource": resource.name}
        if resource.parent is not None:
            above = self._world.store.rows(self._world.store.resources[resource.parent])
            if not above:
                return None
            command["parent"] = chance.choice(above).id
        if resource.name == "matters" and chance.random() < _LEADS_AMONG_NEW:
            command["set"] = {"isLead": True}
        return command

    def _delete(self, chance: Random, resource: Resource) -> Data | None:
        if resource.bury is None:
            return None
        return self._row_command("delete", chance, resource)

    def _remove(self, chance: Random, resource: Resource) -> Data | None:
        return self._row_command("delete", chance, resource, hard=True)

    def _convert(self, chance: Random, _: Resource) -> Data | None:
        matters = self._world.store.rows(self._world.store.resources["matters"])
        leads = [row for row in matters if row.data.get("isLead") is True]
        return {"command": "convert", "id": chance.choice(leads).id} if leads else None

    def _status(self, chance: Random, _: Resource) -> Data | None:
        matters = self._world.store.resources["matters"]
        status = chance.choice(_STATUSES)
        return self._row_command("touch", chance, matters, set={"status": status})

    def _move(self, chance: Random, resource: Resource) -> Data | None:
        return self._row_command("reorder", chance, resource)

    def _reorder(self, chance: Random, resource: Resource) -> Data | None:
        row = self._any(chance, resource)
        if row is None:
            return None
        return {"command": "reorder", "resource": resource.name, "parent": row.parent}

    def _row_command(
        self, name: str, chance: Random, resource: Resource, **more: Any
    ) -> Data | None:
        row = self._any(chance, resource)
        if row is None:
            return None
        command = {"command": name, "resource": resource.name, "id": row.id, **more}
        return command if row.parent is None else {**command, "parent": row.parent}

    def _any(self, chance: Random, resource: Resource) -> Row | None:
        """Some row; None if there seems to be none."""
        store = self._world.store
        if resource.parent is None:
            rows = store.rows(resource)
            return chance.choice(rows) if rows else None
        above = store.rows(store.resources[resource.parent])
        for _ in range(_TRIES if above else 0):
            rows = store.rows(resource, chance.choice(above).id)
            if rows:
                return chance.choice(rows)
        return None
