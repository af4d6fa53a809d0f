"""Keeps failures of streams apart, and logs each cause once, with what to do about it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tap_smokeball.api.error_policy import FORBIDDEN_BY_PATH, FORBIDDEN_EVERYWHERE
from tap_smokeball.errors import (
    AccessDeniedError,
    BatchStorageError,
    ParentListError,
    SmokeballError,
    StreamMapError,
    os_error_message,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from tap_smokeball.run.status import RunStatus, StreamResult
    from tap_smokeball.sync.declared_stream import DeclaredStream


@contextmanager
def failures_kept(stream: DeclaredStream) -> Iterator[None]:
    """Record an error in the result of a stream, and continue."""
    try:
        yield
    except SmokeballError as error:
        stream.result.fail(error)
    except (ImportError, OSError) as error:
        if not stream.is_batched:
            raise
        reason = f"batch_config: its storage cannot be used: {os_error_message(error)}"
        stream.result.fail(BatchStorageError(reason))


class _Failure(NamedTuple):
    """A cause, and the streams that failed for it.

    Attributes:
        error: The error of the first of them.
        streams: Their names.
    """

    error: SmokeballError
    streams: list[str]


class FailureLog:
    """The failures of a run.

    While the run lasts, a line tells that a stream failed. The instructions come last, where a
    person looks first.

    Args:
        status: The results of the streams.
        logger: Takes the lines.
    """

    def __init__(self, status: RunStatus, logger: logging.Logger) -> None:
        self._status = status
        self._logger = logger
        self._seen: set[str] = set()

    def log_new(self, *, has_access: bool) -> None:
        """Log that a stream failed, as long as others may succeed.

        Args:
            has_access: Whether the API has accepted any request so far.
        """
        for result in self._status.failures:
            error = result.error
            if error is None or result.stream in self._seen:
                continue
            self._seen.add(result.stream)
            if has_access and not (error.is_shared or isinstance(error, ParentListError)):
                where = error.request or result.stream
                self._logger.warning("%s failed: %s; the run continues", where, error.summary)

    def log_causes(self, *, has_access: bool, has_path: bool) -> None:
        """Log each cause once, with its remedy.

        Args:
            has_access: Whether the API has accepted any request.
            has_path: Whether ``api_url`` has a path, which no host of Smokeball has.
        """
        for error, streams in self._causes(has_access=has_access, has_path=has_path):
            is_named = len(streams) == 1 and (error.stream or isinstance(error, StreamMapError))
            if len(streams) > 1 and len(streams) == len(self._status.results):
                prefix = f"All {len(streams)} streams failed: "
            elif len(streams) > 1:
                prefix = f"{', '.join(streams)} failed: "
            else:
                prefix = "" if is_named else f"{streams[0]}: "
            self._logger.error("%s%s", prefix, error)

    def _causes(self, *, has_access: bool, has_path: bool) -> Iterator[_Failure]:
        failed = self._status.failures
        roots = {result.stream: self._root(result) for result in failed}
        if not has_access and len(failed) > 1:
            denials = [error for error in roots.values() if isinstance(error, AccessDeniedError)]
            if len(denials) == len(roots):
                yield _Failure(_denial_of_all(denials[0], has_path=has_path), list(roots))
                return
        causes: dict[tuple[object, ...], _Failure] = {}
        for stream, error in roots.items():
            # How often a shared failure was tried differs: the first stream takes all the retries.
            key = (*error.kind, error.advice, "" if error.is_shared else error.reason)
            causes.setdefault(key, _Failure(error, [])).streams.append(stream)
        yield from causes.values()

    def _root(self, result: StreamResult) -> SmokeballError:
        """Return the error of a stream, or that of its parent stream if this one failed first."""
        error = result.error or SmokeballError("failed")
        if isinstance(error, ParentListError) and error.parent:
            parent = self._status.results.get(error.parent)
            if parent and parent.error:
                return self._root(parent)
        return error


def _denial_of_all(denial: SmokeballError, *, has_path: bool) -> AccessDeniedError:
    policy = FORBIDDEN_BY_PATH if has_path else FORBIDDEN_EVERYWHERE
    return AccessDeniedError(policy.reason, policy.advice, status=403, request=denial.request)
