"""Simulate one more day at the demo's firm between two runs.

The sandbox keeps nothing when it stops. So the changes are saved with their timestamps, and
replayed in the next sandbox before new ones are added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from smokeball_sandbox.control_client import ControlClient

EXTRA_MINUTES = 6
CORRECTED_FEES, ADDED_FEES = 3, 2

Document = dict[str, Any]


@dataclass
class History:
    """History of the firm, saved to a file.

    Attributes:
        path: The file.
        firm: Options of the sandbox that define the firm.
        anchor: ISO date of the first load. The firm's rows end on that day.
        loads: Number of runs that loaded the firm.
        changes: Changes so far: methods of the sandbox's control client with their arguments.
        news: Descriptions of the changes that are not loaded yet.
    """

    path: Path
    firm: Mapping[str, int]
    anchor: str = field(default_factory=lambda: _today().isoformat())
    loads: int = 0
    changes: list[Document] = field(default_factory=list)
    news: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, firm: Mapping[str, int]) -> History:
        """Read the history, or start one if the file is missing or of another firm."""
        if path.exists():
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["firm"] == firm:
                return cls(path, **saved)
        return cls(path, firm)

    def record_load(self) -> None:
        """Record that a run has loaded all changes so far."""
        self.loads += 1
        self.news = []
        self._write()

    def replay(self, control: ControlClient) -> None:
        """Repeat the changes so far, then add a day if the firm was loaded before."""
        for change in self.changes:
            _call(control, change)
        if self.loads:
            self.news += _Day(self, control).simulate()
        # If the pipeline fails, the next run still has these changes.
        self._write()

    def apply(self, control: ControlClient, call: str, /, *arguments: str, **more: Any) -> Document:
        """Apply a change and record it with its timestamp."""
        change = {"call": call, "arguments": arguments, "more": more}
        response = _call(control, change)
        if call != "convert":
            more["updated"] = response["updated"]
        self.changes.append(change)
        return response

    def _write(self) -> None:
        content = {
            "firm": self.firm,
            "anchor": self.anchor,
            "loads": self.loads,
            "changes": self.changes,
            "news": self.news,
        }
        self.path.write_text(json.dumps(content, indent=1), encoding="utf-8")


class _Day:
    """Changes of one day at the firm."""

    def __init__(self, history: History, control: ControlClient) -> None:
        self._history = history
        self._control = control
        self._chance = Random(f"{history.firm} {history.loads}")  # noqa: S311 - no secrets here

    def simulate(self) -> list[str]:
        """Change, add and convert rows; return a description of each change."""
        matters = {each["row"]["id"]: each["row"] for each in self._control.rows("matters")}
        open_ = [row for row in matters.values() if row["status"] == "Open" and not row["isLead"]]
        leads = [row for row in matters.values() if row["status"] == "Open" and row["isLead"]]
        fees = [each for each in self._control.rows("fees") if _is_plain_unbilled_time(each["row"])]
        return [
            *(self._correct(each) for each in self._sample(fees, CORRECTED_FEES)),
            *(self._add(row) for row in self._sample(open_, ADDED_FEES)),
            *(self._convert(row) for row in self._sample(leads, 1)),
        ]

    def _sample(self, rows: list[Document], count: int) -> list[Document]:
        return self._chance.sample(rows, min(count, len(rows)))

    def _correct(self, fee: Document) -> str:
        row, matter = fee["row"], fee["parent"]
        minutes = row["duration"] + EXTRA_MINUTES
        amount = Decimal(str(row["rate"])) * minutes / 60
        dollars = float(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
        names = ("amount", "amountExcTax", "amountIncTax", "billableAmountExcTax")
        changed = {"duration": minutes, **dict.fromkeys(names, dollars)}
        self._history.apply(self._control, "touch", "fees", row["id"], parent=matter, set=changed)
        return f"a time entry changed from {row['duration']} to {minutes} minutes"

    def _add(self, matter: Document) -> str:
        when = {"feeDate": _today().isoformat()}
        fee = self._history.apply(self._control, "add", "fees", parent=matter["id"], set=when)
        return f"a time entry of ${fee['row']['amount']:,.2f} was added to {matter['title']}"

    def _convert(self, lead: Document) -> str:
        self._history.apply(self._control, "convert", lead["id"])
        # `convert` has no timestamp argument, so an update records the time for the replay.
        matter = self._history.apply(self._control, "touch", "matters", lead["id"])
        return (
            f"a lead was converted to a matter: {matter['row']['number']}, {matter['row']['title']}"
        )


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _is_plain_unbilled_time(fee: Document) -> bool:
    """Whether a fee is unbilled time without tax: its amount is rate times duration."""
    return (
        fee["feeType"] == 1
        and fee["isBillable"]
        and not (fee["isWrittenOff"] or fee["isDeleted"] or fee["tax"])
        and "invoiceId" not in fee
        and "sourceItems" not in fee
    )


def _call(control: ControlClient, change: Document) -> Document:
    response: Document = getattr(control, change["call"])(*change["arguments"], **change["more"])
    return response
