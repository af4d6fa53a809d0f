"""The rows of a firm, and the entries that its reports count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness import Json

DRAFT, FINAL, PAID, DELETED, VOID = range(5)


@dataclass(frozen=True)
class ExpectedRows:
    """The rows of a firm by resource, from `tests.harness.sandbox_rows`.

    Attributes:
        rows: The rows of each resource.
        today: The date at which ages are computed.
        leads: Each lead that a load has seen: its id and the date when it was opened.
    """

    rows: dict[str, list[Json]]
    today: date
    leads: dict[str, date]

    def rows_of(self, resource: str) -> list[Json]:
        return [entry["row"] for entry in self.rows[resource]]

    def by_id(self, resource: str) -> dict[str, Json]:
        return {row["id"]: row for row in self.rows_of(resource)}

    def is_deleted_matter(self, matter: str) -> bool:
        return bool(self.by_id("matters")[matter]["status"] == "Deleted")

    def responsible_name(self, matter: Json) -> str | None:
        person = self.by_id("staff").get(matter["personResponsible"]["id"])
        return f"{person['firstName']} {person['lastName']}" if person else None

    def active_entries(self, resource: str) -> Iterable[tuple[str, Json]]:
        """Yield fees or expenses that are not deleted, with the ids of their matters."""
        for entry in self.rows[resource]:
            if not entry["row"].get("isDeleted") and not self.is_deleted_matter(entry["parent"]):
                yield entry["parent"], entry["row"]

    def issued_invoices(self) -> Iterable[tuple[str, Json]]:
        """Yield final and paid invoices, with the ids of their matters."""
        for entry in self.rows["invoices"]:
            if entry["row"]["status"] in {FINAL, PAID} and not self.is_deleted_matter(
                entry["parent"]
            ):
                yield entry["parent"], entry["row"]


def parse_date(timestamp: str | None) -> date | None:
    return date.fromisoformat(timestamp[:10]) if timestamp else None
