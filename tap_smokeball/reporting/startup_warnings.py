"""Warnings about settings that are valid but may surprise, at the start of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.token_expiry import expiry_warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.session import Session


def startup_warnings(session: Session, config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the warnings.

    Args:
        session: Settings and API client of the run.
        config: The configuration, with the settings of the SDK.
    """
    issued_ticks = session.client.refresh_token_issued_ticks
    if warning := expiry_warning(issued_ticks, dotnet_ticks.now()):
        yield warning
    if session.settings.user_id:
        yield (
            "user_id is set: records that this user cannot see are silently omitted. Unset it to "
            "read the whole firm"
        )
    if (batches := config.get("batch_config")) and not batches.get("encoding"):
        yield (
            "batch_config has no encoding and is ignored. Set batch_config.encoding.format to "
            "write batches"
        )
