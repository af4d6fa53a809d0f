"""Runs the tap against combinations of the sandbox's switches, with changes between the runs.

``python -m tests.pairwise_runner`` runs all combinations that hold each pair of values once. A run
is exact, or ends with an error and loses nothing: the first run without the cause is exact.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from tap_smokeball.errors import SmokeballError
from tests.harness import Output, config, run, sandbox_rows, small_catalog
from tests.memory_firm import MemoryFirm
from tests.tenant_switches import ANSWERS, apply, pairwise, patch_of

if TYPE_CHECKING:
    from tests.harness import Json
    from tests.tenant_switches import Combination

TEXTS = {
    "matters": "externalSystemId",
    "contacts": "externalSystemId",
    "tasks": "note",
    "events": "description",
    "fees": "description",
    "invoices": "description",
    "memos": "title",
    "matter_roles": "description",
    "transactions": "note",
}
"""A text in the rows of each stream, by which a change is seen."""

VISIBILITY = ("deleted_rows", "dropped_matters", "occurrences")
"""Switches that decide which rows a list holds."""

MATTERS = 6


class PairwiseRunner:
    """Runs the tap against one firm in one combination.

    Args:
        combination: How the tenant behaves.

    Attributes:
        errors: The errors of runs that did not complete.
    """

    def __init__(self, combination: Combination, page_size: int = 500) -> None:
        self._combination = combination
        self._firm = MemoryFirm(matters=MATTERS)
        self._settings: Json = {
            "page_size": page_size,
            "lookback_seconds": 1,
            "max_retries": 0,
            "burst": 1,
        }
        self._state: Json | None = None
        self._rows: dict[str, dict[str, Any]] = {stream: {} for stream in TEXTS}
        self.errors: list[str] = []

    def run(self, *, changes_midway: bool = False) -> list[str]:
        """Run with changes in between; return the rows that are missing or stale at the end."""
        apply(self._firm, self._combination)
        self._sync()
        self._change(1)
        if changes_midway:
            self._firm.control.schedule(
                "GET /matters/{matterId}/fees",
                [{"command": "settings", **patch_of(self._without_cause)}],
                nth=3,
            )
        is_complete = self._sync()
        self._firm.control.clear_schedule()
        if changes_midway:  # rows that the first half hid are due in the next run
            is_complete = self._sync()
        if is_complete:
            return self._differences()
        apply(self._firm, self._without_cause)
        if not self._sync():
            return [f"status 1 without a cause: {self.errors[-1]}"]
        return self._differences()

    @property
    def _without_cause(self) -> Combination:
        """The combination without what can fail a run; the same rows are visible."""
        return {name: self._combination.get(name, ANSWERS[name][0]) for name in VISIBILITY}

    def _sync(self) -> bool:
        settings = config(self._firm, **self._settings)
        try:
            output = run(settings, self._state, small_catalog(*TEXTS))
        except SmokeballError as error:
            output = Output(status=1, stderr=str(error))
        for message in output.messages_of_type("RECORD"):
            self._rows[message["stream"]][message["record"]["id"]] = message["record"]
        self._state = output.state or self._state
        if output.status:
            self.errors.append(output.stderr)
        return output.status == 0

    def _change(self, number: int) -> None:
        """Change, add and delete rows of each stream."""
        control = self._firm.control
        for stream, text in TEXTS.items():
            entries = sandbox_rows(self._firm, stream)
            for nth in (0, len(entries) // 2):
                entry = entries[nth]
                changes = {text: f"{stream} {number} {nth}"}
                control.touch(stream, entry["row"]["id"], parent=entry["parent"], set=changes)
            control.add(stream, parent=entries[0]["parent"], set={text: f"new {number}"})
            if stream in {"fees", "tasks", "contacts"}:
                last = entries[-1]
                control.delete(stream, last["row"]["id"], parent=last["parent"])

    def _differences(self) -> list[str]:
        hidden = {
            entry["row"]["id"]
            for entry in sandbox_rows(self._firm, "matters")
            if self._combination.get("dropped_matters") == "gone"
            and entry["row"]["status"] in {"Deleted", "Cancelled"}
        }
        found = []
        for stream, text in TEXTS.items():
            for entry in sandbox_rows(self._firm, stream):
                row = entry["row"]
                if {row["id"], entry["parent"]} & hidden or self._is_hidden(stream, row):
                    continue
                record = self._rows[stream].get(row["id"])
                if record is None:
                    found.append(f"{stream}: a row is missing")
                elif record[text] != row.get(text):
                    found.append(f"{stream}: a row is stale")
        return found

    def _is_hidden(self, stream: str, row: Json) -> bool:
        answers = self._combination
        if row.get("isDeleted") and answers.get("deleted_rows", "listed") != "listed":
            return True
        return (
            stream == "events"
            and answers.get("occurrences") == "shared"
            and row["type"] == "Occurrence"
        )


def main() -> int:
    """Run combinations from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="seed of the combinations")
    parser.add_argument("--page-size", type=int, default=5, help="the tap's setting")
    options = parser.parse_args()
    logging.disable()
    failed = clear = 0
    combinations = pairwise(options.seed)
    for number, combination in enumerate(combinations):
        for midway in (False, True):
            runner = PairwiseRunner(combination, options.page_size)
            differences = runner.run(changes_midway=midway)
            clear += bool(runner.errors)
            if differences:
                failed += 1
                print(number, midway, sorted(set(differences)), runner.errors, combination)  # noqa: T201
    print(  # noqa: T201
        f"{2 * len(combinations)} runs of {len(combinations)} combinations, {clear} with a clear "
        f"error first, {failed} with lost rows, {time.process_time():.0f} s CPU"
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
