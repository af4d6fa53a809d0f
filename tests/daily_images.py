"""Daily images of the past, which a firm that has built the package for a year would have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.expected_figures import ZERO, add_months

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tests.expected_figures import FirmFigures

MONTHS_BEFORE = {"a month before": 1, "a year before": 12}
_DEBTS = ("owed_amount", "owed_exc_tax_amount", "overdue_amount")


@dataclass(frozen=True)
class Image:
    """The unbilled work and the debts of a day, by matter.

    Attributes:
        day: The day.
        work: Fees and disbursements.
        debts: What is owed, the part without tax, and the overdue part.
    """

    day: date
    work: dict[str, tuple[Decimal, Decimal]]
    debts: dict[str, tuple[Decimal, Decimal, Decimal]]


def earlier_images(firm: FirmFigures) -> list[Image]:
    """Return images of two matters: the newest one of each day that counts, and older ones."""
    one, other = sorted(filter(firm.is_active, firm.by_id("matters")))[:2]
    images = []
    for scale, months in enumerate((1, 12), start=2):
        newest = add_months(firm.today, -months)
        # The image of a year before is some days older than a year.
        newest -= timedelta(days=3 * (months - 1) // 11)
        images += [
            _image(newest - timedelta(days=9), one, other, Decimal(9)),
            _image(newest, one, other, Decimal(scale)),
        ]
    return images


def _image(day: date, one: str, other: str, scale: Decimal) -> Image:
    work = {one: (scale * 1000, Decimal("0.07")), other: (scale * 7, scale)}
    owed = scale * 500
    debts = {one: (owed, owed - 41, owed / 4), other: (Decimal("-20.10"), Decimal("-18.20"), ZERO)}
    return Image(day, work, debts)


def newest_image(images: list[Image], today: date, months: int) -> Image | None:
    """Return the newest image that is so many months old, and not a month more."""
    before, oldest = add_months(today, -months), add_months(today, -months - 1)
    return max(
        (each for each in images if oldest < each.day <= before),
        key=lambda each: each.day,
        default=None,
    )


def last_images(images: list[Image]) -> dict[date, Image]:
    """Return the last image of each month, by its first day."""
    ordered = sorted(images, key=lambda each: each.day)
    return {each.day.replace(day=1): each for each in ordered}


def insert_images(images: list[Image], source_relation: str) -> str:
    """Return a script that inserts images into the tables of the package, or creates these."""
    return "; ".join(
        [
            "create schema if not exists analytics",
            _create("wip_daily", ("fees", "disbursements", "total", "net_of_drafts", "hours")),
            _create("ar_daily", _DEBTS),
            *_rows(images, source_relation),
            "select 1 as one",
        ]
    )


def _create(mart: str, amounts: tuple[str, ...]) -> str:
    columns = ", ".join(f"{name} decimal(38, {4 if name == 'hours' else 2})" for name in amounts)
    return (
        f"create table if not exists analytics.smokeball__{mart} "
        f"(source_relation text, day date, matter_id text, {columns})"
    )


def _rows(images: list[Image], source_relation: str) -> Iterator[str]:
    for image in images:
        for mart, rows in (
            ("wip_daily", {id_: (*w, sum(w), sum(w), 1) for id_, w in image.work.items()}),
            ("ar_daily", image.debts),
        ):
            for matter, amounts in rows.items():
                values = ", ".join(map(str, amounts))
                yield (
                    f"insert into analytics.smokeball__{mart} "  # noqa: S608
                    f"values ('{source_relation}', date '{image.day}', '{matter}', {values})"
                )
