"""Load law firms' Smokeball data: one DAG per entry of ``smokeball.yml``, one task per firm.

Each app (API key) has its own mapped task, because the rate limit applies to the app: a pool
enforces it, and a mapped task has one pool.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import DAG, Param, TaskGroup, get_current_context, task

from smokeball_airflow.operator import LoadFirm, deployment, firms_of

if TYPE_CHECKING:
    from smokeball_airflow.config import App, Job


@task
def list_firms(app: str) -> list[dict[str, Any]]:
    """Return the firms of an app: all, or those in the run's `firms` parameter."""
    return firms_of(app, get_current_context()["params"]["firms"])


def load_firms(app: App, job: Job) -> None:
    """Add the tasks that load the firms of an app."""
    retry_options: dict[str, Any] = {
        "retries": job.retries,
        "retry_delay": timedelta(seconds=job.retry_delay_seconds),
        "retry_exponential_backoff": 2,
    }
    firms = list_firms.override(task_id="list", **retry_options)(app.name)
    limit = timedelta(minutes=job.max_run_minutes + job.grace_minutes)
    LoadFirm.partial(
        task_id="load",
        pool=app.pool,
        execution_timeout=limit,
        **retry_options,
        map_index_template="{{ task.firm['firm'] }}",
        app_connection=app.connection,
        share=app.share,
        extractor=job.extractor,
        loader=asdict(job.loader),
        max_run_minutes=job.max_run_minutes,
        environment=job.environment,
    ).expand(firm=firms)


config = deployment()
for job in config.jobs:
    with DAG(
        job.dag_id,
        schedule=job.schedule,
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        # Two runs of one firm would overwrite each other's state.
        max_active_runs=1,
        params={
            "firms": Param(
                None,
                type=["null", "array"],
                items={"type": "string"},
                description="Names of the firms to load. Default: all",
            ),
        },
        tags=["smokeball"],
        doc_md=__doc__,
    ):
        for app in config.apps.values():
            with TaskGroup(app.name):
                load_firms(app, job)
