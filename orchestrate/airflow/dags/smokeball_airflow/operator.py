"""Airflow tasks: list the firms of an app, and load one firm."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator, Variable
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import mask_secret

from smokeball_airflow.config import SECRET, ConfigError, Deployment, Loader
from smokeball_airflow.runner import STOP_SECONDS, NotInstalledError, Project, Run, variables

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

ROOT = Path(__file__).resolve().parents[4]
"""Root of the Meltano project that contains these files."""

MIN_SECRET_LENGTH = 5
"""Shorter values are not redacted, nor does Airflow: they match too much of the log."""


def deployment() -> Deployment:
    """Read ``smokeball.yml``, or the file that ``SMOKEBALL_CONFIG`` names.

    Raises:
        ConfigError: The file cannot be read or is invalid.
    """
    default = Path(__file__).parent.with_name("smokeball.yml")
    return Deployment.read(Path(os.environ.get("SMOKEBALL_CONFIG") or default))


def firms_of(app: str, only: list[str] | None) -> list[dict[str, Any]]:
    """Return the firms of an app, without secrets, because Airflow stores them as an XCom.

    Args:
        app: Name of the app.
        only: Names of the requested firms, or None for all.

    Raises:
        AirflowFailException: The list is invalid or lacks a requested firm.
    """
    try:
        config = deployment()
        kind, name = config.firms
        if kind == "file":
            content = config.read_file()
        elif kind == "variable":
            content = Variable.get(name, deserialize_json=True)
        else:
            content = BaseHook.get_connection(name).extra_dejson.get("firms")
        firms = config.listed(content)
    except ConfigError as error:
        raise AirflowFailException(str(error)) from None
    if unknown := set(only or ()) - {firm["firm"] for firm in firms}:
        raise AirflowFailException(
            f"not in the list of firms: {', '.join(sorted(unknown))}. Correct the parameter."
        )
    return [f for f in firms if f["app"] == app and (only is None or f["firm"] in only)]


class LoadFirm(BaseOperator):
    """Load one firm with Meltano; the task's output is the run summary.

    The task reads secrets from the connections when it runs, and passes them to Meltano in the
    environment. They are never attributes or templates of the task.

    Args:
        firm: An element of the list that `firms_of` returns.
        app_connection: Id of the connection with the app's secrets.
        share: The task's share of the app's rate limit, as settings of the tap.
        extractor: The tap's name in ``meltano.yml``.
        loader: ``name``, ``connection`` and ``settings`` of the loader.
        max_run_minutes: Time limit of the tap.
        environment: Meltano environment, or None for the project's default.
    """

    ui_color = "#dce9f5"

    def __init__(  # noqa: PLR0913 - Airflow serializes each argument
        self,
        *,
        firm: dict[str, Any],
        app_connection: str,
        share: dict[str, float],
        extractor: str,
        loader: dict[str, Any],
        max_run_minutes: float,
        environment: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.firm = firm
        self.app_connection = app_connection
        self.share = share
        self.extractor = extractor
        self.loader = loader
        self.max_run_minutes = max_run_minutes
        self.environment = environment
        self._run: Run | None = None

    def execute(self, context: Context) -> None:
        """Load the firm.

        Raises:
            AirflowFailException: A retry cannot succeed.
            AirflowException: The run failed; a retry resumes from the saved state.
        """
        name = self.firm["firm"]
        settings, secrets = self._settings()
        plugins = (self.extractor, self.loader["name"])
        try:
            run = Run(
                Project.from_environment(ROOT), name, plugins, settings, secrets, self.environment
            )
            status, report = self._load(run, context)
        except NotInstalledError as error:
            raise AirflowFailException(str(error)) from None
        if status:
            failed = (
                f"; failed streams: {', '.join(run.summary.failed)}" if run.summary.failed else ""
            )
            raise AirflowException(f"{name}: Meltano exited with status {status}{failed}")
        if not report["complete"]:
            self.log.warning("%s: not all streams are complete; the next run will resume", name)

    def on_kill(self) -> None:
        """Stop the tap cleanly when Airflow kills the task."""
        if self._run is not None:
            self._run.stop()

    def _settings(self) -> tuple[dict[str, str], list[str]]:
        """Return Meltano's environment variables, and the secret values among them."""
        app = BaseHook.get_connection(self.app_connection)
        tap = {"client_id": app.login, "client_secret": app.password, **app.extra_dejson}
        if self.firm["connection"]:
            firm = BaseHook.get_connection(self.firm["connection"])
            tap |= {"refresh_token": firm.password, **firm.extra_dejson}
        tap |= {**self.firm["settings"], **self.share, "max_run_minutes": self.max_run_minutes}
        loader = Loader(**self.loader)
        target: dict[str, Any] = {}
        if loader.connection:
            target |= _warehouse_settings(BaseHook.get_connection(loader.connection))
        target |= loader.settings_for(self.firm["firm"])
        values = variables(self.extractor, tap) | variables(loader.name, target)
        secrets = [
            value
            for name, value in values.items()
            if SECRET.search(name.lower()) and len(value) >= MIN_SECRET_LENGTH
        ]
        mask_secret(secrets)
        return values, secrets

    def _load(self, run: Run, context: Context) -> tuple[int, dict[str, Any]]:
        """Run Meltano, push the summary as the task's output, and return status and summary."""
        started = time.monotonic()
        with run:
            self._run = run
            try:
                status = run.wait(self._log_line)
            except BaseException:  # Airflow's task timeout
                run.stop()
                run.wait(self._log_line, STOP_SECONDS)
                raise
            finally:
                report = run.summary.report(self.firm["firm"], time.monotonic() - started)
                context["ti"].xcom_push(key="return_value", value=report)
        return status, report

    def _log_line(self, level: str, plugin: str, text: str) -> None:
        log = getattr(self.log, level if level in {"warning", "error", "critical"} else "info")
        log("%s: %s", plugin, text)


def _warehouse_settings(connection: Connection) -> dict[str, Any]:
    """Convert a connection to the settings that most loaders share."""
    return {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "database": connection.schema,
        **connection.extra_dejson,
    }
