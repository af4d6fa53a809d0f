"""The Meltano project of a worker, and the programs in it.

This module does not import Airflow.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

# Prefixes of variables that must not reach a run: settings of another firm, and Airflow's secrets.
EXCLUDED_PREFIXES = ("AIRFLOW", "_AIRFLOW", "TAP_SMOKEBALL", "MELTANO_RUN_")

WEBHOOKS = "tap-smokeball-webhooks"
"""Name of the program, beside the tap's, that knows the webhook inbox."""


class NotInstalledError(Exception):
    """The worker lacks a program, a plugin or a setting; a retry cannot succeed."""


@dataclass(frozen=True)
class Project:
    """A Meltano project whose plugins are installed.

    Attributes:
        root: Folder of ``meltano.yml``.
        meltano: Path of Meltano's executable.
        system: Meltano's system directory, which contains the plugins.
        environment: Name of the project's default environment.
    """

    root: Path
    meltano: str
    system: Path
    environment: str

    @classmethod
    def from_environment(cls, root: Path) -> Project:
        """Find the worker's project.

        Args:
            root: Default of the environment variable ``MELTANO_PROJECT_ROOT``.

        Raises:
            NotInstalledError: Meltano, its project or its state backend is missing.
        """
        root = Path(os.environ.get("MELTANO_PROJECT_ROOT") or root)
        system = Path(os.environ.get("MELTANO_SYS_DIR_ROOT") or root / ".meltano")
        meltano = shutil.which(os.environ.get("SMOKEBALL_MELTANO") or "meltano")
        if not (root / "meltano.yml").is_file():
            raise NotInstalledError(f"No meltano.yml in {root}. Set MELTANO_PROJECT_ROOT.")
        if meltano is None:
            raise NotInstalledError(
                "Meltano is not on the PATH. Set SMOKEBALL_MELTANO to its path."
            )
        if not os.environ.get("MELTANO_STATE_BACKEND_URI"):
            raise NotInstalledError(
                "MELTANO_STATE_BACKEND_URI is not set, so runs on other workers could not resume. "
                "Set it to a state backend that all workers share.",
            )
        return cls(root, meltano, system, _default_environment(root / "meltano.yml"))

    @property
    def webhooks(self) -> str:
        """Path of the program that knows the inbox.

        Raises:
            NotInstalledError: The tap is not installed.
        """
        found = sorted((self.system / "extractors").glob(f"*/venv/bin/{WEBHOOKS}"))
        if not found:
            raise NotInstalledError(f"{WEBHOOKS} is not installed. Run `meltano install`.")
        return str(found[0])


def inherited_environment() -> dict[str, str]:
    """Return the variables of this process that a run may see."""
    return {k: v for k, v in os.environ.items() if not k.startswith(EXCLUDED_PREFIXES)}


def _default_environment(path: Path) -> str:
    if name := os.environ.get("MELTANO_ENVIRONMENT"):
        return name
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = content.get("default_environment")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError):
        name = None
    if not name:
        # Without one, Meltano saves no state.
        raise NotInstalledError(
            "meltano.yml has no default_environment. Set it, or `environment` in smokeball.yml."
        )
    return str(name)
