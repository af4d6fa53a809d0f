"""The demo's page: what a firm's partners ask, on one sheet of HTML that needs nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.demo_formatting import Tile, dollars, how_many, latest, percent, reconciled, total
from scripts.demo_questions import PARTS

if TYPE_CHECKING:
    from scripts.demo_formatting import Column
    from scripts.demo_report import Answers


def page(answers: Answers) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    parts = [make(answers) for make in PARTS]
    today = date.fromisoformat(answers["matters_by_stage"][0]["as_of"])
    return environment.get_template("demo_page.html.j2").render(
        firm=answers["firm"][0]["name"],
        today=written(today),
        tiles=tiles(answers),
        parts=parts,
        classes=_classes,
        footer=reconciled(answers["trust_reconciliation"]),
    )


def tiles(answers: Answers) -> list[Tile]:
    """Return the figures that stand first."""
    owed, sent = answers["receivables_by_age"], latest(answers["realization_and_collection"])
    late = percent(total(owed, "over_90_days"), total(owed, "total"))
    held = answers["trust_balances"]
    return [
        Tile(dollars(total(answers["work_in_progress"], "total")), "can still be billed"),
        Tile(dollars(total(owed, "total")), f"owed by clients, {late} of it over 90 days late"),
        Tile(
            percent(total(sent, "billed"), total(sent, "recorded")), "of recorded work was billed"
        ),
        Tile(percent(total(sent, "paid"), total(sent, "due")), "of what was billed is paid"),
        Tile(dollars(total(held, "balance")), f"held in trust for {how_many(held)}"),
        Tile(f"{sum(row['matters'] for row in answers['matters_by_stage']):,}", "running matters"),
    ]


def written(day: date) -> str:
    """Write a day, as ``May 4, 2026``."""
    return f"{day:%B} {day.day}, {day.year}"


def _classes(column: Column) -> str:
    names = [name for name in ("number", "minor") if getattr(column, name)]
    return Markup(' class="{}"').format(" ".join(names)) if names else ""
