"""Random sequences of runs against the second tenant: drawn from a seed, and made smaller.

A sequence is data. The same number gives the same sequence, so a failure is repeated with
``python -m tests.sequence_runner NUMBER``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.tenant import faults
from tests.tenant.faults import Fault
from tests.tenant.options import Options
from tests.tenant.resources import PARENTS, RESOURCES
from tests.tenant.world import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

VERBS = ("touch", "touch", "touch", "add", "add", "delete", "remove")
MATTER_VERBS = ("convert", "status", "touch", "import")
CLOSED_INTERVALS_HOURS = (0, 0.005, 1, 500)


@dataclass(frozen=True)
class Step:
    """One run, and what happens before and during it.

    Attributes:
        changes: Changes before the run.
        pause_seconds: Time since the run before.
        refusals: Parents that cannot be read from now on: number, resource (empty: all), fault.
        lifts_refusals: Whether all earlier refusals end before the run.
        changes_during: Changes before a request, by its number.
        faults: Faults of requests.
        date_error_seconds: How far all ``Date`` headers of the run are off.
        max_retries: The tap's setting.
        end: ``complete``, ``kill`` (process death) or ``time_limit``.
        end_at: Number of the message or request at which it ends.
        flushed: Number of messages by which the target's rows are ahead of its state.
        is_full_refresh: Whether the run starts without a state.
        closed_interval_hours: The tap's setting for closed matters.
    """

    changes: tuple[Change, ...] = ()
    pause_seconds: int = 60
    refusals: tuple[tuple[int, str, str], ...] = ()
    lifts_refusals: bool = False
    changes_during: tuple[tuple[int, Change], ...] = ()
    faults: tuple[Fault, ...] = ()
    date_error_seconds: int = 0
    max_retries: int = 0
    end: str = "complete"
    end_at: int = 0
    flushed: int = 0
    is_full_refresh: bool = False
    closed_interval_hours: float = 0


@dataclass(frozen=True)
class Sequence:
    """A firm, the settings of the tap, and the runs.

    Attributes:
        number: The number that it was drawn from.
        streams: Streams that are selected.
        options: How the tenant behaves.
        parents: Number of parents of each kind.
        children: Largest number of rows of a parent.
        has_true_clock: Whether the tenant's clock is that of this machine. Otherwise it is behind,
            and pauses take no time.
        request_seconds: Time that a request takes by the tenant's clock.
        merges: Which states are merged over the one before, as Meltano does: those of
            ``interrupted`` runs, or ``always``, or ``never``.
        settings: Settings of the tap.
        steps: The runs.
        lists_take_long: Whether runs have a time limit, and the state says that lists of parents
            take a large part of it: runs then begin with what changed.
    """

    number: int
    streams: tuple[str, ...]
    options: Options = field(default_factory=Options)
    parents: int = 3
    children: int = 2
    has_true_clock: bool = False
    request_seconds: float = 0.0
    merges: str = "never"
    settings: tuple[tuple[str, Any], ...] = ()
    steps: tuple[Step, ...] = ()
    lists_take_long: bool = False


def draw(number: int) -> Sequence:
    """Return the sequence with a number."""
    random = Random(number)  # noqa: S311 - repeatable, not secret
    streams = _draw_streams(random)
    has_true_clock = random.random() < 1 / 4
    lookback = random.choice((1, 5, 300))
    page_size = random.choice((2, 3, 5, 500, 500))
    options = _draw_options(random, streams, 0 if has_true_clock else lookback)
    settings: dict[str, Any] = {"lookback_seconds": lookback, "page_size": page_size}
    if random.random() < 1 / 5:
        settings["include_leads"] = False
    if random.random() < 1 / 6:
        settings["matter_statuses"] = ["Open", "Pending"]
    steps = tuple(
        _draw_step(random, streams, options, has_true_clock=has_true_clock)
        for _ in range(random.choice((1, 2, 2, 3, 4)))
    )
    closed_random = Random(-number - 1)  # noqa: S311 - apart, so that a number stays what it was
    if closed_random.random() < 1 / 2:
        steps = tuple(_draw_closed_pass(closed_random, streams, step) for step in steps)
    return Sequence(
        number,
        streams,
        options,
        parents=random.choice((1, 2, 3, 5, 8)),
        children=random.choice((1, 2, 4)),
        has_true_clock=has_true_clock,
        request_seconds=random.choice((0, 0, 0.001, 0.3, 20)),
        merges=random.choice(("never", "interrupted", "interrupted", "always")),
        settings=tuple(settings.items()),
        steps=steps,
        lists_take_long=closed_random.random() < 1 / 2,
    )


def _draw_closed_pass(random: Random, streams: tuple[str, ...], step: Step) -> Step:
    """Return a step with a setting for closed matters, and with more changes of their status."""
    changes = step.changes
    if any(RESOURCES[name].parent == "matters" for name in streams):
        verbs = random.choices(
            ("status", "relabel", "touch", "hide", "show"), k=random.choice((0, 2))
        )
        changes += tuple(Change(verb, "matters", random.randrange(40)) for verb in verbs)
    return replace(
        step, changes=changes, closed_interval_hours=random.choice(CLOSED_INTERVALS_HOURS)
    )


def _draw_streams(random: Random) -> tuple[str, ...]:
    parent = random.choice(("matters", "matters", "matters", *PARENTS))
    family = [name for name, resource in RESOURCES.items() if resource.parent == parent]
    others = [name for name, resource in RESOURCES.items() if resource.parent is None]
    filtered = [name for name in family if RESOURCES[name].filters]
    found = random.sample(family, random.choice((0, 1, 1)))
    found += random.sample(filtered or family, random.choice((1, 1, 2)) if filtered else 1)
    found += random.sample(others, random.choice((0, 0, 1, 2)))
    if random.random() < 2 / 3:
        found.append(parent)
    return tuple(name for name in RESOURCES if name in found)


def _draw_options(random: Random, streams: tuple[str, ...], lookback: int) -> Options:
    while True:
        options = Options(
            is_filter_inclusive=random.random() < 1 / 2,
            is_filter_whole_seconds=random.random() < 1 / 3,
            size=random.choice(("right", "right", "absent", "text", "low", "high", "zero")),
            limit=random.choice(("request", "absent", "count")),
            has_next=random.random() < 1 / 2,
            largest_page=random.choice((None, None, 2, 3)),
            deleted=random.choice(("listed", "listed", "unfiltered", "gone")),
            order=random.choice(("created", "key", "oldest", "newest")),
            is_sort_obeyed=random.random() < 1 / 2,
            empty_status=random.choice((200, 204)),
            hidden_status=random.choice((403, 404)),
            fraction_digits=random.choice((0, 3, 7)),
            has_retry_after=random.random() < 3 / 4,
            lag_seconds=random.choice([s for s in (0, 3, 3, 10) if s < max(1, lookback)]),
            touches_parent=random.random() < 1 / 4,
            has_nulls=random.random() < 1 / 4,
            layout_list=random.choice(("value", "items")),
            honours_paging=random.random() < 1 / 2,
            folder_paging=random.choice(("entries", "listings", "ignored")),
            has_own_id=random.random() < 1 / 2,
            link_name=random.choice(("rel", "relation")),
            error_form=random.choice(("problem", "gateway")),
        )
        if _is_readable(options, streams):
            return options


def _is_readable(options: Options, streams: tuple[str, ...]) -> bool:
    """Return whether pages say in some way that there are more: a client can do no more."""
    has_folders = "folders" in streams and options.folder_paging != "entries"
    has_unpaged = any(RESOURCES[name].envelope == "unpaged" for name in streams)
    ignores_paging = (has_folders and options.folder_paging == "ignored") or (
        has_unpaged and not options.honours_paging
    )
    if ignores_paging and options.size == "high":
        return False  # nothing tells a wrong total from a list that is cut off
    if has_unpaged and options.largest_page and options.honours_paging:
        has_total = options.has_next or options.size in {"right", "text", "high"}
        return has_total or options.limit != "absent"
    if options.largest_page is None or options.reveals_more_rows:
        return True
    return options.limit != "absent" or options.size != "low"


def _draw_step(
    random: Random, streams: tuple[str, ...], options: Options, *, has_true_clock: bool
) -> Step:
    end = random.choice(("complete", "complete", "complete", "kill", "kill", "time_limit"))
    max_retries = random.choice((0, 0, 2)) if options.has_retry_after else 0
    changes = [_draw_change(random, streams) for _ in range(random.choice((0, 1, 3, 6)))]
    during = [
        (random.choice((0, 1, 2, 5, 10, 20)), _draw_change(random, streams))
        for _ in range(random.choice((0, 0, 2, 5)))
    ]
    parents = [name for name in streams if RESOURCES[name].parent]
    refusals = [
        (random.randrange(8), random.choice(("", *parents)), random.choice(REFUSALS))
        for _ in range(random.choice((0, 0, 1, 2)))
    ]
    kinds = _fault_kinds(options, max_retries, has_true_clock=has_true_clock)
    return Step(
        changes=tuple(changes),
        pause_seconds=0 if has_true_clock else random.choice((0, 1, 1, 10, 60, 3600)),
        refusals=tuple(refusals) if parents else (),
        lifts_refusals=random.random() < 1 / 3,
        changes_during=tuple(sorted(during)),
        faults=tuple(
            _draw_fault(random, streams, kinds) for _ in range(random.choice((0, 0, 1, 2)))
        ),
        date_error_seconds=random.choice(
            (0, -3600, 600, 86_400) if has_true_clock else (0, 0, 0, -3600)
        ),
        max_retries=max_retries,
        end=end,
        end_at=random.choice((random.randrange(10), random.randrange(60))),
        flushed=random.randrange(10),
        is_full_refresh=random.random() < 1 / 5,
    )


REFUSALS = ("403", "403", "404", "404", "400", "500", "html", "null_list", "gateway", "problem")


def _fault_kinds(options: Options, max_retries: int, *, has_true_clock: bool) -> list[str]:
    if max_retries:  # other faults cost a wait each
        kinds = ["429", "503", "502", "401", "403", "404"]
    else:
        kinds = [*faults.STATUSES, *faults.BODIES, "reset", "truncated"]
        if not options.has_retry_after:
            kinds.remove("429")
    kinds.append("date_behind")
    if has_true_clock:
        kinds += ["date_ahead", "date_absent"]
    kinds += ["repeated_page", "size_high"]
    if options.has_next or options.size in {"right", "text", "high"}:
        kinds += ["short_page"] * 3
    if options.has_next or options.largest_page is None:
        kinds += ["size_low", "size_zero", "size_negative"]
    return kinds


def _draw_fault(random: Random, streams: tuple[str, ...], kinds: list[str]) -> Fault:
    kind = random.choice(kinds)
    families = {RESOURCES[name].parent for name in streams} - {None}
    resource = random.choice(("", *streams, *sorted(str(each) for each in families)))
    first = random.choice((0, 1, 2, random.randrange(20)))
    times = random.choice((1, 1, 2, 4, 30))
    if kind == "429":
        times = min(times, 2)  # a run waits for the rate limit as long as it has time
    return Fault(kind, resource, first, times)


def _draw_change(random: Random, streams: tuple[str, ...]) -> Change:
    parents = {str(RESOURCES[name].parent) for name in streams if RESOURCES[name].parent}
    number = random.randrange(40)
    if parents and random.random() < 1 / 4:
        parent = random.choice(sorted(parents))
        verbs = ["hide", "touch", "remove", "import", "show", "show"]
        if parent == "matters":
            verbs += MATTER_VERBS
        return Change(random.choice(verbs), parent, number)
    filtered = [name for name in streams if RESOURCES[name].filters]
    names = filtered if filtered and random.random() < 1 / 2 else streams
    return Change(random.choice(VERBS), random.choice(names), number)


def smaller(sequence: Sequence) -> Iterator[Sequence]:
    """Yield sequences that are a little simpler."""
    for index, step in enumerate(sequence.steps):
        before, after = sequence.steps[:index], sequence.steps[index + 1 :]
        if len(sequence.steps) > 1:
            yield replace(sequence, steps=(*before, *after))
        for simple in _smaller_steps(step):
            yield replace(sequence, steps=(*before, simple, *after))
    for index in range(len(sequence.streams)):
        if len(sequence.streams) > 1:
            streams = sequence.streams[:index] + sequence.streams[index + 1 :]
            yield replace(sequence, streams=streams)
    yield from _plainer(sequence)


def _plainer(sequence: Sequence) -> Iterator[Sequence]:
    plain = Sequence(sequence.number, sequence.streams)
    for name in ("parents", "children", "request_seconds", "merges", "lists_take_long"):
        if getattr(sequence, name) != getattr(plain, name):
            yield replace(sequence, **{name: getattr(plain, name)})
    for setting in sequence.settings:
        yield replace(sequence, settings=tuple(s for s in sequence.settings if s != setting))
    for name, default in vars(Options()).items():
        options = replace(sequence.options, **{name: default})
        if options != sequence.options and _is_readable(options, sequence.streams):
            yield replace(sequence, options=options)


def _smaller_steps(step: Step) -> Iterator[Step]:
    plain = Step()
    for name, default in vars(plain).items():
        value: Any = getattr(step, name)
        if value == default:
            continue
        yield replace(step, **{name: default})
        if isinstance(value, tuple):
            for index in range(len(value)):
                shorter: Any = value[:index] + value[index + 1 :]
                yield replace(step, **{name: shorter})
