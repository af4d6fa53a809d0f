"""Computes the tiles of the page of a firm: a figure, a text, and the same figure before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.daily_images import MONTHS_BEFORE, newest_image
from tests.expected_decisions import EVERYTHING, FEW, day_text, month_text, share, sum_of
from tests.expected_figures import ZERO, add_months
from tests.expected_page import collection_of, realization_of, utilization_of

if TYPE_CHECKING:
    from tests.expected_page import ExpectedPage, Span

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
UP = "\N{BLACK UP-POINTING TRIANGLE}\N{NO-BREAK SPACE}+"
DOWN = f"\N{BLACK DOWN-POINTING TRIANGLE}\N{NO-BREAK SPACE}{MINUS}"
MOST_KINDS = 3
NOTABLE = 3
"""The lowest priority of an exception that is an error, and no note."""


class Period(NamedTuple):
    """A choice of the filter of the page.

    Attributes:
        span: First and last day.
        before: The periods to compare with, by the text of the tile.
    """

    span: Span
    before: dict[str, Span]


def periods(today: date, fiscal_year_start: int = 1) -> dict[str, Period]:
    """Return the periods by the value of the filter. Whole months are compared with such."""
    month, day = today.replace(day=1), timedelta(days=1)
    until = month - day
    fiscal = add_months(month, -((today.month - fiscal_year_start) % 12))
    names = {1: "a month before", 3: "3 months before", 12: "a year before"}

    def period(first: date, last: date, *months: int) -> Period:
        def end(count: int) -> date:
            is_whole = (last + day).day == 1
            return add_months(last + day, -count) - day if is_whole else add_months(last, -count)

        return Period(
            (first, last), {names[each]: (add_months(first, -each), end(each)) for each in months}
        )

    return {
        "this month": period(month, today, 1, 12),
        "last month": period(add_months(month, -1), until, 1, 12),
        "3 months": period(add_months(month, -3), until, 3, 12),
        "12 months": period(add_months(month, -12), until, 1, 12),
        "fiscal year": period(fiscal, today, 12),
        "last fiscal year": period(add_months(fiscal, -12), fiscal - day, 12),
        "all": Period(EVERYTHING, {}),
    }


def span_text(span: Span) -> str:
    """Return a period as headings show it."""
    first, last = span
    if (last + timedelta(days=1)).day == 1:
        return " to ".join(dict.fromkeys((month_text(first), month_text(last))))
    return f"{day_text(first)} to {day_text(last)}"


def money(amount: Decimal, unit: str = "1") -> str:
    """Return an amount as a tile shows it."""
    rounded = amount.quantize(Decimal(unit), ROUND_HALF_UP)
    return f"${rounded:,}" if rounded >= 0 else f"{MINUS}${-rounded:,}"


def percent(part: Decimal | None, unit: str = "0.1") -> str:
    return DASH if part is None else f"{part.quantize(Decimal(unit), ROUND_HALF_UP)}%"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def figures(page: ExpectedPage) -> dict[str, Decimal | None]:
    """Return the figures that are compared with earlier periods, by the start of the label."""
    return {
        "Cash received": sum_of(page.receipts, "cash_amount"),
        "Fees billed": sum_of(page.bills, "net_fee_amount"),
        "Realization of fees": realization_of(page.bills, page.written_off)["Realization"],
        "Collected of bills": collection_of(page.bills)["Collection"],
        "Utilization": utilization_of(page.hours)["Utilization"],
    }


def tiles(page: ExpectedPage) -> dict[str, tuple[str, str]]:
    """Return the figure and the text of each tile, by the start of its label."""
    shown = figures(page)
    bills, old = page.bills, [row for row in page.bills if row["is_mature"]]
    work, old_work = sum_of(page.unbilled, "amount"), sum_of(page.old_work, "amount")
    hours, active = utilization_of(page.hours), page.active_matters
    debtors = len({row["debtor"] for row in page.overdue})
    open_leads = sum(row["outcome"] == "open" for row in page.leads)
    cash, billed = shown["Cash received"] or ZERO, shown["Fees billed"] or ZERO
    return {
        "Trust exceptions": _exceptions(page),
        "Trust money": (
            money(sum((r["May move"] for r in page.transferable()), ZERO)),
            counted(len(page.transferable()), "matter"),
        ),
        "Unbilled work": (
            money(old_work),
            f"{percent(share(old_work, work), '1')} of {money(work)} unbilled",
        ),
        "Overdue bills": (
            money(sum_of(page.overdue, "owed_amount")),
            f"{counted(debtors, 'debtor')}, of {money(sum_of(page.debts, 'owed_amount'))} owed",
        ),
        "Lock-up": _lockup(page),
        "Cash received": (money(cash), counted(len(page.receipts), "payment")),
        "Fees billed": (money(billed), counted(len(bills), "bill")),
        "Realization of fees": (percent(shown["Realization of fees"]), _few(len(bills), "bill")),
        "Collected of bills": (percent(shown["Collected of bills"]), _few(len(old), "old bill")),
        "Utilization": (
            percent(shown["Utilization"]),
            f"{_whole(hours['Billable'])} billable of {_whole(hours['Available'])} hours",
        ),
        "Active matters": (
            str(len(active)),
            f"{page.idle(active)} without activity for 60 days; {counted(open_leads, 'open lead')}",
        ),
    }


def notes(page: ExpectedPage, before: dict[str, Span]) -> dict[str, list[str]]:
    """Return the figures of earlier periods, with the change, by the start of the label."""
    now = figures(page)
    earlier = {name: figures(page.chosen(span=span)) for name, span in before.items()}
    return {
        label: [_note(name, figure, found[label], label) for name, found in earlier.items()]
        for label, figure in now.items()
    }


def image_notes(page: ExpectedPage) -> dict[str, list[str]]:
    """Return the figures of earlier images, with the change, by the start of the label."""
    work, late = sum_of(page.unbilled, "amount"), sum_of(page.overdue, "owed_amount")
    held, today = page.held(), page.firm.today
    found: dict[str, list[str]] = {
        "Trust exceptions": [f"held in trust: {money(held)}"],
        **{label: [] for label in ("Unbilled work", "Overdue bills", "Lock-up")},
    }
    for name, months in MONTHS_BEFORE.items():
        image, day = newest_image(page.images, today, months), add_months(today, -months)
        if page.trust.has_ledgers:
            found["Trust exceptions"].append(
                _image_note("held in trust", day, held, page.held(day))
            )
        month = add_months(today.replace(day=1), -months)
        found["Lock-up"].append(f"{name}: {_lockup_text(page, month)}")
        if image is None:
            found["Unbilled work"].append(f"all unbilled {name}: no image yet")
            found["Overdue bills"].append(f"overdue {name}: no image yet")
            continue
        for label, what, now, before in (
            ("Unbilled work", "all unbilled", work, page.work_on(image)),
            ("Overdue bills", "overdue", late, page.overdue_on(image)),
        ):
            found[label].append(_image_note(what, image.day, now, before))
    return found


def _lockup(page: ExpectedPage) -> tuple[str, str]:
    found = page.lockup_of(None)
    days, bills = found["lockup_days"], int(found["invoices_in_12_months"])
    if days is None:
        return DASH, "needs twelve months of bills"
    whole = "unbilled work and debtors in days of billing; the whole firm"
    return f"{_whole(days)} days", f"only {counted(bills, 'bill')}" if bills < FEW else whole


def _lockup_text(page: ExpectedPage, month: date) -> str:
    if month not in page.month_ends():
        return "no image yet"
    days = page.lockup_of(page.month_ends()[month])["lockup_days"]
    return f"{DASH if days is None else f'{days:,}'} days"


def _image_note(what: str, day: date, now: Decimal, before: Decimal) -> str:
    changed = change(now, before, is_amount=True)
    return f"{what}, {day_text(day)}: {money(before)} {changed}".strip()


def _note(name: str, now: Decimal | None, before: Decimal | None, label: str) -> str:
    is_amount = label in {"Cash received", "Fees billed"}
    if before is None:
        return f"{name}: {DASH}"
    shown = money(before) if is_amount else percent(before)
    return f"{name}: {shown} {change(now, before, is_amount=is_amount)}".strip()


def change(now: Decimal | None, before: Decimal, *, is_amount: bool) -> str:
    """Return the change of an amount in percent, and that of a share in points."""
    if now is None or (is_amount and not before):
        return ""
    by = 100 * (now - before) / abs(before) if is_amount else now - before
    if is_amount and by > Decimal("999.5"):
        return "(\N{BLACK UP-POINTING TRIANGLE} more than tenfold)"
    size = abs(by).quantize(Decimal(1 if is_amount else "0.1"), ROUND_HALF_UP)
    is_changed = by if is_amount else size
    sign = "" if not is_changed else UP if by > 0 else DOWN
    return f"({sign}{size:,}{'%' if is_amount else ' points'})"


def _exceptions(page: ExpectedPage) -> tuple[str, str]:
    kinds: dict[str, int] = {}
    for row in page.trust_exceptions():
        if row["Priority"] <= NOTABLE:
            kinds[row["Exception"].lower()] = kinds.get(row["Exception"].lower(), 0) + 1
    is_grave = any(row["Priority"] == 1 for row in page.trust_exceptions())
    texts = [f"{count} \N{MULTIPLICATION SIGN} {kind}" for kind, count in kinds.items()]
    if others := sum(kinds.values()) - sum(list(kinds.values())[:MOST_KINDS]):
        texts = [*texts[:MOST_KINDS], f"{others} \N{MULTIPLICATION SIGN} other"]
    ledgers = counted(page.ledgers_held(), "balance")
    return (
        f"{'! ' if is_grave else ''}{sum(kinds.values())}",
        "; ".join(texts) if texts else f"None in {ledgers}",
    )


def _few(count: int, noun: str) -> str:
    return f"only {counted(count, noun)}" if count < FEW else counted(count, "bill")


def _whole(number: Decimal) -> str:
    return f"{number.quantize(Decimal(1), ROUND_HALF_UP):,}"
