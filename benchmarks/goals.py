"""Measure the tap of this checkout against that of an earlier commit, in turns in one run.

Each figure may have a goal: a share of the earlier figure where it depends on the machine, a value
where it does not. Both versions run in one environment, alternately, several times. The least
figure of each counts, since other work on the machine only adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import measure, own_memory
from benchmarks.competitors import NO_LIMIT, TAP, catalog, simulated_firm, write_files
from benchmarks.cpu import fee_pages
from benchmarks.earlier_version import earlier_version
from benchmarks.large_matters import large_matters
from benchmarks.response_files import response_file

if TYPE_CHECKING:
    from benchmarks.competitors import SimulatedFirm

BEFORE = "777086eb07b4e1c728dbf962a5c2f8119ddfd0c1"
"""The last commit before requests, rows, the start and batches took less CPU."""

MATTERS, FEWER_MATTERS = 4_000, 1_000
ROW_MATTERS, FEES_PER_MATTER = 200, 499
"""One page for each matter: a full one would be followed by a second request."""
ROWS = ROW_MATTERS * FEES_PER_MATTER
SMALL_FIRM, MIDDLE_FIRM = 30, 200
START_ROUNDS, ROW_ROUNDS, REQUEST_ROUNDS, ROUNDS = 9, 7, 5, 3

Versions = dict[str, Path]
"""The checkouts, by `before` and `now`."""

Figure = dict[str, Any]
Run = Callable[[], float]


def measure_goals(commit: str = BEFORE) -> dict[str, Any]:
    """Measure all figures.

    Raises:
        NoHistoryError: The commit is not in the history, or there is no history.
    """
    with earlier_version(commit) as earlier:
        versions = {"before": earlier, "now": measure.ROOT}
        figures = [
            figure
            for measured in (_requests, _rows, _start, _memory)
            for figure in measured(versions)
        ]
    return {"before": commit, "figures": figures}


def _requests(versions: Versions) -> Iterator[Figure]:
    large = simulated_firm(matters=MATTERS, fees=1, exact_fees=True)
    small = simulated_firm(matters=FEWER_MATTERS, fees=1, exact_fees=True)
    with large as large_firm, small as small_firm:
        runs: dict[Any, Run] = {}
        for name, source in versions.items():
            runs[name, "large"] = partial(_run_cpu, large_firm, source)
            runs[name, "small"] = partial(_run_cpu, small_firm, source)
        found = _alternate(runs, REQUEST_ROUNDS)
    whole = {name: found[name, "large"] for name in versions}
    yield _figure(f"CPU of {MATTERS:,} matters with a fee each", "s", whole, share=0.65)
    difference = MATTERS - FEWER_MATTERS
    one = {n: 1000 * (whole[n] - found[n, "small"]) / difference for n in versions}
    yield _figure("CPU of one more matter with a fee", "ms", one, is_checked=False)


def _rows(versions: Versions) -> Iterator[Figure]:
    full = simulated_firm(matters=ROW_MATTERS, fees=FEES_PER_MATTER, exact_fees=True)
    thin = simulated_firm(matters=ROW_MATTERS, fees=1, exact_fees=True)
    with full as firm, thin as thin_firm:
        runs: dict[Any, Run] = {}
        for size, each in (("full", firm), ("thin", thin_firm)):
            pages = [page + b"\n" for page in fee_pages(each, FEES_PER_MATTER)]
            (each.folder / "pages").write_bytes(b"".join(pages))
            _write_responses(each, pages)
            bound = ["-m", "benchmarks.lower_bound", "pages"]
            runs["bound", size] = partial(_user_cpu, bound, each.folder)
            for name, source in versions.items():
                path = ["-m", "benchmarks.row_path", "responses", *_files(each, source)]
                runs[name, size] = partial(_user_cpu, path, each.folder, source)
        batches = {
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": f"file://{firm.folder}/batches"},
        }
        (firm.folder / "batches").mkdir()
        for name, source in versions.items():
            runs[name, "records"] = partial(_run_cpu, firm, source)
            runs[name, "batches"] = partial(_run_cpu, firm, source, batch_config=batches)
        found = _alternate(runs, ROW_ROUNDS)
    row = {name: found[name, "full"] - found[name, "thin"] for name in ("bound", *versions)}
    times_bound = {name: row[name] / row["bound"] for name in versions}
    yield _figure(
        "CPU of a row, times the lower bound", "", times_bound, value=1.25, is_checked=False
    )
    whole = {name: found[name, "records"] for name in versions}
    yield _figure(f"CPU of {ROWS:,} fees", "s", whole)
    batch = {name: found[name, "batches"] / whole["before"] for name in versions}
    name = "The same in batches, times RECORD messages before"
    yield _figure(name, "", batch, value=1.0, is_checked=False)


def _start(versions: Versions) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        runs: dict[Any, Run] = {
            name: partial(_cpu, ["-m", "tap_smokeball", "--version"], Path(folder), source)
            for name, source in versions.items()
        }
        runs["sdk"] = partial(_cpu, ["-c", "import singer_sdk"], Path(folder))
        found = _alternate(runs, START_ROUNDS)
    yield _figure("CPU of `--version`", "s", found, value=0.45)
    times_sdk = {name: found[name] / found["sdk"] for name in versions}
    yield _figure("The same, times `import singer_sdk`", "", times_sdk)


def _memory(versions: Versions) -> Iterator[Figure]:
    for matters in (SMALL_FIRM, MIDDLE_FIRM) if own_memory.is_available() else ():
        with simulated_firm(matters=matters) as firm:
            command = firm.command_of_all_streams()
            runs: dict[Any, Run] = {
                name: partial(own_memory.peak_mb, command, firm.folder, source)
                for name, source in versions.items()
            }
            found = _alternate(runs, ROUNDS)
        yield _figure(f"Own memory, {matters} matters, all streams", "MB", found, value=45)
    with large_matters() as url, TemporaryDirectory() as folder:
        runs = {
            name: partial(_peak_of_large_matters, url, Path(folder), source)
            for name, source in versions.items()
        }
        runs["now"]()  # makes the pages
        found = _alternate(runs, ROUNDS)
    yield _figure("Peak memory, five large matters at once", "MB", found)


def _write_responses(firm: SimulatedFirm, pages: list[bytes]) -> None:
    """Write the list of matters and their pages, as `benchmarks.row_path` reads them."""
    folder = firm.folder / "responses"
    folder.mkdir()
    response_file(folder, "/matters").write_bytes(firm.get("/matters?Type=Matters,Leads"))
    for matter, page in zip(firm.matter_ids(), pages, strict=True):
        response_file(folder, f"/matters/{matter}/fees").write_bytes(page)


def _files(firm: SimulatedFirm, source: Path) -> list[str]:
    """Write the configuration and the catalog of a version, and return their names."""
    folder = firm.folder / source.name
    folder.mkdir(exist_ok=True)
    # One worker: the threads of several would wait for each other, as no network lets them.
    config = firm.config | NO_LIMIT | {"burst": 1}
    files = {"config": config, "catalog": catalog(("fees",), source)}
    return write_files(folder, files)[1::2]


def _peak_of_large_matters(url: str, folder: Path, source: Path) -> float:
    config = {"api_url": url, "api_key": "key", "access_token": "token", **NO_LIMIT}
    files = {"config": config, "catalog": catalog(("fees",), source)}
    command = [measure.TAP_PYTHON, "-m", "tap_smokeball", *write_files(folder, files)]
    return measure.run(command, folder, source).peak_mb


def _run_cpu(firm: SimulatedFirm, source: Path, **settings: Any) -> float:
    return firm.run(TAP, source=source, **settings).usage.cpu


def _cpu(arguments: list[str], folder: Path, source: Path = measure.ROOT) -> float:
    return measure.run([measure.TAP_PYTHON, *arguments], folder, source).cpu


def _user_cpu(arguments: list[str], folder: Path, source: Path = measure.ROOT) -> float:
    """Return the CPU without that of the system: memory for the pages is no part of a row."""
    return measure.run([measure.TAP_PYTHON, *arguments], folder, source).user_cpu


def _alternate(runs: dict[Any, Run], rounds: int) -> dict[Any, float]:
    samples: dict[Any, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            samples[name].append(run())
    return {name: min(values) for name, values in samples.items()}


def _figure(  # noqa: PLR0913 - the parts of a figure
    name: str,
    unit: str,
    found: dict[Any, float],
    *,
    share: float | None = None,
    value: float | None = None,
    is_checked: bool = True,
) -> Figure:
    """Return a figure, of which less is better.

    Args:
        name: What was measured.
        unit: Its unit.
        found: The figure before and now.
        share: Goal of the new figure as a share of the earlier one.
        value: Goal of the new figure itself.
        is_checked: Whether `benchmarks.regression` compares its ratio with the stored one. Those of
            differences vary too much on a busy machine.
    """
    goals = {"goal_share": share, "goal_value": value}
    goal = {name: each for name, each in goals.items() if each is not None}
    numbers = {"before": found["before"], "now": found["now"], **goal}
    return {"name": name, "unit": unit, "is_checked": is_checked, **numbers}
