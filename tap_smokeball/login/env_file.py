"""The ``.env`` file, updated atomically and readable by its owner only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dotenv import dotenv_values, set_key

from tap_smokeball.config.private_files import commit_copy, is_root, owner, temp_copy
from tap_smokeball.errors import SmokeballError, os_error_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NAME_ANOTHER = "Name another file with --env-file"


class EnvFileError(SmokeballError):
    """The file cannot be read or written.

    Args:
        path: The file.
        problem: The predicate of a sentence about it, such as "is not a file".
        advice: One imperative sentence.
    """

    def __init__(self, path: Path, problem: str, advice: str = _NAME_ANOTHER) -> None:
        super().__init__(f"{path} {problem}", advice)


class EnvFile:
    """A file of environment variables, which need not exist.

    Args:
        path: Its path. A symbolic link is followed.

    Attributes:
        values: The variables of the file.

    Raises:
        EnvFileError: The file cannot be read, or could not be written after the sign-in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if self.path.exists() and not self.path.is_file():
            raise EnvFileError(path, "is not a file")
        self._previous_owner = owner(self.path)
        if self._previous_owner is None and is_root():  # a new file is for the folder's owner
            self._previous_owner = owner(self.path.parent)
        try:
            temp_copy(self.path).unlink()
            self.values = self._read(self.path) if self.path.exists() else {}
        except UnicodeDecodeError:
            raise EnvFileError(path, "is not UTF-8 text") from None
        except OSError as error:
            raise self._unusable(error) from None

    def write(self, values: Mapping[str, str]) -> None:
        """Set variables, all or none of them. Other lines stay; only the owner can read the file.

        Raises:
            EnvFileError: The file cannot be written.
        """
        copy = None
        try:
            content = self.path.read_bytes() if self.path.exists() else b""
            copy = temp_copy(self.path, content)
            for name, value in values.items():
                exported = re.search(rf"^\s*export\s+{name}\b", content.decode(), re.MULTILINE)
                set_key(copy, name, value, quote_mode="auto", export=bool(exported))
            if not values.items() <= self._read(copy).items():
                raise EnvFileError(
                    self.path,
                    "cannot store a value that contains ${",
                    "Set it in the environment instead",
                )
            commit_copy(copy, self.path)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            if copy is not None:
                copy.unlink(missing_ok=True)

    def owner_warnings(self) -> Iterator[str]:
        """Yield a warning if the user who runs the tap may not be able to read the file now."""
        if self._previous_owner is not None and (new := owner(self.path)) != self._previous_owner:
            yield (
                f"{self.path} now belongs to user {new}, not {self._previous_owner}. Give it back "
                "with chown if that user runs the tap."
            )

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}

    def _unusable(self, error: OSError) -> EnvFileError:
        return EnvFileError(self.path, f"cannot be written ({os_error_message(error)})")
