"""What a person at a terminal can do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.run.status import StreamStatus

if TYPE_CHECKING:
    from tap_smokeball.run.status import RunStatus

_COMPLETE = (StreamStatus.COMPLETE, StreamStatus.NOT_DUE)

AFTER_TEST = "Next: estimate a run with --plan."
AFTER_PLAN = "Next: run the tap, and pipe its output into a target."


def after_run(run: RunStatus) -> str:
    """Return what follows a run without a failure."""
    open_streams = sum(r.status not in _COMPLETE for r in run.results.values())
    if open_streams:
        return (
            f"Next: run again with --state and the last state that the target printed; "
            f"{open_streams} streams will resume."
        )
    return "Next: pass the last state that the target printed to the next run with --state."
