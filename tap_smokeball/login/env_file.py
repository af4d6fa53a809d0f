"""The ``.env`` file, updated atomically and readable by its owner only."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values, set_key

from tap_smokeball.errors import SmokeballError, os_error_message

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER_ONLY = 0o600

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
        try:
            self._temp_copy().unlink()
            self.values = self._read(self.path) if self.path.exists() else {}
        except UnicodeDecodeError:
            raise EnvFileError(path, "is not UTF-8 text") from None
        except OSError as error:
            raise self._unusable(error) from None

    def write(self, values: Mapping[str, str]) -> None:
        """Set variables, all or none of them. Other lines stay; the mode becomes 600.

        Raises:
            EnvFileError: The file cannot be written.
        """
        copy = None
        try:
            content = self.path.read_bytes() if self.path.exists() else b""
            copy = self._temp_copy(content)
            for name, value in values.items():
                exported = re.search(rf"^\s*export\s+{name}\b", content.decode(), re.MULTILINE)
                set_key(copy, name, value, quote_mode="auto", export=bool(exported))
            copy.chmod(OWNER_ONLY)
            if not values.items() <= self._read(copy).items():
                raise EnvFileError(
                    self.path,
                    "cannot store a value that contains ${",
                    "Set it in the environment instead",
                )
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
            copy.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            if copy is not None:
                copy.unlink(missing_ok=True)

    def _temp_copy(self, content: bytes = b"") -> Path:
        """Create a file in the same folder that is never readable by others."""
        handle, name = tempfile.mkstemp(prefix=".env.", dir=self.path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return Path(name)

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}

    def _unusable(self, error: OSError) -> EnvFileError:
        return EnvFileError(self.path, f"cannot be written ({os_error_message(error)})")
