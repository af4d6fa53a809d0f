"""Chaos testing: faults and changes at random between requests, from one seed.

The same seed and the same requests in the same order give the same faults, changes and
clock steps, whatever the time is. Concurrent requests are counted in order of arrival, so
the same seed may affect another request. A client that sends one request at a time gets
exactly the same sequence.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from smokeball_sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox.auth import AuthorizationServer
    from smokeball_sandbox.clock import Clock
    from smokeball_sandbox.resources import Data, Resource, Row
    from smokeball_sandbox.row_commands import RowCommands
    from smokeball_sandbox.store import Store

LOG_LENGTH = 50_000

_PARENT_ATTEMPTS = 5
_LEAD_SHARE = 0.3
_MOVE_SHARE = 0.5
_STATUSES = ("Open", "Pending", "Closed")
_TEXT_PROPERTIES = {
    "contacts": "externalSystemId",
    "expenses": "description",
    "fees": "description",
    "invoices": "description",
    "matters": "description",
    "transactions": "note",
}

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_NonEmpty = msgspec.Meta(min_length=1)
_FaultKind = Literal[
    "status", "reset", "truncate", "html", "error_document", "empty", "hang", "slow", "revoke"
]
_ChangeKind = Literal["touch", "add", "delete", "remove", "convert", "status", "move", "reorder"]


class ChaosRules(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What happens, and how often; a member named twice is chosen twice as often.

    Attributes:
        seed: Seed of all choices.
        fault_rate: Share of the requests that fail, token requests included.
        fault_kinds: Kinds of faults: as in `Fault`, or "revoke" for all access tokens.
        statuses: Statuses for "status".
        retry_after: Values of their ``Retry-After``; null omits the header.
        seconds: Duration of "hang" and "slow".
        change_rate: Share of the requests before which rows change.
        max_changes: Largest number of changes before one request.
        change_kinds: Kinds of changes: a row is touched (and may move), added, marked as
            deleted ("delete") or hard-deleted ("remove"); a lead is converted; a matter's
            status changes; one row ("move") or all rows ("reorder") of an unsorted list
            move.
        resources: Resources whose rows change.
        max_clock_step_seconds: Largest step of the clock before a request; every second
            request has one.
    """

    seed: int = 0
    fault_rate: _Share = 0
    fault_kinds: Annotated[tuple[_FaultKind, ...], _NonEmpty] = (
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
    statuses: Annotated[tuple[int, ...], _NonEmpty] = (429, 500, 502, 503, 504)
    retry_after: Annotated[tuple[int | None, ...], _NonEmpty] = (None, 0, 1)
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    change_rate: _Share = 0
    max_changes: Annotated[int, msgspec.Meta(ge=1)] = 3
    change_kinds: Annotated[tuple[_ChangeKind, ...], _NonEmpty] = (
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
    resources: Annotated[tuple[str, ...], _NonEmpty] = (
        "matters",
        "fees",
        "contacts",
        "transactions",
        "expenses",
        "invoices",
    )
    max_clock_step_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0


class ChaosMonkey:
    """Injects faults and changes by `ChaosRules`, and logs them.

    Args:
        store: Rows to choose from.
        clock: Timestamps of the log.
        authorization: Revokes access tokens.
        row_commands: Changes rows.
        advance_clock: Moves the sandbox's clock forward by seconds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        authorization: AuthorizationServer,
        row_commands: RowCommands,
        advance_clock: Callable[[float], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._authorization = authorization
        self._row_commands = row_commands
        self._advance_clock = advance_clock
        self._changes: dict[str, Callable[[Random, Resource], Data | None]] = {
            "touch": self._touch,
            "add": self._add,
            "delete": self._delete,
            "remove": self._remove,
            "convert": self._convert,
            "status": self._set_status,
            "move": self._move,
            "reorder": self._reorder,
        }
        self.reset()

    def reset(self) -> None:
        """Stop, and clear the log."""
        self._rules: ChaosRules | None = None
        self._rngs: dict[str, Random] = {}
        self._requests = 0
        self._log: deque[Data] = deque(maxlen=LOG_LENGTH)

    def start(self, rules: ChaosRules) -> None:
        """Start with these rules and an empty log."""
        self.reset()
        self._rules = rules
        # Separate generators, so that another fault rate does not change the changes.
        self._rngs = {name: Random(f"{rules.seed}/{name}") for name in ("fault", "change")}

    def stop(self) -> None:
        """Stop; the log stays."""
        self._rules = None

    def report(self) -> Data:
        """Return the number of requests and the events since the start, oldest first."""
        return {"requests": self._requests, "events": list(self._log)}

    def before_request(self, template: str, path: str) -> None:
        """Advance the clock and change rows before a request is handled."""
        rules = self._rules
        if rules is None:
            return
        self._requests += 1
        rng = self._rngs["change"]
        step = max(0.0, rng.uniform(-1, 1)) * rules.max_clock_step_seconds
        if step > 0:
            self._advance_clock(step)
            self._record(template, path, {"clock_step_seconds": step})
        if rng.random() >= rules.change_rate:
            return
        for _ in range(rng.randint(1, rules.max_changes)):
            kind = rng.choice(rules.change_kinds)
            resource = self._store.resources[rng.choice(rules.resources)]
            command = self._changes[kind](rng, resource)
            if command is not None:
                arguments = {name: command[name] for name in command if name != "command"}
                result = self._row_commands.run(command["command"], arguments)
                added = {"id": result["row"]["id"]} if kind == "add" else {}
                self._record(template, path, {**command, **added})

    def next_fault(self, template: str, path: str) -> Fault | None:
        """Return the fault of a request, if it fails."""
        rules = self._rules
        if rules is None or self._rngs["fault"].random() >= rules.fault_rate:
            return None
        rng = self._rngs["fault"]
        kind = rng.choice(rules.fault_kinds)
        if kind == "revoke":
            self._authorization.revoke(refresh=False)
            self._record(template, path, {"fault": kind})
            return Fault(status=401) if template.startswith("GET ") else None
        fault = Fault(how=kind, seconds=rules.seconds)
        if kind == "status":
            fault.status = rng.choice(rules.statuses)
            fault.retry_after = rng.choice(rules.retry_after)
        self._record(template, path, {"fault": kind, "status": fault.status})
        return fault

    def _record(self, template: str, path: str, event: Data) -> None:
        now = self._clock.ticks()
        self._log.append(
            {"request": self._requests, "template": template, "path": path, "at": now, **event}
        )

    def _touch(self, rng: Random, resource: Resource) -> Data | None:
        changes: dict[str, Any] = {}
        if resource.name in _TEXT_PROPERTIES:
            changes[_TEXT_PROPERTIES[resource.name]] = f"chaos {rng.getrandbits(32):08x}"
        moves = rng.random() < _MOVE_SHARE
        return self._row_command("touch", rng, resource, set=changes, moves=moves)

    def _add(self, rng: Random, resource: Resource) -> Data | None:
        command: Data = {"command": "add", "resource": resource.name}
        if resource.parent is not None:
            parents = self._store.rows(self._store.resources[resource.parent])
            if not parents:
                return None
            command["parent"] = rng.choice(parents).id
        if resource.name == "matters" and rng.random() < _LEAD_SHARE:
            command["set"] = {"isLead": True}
        return command

    def _delete(self, rng: Random, resource: Resource) -> Data | None:
        if resource.mark_deleted is None:
            return None
        return self._row_command("delete", rng, resource)

    def _remove(self, rng: Random, resource: Resource) -> Data | None:
        return self._row_command("delete", rng, resource, hard=True)

    def _convert(self, rng: Random, _: Resource) -> Data | None:
        matters = self._store.rows(self._store.resources["matters"])
        leads = [row for row in matters if row.data.get("isLead") is True]
        return {"command": "convert", "id": rng.choice(leads).id} if leads else None

    def _set_status(self, rng: Random, _: Resource) -> Data | None:
        matters = self._store.resources["matters"]
        status = rng.choice(_STATUSES)
        return self._row_command("touch", rng, matters, set={"status": status})

    def _move(self, rng: Random, resource: Resource) -> Data | None:
        return self._row_command("reorder", rng, resource)

    def _reorder(self, rng: Random, resource: Resource) -> Data | None:
        row = self._random_row(rng, resource)
        if row is None:
            return None
        return {"command": "reorder", "resource": resource.name, "parent": row.parent}

    def _row_command(
        self, name: str, rng: Random, resource: Resource, **arguments: Any
    ) -> Data | None:
        row = self._random_row(rng, resource)
        if row is None:
            return None
        command = {"command": name, "resource": resource.name, "id": row.id, **arguments}
        return command if row.parent is None else {**command, "parent": row.parent}

    def _random_row(self, rng: Random, resource: Resource) -> Row | None:
        """Return a random row; None if a few parents have no rows."""
        if resource.parent is None:
            rows = self._store.rows(resource)
            return rng.choice(rows) if rows else None
        parents = self._store.rows(self._store.resources[resource.parent])
        for _ in range(_PARENT_ATTEMPTS if parents else 0):
            rows = self._store.rows(resource, rng.choice(parents).id)
            if rows:
                return rng.choice(rows)
        return None
