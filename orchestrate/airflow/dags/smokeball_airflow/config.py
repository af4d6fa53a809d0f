"""Read ``smokeball.yml`` and the list of firms, which hold no secrets.

This module does not import Airflow.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET = re.compile(
    r"password|passphrase|secret|token(?!_issued|_file)|api_key|private_key|credentials(?!_path)"
)
"""Settings that belong in a connection: everyone who can see a DAG can see the list of firms."""

RESERVED = ("requests_per_second", "burst", "max_run_minutes")
"""Settings that the app and the DAG define; a firm cannot override them."""

# Names of tasks, folders, states and schemas contain these names.
_NAME = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"}
_TEXT = {"type": "string", "minLength": 1}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}


def _object(required: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


_APP = _object(
    "connection",
    {
        "connection": _TEXT,
        "pool": _TEXT,
        "requests_per_second": _POSITIVE,
        "burst": {"type": "integer", "minimum": 1},
        "slots": {"type": "integer", "minimum": 1},
    },
)
_DAG = _object(
    "schedule max_run_minutes loader",
    {
        "schedule": {"type": ["string", "null"]},
        "max_run_minutes": _POSITIVE,
        "grace_minutes": _POSITIVE,
        "retries": {"type": "integer", "minimum": 0},
        "retry_delay_seconds": {"type": "number", "minimum": 0},
        "environment": _TEXT,
        "extractor": _NAME,
        "loader": _object(
            "name",
            {"name": _NAME, "connection": _TEXT, "settings": {"type": "object"}},
        ),
    },
)
_SOURCE = {"minProperties": 1, "maxProperties": 1}
_DEPLOYMENT = _object(
    "apps firms dags",
    {
        "apps": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _NAME,
            "additionalProperties": _APP,
        },
        "firms": _object("", {"file": _TEXT, "variable": _TEXT, "connection": _TEXT}) | _SOURCE,
        "dags": {"type": "object", "minProperties": 1, "additionalProperties": _DAG},
    },
)
_FIRMS = {
    "type": "array",
    "items": _object(
        "firm",
        {
            "firm": _NAME,
            "app": _NAME,
            "connection": {"type": ["string", "null"], "minLength": 1},
            "settings": {"type": "object"},
        },
    ),
}


class ConfigError(ValueError):
    """``smokeball.yml`` or the list of firms is invalid; a retry cannot succeed."""


@dataclass(frozen=True)
class App:
    """An API key with its rate limit.

    Attributes:
        name: Name of the app and of its task group.
        connection: Id of the connection with the app's secrets.
        pool: Name of the Airflow pool, which has ``slots``.
        requests_per_second: Smokeball's rate limit for the key.
        burst: Smokeball's burst for the key.
        slots: Number of firms that are loaded in parallel.
    """

    name: str
    connection: str
    pool: str
    requests_per_second: float = 5
    burst: int = 5
    slots: int = 1

    @classmethod
    def from_entry(cls, name: str, entry: Mapping[str, Any]) -> App:
        """Create an app from its entry in ``smokeball.yml``."""
        return cls(name, **{"pool": f"smokeball_{name}", **entry})

    @property
    def share(self) -> dict[str, float]:
        """Return the rate limit of one firm, as settings of the tap."""
        return {
            "requests_per_second": self.requests_per_second / self.slots,
            "burst": max(1, self.burst // self.slots),
        }


@dataclass(frozen=True)
class Loader:
    """A Meltano loader.

    Attributes:
        name: The loader's name in ``meltano.yml``.
        connection: Id of the connection with the loader's secrets, or None.
        settings: Other settings. ``{firm}`` in a value is replaced by the firm's name.
    """

    name: str
    connection: str | None = None
    settings: Mapping[str, Any] | None = None

    def settings_for(self, firm: str) -> dict[str, Any]:
        """Return the loader's settings for a firm."""
        text = json.dumps(dict(self.settings or {}))
        settings: dict[str, Any] = json.loads(text.replace("{firm}", firm))
        return settings


