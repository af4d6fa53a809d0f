"""Read ``smokeball.yml`` and the list of firms, which hold no secrets.

This module does not import Airflow.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import yaml

from smokeball_airflow.schema import DEPLOYMENT, FIRMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SECRET = re.compile(
    r"password|passphrase|secret|token(?!_issued|_file)|api_key|private_key|credentials(?!_path)"
    r"|rate_limit_store|webhook_inbox|documents_options"
)
"""Settings that belong in a connection: everyone who can see a DAG can see the list of firms."""

RESERVED = (
    "requests_per_second",
    "burst",
    "max_run_minutes",
    "documents_options",
    "rate_limit_store",
    "webhook_inbox",
    "webhook_firm",
    "webhook_reader",
)
"""Settings that the app and the DAG define; a firm cannot override them."""


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

    def rate_limit(self, *, is_shared: bool) -> dict[str, float]:
        """Return the rate limit of one firm, as settings of the tap.

        Args:
            is_shared: Whether all runs draw from one store (``rate_limit_store``). Otherwise each
                slot of the pool has a fixed share.
        """
        if is_shared:
            return {"requests_per_second": self.requests_per_second, "burst": self.burst}
        return {
            "requests_per_second": self.requests_per_second / self.slots,
            "burst": max(1, self.burst // self.slots),
        }


@dataclass(frozen=True)
class Loader:
    """A Meltano loader, or the command of a utility that follows it.

    Attributes:
        name: The name in ``meltano.yml``; of a utility with its command, ``dbt-duckdb:build``.
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
        build: Runs after each load, such as dbt; None for nothing.
        grace_minutes: Airflow's task timeout is this much longer than the tap's time limit.
        retries: Retries of a firm's task. A retry resumes from the saved state.
        retry_delay_seconds: Delay before the first retry; later delays are longer.
        environment: Meltano environment. Default: that of ``meltano.yml``.
        extractor: The tap's name in ``meltano.yml``.
        settings: Settings of the tap for all firms, such as intervals.
        due: Reasons of the webhook inbox to load a firm; None to load all firms.
        limit: Firms of an app that this DAG lets run or wait at once, if `due` is set.
        max_active_runs: Runs of the DAG at once. A firm has one run at a time all the same.
        priority: Priority of the tasks in the pool: the highest first.
        queue: Queue of the tasks, for Celery.
        pod_template_file: Template of the tasks' pods, for Kubernetes.
        on_failure: Name of a function, ``module.function``, that Airflow calls with the context
            of a task that failed.
    """

    dag_id: str
    schedule: str | None
    max_run_minutes: float
    loader: Loader
    build: Loader | None = None
    grace_minutes: float = 10
    retries: int = 2
    retry_delay_seconds: float = 300
    environment: str | None = None
    extractor: str = "tap-smokeball"
    settings: Mapping[str, Any] = field(default_factory=dict)
    due: Sequence[str] | None = None
    limit: int | None = None
    max_active_runs: int | None = None
    priority: int = 1
    queue: str | None = None
    pod_template_file: str | None = None
    on_failure: str | None = None

    @property
    def active_runs(self) -> int:
        """Runs of the DAG at once: a firm that hangs keeps its run open, and no other one."""
        return self.max_active_runs or (16 if self.due else 2)

    def limit_for(self, app: App) -> int:
        """Return how many firms of an app this DAG lets run or wait at once.

        A short queue keeps the order of urgency. Full passes leave slots for events.
        """
        if self.limit:
            return self.limit
        is_urgent = "events" in (self.due or ())
        return 2 * app.slots if is_urgent else max(1, app.slots // 2)


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
        content = _validated(_load(path), DEPLOYMENT, path.name)
        jobs = []
        for dag_id, entry in content["dags"].items():
            steps = {kind: Loader(**entry[kind]) for kind in ("loader", "build") if kind in entry}
            for kind, step in steps.items():
                _reject_secrets(step.settings, f"{path.name}: the {kind} of {dag_id}")
            _reject(entry.get("settings") or {}, f"{path.name}: {dag_id}")
            jobs.append(Job(dag_id, **{**entry, **steps}))
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
        _validated(firms, FIRMS, "the list of firms")
        full = []
        for entry in firms:
            name, settings = entry["firm"], entry.get("settings") or {}
            app = entry.get("app") or (next(iter(self.apps)) if len(self.apps) == 1 else None)
            if app not in self.apps:
                raise ConfigError(f"{name}: app must be one of {', '.join(self.apps)}")
            _reject(settings, name)
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


def _reject(settings: Mapping[str, Any], source: str) -> None:
    """Reject secrets, and settings of the tap that the app or the DAG defines."""
    if reserved := sorted(settings.keys() & set(RESERVED)):
        raise ConfigError(
            f"{source}: {', '.join(reserved)} cannot be set here. The app or the DAG defines it."
        )
    _reject_secrets(settings, source)


def _reject_secrets(settings: Mapping[str, Any] | None, source: str) -> None:
    if secret := sorted(name for name in settings or () if SECRET.search(name)):
        raise ConfigError(f"{source}: {', '.join(secret)} is secret. Move it to a connection.")
