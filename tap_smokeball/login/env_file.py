"""The ``.env`` file: read, and changed so that it is whole and nobody else's at any time."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values, set_key

from tap_smokeball.errors import SmokeballError, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER_ONLY = 0o600


class EnvFileError(SmokeballError):
    """The file cannot be read or written."""


class EnvFile:
    """A file of environment variables, which need not exist yet.

    Args:
        path: Where it is; of a link, what it leads to is read and written.

    Raises:
        EnvFileError: It cannot be read, or not be written: told before the user signs in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if self.path.exists() and not self.path.is_file():
            raise EnvFileError(f"{path} is not a file: name another by --env-file")
        try:
            self._draft().unlink()
            self.values = self._read(self.path) if self.path.exists() else {}
        except UnicodeDecodeError:
            raise EnvFileError(f"{path} is not UTF-8 text: name another by --env-file") from None
        except OSError as error:
            raise self._unusable(error) from None

    def write(self, values: Mapping[str, str]) -> None:
        """Set variables, all or none; other lines stay, and the mode becomes 600.

        Raises:
            EnvFileError: It cannot be written.
        """
        draft = None
        try:
            old = self.path.read_bytes() if self.path.exists() else b""
            draft = self._draft(old)
            for name, value in values.items():
                exported = re.search(rf"^\s*export\s+{name}\b", old.decode(), re.MULTILINE)
                set_key(draft, name, value, quote_mode="auto", export=bool(exported))
            draft.chmod(OWNER_ONLY)
            if not values.items() <= self._read(draft).items():
                raise EnvFileError(
                    f"{self.path} cannot hold one of the values as it is, because of ${{: set it "
                    "in the environment instead"
                )
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            if draft is not None:
                draft.unlink(missing_ok=True)

    def _draft(self, content: bytes = b"") -> Path:
        """Make a file beside it, which from its first byte nobody else can read."""
        handle, name = tempfile.mkstemp(prefix=".env.", dir=self.path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return Path(name)

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}

    def _unusable(self, error: OSError) -> EnvFileError:
        return EnvFileError(
            f"{self.path} cannot be written ({reason(error)}): name another file by --env-file"
        )
