"""The command ``exclusive``: runs a command while it holds a lock in the inbox."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from time import monotonic
from typing import NoReturn

import click

from tap_smokeball.errors import InboxError, SmokeballError, os_error_message
from tap_smokeball.inbox.engine import InboxDatabase
from tap_smokeball.inbox.runs import RENEWAL_SECONDS, RunLog
from tap_smokeball.webhooks.options import inbox_option, run_options

BUSY_STATUS = 75
"""Exit status if another run holds the lock: EX_TEMPFAIL."""

_RETRY_SECONDS = 1
_RELEASE_SECONDS = 20
_READY, _BUSY = b"ready", b"busy"


@click.command(context_settings={"ignore_unknown_options": True})
@inbox_option
@run_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exclusive(inbox: str, firm: str, reader: str, command: tuple[str, ...]) -> None:
    """Run COMMAND unless another run of the firm is active; then the exit status is 75.

    COMMAND replaces this process, so its signals and its exit status are its own. The lock ends
    with the last process that COMMAND started, within a minute if the machine dies.
    """
    alive, alive_writer = os.pipe()
    answer, answer_writer = os.pipe()
    own_id = os.getpid()
    # Forked twice, so that the holder is no child of COMMAND, which would not wait for it.
    child_id = os.fork()
    if not child_id:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(alive_writer)
        os.close(answer)
        _hold(inbox, (firm, reader), own_id, alive, answer_writer)
    os.waitpid(child_id, 0)
    os.close(alive)
    os.close(answer_writer)
    with os.fdopen(answer, "rb") as file:
        result = file.read()
    if result == _BUSY:
        click.echo(f"{firm}: another run is active; nothing was started", err=True)
        raise click.exceptions.Exit(BUSY_STATUS)
    if result != _READY:
        raise SmokeballError(result.decode() or "the lock cannot be taken")
    # All processes of COMMAND inherit the pipe, whose end the holder awaits.
    os.set_inheritable(alive_writer, True)  # noqa: FBT003 - of the system
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command of the user
    except OSError as error:
        reason = f"{command[0]} cannot be started: {os_error_message(error)}"
        raise SmokeballError(reason) from None


def _hold(inbox: str, key: tuple[str, str], command_id: int, alive: int, answer: int) -> NoReturn:
    """Hold the lock until all writers of a pipe are gone.

    Args:
        inbox: URL of the inbox.
        key: Names of the firm and of the reader.
        command_id: Process id of the command.
        alive: The pipe.
        answer: Pipe for the result.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # a reader of the command's output must not wait for this process
        os.dup2(nothing, stream)
    try:
        database = InboxDatabase(inbox, is_created=False)
        lock = RunLog(database, *key)
        is_held = lock.acquire()
        os.write(answer, _READY if is_held else _BUSY)
        os.close(answer)
        if is_held:
            _renew_until_closed(lock, command_id, alive)
    except InboxError as error:
        with suppress(OSError):
            os.write(answer, str(error).encode())
    finally:
        os._exit(0)


def _renew_until_closed(lock: RunLog, command_id: int, alive: int) -> None:
    wait_seconds: float = RENEWAL_SECONDS
    while not select.select([alive], [], [], wait_seconds)[0]:
        wait_seconds = RENEWAL_SECONDS
        try:
            if not lock.renew():
                with suppress(ProcessLookupError):  # another run has begun
                    os.kill(command_id, signal.SIGTERM)
                return
        except InboxError:
            wait_seconds = _RETRY_SECONDS
    ends_at = monotonic() + _RELEASE_SECONDS
    while monotonic() < ends_at:
        with suppress(InboxError):
            lock.release()
            return
        select.select([], [], [], _RETRY_SECONDS)
