"""Makes tables of the stored results, for the results' own page, the README and the docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.competitors import ALL, DLT, STOCK, TAP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Results = dict[str, Any]


def page(results: Results) -> str:
    """Return the page with all results."""
    lines = [
        "# Results",
        "",
        *provenance(results),
        "",
        "## The allowance",
        "",
        "Share of the ideal time for 300 matters, and how many requests were answered with 429.",
        "The ideal is a client that knows the limits and wastes nothing: the list of matters,",
        "then a full bucket at once, then one request after another at the rate. The stock tap",
        "and dlt keep no rate; they learn of the limit by 429.",
        "",
        *allowance(results),
        "",
        "## CPU",
        "",
        *cpu(results),
        "",
        *decoding(results),
        "",
        "## Start-up",
        "",
        *start_up(results),
        "",
        "## Scaling",
        "",
        *scaling(results),
        "",
        "## A second run",
        "",
        *changes(results),
        "",
        "## A day of hourly runs",
        "",
        *day(results),
    ]
    return "\n".join(lines) + "\n"


def provenance(results: Results) -> list[str]:
    """Say on what, with what and when it was measured."""
    machine, versions = results["machine"], results["versions"]
    with_what = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        f"Measured on {results['made']} by `make bench`, all in one run of",
        f"{results['seconds'] // 60} minutes, against the sandbox, on {machine['cores']} cores",
        f"({machine['cpu']}), {machine['memory_gb']} GB, {machine['system']}: {with_what}.",
        "Seconds are of this machine; what carries over to others are the ratios.",
    ]


def allowance(results: Results) -> list[str]:
    """Return the shares of the allowance, a row for each latency and rate."""
    by_case: dict[tuple[int, int, int], dict[str, Any]] = {}
    for one in results["allowance"]:
        case = one["rate"], one["burst"], one["latency_ms"]
        by_case.setdefault(case, {})[one["who"]] = one
    rows = [
        [f"{rate} a second, burst {burst}", f"{ms} ms", *(_share(found[who]) for who in ALL)]
        for (rate, burst, ms), found in by_case.items()
    ]
    return table(["Allowance", "Latency", *ALL], rows)


NOISE = "lost in noise"
"""Said of a figure that a busy machine has made impossible."""


def cpu(results: Results) -> list[str]:
    """Return what a row costs."""
    measured = results["cpu"]
    stock = next(one for one in measured["contestants"] if one["who"] == STOCK)
    rows = [
        [
            one["who"],
            f"{one['rows_a_core_second']:,.0f}" if one["net_cpu"] > 0 else NOISE,
            _times(stock["net_cpu"], one["net_cpu"]),
            f"{one['net_cpu']:.2f} s",
            f"{one['start_cpu']:.2f} s",
        ]
        for one in measured["contestants"]
    ]
    return [
        f"{measured['rows']:,} fees in pages of 500, without latency. The floor decodes the pages",
        "and encodes the messages with msgspec, and does nothing else; with floats it would lose",
        "digits.",
        "",
        *table(["", "Rows a core-second", "Times stock", "CPU", "and to start"], rows),
        "",
        f"The tap takes {measured['times_floor']:.2f} times the floor.",
    ]


def decoding(results: Results) -> list[str]:
    """Say whether decoding elsewhere would pay."""
    found = results["cpu"]["decoding"]
    here, threads, process = (found["ms_a_page"][way] for way in ("here", "threads", "process"))
    pays = min(threads, process) < here
    return [
        f"To decode a page of 500 fees takes {here:.1f} ms in one thread, {threads:.1f} ms in two,",
        f"which share the interpreter's lock, and {process:.1f} ms in a second process that hands",
        f"the rows back (Python {found['python']}): it {'could' if pays else 'does not'} pay",
        "to decode elsewhere than where the page was read. At 5 requests a second a page comes",
        "every 200 ms.",
    ]


def start_up(results: Results) -> list[str]:
    """Return what starting costs."""
    found = results["start_up"]
    bare = found["import singer_sdk"]
    rows = [[f"`{name}`", f"{cpu:.2f} s", f"{cpu - bare:+.2f} s"] for name, cpu in found.items()]
    return table(["", "CPU", "beyond the SDK"], rows)


def scaling(results: Results) -> list[str]:
    """Return what a larger firm costs."""
    rows = [
        [
            one["who"],
            f"{one['matters']:,}",
            f"{one['cpu']:.1f} s",
            f"{one['cpu_ms_a_matter']:.2f} ms",
            f"{one['bytes_out'] / 1e6:,.1f} MB",
            f"{one['peak_mb']:.0f} MB",
            f"{one['log_lines']:,}",
        ]
        for one in sorted(results["scaling"], key=lambda one: ALL.index(one["who"]))
    ]
    head = ["", "Matters", "CPU", "a matter", "Output", "Peak memory", "Log lines"]
    return [
        "Matters with one fee each, without latency. The stock tap writes a state with an entry",
        "for each matter, again and again: it takes with the square of the matters.",
        "",
        *table(head, rows),
    ]


def changes(results: Results) -> list[str]:
    """Return what a second run takes."""
    rows = [
        [
            one["who"],
            f"{one['requests']:,}",
            f"{one['rows'].get('matters', 0):,}",
            f"{one['rows'].get('fees', 0):,}",
            f"{one['bytes_out'] / 1e3:,.0f} kB",
            f"{one['first_bytes_out'] / 1e3:,.0f} kB",
        ]
        for one in results["changes"]
    ]
    head = ["", "Requests", "Matters sent", "Fees sent", "Output", "Output of the first run"]
    changed = results["changes"][0]["changed"]
    return [
        f"After {changed} of 3,000 fees of 300 matters changed.",
        "",
        *table(head, rows),
    ]


def day(results: Results) -> list[str]:
    """Return how old the data is."""
    found = results["day"]
    check = found["check"]
    with_matter, silent = found["with_matter"], found["silent"]
    rows = [
        [
            "changed together with its matter",
            _age(with_matter, "median"),
            _age(with_matter, "worst"),
        ],
        ["changed silently", _age(silent, "median"), _age(silent, "worst")],
    ]
    verdict = "the very same" if check["same_reads"] else "NOT the same"
    return [
        f"{found['matters']:,} matters, of which {found['changed_a_day']} change a day, with",
        f"{found['streams']} streams below them; {found['rate']:g} requests a second; a run each",
        f"hour with `max_run_minutes: {found['limit_minutes']:g}`. On a virtual clock, by the",
        f"tap's rules: a sweep takes {found['runs_a_sweep']:.1f} runs. How long a change takes to",
        "arrive:",
        "",
        *table(["A row that", "at the median", "at worst"], rows),
        "",
        f"{check['runs']} real runs on a small firm read {verdict} as the model, and",
        f"{check['requests_a_run']:.0f} requests a run where it expects",
        f"{check['predicted_requests_a_run']:.0f}.",
    ]


def overview(results: Results) -> list[str]:
    """Return the table for the README."""
    shares = {
        who: [one for one in results["allowance"] if one["who"] == who and one["rate"] == 5]  # noqa: PLR2004
        for who in ALL
    }
    by_cpu = {one["who"]: one for one in results["cpu"]["contestants"]}
    smallest = {
        one["who"]: one
        for one in results["scaling"]
        if one["matters"] == 1_000  # noqa: PLR2004
    }
    second = {one["who"]: one for one in results["changes"]}
    stock = by_cpu[STOCK]["net_cpu"]
    rows = [
        [
            f"share of the ideal time, {ms} ms latency (429s)",
            *(_share(next(o for o in shares[who] if o["latency_ms"] == ms)) for who in ALL),
        ]
        for ms in (50, 200, 800)
    ]
    rows += [
        [
            "rows a core-second, times stock",
            *(_times(stock, by_cpu[who]["net_cpu"]) for who in ALL),
        ],
        [
            "output for 1,000 matters with a fee each",
            *(f"{smallest[who]['bytes_out'] / 1e6:,.1f} MB" for who in ALL),
        ],
        [
            "output after 1% of the fees changed",
            *(f"{second[who]['bytes_out'] / 1e3:,.0f} kB" for who in ALL),
        ],
    ]
    return table(["5 requests a second, burst 5", *ALL], rows)


def _times(stock: float, own: float) -> str:
    return f"{stock / own:.1f}" if own > 0 else NOISE


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(line)} |".replace("| --- ", "|---").replace("---|", "---|")
        for line in lines
    ]


def _share(one: Results) -> str:
    if one["failed"]:
        return f"gave up ({one['refused']})"
    return f"{one['share']:.1%} ({one['refused']})"


def _age(delays: dict[str, float], which: str) -> str:
    hours = delays[f"{which}_hours"]
    return f"{hours:.1f} hours" if hours > 2 else f"{hours * 60:.0f} minutes"  # noqa: PLR2004


__all__ = ["ALL", "DLT", "STOCK", "TAP", "overview", "page", "table"]
