"""The tasks: which firms there are, and loading one of them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator, Variable
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import mask_secret

from smokeball_airflow.config import SECRET, ConfigError, Deployment, Loader
from smokeball_airflow.runner import STOP_SECONDS, NotInstalled, Project, Run, variables

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

ROOT = Path(__file__).resolve().parents[4]
"""The Meltano project that these files are part of."""

SHORTEST_SECRET = 5
"""Shorter ones are not hidden, by Airflow neither: the log would be full of holes."""


def deployment() -> Deployment:
    """Return what ``smokeball.yml`` says, or the file that ``SMOKEBALL_CONFIG`` names.

    Raises:
        ConfigError: It makes no sense.
    """
    beside = Path(__file__).parent.with_name("smokeball.yml")
    return Deployment.read(Path(os.environ.get("SMOKEBALL_CONFIG") or beside))


def firms_of(app: str, only: list[str] | None) -> list[dict[str, Any]]:
    """Return the firms of an app; no secrets: this goes through XCom.

    Args:
        app: Name of the app.
        only: Names of the firms that are wanted, or None for all.

    Raises:
        AirflowFailException: The list makes no sense, or has not a firm that is wanted.
    """
    try:
        known = deployment()
        kind, name = known.firms
        if kind == "file":
            found = known.read_file()
        elif kind == "variable":
            found = Variable.get(name, deserialize_json=True)
        else:
            found = BaseHook.get_connection(name).extra_dejson.get("firms")
        firms = known.listed(found)
    except ConfigError as error:
        raise AirflowFailException(str(error)) from None
    if unknown := set(only or ()) - {firm["firm"] for firm in firms}:
        raise AirflowFailException(f"not in the list of firms: {', '.join(sorted(unknown))}")
    return [f for f in firms if f["app"] == app and (only is None or f["firm"] in only)]


class LoadFirm(BaseOperator):
    """Loads one firm with Meltano; its output says how each stream went.

    Secrets are taken from the connections when the task runs, and given to Meltano in its
    environment. They are no attributes of the task, and there are no templates.

    Args:
        firm: An element of the list that `firms_of` returns.
        app_connection: Id of the connection with the app's secrets.
        share: The part of the app's allowance that the task has, as settings of the tap.
        extractor: The tap's name in ``meltano.yml``.
        loader: ``name``, ``connection`` and ``settings`` of the loader.
        max_run_minutes: Age at which the tap ends cleanly.
        environment: Meltano's environment, or None for the project's default.
    """

    ui_color = "#dce9f5"

    def __init__(  # noqa: PLR0913 - each is a value that Airflow can store
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
            AirflowFailException: Trying again will not help.
            AirflowException: The run failed; another try goes on from where it was.
        """
        name = self.firm["firm"]
        settings, secrets = self._settings()
        plugins = (self.extractor, self.loader["name"])
        try:
            run = Run(Project.here(ROOT), name, plugins, settings, secrets, self.environment)
            status, report = self._load(run, context)
        except NotInstalled as error:
            raise AirflowFailException(str(error)) from None
        if status:
            failed = f": {', '.join(run.summary.failed)}" if run.summary.failed else ""
            raise AirflowException(f"{name}: Meltano ended with status {status}{failed}")
        if not report["complete"]:
            self.log.warning("%s: not all streams are complete; the next run goes on", name)

    def on_kill(self) -> None:
        """Let the tap stop cleanly: someone ends the task."""
        if self._run is not None:
            self._run.stop()

    def _settings(self) -> tuple[dict[str, str], list[str]]:
        """Return the environment variables for Meltano, and which of their values are secret."""
        app = BaseHook.get_connection(self.app_connection)
        tap = {"client_id": app.login, "client_secret": app.password, **app.extra_dejson}
        if self.firm["connection"]:
            own = BaseHook.get_connection(self.firm["connection"])
            tap |= {"refresh_token": own.password, **own.extra_dejson}
        tap |= {**self.firm["settings"], **self.share, "max_run_minutes": self.max_run_minutes}
        loader = Loader(**self.loader)
        target: dict[str, Any] = {}
        if loader.connection:
            target |= _of_warehouse(BaseHook.get_connection(loader.connection))
        target |= loader.settings_of(self.firm["firm"])
        values = variables(self.extractor, tap) | variables(loader.name, target)
        secrets = [
            value
            for name, value in values.items()
            if SECRET.search(name.lower()) and len(value) >= SHORTEST_SECRET
        ]
        mask_secret(secrets)
        return values, secrets

    def _load(self, run: Run, context: Context) -> tuple[int, dict[str, Any]]:
        """Run to the end; return Meltano's status, and the summary, which is the task's output."""
        began = time.monotonic()
        with run:
            self._run = run
            try:
                status = run.wait(self._say)
            except BaseException:  # the task's time is over
                run.stop()
                run.wait(self._say, STOP_SECONDS)
                raise
            finally:
                report = run.summary.report(self.firm["firm"], time.monotonic() - began)
                context["ti"].xcom_push(key="return_value", value=report)
        return status, report

    def _say(self, level: str, who: str, what: str) -> None:
        say = getattr(self.log, level if level in {"warning", "error", "critical"} else "info")
        say("%s: %s", who, what)


def _of_warehouse(connection: Connection) -> dict[str, Any]:
    """Return a connection as the settings that loaders have in common."""
    return {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "database": connection.schema,
        **connection.extra_dejson,
    }
