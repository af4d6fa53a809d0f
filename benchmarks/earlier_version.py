"""Unpack the tap of an earlier commit, to measure it beside the one of this checkout."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


class NoHistoryError(Exception):
    """The commit is not in the history, or there is no history."""


@contextmanager
def earlier_version(commit: str) -> Iterator[Path]:
    """Yield a folder with the package of the tap as it was at a commit.

    It runs in the environment of this process.

    Raises:
        NoHistoryError: The commit is not in the history, or there is no history.
    """
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(ROOT), "archive", commit, "tap_smokeball"],  # noqa: S607
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"the commit {commit} is not in the history of {ROOT.name}"
        raise NoHistoryError(message) from error
    with (
        tempfile.TemporaryDirectory() as folder,
        tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive,
    ):
        archive.extractall(folder)  # noqa: S202 - our own history
        yield Path(folder)
