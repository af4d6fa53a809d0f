"""Render the stored results as Markdown for the results page, the README and the docs."""

from __future__ import annotations

from typing import Any

from benchmarks.competitors import COMPETITORS, DLT, STOCK, TAP
from benchmarks.decoding import WHERE
from benchmarks.markdown_tables import table
from benchmarks.report_goals import goals
from benchmarks.report_models import day, freshness

Results = dict[str, Any]


def render_page(results: Results) -> str:
    """Render the page with all results."""
    lines = [
        "# Results",
        "",
        *provenance(results),
        "",
        "## Rate limit",
        "",
        "Share of the ideal time for 300 matters. In parentheses: requests rejected with 429. The",
        "ideal client knows the limits and wastes nothing: it requests the list of matters, then",
        "sends the full burst at once and the remaining requests at the rate. dlt and the stock",
        "tap do not limit their rate; they retry after a 429.",
        "",
        *rate_limit(results),
        "",
        "## CPU",
        "",
        *cpu(results),
        "",
        *decoding(results),
        "",
        "## Goals",
        "",
        *goals(results),
        "",
        "## Start-up",
        "",
        *start_up(results),
        "",
        "## Scaling",
        "",
        *scaling(results),
        "",
        "## Second run",
        "",
        *changes(results),
        "",
        "## Freshness with hourly runs",
        "",
        *freshness(results),
        "",
        "## A day with webhooks",
        "",
        *day(results),
    ]
    return "\n".join(lines) + "\n"


def competitors(results: Results) -> list[str]:
    """Return the names of the measured competitors, in order."""
    measured = {result["name"] for result in results["cpu"]["competitors"]}
    return [name for name in COMPETITORS if name in measured]


def provenance(results: Results) -> list[str]:
    """Describe the date, the machine and the versions of the measurement."""
    machine, versions = results["machine"], results["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        f"Measured on {results['measured_on']} by `make bench` against the sandbox in one run of",
        f"{results['seconds'] // 60} minutes. Machine: {machine['cores']} cores",
        f"({machine['cpu']}), {machine['memory_gb']} GB, {machine['system']}. Versions:",
        f"{packages}.",
        "Absolute times depend on the machine; compare the ratios.",
    ]


def rate_limit(results: Results) -> list[str]:
    """Render the shares of the ideal time, one row per rate and latency."""
    names = competitors(results)
    by_case: dict[tuple[int, int, int], dict[str, Any]] = {}
    for result in results["rate_limit"]:
        case = result["rate"], result["burst"], result["latency_ms"]
        by_case.setdefault(case, {})[result["name"]] = result
    rows = [
        [
            f"{rate} per second, burst {burst}",
            f"{ms} ms",
            *(_share(by_name[name]) for name in names),
        ]
        for (rate, burst, ms), by_name in by_case.items()
    ]
    return table(["Rate limit", "Latency", *names], rows)


NOISE = "not measurable"
"""Shown for a net time that other load on the machine made negative."""


def cpu(results: Results) -> list[str]:
    """Render the CPU time of rows."""
    measured = results["cpu"]
    stock = next(result for result in measured["competitors"] if result["name"] == STOCK)
    rows = [
        [
            result["name"],
            f"{result['rows_per_cpu_second']:,.0f}" if result["net_cpu"] > 0 else NOISE,
            _times(stock["net_cpu"], result["net_cpu"]),
            f"{result['net_cpu']:.2f} s",
            f"{result['start_cpu']:.2f} s",
        ]
        for result in measured["competitors"]
    ]
    return [
        f"{measured['rows']:,} fees in pages of 500, without latency. The lower bound only decodes",
        "the pages and encodes the messages with msgspec. With floats, it loses digits.",
        "",
        *table(["", "Rows per CPU-second", "Times stock", "CPU", "Start-up CPU"], rows),
        "",
        f"The tap takes {measured['times_lower_bound']:.2f} times the CPU of the lower bound.",
    ]


