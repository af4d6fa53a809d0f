"""What is loaded, and how: ``smokeball.yml`` and the list of firms. Neither holds a secret.

Nothing here needs Airflow.
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
    r"password|passphrase|secret|token(?!_issued)|api_key|private_key|credentials(?!_path)"
)
"""Settings that belong into a connection: the lists of firms are seen by whoever sees a DAG."""

OURS = ("requests_per_second", "burst", "max_run_minutes")
"""Settings that follow from the app and the DAG; a firm cannot have its own."""

# They become names of tasks, folders, states and schemas.
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
    """Something is wrong with what is to be loaded; trying again will not help."""


@dataclass(frozen=True)
class App:
    """An API key with its allowance.

    Attributes:
        name: Names the group of tasks.
        connection: Id of the connection with its secrets.
        pool: Airflow's pool; it has ``slots``.
        requests_per_second: What Smokeball gave the key.
        burst: Likewise.
        slots: How many firms are read at once.
    """

    name: str
    connection: str
    pool: str
    requests_per_second: float = 5
    burst: int = 5
    slots: int = 1

    @classmethod
    def of(cls, name: str, entry: Mapping[str, Any]) -> App:
        """Build one from its entry in ``smokeball.yml``."""
        return cls(name, **{"pool": f"smokeball_{name}", **entry})

    @property
    def share(self) -> dict[str, float]:
        """The part of the allowance that each firm has, as settings of the tap."""
        return {
            "requests_per_second": self.requests_per_second / self.slots,
            "burst": max(1, self.burst // self.slots),
        }


@dataclass(frozen=True)
class Loader:
    """Where the rows go.

    Attributes:
        name: The loader's name in ``meltano.yml``.
        connection: Id of the connection with its secrets, if it needs any.
        settings: Its other settings; ``{firm}`` in them stands for the firm's name.
    """

    name: str
    connection: str | None = None
    settings: Mapping[str, Any] | None = None

    def settings_of(self, firm: str) -> dict[str, Any]:
        """Return its settings for a firm."""
        text = json.dumps(dict(self.settings or {}))
        settings: dict[str, Any] = json.loads(text.replace("{firm}", firm))
        return settings


@dataclass(frozen=True)
class Job:
    """A DAG.

    Attributes:
        dag_id: Its id.
        schedule: When it runs, as Airflow takes it.
        max_run_minutes: Age at which a firm's run ends cleanly; the next goes on from there.
        loader: Where the rows go.
        grace_minutes: How much later Airflow gives the task up: time for start and end.
        retries: How often a firm's task is tried again. It goes on from where it was.
        retry_delay_seconds: How long it waits at first; then longer.
        environment: Meltano's environment; by default that of ``meltano.yml``.
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
    """All that ``smokeball.yml`` says.

    Attributes:
        folder: Where the file is.
        apps: By name.
        firms: Where the list of firms is: ``file``, ``variable`` or ``connection``, and its name.
        jobs: One for each DAG.
    """

    folder: Path
    apps: dict[str, App]
    firms: tuple[str, str]
    jobs: list[Job]

    @classmethod
    def read(cls, path: Path) -> Deployment:
        """Read the file.

        Raises:
            ConfigError: It cannot be read, or what it says makes no sense.
        """
        found = _checked(_load(path), _DEPLOYMENT, path.name)
        jobs = []
        for dag_id, entry in found["dags"].items():
            loader = Loader(**entry["loader"])
            _refuse_secrets(loader.settings, f"{path.name}: the loader of {dag_id}")
            jobs.append(Job(dag_id, **{**entry, "loader": loader}))
        apps = {name: App.of(name, entry) for name, entry in found["apps"].items()}
        pools = [app.pool for app in apps.values()]
        if len(set(pools)) < len(pools):
            raise ConfigError(f"{path.name}: each app needs a pool of its own")
        [source] = found["firms"].items()
        return cls(path.parent, apps, source, jobs)

    @property
    def pools(self) -> dict[str, dict[str, Any]]:
        """The pools, as ``airflow pools import`` takes them."""
        return {
            app.pool: {
                "slots": app.slots,
                "description": f"Smokeball's allowance of the app {app.name}",
                "include_deferred": False,
            }
            for app in self.apps.values()
        }

    def listed(self, firms: Any) -> list[dict[str, Any]]:
        """Return the firms of a list, checked and with their defaults.

        Args:
            firms: The list as it was read.

        Raises:
            ConfigError: It makes no sense.
        """
        _checked(firms, _FIRMS, "the list of firms")
        full = []
        for entry in firms:
            name, settings = entry["firm"], entry.get("settings") or {}
            app = entry.get("app") or (next(iter(self.apps)) if len(self.apps) == 1 else None)
            if app not in self.apps:
                raise ConfigError(f"{name}: app must be one of {', '.join(self.apps)}")
            _refuse_secrets(settings, name)
            if ours := sorted(settings.keys() & set(OURS)):
                raise ConfigError(f"{name}: {', '.join(ours)} cannot be set for one firm")
            connection = entry.get("connection", f"smokeball_{name}")
            full.append({"firm": name, "app": app, "connection": connection, "settings": settings})
        names = [entry["firm"] for entry in full]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"listed more than once: {', '.join(twice)}")
        return full

    def read_file(self) -> Any:
        """Return what the file with the list of firms holds.

        Raises:
            ConfigError: It cannot be read.
        """
        return _load(self.folder / self.firms[1])


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None


def _checked(found: Any, schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what was found if it fits; a complaint never holds a value."""
    error = jsonschema.Draft202012Validator(schema).iter_errors(found)
    if wrong := jsonschema.exceptions.best_match(error):
        place = ".".join(str(part) for part in wrong.absolute_path) or "it"
        wanted = wrong.validator_value
        if wrong.validator == "additionalProperties":
            unknown = sorted(set(wrong.instance) - set(wrong.schema["properties"]))
            raise ConfigError(f"{where}: {place} has unknown entries: {', '.join(unknown)}")
        raise ConfigError(f"{where}: {place} does not fit: {wrong.validator} {wanted}")
    result: dict[str, Any] = found
    return result


def _refuse_secrets(settings: Mapping[str, Any] | None, where: str) -> None:
    if secret := sorted(name for name in settings or () if SECRET.search(name)):
        raise ConfigError(f"{where}: {', '.join(secret)} belongs into a connection")
