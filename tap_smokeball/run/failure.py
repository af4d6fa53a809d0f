"""Why a run failed, in one sentence, and whether a retry can succeed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from tap_smokeball.errors import ParentListError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_smokeball.errors import SmokeballError


@dataclass(frozen=True)
class Failure:
    """Why a run failed. It holds no confidential data, like the errors that it is made of."""

    error: Annotated[str, msgspec.Meta(description="class of the first error")]
    stream: Annotated[
        str | None, msgspec.Meta(description="the stream that failed first; null if it is the run")
    ]
    reason: Annotated[str, msgspec.Meta(description="what failed and why")]
    advice: Annotated[str, msgspec.Meta(description="what to do")]
    is_permanent: Annotated[
        bool,
        msgspec.Meta(description="whether no retry can succeed until a person has done something"),
    ]

    def document(self) -> dict[str, str | bool | None]:
        """Return the failure as JSON."""
        return asdict(self)


def find_failure(errors: Iterable[tuple[str | None, SmokeballError]]) -> Failure | None:
    """Return why a run failed, or None if there is no error.

    Args:
        errors: Names of streams with their errors; None for an error of the run itself.
    """
    found = list(errors)
    # The child streams of a list that failed only repeat that it failed.
    causes = [each for each in found if not isinstance(each[1], ParentListError)] or found
    if not causes:
        return None
    stream, first = causes[0]
    return Failure(
        error=type(first).__name__,
        stream=stream,
        reason=first.summary,
        advice=first.advice,
        is_permanent=all(error.is_permanent for _, error in causes),
    )
