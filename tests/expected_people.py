"""Computes hours, matters by stage and leads of a firm from its rows, without SQL."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.expected_figures import FEE_EARNERS, ZERO, billable_amount, cents, month_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.expected_billing import ExpectedBilling
    from tests.expected_figures import Figures, FirmFigures
    from tests.harness import Json

OTHER_ROLES = {"Bookkeeper", "Receptionist", "Secretary", "Office Manager"}
WORKING_WEEKDAYS = range(5)
HOURS_PER_DAY = Decimal(8)
TARGET_HOURS = Decimal(120)
NO_AREA = "(none)"


def is_fee_earner(staff: Json) -> bool:
    """A role that is not known counts as that of a fee earner if the person has a rate."""
    if staff.get("role") is None:
        return Decimal(staff.get("rate") or 0) > 0
    return staff["role"] in FEE_EARNERS


def billable_minutes(row: Json) -> int:
    """Return the minutes of the billable parts of a time entry."""
    if not row.get("isBillable", True):
        return 0
    parts = row.get("sourceItems") or ()
    if not sum(each["duration"] for each in parts):
        return int(row["duration"])
    return sum(each["duration"] for each in parts if each.get("isBillable", True))


class ExpectedPeople:
    """The fee earners, matters and leads of a firm."""

    def __init__(self, firm: FirmFigures, billing: ExpectedBilling) -> None:
        self.firm = firm
        self.staff = firm.by_id("staff")
        self._billing = billing

    @cached_property
    def fee_earners(self) -> dict[str, Json]:
        return {id_: row for id_, row in self.staff.items() if is_fee_earner(row)}

    @cached_property
    def hours(self) -> Figures:
        """Return the hours of each fee earner by month, with the fees worked and billed."""
        names = ("available_hours", "hours", "billable_hours", "billable_amount", "billed_amount")
        found: Figures = defaultdict(lambda: dict.fromkeys(names, ZERO))
        for _, _, _, row in self._fees():
            day = date.fromisoformat(row["feeDate"])
            if day > self.firm.today:  # waits for its day
                continue
            sums = found[row["staff"]["id"], month_of(day)]
            sums["billable_amount"] += billable_amount("fee", row)
            if row["feeType"] == 1:
                sums["hours"] += Decimal(row["duration"]) / 60
                sums["billable_hours"] += Decimal(billable_minutes(row)) / 60
        for (id_, month), amount in self._billing.billed_by_month.items():
            found[id_, month]["billed_amount"] += cents(amount)
        for id_, (first, last) in self._employed.items():
            for day in _days(first, last):
                if day.weekday() in WORKING_WEEKDAYS and not self._is_absent(id_, day):
                    found[id_, month_of(day)]["available_hours"] += HOURS_PER_DAY
        return {
            (id_, month): {**sums, "target_hours": self._target(id_, month)}
            for (id_, month), sums in found.items()
            if id_ in self.fee_earners
        }

    def _fees(self) -> Iterator[tuple[str, str, str, Json]]:
        yield from (each for each in self.firm.entries() if each[0] == "fee")

    @cached_property
    def _employed(self) -> dict[str, tuple[date, date]]:
        """Return the first and last day on which each fee earner can work."""
        worked: dict[str, list[date]] = defaultdict(list)
        today = self.firm.today
        for _, _, _, row in self._fees():
            if row["feeType"] == 1:
                worked[row["staff"]["id"]].append(date.fromisoformat(row["feeDate"]))
        return {
            id_: (min(days), min(max(days), today) if self.staff[id_]["former"] else today)
            for id_, days in worked.items()
            if id_ in self.fee_earners
        }

    def _target(self, id_: str, month: date) -> Decimal:
        """Return the target of a month; there is none before the first day and after the last."""
        first, last = self._employed.get(id_, (date.max, date.min))
        is_employed = month_of(first) <= month <= last if first <= last else False
        return TARGET_HOURS if is_employed else ZERO

    def _is_absent(self, id_: str, day: date) -> bool:
        absence = self.staff[id_].get("outOfOffice") or {}
        first = self.firm.day(absence.get("startDate"))
        last = self.firm.day(absence.get("endDate")) or first
        return bool(first and last and first <= day <= last)

    @cached_property
    def leverage(self) -> Figures:
        """Return the hours of principals, of others, and of fee earners without a known role."""
        names = ("principal_hours", "other_hours", "unknown_role_hours")
        found: Figures = defaultdict(lambda: dict.fromkeys(names, ZERO))
        for (id_, month), sums in self.hours.items():
            role = self.staff[id_].get("role")
            place = 2 if role is None else 0 if role == "Principal" else 1
            found[month,][names[place]] += sums["billable_hours"]
        return dict(found)

    @cached_property
    def practice_areas(self) -> Figures:
        """Return what became of the fees of each practice area, by month of the work."""
        names = ("recorded_amount", "non_billable_amount", "wip_amount", "written_off_amount")
        found: Figures = defaultdict(lambda: dict.fromkeys(names, ZERO))
        for _, state, matter, row in self._fees():
            sums = found[month_of(date.fromisoformat(row["feeDate"])), self.area_of(matter)]
            whole, billable = Decimal(row["amountExcTax"]), billable_amount("fee", row)
            sums["recorded_amount"] += whole
            sums["non_billable_amount"] += whole - billable
            sums["wip_amount"] += billable if state in {"wip", "on_draft"} else ZERO
            sums["written_off_amount"] += billable if state.startswith("written_off") else ZERO
        return dict(found)

    def area_of(self, matter: str) -> str:
        types = self.firm.by_id("matter_types")
        link = self.firm.by_id("matters")[matter].get("matterType") or {}
        return types.get(link.get("id", ""), {}).get("category") or NO_AREA

    def name_of(self, staff: str | None) -> str:
        row = self.staff.get(staff or "")
        return f"{row['firstName']} {row['lastName']}".strip() if row else ""

    @cached_property
    def matters(self) -> dict[str, dict[str, Any]]:
        """Return the stage, age and days without activity of each active matter."""
        sets, stages = self.firm.by_id("stage_sets"), {}
        for entry in self.firm.rows["matter_stages"]:
            row = entry["row"]
            name = sets.get((row.get("stageSet") or {}).get("id", ""), {}).get("name")
            stages[row["matter"]["id"]] = (name, (row.get("stage") or {}).get("name"))
        found = {}
        for id_, row in self.firm.by_id("matters").items():
            if not self.firm.is_active(id_):
                continue
            opened = self.firm.day(row.get("openedDate"))
            last = max(self._activity.get(id_, ()), default=opened)
            found[id_] = {
                "stage": stages.get(id_, (None, None)),
                "age_days": (self.firm.today - opened).days if opened else None,
                "idle_days": (self.firm.today - last).days if last else None,
            }
        return found

    @cached_property
    def _activity(self) -> dict[str, list[date]]:
        """Return the days of each matter's activities until today."""
        found: dict[str, list[date]] = defaultdict(list)
        local, plain = self.firm.day, _date
        for resource, name, read in (
            ("fees", "feeDate", plain),
            ("expenses", "expenseDate", plain),
            ("tasks", "createdDateOnly", plain),
            ("tasks", "completedDateOnly", plain),
            ("events", "startTime", plain),
            ("memos", "createdDate", local),
            ("files", "dateCreated", local),
            ("invoices", "issuedDate", local),
            ("transactions", "effectiveDate", local),
        ):
            for entry in self.firm.rows[resource]:
                row = entry["row"]
                is_of_matter = resource in {"fees", "expenses", "memos", "files", "invoices"}
                matter = entry["parent"] if is_of_matter else (row.get("matter") or {}).get("id")
                is_deleted = row.get("isDeleted") or (resource == "invoices" and row["status"] == 3)
                day = read(row.get(name))
                if matter and day and day <= self.firm.today and not is_deleted:
                    found[matter].append(day)
        return found

    @cached_property
    def leads(self) -> dict[str, dict[str, Any]]:
        """Return the leads that the first load has seen: all of them are leads still."""
        outcomes = {"Closed": "lost", "Cancelled": "lost"}
        return {
            id_: {
                "opened": self.firm.day(row.get("leadOpenedDate")) or self.firm.today,
                "source": row.get("referralType") or "(no source)",
                "outcome": outcomes.get(row["status"], "open"),
                "is_counted": row["status"] not in outcomes,
            }
            for id_, row in self.firm.by_id("matters").items()
            if row["isLead"] and not self.firm.is_excluded(id_)
        }


def _days(first: date, last: date) -> Iterator[date]:
    for count in range((last - first).days + 1):
        yield first + timedelta(days=count)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