def decoding(results: Results) -> list[str]:
    """State whether decoding in threads or in a process would be faster."""
    measured = results["cpu"]["decoding"]
    main, threads, process = (measured["ms_per_page"][where] for where in WHERE)
    verdict = "could be faster" if min(threads, process) < main else "would be slower"
    return [
        f"Decoding a page of 500 fees takes {main:.1f} ms in one thread, {threads:.1f} ms in two,",
        f"which share the interpreter's lock, and {process:.1f} ms in a second process, which has",
        f"to send the rows back (Python {measured['python']}). So decoding elsewhere {verdict}.",
        "At 5 requests per second, a page arrives every 200 ms.",
    ]


def start_up(results: Results) -> list[str]:
    """Render the CPU time of start-up."""
    measured = results["start_up"]
    sdk = measured["import singer_sdk"]
    rows = [[f"`{name}`", f"{cpu:.2f} s", f"{cpu - sdk:+.2f} s"] for name, cpu in measured.items()]
    return table(["", "CPU", "More than the SDK"], rows)


def scaling(results: Results) -> list[str]:
    """Render the cost of larger firms."""
    rows = [
        [
            result["name"],
            f"{result['matters']:,}",
            f"{result['cpu']:.1f} s",
            f"{result['cpu_ms_per_matter']:.2f} ms",
            f"{result['bytes_out'] / 1e6:,.1f} MB",
            f"{result['peak_mb']:.0f} MB",
            f"{result['log_lines']:,}",
        ]
        for result in sorted(results["scaling"], key=lambda each: COMPETITORS.index(each["name"]))
    ]
    head = ["", "Matters", "CPU", "CPU per matter", "Output", "Peak memory", "Log lines"]
    return [
        "Matters with one fee each, without latency. The stock tap repeatedly writes a state with",
        "an entry for each matter: its cost grows quadratically with the number of matters.",
        "",
        *table(head, rows),
    ]


def changes(results: Results) -> list[str]:
    """Render the requests, rows and output of a second run."""
    rows = [
        [
            result["name"],
            f"{result['requests']:,}",
            f"{result['rows'].get('matters', 0):,}",
            f"{result['rows'].get('fees', 0):,}",
            f"{result['bytes_out'] / 1e3:,.0f} kB",
            f"{result['first_bytes_out'] / 1e3:,.0f} kB",
        ]
        for result in results["changes"]
    ]
    head = ["", "Requests", "Matters", "Fees", "Output", "Output of the first run"]
    changed = results["changes"][0]["changed"]
    return [
        f"The firm has 300 matters and 3,000 fees, of which {changed} changed after the first run.",
        "",
        *table(head, rows),
    ]


def overview(results: Results) -> list[str]:
    """Render the table for the README."""
    names = competitors(results)
    shares = {
        (result["name"], result["latency_ms"]): _share(result)
        for result in results["rate_limit"]
        if result["rate"] == 5  # noqa: PLR2004
    }
    by_cpu = {result["name"]: result for result in results["cpu"]["competitors"]}
    smallest = {
        result["name"]: result
        for result in results["scaling"]
        if result["matters"] == 1_000  # noqa: PLR2004
    }
    second = {result["name"]: result for result in results["changes"]}
    stock = by_cpu[STOCK]["net_cpu"]
    rows = [
        [
            f"Share of the ideal time at {ms} ms latency (429s)",
            *(shares[name, ms] for name in names),
        ]
        for ms in (50, 200, 800)
    ]
    rows += [
        [
            "Rows per CPU-second, times stock",
            *(_times(stock, by_cpu[name]["net_cpu"]) for name in names),
        ],
        [
            "Output for 1,000 matters with one fee each",
            *(f"{smallest[name]['bytes_out'] / 1e6:,.1f} MB" for name in names),
        ],
        [
            "Output after 1% of the fees changed",
            *(f"{second[name]['bytes_out'] / 1e3:,.0f} kB" for name in names),
        ],
    ]
    return table(["5 requests per second, burst 5", *names], rows)


def _times(stock: float, own: float) -> str:
    return f"{stock / own:.1f}" if own > 0 else NOISE


def _share(result: Results) -> str:
    if result["failed"]:
        return f"failed ({result['rejected']})"
    return f"{result['share']:.1%} ({result['rejected']})"


__all__ = [
    "COMPETITORS",
    "DLT",
    "STOCK",
    "TAP",
    "day",
    "freshness",
    "goals",
    "overview",
    "render_page",
]
