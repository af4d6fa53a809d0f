"""Render the demo's report for a firm's partners: one self-contained HTML page."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.demo_formatting import (
    Tile,
    dollars,
    latest,
    matter_count,
    percent,
    reconciliation,
    total,
)
from scripts.demo_questions import PARTS

if TYPE_CHECKING:
    from scripts.demo_formatting import Column
    from scripts.demo_report import Answers


def page(answers: Answers) -> str:
    """Render the report."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    sections = [make_section(answers) for make_section in PARTS]
    today = date.fromisoformat(answers["matters_by_stage"][0]["as_of"])
    return environment.get_template("demo_page.html.j2").render(
        firm=answers["firm"][0]["name"],
        today=long_date(today),
        tiles=tiles(answers),
        sections=sections,
        classes=_classes,
        footer=reconciliation(answers["trust_reconciliation"]),
    )


def tiles(answers: Answers) -> list[Tile]:
    """Return the key figures at the top of the report."""
    owed, invoiced = answers["receivables_by_age"], latest(answers["realization_and_collection"])
    overdue = percent(total(owed, "days_over_90"), total(owed, "total"))
    held = answers["trust_balances"]
    return [
        Tile(dollars(total(answers["work_in_progress"], "total")), "unbilled work in progress"),
        Tile(dollars(total(owed, "total")), f"owed by clients, {overdue} over 90 days overdue"),
        Tile(
            percent(total(invoiced, "billed"), total(invoiced, "recorded")),
            "of billable fees was billed",
        ),
        Tile(
            percent(total(invoiced, "paid"), total(invoiced, "due")),
            "of bills older than 90 days is paid",
        ),
        Tile(dollars(total(held, "balance")), f"held in trust for {matter_count(held)}"),
        Tile(f"{sum(row['matters'] for row in answers['matters_by_stage']):,}", "active matters"),
    ]


def long_date(day: date) -> str:
    """Format a date, such as ``May 4, 2026``."""
    return f"{day:%B} {day.day}, {day.year}"


def _classes(column: Column) -> str:
    names = [name for name in ("number", "minor") if getattr(column, name)]
    return Markup(' class="{}"').format(" ".join(names)) if names else ""
