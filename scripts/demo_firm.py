"""What happens at the demo's firm from one run to the next.

The sandbox forgets everything when it ends. So the changes are written down, with the moment of
each, and are made again in the next sandbox before new ones come: the firm goes on where it was.
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

MORE_MINUTES = 6
CORRECTED, RECORDED = 3, 2

Document = dict[str, Any]


@dataclass
class History:
    """The firm's history, in a file.

    Attributes:
        path: The file.
        firm: Which firm it is the history of.
        anchor: The day, as ISO has it, on which it was first loaded: its rows lead up to that.
        loads: How many runs have loaded it.
        changes: What has happened: method and arguments of the sandbox's controls.
        news: What no run has loaded yet, in words.
    """

    path: Path
    firm: Mapping[str, int]
    anchor: str = field(default_factory=lambda: _today().isoformat())
    loads: int = 0
    changes: list[Document] = field(default_factory=list)
    news: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, firm: Mapping[str, int]) -> History:
        """The history in a file; a new one if there is none or it is another firm's."""
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["firm"] == firm:
                return cls(path, **kept)
        return cls(path, firm)

    def loaded(self) -> None:
        """Note that a run has loaded everything up to here."""
        self.loads += 1
        self.news = []
        self._write()

    def replay(self, control: ControlClient) -> None:
        """Let everything happen again, and then something new."""
        for change in self.changes:
            _call(control, change)
        if self.loads:
            self.news += _Day(self, control).happenings()
        # Before the pipeline runs: if it fails, the next one still finds the firm as it was.
        self._write()

    def happens(
        self, control: ControlClient, call: str, /, *arguments: str, **more: Any
    ) -> Document:
        """Let something happen, and write it down."""
        change = {"call": call, "arguments": arguments, "more": more}
        answer = _call(control, change)
        if call != "convert":
            more["updated"] = answer["updated"]
        self.changes.append(change)
        return answer

    def _write(self) -> None:
        kept = {
            "firm": self.firm,
            "anchor": self.anchor,
            "loads": self.loads,
            "changes": self.changes,
            "news": self.news,
        }
        self.path.write_text(json.dumps(kept, indent=1), encoding="utf-8")


class _Day:
    """One more day at the firm."""

    def __init__(self, history: History, control: ControlClient) -> None:
        self._history = history
        self._control = control
        self._chance = Random(f"{history.firm} {history.loads}")  # noqa: S311 - no secrets here

    def happenings(self) -> list[str]:
        """Let it pass; in words, what has happened."""
        matters = {each["row"]["id"]: each["row"] for each in self._control.rows("matters")}
        open_ = [row for row in matters.values() if row["status"] == "Open" and not row["isLead"]]
        leads = [row for row in matters.values() if row["status"] == "Open" and row["isLead"]]
        fees = [each for each in self._control.rows("fees") if _can_grow(each["row"])]
        return [
            *(self._correct(each) for each in self._some(fees, CORRECTED)),
            *(self._record(row) for row in self._some(open_, RECORDED)),
            *(self._convert(row) for row in self._some(leads, 1)),
        ]

    def _some(self, rows: list[Document], count: int) -> list[Document]:
        return self._chance.sample(rows, min(count, len(rows)))

    def _correct(self, fee: Document) -> str:
        row, matter = fee["row"], fee["parent"]
        minutes = row["duration"] + MORE_MINUTES
        amount = Decimal(str(row["rate"])) * minutes / 60
        dollars = float(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
        names = ("amount", "amountExcTax", "amountIncTax", "billableAmountExcTax")
        changed = {"duration": minutes, **dict.fromkeys(names, dollars)}
        self._history.happens(self._control, "touch", "fees", row["id"], parent=matter, set=changed)
        return f"a time entry was corrected from {row['duration']} to {minutes} minutes"

    def _record(self, matter: Document) -> str:
        when = {"feeDate": _today().isoformat()}
        fee = self._history.happens(self._control, "add", "fees", parent=matter["id"], set=when)
        return f"${fee['row']['amount']:,.2f} was recorded on {matter['title']}"

    def _convert(self, lead: Document) -> str:
        self._history.happens(self._control, "convert", lead["id"])
        # The same once more, with the moment written down.
        matter = self._history.happens(self._control, "touch", "matters", lead["id"])
        return f"a lead became a client: {matter['row']['number']}, {matter['row']['title']}"


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _can_grow(fee: Document) -> bool:
    """Whether a fee is plain unbilled time, so that a correction is easily computed."""
    return (
        fee["feeType"] == 1
        and fee["isBillable"]
        and not (fee["isWrittenOff"] or fee["isDeleted"] or fee["tax"])
        and "invoiceId" not in fee
        and "sourceItems" not in fee
    )


def _call(control: ControlClient, change: Document) -> Document:
    answer: Document = getattr(control, change["call"])(*change["arguments"], **change["more"])
    return answer
