"""A firm's rows, and which of them its books count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.harness import Json

DRAFT, FINAL, PAID, DELETED, VOID = range(5)


@dataclass(frozen=True)
class Books:
    """The rows of a firm, by resource, as `tests.harness.truth` gives them.

    Attributes:
        rows: Of each resource.
        today: The day that ages are counted to.
        leads: The leads that have ever been seen: id and when they were opened.
    """

    rows: dict[str, list[Json]]
    today: date
    leads: dict[str, date]

    def all(self, resource: str) -> list[Json]:
        return [entry["row"] for entry in self.rows[resource]]

    def by_id(self, resource: str) -> dict[str, Json]:
        return {row["id"]: row for row in self.all(resource)}

    def is_deleted(self, matter: str) -> bool:
        return bool(self.by_id("matters")[matter]["status"] == "Deleted")

    def responsible(self, matter: Json) -> str | None:
        person = self.by_id("staff").get(matter["personResponsible"]["id"])
        return f"{person['firstName']} {person['lastName']}" if person else None

    def entries(self, resource: str) -> Iterable[tuple[str, Json]]:
        """Yield fees or expenses that count at all, with their matters."""
        for entry in self.rows[resource]:
            if not entry["row"].get("isDeleted") and not self.is_deleted(entry["parent"]):
                yield entry["parent"], entry["row"]

    def invoices(self) -> Iterable[tuple[str, Json]]:
        """Yield invoices that have gone out, with their matters."""
        for entry in self.rows["invoices"]:
            if entry["row"]["status"] in {FINAL, PAID} and not self.is_deleted(entry["parent"]):
                yield entry["parent"], entry["row"]


def day(moment: str | None) -> date | None:
    return date.fromisoformat(moment[:10]) if moment else None
