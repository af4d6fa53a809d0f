"""The targets of the demo's fee earners. Smokeball has no targets: a firm keeps them elsewhere.

``demo_targets.csv`` has the billable hours per month by role. The simulated staff record a
fifteenth of the usual hours, so that a usual target would be too high. The line without a role is
for staff without one. Staff of other roles are no fee earners and have no target.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scripts.demo_report import Answers

HOURS_BY_ROLE = Path(__file__).with_suffix(".csv")

Targets = dict[str, Decimal]
"""Billable hours per month, by the id of the staff member."""


def targets_of(staff: Iterable[Mapping[str, Any]]) -> Targets:
    """Return the targets of those staff members who have one.

    Args:
        staff: Rows of the API.
    """
    with HOURS_BY_ROLE.open(encoding="utf-8", newline="") as file:
        hours = {row["role"]: Decimal(row["target_hours"]) for row in csv.DictReader(file)}
    found = {str(row["id"]): hours.get(row.get("role", "")) for row in staff}
    return {id_: target for id_, target in found.items() if target is not None}


def apply_targets(answers: Answers, targets: Targets) -> Answers:
    """Return the answers with the targets of the firm, for those who have one."""
    rows = [
        {
            **row,
            "target_hours": targets[row["staff_id"]],
            "percent_of_target": Decimal(row["billable_hours"]) * 100 / targets[row["staff_id"]],
        }
        for row in answers["hours_against_target"]
        if row["staff_id"] in targets
    ]
    return {**answers, "hours_against_target": rows}
