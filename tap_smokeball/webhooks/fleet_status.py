"""The command ``fleet-status``: how all firms of an inbox are, for people and for monitoring."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_smokeball import dotnet_ticks
from tap_smokeball.errors import SmokeballError, os_error_message
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.fleet import list_firms
from tap_smokeball.reporting.text_table import format_table
from tap_smokeball.webhooks.options import inbox_option, reader_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.inbox.fleet import FirmRuns

_METRICS = {
    "waiting_events": "Events that no run has acted on",
    "oldest_event_seconds": "Age of the oldest of these events",
    "last_run_seconds": "Age of the last run that ended",
    "last_poll_seconds": "Age of the last read of the streams without events",
    "last_full_pass_seconds": "Age of the oldest of the last full passes",
    "last_closed_pass_seconds": "Age of the oldest of the last full passes over closed matters",
    "refused_parents": "Parents that the last run could not read",
    "failures": "Runs that failed since the last one that succeeded",
    "subscription_alive": "Whether the webhook subscription exists",
    "refresh_token_days": "Days until the refresh token expires",
}
"""Gauges of each firm, with the prefix `PREFIX`, and the fields of the JSON."""

PREFIX = "tap_smokeball_firm"


@click.command("fleet-status")
@inbox_option
@reader_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "prometheus"]),
    default="text",
    show_default=True,
    help="Format of the output.",
)
@click.option("--firm", help="The firm to show.  [default: all]")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to replace, such as one of Prometheus' textfile collector.  [default: standard "
    "output]",
)
def fleet_status(
    *, inbox: str, reader: str, format_: str, firm: str | None, output: Path | None
) -> None:
    """Show for all firms what waits, how old the data is, and how the last run failed."""
    with closing(InboxDatabase(inbox, is_created=False)) as database:
        now, firms = list_firms(database, reader, [firm] if firm else None)
    found = [_describe(now, each) for each in firms]
    if format_ == "json":
        text = json.dumps({"now": dotnet_ticks.to_iso_seconds(now), "firms": found})
    else:
        text = _table(found) if format_ == "text" else _prometheus(found)
    if output is None:
        click.echo(text)
    else:
        _replace(output, text)


def _describe(now: int, firm: FirmRuns) -> dict[str, Any]:
    run = firm.run or {}

    def age(ticks: int | None) -> float | None:
        return None if ticks is None else round(max(0, now - ticks) / dotnet_ticks.PER_SECOND, 1)

    expires = run.get("token_expires")
    failure = None
    if run.get("failures"):
        names = ("error", "stream", "reason", "advice", "is_permanent")
        failure = {name: run[name] for name in names}
    return {
        "firm": firm.firm,
        "waiting_events": firm.waiting_events,
        "oldest_event_seconds": age(firm.oldest_arrival) if firm.waiting_events else 0,
        "last_run_seconds": age(run.get("ended")),
        "last_poll_seconds": age(run.get("last_poll")),
        # 0 is the year 1: no full pass has ended yet.
        "last_full_pass_seconds": age(run.get("last_full_pass") or None),
        "last_closed_pass_seconds": age(run.get("last_closed_pass") or None),
        "refused_parents": run.get("refused_parents", 0),
        "failures": run.get("failures", 0),
        "subscription_alive": firm.is_alive,
        "refresh_token_days": None
        if expires is None
        else round((expires - now) / dotnet_ticks.PER_DAY, 2),
        "failure": failure,
    }


def _table(firms: Iterable[dict[str, Any]]) -> str:
    rows = [
        (
            "firm",
            "oldest event",
            "last run",
            "full pass",
            "refused",
            "subscription",
            "token",
            "last failure",
        )
    ]
    for each in firms:
        failure = each["failure"]
        parts = (failure["reason"], failure["advice"]) if failure else ()
        rows.append(
            (
                each["firm"],
                _duration(each["oldest_event_seconds"]) if each["waiting_events"] else "none",
                _duration(each["last_run_seconds"]),
                _duration(each["last_full_pass_seconds"]),
                f"{each['refused_parents']:,}",
                {True: "alive", False: "gone", None: "unknown"}[each["subscription_alive"]],
                "unknown"
                if each["refresh_token_days"] is None
                else f"{each['refresh_token_days']:.0f} days",
                ". ".join(part for part in parts if part) or ("unknown" if failure else ""),
            )
        )
    return format_table(rows)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _prometheus(firms: Iterable[dict[str, Any]]) -> str:
    from prometheus_client import (  # noqa: PLC0415 - takes most of the start of this command
        CollectorRegistry,
        Gauge,
        generate_latest,
    )

    registry, found = CollectorRegistry(), list(firms)
    for name, text in _METRICS.items():
        gauge = Gauge(f"{PREFIX}_{name}", text, ["firm"], registry=registry)
        for each in found:
            if each[name] is not None:
                gauge.labels(each["firm"]).set(each[name])
    labels = ["firm", "error", "advice", "permanent"]
    failures = Gauge(f"{PREFIX}_failure", "The last failure", labels, registry=registry)
    for each in found:
        if failure := each["failure"]:
            is_permanent = "true" if failure["is_permanent"] else "false"
            texts = failure["error"] or "unknown", failure["advice"] or ""
            failures.labels(each["firm"], *texts, is_permanent).set(1)
    return generate_latest(registry).decode()


def _replace(path: Path, text: str) -> None:
    """Replace a file at once, so that no reader finds a part of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SmokeballError(
            f"the output cannot be written: {os_error_message(error)}", "Correct --output"
        ) from None