@dataclass(frozen=True)
class Job:
    """A DAG.

    Attributes:
        dag_id: The DAG's id.
        schedule: The DAG's schedule in Airflow's syntax.
        max_run_minutes: Time limit of the tap. The next run resumes from there.
        loader: The loader.
        grace_minutes: Airflow's task timeout is this much longer than the tap's time limit.
        retries: Retries of a firm's task. A retry resumes from the saved state.
        retry_delay_seconds: Delay before the first retry; later delays are longer.
        environment: Meltano environment. Default: that of ``meltano.yml``.
        extractor: The tap's name in ``meltano.yml``.
    """

    dag_id: str
    schedule: str | None
    max_run_minutes: float
    loader: Loader
    grace_minutes: float = 10
    retries: int = 2
    retry_delay_seconds: float = 300
    environment: str | None = None
    extractor: str = "tap-smokeball"


@dataclass(frozen=True)
class Deployment:
    """Content of ``smokeball.yml``.

    Attributes:
        folder: Folder of the file.
        apps: Apps by name.
        firms: Source of the list of firms: ``file``, ``variable`` or ``connection``, and its name.
        jobs: One per DAG.
    """

    folder: Path
    apps: dict[str, App]
    firms: tuple[str, str]
    jobs: list[Job]

    @classmethod
    def read(cls, path: Path) -> Deployment:
        """Read and validate the file.

        Raises:
            ConfigError: The file cannot be read or is invalid.
        """
        content = _validated(_load(path), _DEPLOYMENT, path.name)
        jobs = []
        for dag_id, entry in content["dags"].items():
            loader = Loader(**entry["loader"])
            _reject_secrets(loader.settings, f"{path.name}: the loader of {dag_id}")
            jobs.append(Job(dag_id, **{**entry, "loader": loader}))
        apps = {name: App.from_entry(name, entry) for name, entry in content["apps"].items()}
        pools = [app.pool for app in apps.values()]
        if len(set(pools)) < len(pools):
            raise ConfigError(
                f"{path.name}: two apps have the same pool. Give each app its own pool."
            )
        [source] = content["firms"].items()
        return cls(path.parent, apps, source, jobs)

    @property
    def pools(self) -> dict[str, dict[str, Any]]:
        """Return the pools in the format of ``airflow pools import``."""
        return {
            app.pool: {
                "slots": app.slots,
                "description": f"Smokeball rate limit of the app {app.name}",
                "include_deferred": False,
            }
            for app in self.apps.values()
        }

    def listed(self, firms: Any) -> list[dict[str, Any]]:
        """Validate the list of firms and add the defaults.

        Args:
            firms: The decoded list.

        Raises:
            ConfigError: The list is invalid.
        """
        _validated(firms, _FIRMS, "the list of firms")
        full = []
        for entry in firms:
            name, settings = entry["firm"], entry.get("settings") or {}
            app = entry.get("app") or (next(iter(self.apps)) if len(self.apps) == 1 else None)
            if app not in self.apps:
                raise ConfigError(f"{name}: app must be one of {', '.join(self.apps)}")
            _reject_secrets(settings, name)
            if reserved := sorted(settings.keys() & set(RESERVED)):
                raise ConfigError(
                    f"{name}: {', '.join(reserved)} cannot be set for one firm. "
                    "Remove it from the list of firms."
                )
            connection = entry.get("connection", f"smokeball_{name}")
            full.append({"firm": name, "app": app, "connection": connection, "settings": settings})
        names = [entry["firm"] for entry in full]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"firms listed more than once: {', '.join(duplicates)}")
        return full

    def read_file(self) -> Any:
        """Return the content of the file with the list of firms.

        Raises:
            ConfigError: The file cannot be read.
        """
        return _load(self.folder / self.firms[1])


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {type(error).__name__}") from None


def _validated(content: Any, schema: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the content if it matches the schema. An error never contains a value."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(content)
    if error := jsonschema.exceptions.best_match(errors):
        path = ".".join(str(part) for part in error.absolute_path) or "top level"
        if error.validator == "additionalProperties":
            unknown = sorted(set(error.instance) - set(error.schema["properties"]))
            raise ConfigError(f"{source}: {path}: unknown entries: {', '.join(unknown)}")
        expected = f"{error.validator} {error.validator_value}"
        raise ConfigError(f"{source}: {path}: invalid value, expected {expected}")
    result: dict[str, Any] = content
    return result


def _reject_secrets(settings: Mapping[str, Any] | None, source: str) -> None:
    if secret := sorted(name for name in settings or () if SECRET.search(name)):
        raise ConfigError(f"{source}: {', '.join(secret)} is secret. Move it to a connection.")
