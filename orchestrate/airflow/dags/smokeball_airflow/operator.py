"""Airflow tasks: list the firms of an app, and load one firm."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator, Variable
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)
from airflow.sdk.log import mask_secret

from smokeball_airflow.config import SECRET, App, ConfigError, Deployment, Job, Loader
from smokeball_airflow.firm_lock import BusyError, firm_lock
from smokeball_airflow.inbox import Inbox, InboxUnavailableError
from smokeball_airflow.project import NotInstalledError, Project
from smokeball_airflow.runner import STOP_SECONDS, Run, StateError, variables
from smokeball_airflow.state import unsaved_streams

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

    from smokeball_airflow.firm_lock import FirmLock

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
            content = _connection(name).extra_dejson.get("firms")
        firms = config.listed(content)
    except ConfigError as error:
        raise AirflowFailException(str(error)) from None
    if unknown := set(only or ()) - {firm["firm"] for firm in firms}:
        raise AirflowFailException(
            f"not in the list of firms: {', '.join(sorted(unknown))}. Correct the parameter."
        )
    return [f for f in firms if f["app"] == app and (only is None or f["firm"] in only)]


def due_firms(firms: list[dict[str, Any]], app: App, job: Job) -> list[dict[str, Any]]:
    """Return the firms that are due, the most urgent first, and claim them.

    Args:
        firms: Firms of the app, as `firms_of` returns them.
        app: The app, whose connection has ``webhook_inbox``.
        job: The DAG.

    Raises:
        AirflowFailException: The app has no inbox, or the worker lacks a program.
        AirflowException: The inbox cannot be asked.
    """
    url = _connection(app.connection).extra_dejson.get("webhook_inbox")
    if not url:
        raise AirflowFailException(
            f"{job.dag_id} has `due`, but the connection {app.connection} has no webhook_inbox. "
            "Add it to the extra of the connection."
        )
    mask_secret(url)
    try:
        project = Project.from_environment(ROOT)
        plugins = job.extractor, job.loader.name
        reader = Run(project, "", plugins, {}, environment=job.environment).reader
        found = Inbox(project, url, reader).due(
            [firm["firm"] for firm in firms],
            job.due or (),
            job.settings,
            limit=job.limit_for(app),
            claim_minutes=job.max_run_minutes + job.grace_minutes,
        )
    except NotInstalledError as error:
        raise AirflowFailException(str(error)) from None
    except InboxUnavailableError as error:
        raise AirflowException(str(error)) from None
    by_name = {firm["firm"]: firm for firm in firms}
    return [by_name[each["firm"]] for each in found["due"]]


class LoadFirm(BaseOperator):
    """Load one firm with Meltano; the task's output is the run summary.

    The task reads secrets from the connections when it runs, and passes them to Meltano in the
    environment. They are never attributes or templates of the task.

    Args:
        firm: An element of the list that `firms_of` returns.
        app: Fields of `App`.
        extractor: The tap's name in ``meltano.yml``.
        loader: ``name``, ``connection`` and ``settings`` of the loader.
        build: The same of the utility that runs after the load, or None.
        max_run_minutes: Time limit of the tap.
        tap_settings: Settings of the tap for all firms of the DAG.
        environment: Meltano environment, or None for the project's default.
        is_listed_again: Whether `due` lists the firm again if its work is not done.
    """

    ui_color = "#dce9f5"

    def __init__(  # noqa: PLR0913 - Airflow serializes each argument
        self,
        *,
        firm: dict[str, Any],
        app: dict[str, Any],
        extractor: str,
        loader: dict[str, Any],
        max_run_minutes: float,
        build: dict[str, Any] | None = None,
        tap_settings: dict[str, Any] | None = None,
        environment: str | None = None,
        is_listed_again: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.firm = firm
        self.app = app
        self.extractor = extractor
        self.loader = loader
        self.build = build
        self.max_run_minutes = max_run_minutes
        self.tap_settings = tap_settings
        self.environment = environment
        self.is_listed_again = is_listed_again
        self._run: Run | None = None

    def execute(self, context: Context) -> None:
        """Load the firm.

        Raises:
            AirflowSkipException: Another run of the firm is active, or has done the work.
            AirflowFailException: A retry cannot succeed.
            AirflowException: The run failed; a retry resumes from the saved state.
        """
        name = self.firm["firm"]
        gives_way = self.is_listed_again or context["ti"].try_number <= 1
        try:
            project = Project.from_environment(ROOT)
            plugins = (self.extractor, self.loader["name"])
            run = Run(project, name, plugins, {}, environment=self.environment)
            run.build = self.build["name"] if self.build else None
            run.settings, run.secrets, inbox = self._settings(run.reader)
            run.inbox = Inbox(project, inbox, run.reader) if inbox else None
            # What a killed attempt has started may still be writing rows.
            with firm_lock(run.state_id, 0 if gives_way else STOP_SECONDS) as lock:
                self._load_locked(run, lock, context)
        except BusyError as error:
            kind = AirflowSkipException if gives_way else AirflowException
            raise kind(str(error)) from None
        except NotInstalledError as error:
            raise AirflowFailException(str(error)) from None
        except (StateError, InboxUnavailableError) as error:
            raise AirflowException(f"{name}: {error}") from None

    def on_kill(self) -> None:
        """Stop the tap cleanly when Airflow kills the task."""
        if self._run is not None:
            self._run.stop()

    def _load_locked(self, run: Run, lock: FirmLock, context: Context) -> None:
        name, params = self.firm["firm"], context["params"]
        run.lock = lock.descriptor
        is_first_try = context["ti"].try_number <= 1
        if is_first_try:  # a retry resumes
            run.refresh = params.get("full_refresh") or ()
        started, created = time.time(), context["dag_run"].run_after
        is_optional = is_first_try and not (run.inbox or params.get("firms"))
        if is_optional and created and lock.last_started > created.timestamp():
            raise AirflowSkipException(f"{name}: a later run has done the work")
        status, report = self._load(run, context)
        if status or not report["state_saved"]:
            self._fail(run, status, report)
        lock.record_success(started)
        if not report["complete"]:
            self.log.warning("%s: not all streams are complete; the next run will resume", name)

    def _fail(self, run: Run, status: int, report: dict[str, Any]) -> None:
        """Log the cause, let others know, and raise the error.

        Raises:
            AirflowFailException: A retry cannot succeed.
            AirflowException: A retry resumes.
        """
        name, failure = self.firm["firm"], report["failure"]
        if run.inbox and (not status or not run.summary.value.get("failure")):
            # The tap has not recorded it: the loader or Meltano failed, or the tap did not start.
            run.inbox.record_failure(name, failure)
        parts = (failure["stream"], ". ".join(filter(None, (failure["reason"], failure["advice"]))))
        cause = f"{name}: {': '.join(part for part in parts if part)}"
        if len(run.summary.failed) > 1:
            cause += f" (failed streams: {', '.join(run.summary.failed)})"
        if failure["is_permanent"]:
            raise AirflowFailException(cause)
        raise AirflowException(cause)

    def _settings(self, reader: str) -> tuple[dict[str, str], list[str], str | None]:
        """Return Meltano's environment variables, the secrets among them, and the inbox's URL.

        Raises:
            AirflowFailException: A connection does not exist.
        """
        app = _connection(self.app["connection"])
        tap = {"client_id": app.login, "client_secret": app.password, **app.extra_dejson}
        if self.firm["connection"]:
            firm = _connection(self.firm["connection"])
            tap |= {"refresh_token": firm.password, **firm.extra_dejson}
        is_shared = bool(tap.get("rate_limit_store"))
        tap |= {**(self.tap_settings or {}), **self.firm["settings"]}
        tap |= App(**self.app).rate_limit(is_shared=is_shared)
        tap["max_run_minutes"] = self.max_run_minutes
        if tap.get("webhook_inbox"):
            tap |= {"webhook_firm": self.firm["firm"], "webhook_reader": reader}
        values = variables(self.extractor, tap) | self._step_variables(Loader(**self.loader))
        if self.build:
            default = {"connection": self.loader.get("connection")}
            build = Loader(**{**default, **_without_none(self.build)})
            values |= self._step_variables(build)
        secrets = [
            value
            for name, value in values.items()
            if SECRET.search(name.lower()) and len(value) >= MIN_SECRET_LENGTH
        ]
        mask_secret(secrets)
        return values, secrets, tap.get("webhook_inbox")

    def _step_variables(self, step: Loader) -> dict[str, str]:
        settings: dict[str, Any] = {}
        if step.connection:
            settings |= _warehouse_settings(_connection(step.connection))
        settings |= step.settings_for(self.firm["firm"])
        return variables(step.name.partition(":")[0], settings)

    def _load(self, run: Run, context: Context) -> tuple[int, dict[str, Any]]:
        """Run Meltano, push the summary as the task's output, and return status and summary."""
        started, state_saved, failure = time.monotonic(), False, None
        status = -1
        with run:
            self._run = run
            try:
                status = run.wait(self._log_line)
                if status:
                    failure = run.summary.failure
                elif unsaved := unsaved_streams(run.saved_state(), run.summary.value):
                    failure = _unsaved(unsaved)
                else:
                    state_saved = True
            except BusyError:
                raise
            except BaseException:  # Airflow's task timeout
                run.stop()
                run.wait(self._log_line, STOP_SECONDS)
                raise
            finally:
                report = run.summary.report(self.firm["firm"], time.monotonic() - started)
                report |= {"state_saved": state_saved, "failure": failure}
                if run.inbox:
                    report["fleet"] = self._fleet_status(run.inbox)
                context["ti"].xcom_push(key="return_value", value=report)
        return status, report

    def _fleet_status(self, inbox: Inbox) -> dict[str, Any] | None:
        try:
            return inbox.status(self.firm["firm"])
        except InboxUnavailableError as error:
            self.log.warning("%s", error)
            return None

    def _log_line(self, level: str, plugin: str, text: str) -> None:
        log = getattr(self.log, level if level in {"warning", "error", "critical"} else "info")
        log("%s: %s", plugin, text)


def _unsaved(streams: list[str]) -> dict[str, Any]:
    return {
        "error": "StateNotSavedError",
        "stream": None,
        "reason": "the rows were loaded, but the state in the backend is not that of this run: "
        + ", ".join(streams),
        "advice": "Check MELTANO_STATE_BACKEND_URI and the rights of the worker",
        "is_permanent": False,
    }


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _connection(name: str) -> Connection:
    """Return a connection.

    Raises:
        AirflowFailException: It does not exist.
    """
    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        raise AirflowFailException(
            f"the connection {name} does not exist. Create it, or correct smokeball.yml."
        ) from None


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
