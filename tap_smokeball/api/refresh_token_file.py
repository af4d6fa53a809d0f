"""The file of the setting ``refresh_token_file``, which keeps a refresh token that is replaced.

Runs share the file: each holds a lock from before it reads the token until the response is stored,
because a server may revoke the old token at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.config.private_files import OWNER_ONLY, replace_file, takes_over
from tap_smokeball.config.settings import HEADER_SAFE, strip_text
from tap_smokeball.errors import AuthenticationError, os_error_message
from tap_smokeball.redaction import SECRETS

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_SECONDS = 120.0
"""How long a run waits for the token request of another one."""

_POLL_SECONDS = 0.05
_ADVICE = "Name a file in a folder that the tap may write, not a file that is mounted by itself"


class RefreshTokenFileError(AuthenticationError):
    """The file cannot be used.

    Args:
        problem: The predicate of a sentence about the setting.
        advice: One imperative sentence.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"refresh_token_file: {problem}", advice, is_shared=True)


@dataclass(frozen=True)
class StoredToken:
    """A refresh token and its origin.

    Attributes:
        value: The token.
        issued_ticks: When the user signed in, if that is known.
        origin: Fingerprint of the setting ``refresh_token`` that the token descends from; "" if
            the setting was absent, None if the origin is unknown.
    """

    value: str
    issued_ticks: int | None
    origin: str | None


class RefreshTokenFile:
    """The file with the newest refresh token.

    A file that the tap wrote is JSON. A file with the bare token is accepted, too.

    Args:
        path: The file. A symbolic link is followed.
        setting: The refresh token in the settings: the first one, or that of a new sign-in.
        issued_ticks: When that token was issued, if that is known.
    """

    def __init__(self, path: str, setting: str | None, issued_ticks: int | None) -> None:
        self._path = Path(path).expanduser().resolve()
        origin = hashlib.sha256(setting.encode()).hexdigest()[:16] if setting else ""
        self._origin = origin
        self._setting = StoredToken(setting, issued_ticks, origin) if setting else None

    def prepare(self) -> StoredToken:
        """Return the token to begin with, after a replacement of the file that changes nothing.

        A place that cannot be written is better known before the file has the only valid token.

        Raises:
            RefreshTokenFileError: The file cannot be replaced, or there is no token.
        """
        with self.lock():
            stored = self.read()
            if stored is None or (self._setting and stored.origin not in {None, self._origin}):
                stored = self._setting  # the first run, or the first one after a new sign-in
            if stored is None:
                raise RefreshTokenFileError(
                    "holds no token, and refresh_token is not set",
                    "Sign in with tap-smokeball-login",
                )
            origin = self._origin if self._setting else stored.origin or ""
            self._write(StoredToken(stored.value, stored.issued_ticks, origin))
            return stored

    def adopt(self) -> None:
        """Store the refresh token of the settings, whatever the file holds.

        Raises:
            RefreshTokenFileError: The file cannot be replaced.
        """
        if self._setting:
            with self.lock():
                self._write(self._setting)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs from using the file.

        Raises:
            RefreshTokenFileError: The file cannot be opened, or another run does not release it.
        """
        handle = self._open_locked()
        try:
            yield
        finally:
            os.close(handle)

    def read(self) -> StoredToken | None:
        """Return the token in the file, or None if the file is empty.

        Raises:
            RefreshTokenFileError: The file cannot be read, or holds something else.
        """
        try:
            text = strip_text(self._path.read_bytes().decode())
        except OSError as error:
            raise self._unusable("read", error) from None
        except UnicodeDecodeError:
            raise _invalid() from None
        if not text:
            return None
        stored = _parse(text)
        SECRETS.add(stored.value)
        return stored

    def save(self, token: str) -> None:
        """Replace the token by its successor.

        The successor expires at the same time: Cognito counts from the sign-in.

        Raises:
            RefreshTokenFileError: The file cannot be replaced.
        """
        present = self.read() or self._setting or StoredToken("", None, self._origin)
        self._write(dataclasses.replace(present, value=token))

    def _write(self, stored: StoredToken) -> None:
        content = {"refresh_token": stored.value, "issued_at": None, "origin": stored.origin}
        if stored.issued_ticks is not None:
            content["issued_at"] = dotnet_ticks.to_iso_seconds(stored.issued_ticks)
        try:
            replace_file(self._path, json.dumps(content, indent=1).encode() + b"\n")
        except OSError as error:
            raise self._unusable("replaced", error) from None

    def _open_locked(self) -> int:
        give_up_at = time.monotonic() + LOCK_SECONDS
        while True:
            handle = self._open()
            try:
                if _try_lock(handle) and self._is_present(handle):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
            if time.monotonic() > give_up_at:
                raise RefreshTokenFileError(
                    f"another process has locked it for {LOCK_SECONDS:g} s",
                    "Stop the run that hangs",
                )
            time.sleep(_POLL_SECONDS)

    def _open(self) -> int:
        try:
            if self._path.exists() and takes_over(self._path):
                raise RefreshTokenFileError(
                    "belongs to another user, who could not read it any more",
                    "Run the tap as that user, or name another file",
                )
            return os.open(self._path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        except OSError as error:
            raise self._unusable("opened", error) from None

    def _is_present(self, handle: int) -> bool:
        """Return whether an open file is still the one with the name, and was not replaced."""
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    @staticmethod
    def _unusable(action: str, error: OSError) -> RefreshTokenFileError:
        return RefreshTokenFileError(f"cannot be {action} ({os_error_message(error)})", _ADVICE)


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":  # no such locks: runs that share a file must not overlap
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(text: str) -> StoredToken:
    content: Any = {"refresh_token": text}
    if text.startswith("{"):
        try:
            content = json.loads(text)
        except ValueError:
            raise _invalid() from None
    value, origin = content.get("refresh_token"), content.get("origin")
    if not isinstance(value, str) or not re.fullmatch(HEADER_SAFE, value):
        raise _invalid()
    try:
        issued_ticks = dotnet_ticks.from_rfc3339(content["issued_at"])
    except (KeyError, TypeError, ValueError):
        issued_ticks = None
    return StoredToken(value, issued_ticks, origin if isinstance(origin, str) else None)


def _invalid() -> RefreshTokenFileError:
    return RefreshTokenFileError(
        "takes a file with a refresh token, which has no spaces",
        "Delete the file, and sign in again with tap-smokeball-login",
    )
