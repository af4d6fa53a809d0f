"""Files with secrets: replaced atomically, never readable by others, and never another user's."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

OWNER_ONLY = 0o600

_ROOT = 0


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file, or create it, so that a crash leaves the old or the new content.

    Only the owner can read the new file. If root replaces the file of another user, it stays that
    user's, and its group keeps its access.

    Args:
        path: The file; not a symbolic link.
        content: The new content.

    Raises:
        OSError: The file cannot be replaced, and is unchanged.
    """
    copy = temp_copy(path, content)
    try:
        commit_copy(copy, path)
    finally:
        copy.unlink(missing_ok=True)


def temp_copy(path: Path, content: bytes = b"") -> Path:
    """Create a file beside another one that is never readable by others.

    Raises:
        OSError: The folder cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return Path(name)


def commit_copy(copy: Path, path: Path) -> None:
    """Put a file from `temp_copy` in the place of the original.

    Raises:
        OSError: The file cannot be replaced, and is unchanged.
    """
    mode = OWNER_ONLY
    if path.exists() and is_root():
        original = path.stat()
        if (original.st_uid, original.st_gid) != (_ROOT, _ROOT):
            # A service may read the file by its group.
            mode |= stat.S_IMODE(original.st_mode) & stat.S_IRGRP
        os.chown(copy, original.st_uid, original.st_gid)
    copy.chmod(mode)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    copy.replace(path)
    _sync_folder(path.parent)


def distrust(path: Path) -> str | None:
    """Return why a file must not be obeyed, as the predicate of a sentence; None if it may be.

    Another user could write an address into it that gets the tokens. Root may use the file of a
    service in that service's folder, if it is the current one.

    Args:
        path: The file, which exists.
    """
    user = _effective_user()
    if user is None:
        return None
    trusted = {user, _ROOT}
    folder = path.absolute().parent
    if user == _ROOT and folder == Path.cwd():
        trusted.add(folder.stat().st_uid)
    for found in (path.lstat(), path.stat()):  # of a link, both ends
        if found.st_uid not in trusted:
            return f"belongs to another user (id {found.st_uid})"
        if found.st_mode & stat.S_IWOTH and not stat.S_ISLNK(found.st_mode):
            return "can be changed by every user of this machine"
    return None


def owner(path: Path) -> int | None:
    """Return the id of a file's owner, or None on Windows and for a missing file."""
    return path.stat().st_uid if os.name != "nt" and path.exists() else None


def takes_over(path: Path) -> bool:
    """Return whether `replace_file` would make another user's file one of this user."""
    user = _effective_user()
    return user not in {None, _ROOT} and owner(path) not in {None, user}


def is_root() -> bool:
    """Return whether root runs this process."""
    return _effective_user() == _ROOT


def _effective_user() -> int | None:
    """Return the id of the user, or None on Windows."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def _sync_folder(folder: Path) -> None:
    """Write the entry of a new file to the disk, where the system can."""
    with contextlib.suppress(OSError):  # Windows and some network file systems cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
