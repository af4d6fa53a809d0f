"""Loads law firms' Smokeball data: a DAG for each of ``smokeball.yml``, a task for each firm.

Each app, that is each API key, has a mapped task of its own: the allowance is the app's, and so is
the pool, and a mapped task has one pool.
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
    """Return the firms of an app, all or those that the run is asked for."""
    return firms_of(app, get_current_context()["params"]["firms"])


def load_firms(app: App, job: Job) -> None:
    """Add the tasks that load the firms of an app."""
    again: dict[str, Any] = {
        "retries": job.retries,
        "retry_delay": timedelta(seconds=job.retry_delay_seconds),
        "retry_exponential_backoff": 2,
    }
    firms = list_firms.override(task_id="list", **again)(app.name)
    limit = timedelta(minutes=job.max_run_minutes + job.grace_minutes)
    LoadFirm.partial(
        task_id="load",
        pool=app.pool,
        execution_timeout=limit,
        **again,
        map_index_template="{{ task.firm['firm'] }}",
        app_connection=app.connection,
        share=app.share,
        extractor=job.extractor,
        loader=asdict(job.loader),
        max_run_minutes=job.max_run_minutes,
        environment=job.environment,
    ).expand(firm=firms)


known = deployment()
for each in known.jobs:
    with DAG(
        each.dag_id,
        schedule=each.schedule,
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        # A run that is late is not joined by the next: the firms' states are going on meanwhile.
        max_active_runs=1,
        params={
            "firms": Param(
                None,
                type=["null", "array"],
                items={"type": "string"},
                description="Names of the firms to load; nothing means all",
            ),
        },
        tags=["smokeball"],
        doc_md=__doc__,
    ):
        for one in known.apps.values():
            with TaskGroup(one.name):
                load_firms(one, each)
