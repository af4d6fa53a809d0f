"""Load law firms' Smokeball data: one DAG per entry of ``smokeball.yml``, one task per firm.

Each app (API key) has its own mapped task, because the rate limit applies to the app: a pool
limits how many of its firms are loaded at once, and a mapped task has one pool. A firm has one run
at a time, by a lock, so several runs of a DAG may be active: a firm that hangs delays no other.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import DAG, Param, TaskGroup, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from smokeball_airflow.operator import LoadFirm, deployment, due_firms, firms_of

if TYPE_CHECKING:
    from smokeball_airflow.config import App, Job


def add_list(app: App, job: Job, options: dict[str, Any]) -> Any:
    """Add the task that lists the firms of an app: all, those that are due, or the requested."""

    @task(task_id="list", **options)
    def list_firms() -> list[dict[str, Any]]:
        params = get_current_context()["params"]
        requested = params["firms"]
        if params["full_refresh"] and requested is None:
            raise AirflowFailException("full_refresh requires firms. Name them, too.")
        firms = firms_of(app.name, requested)
        return due_firms(firms, app, job) if job.due and requested is None else firms

    return list_firms()


def add_tasks(app: App, job: Job) -> None:
    """Add the tasks that load the firms of an app."""
    options: dict[str, Any] = {
        "priority_weight": job.priority,
        "weight_rule": "absolute",
    }
    if job.queue:
        options["queue"] = job.queue
    if job.pod_template_file:
        options["executor_config"] = {"pod_template_file": job.pod_template_file}
    if job.on_failure:
        module, _, name = job.on_failure.rpartition(".")
        options["on_failure_callback"] = getattr(import_module(module), name)
    retries: dict[str, Any] = {
        "retries": job.retries,
        "retry_delay": timedelta(seconds=job.retry_delay_seconds),
        "retry_exponential_backoff": 2,
    }
    limit = timedelta(minutes=job.max_run_minutes + job.grace_minutes)
    LoadFirm.partial(
        task_id="load",
        pool=app.pool,
        execution_timeout=limit,
        map_index_template="{{ task.firm['firm'] }}",
        app=asdict(app),
        extractor=job.extractor,
        loader=asdict(job.loader),
        build=asdict(job.build) if job.build else None,
        max_run_minutes=job.max_run_minutes,
        tap_settings=dict(job.settings),
        environment=job.environment,
        is_listed_again=bool(job.due),
        **retries,
        **options,
    ).expand(firm=add_list(app, job, {**retries, **options}))


config = deployment()
for job in config.jobs:
    with DAG(
        job.dag_id,
        schedule=job.schedule,
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=job.active_runs,
        params={
            "firms": Param(
                None,
                type=["null", "array"],
                items={"type": "string"},
                description="Names of the firms to load. Default: all, or those that are due",
            ),
            "full_refresh": Param(
                None,
                type=["null", "array"],
                items={"type": "string"},
                description="Streams to read from the start; * for all. Requires `firms`",
            ),
        },
        tags=["smokeball"],
        doc_md=__doc__,
    ):
        for app in config.apps.values():
            with TaskGroup(app.name):
                add_tasks(app, job)
