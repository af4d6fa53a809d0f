"""Generate the dbt package's mart of the loads: how many rows, and until when they are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_smokeball.sync.declared_stream import DeclaredStream

MODEL = "dbt/models/marts/smokeball__load_freshness.sql"
NOTE = "Generated from the catalog by `make docs`."
RUN_LOG = "sync_runs"
"""The stream of the tap's own runs."""

FRESHNESS = f"""\
-- {NOTE}
-- A stream without changes has old rows: the tap's runs say until when its rows are complete.
with loaded as (
PARTS
),

runs as (
    select
        source_relation,
        stream,
        status,
        loaded_until_at,
        row_number() over (
            partition by source_relation, stream order by run_started_at desc, run_id
        ) as newest_first
    from {{{{ ref('stg_smokeball__{RUN_LOG}') }}}}
),

latest as (
    select
        source_relation,
        stream,
        max(case when newest_first = 1 then status end) as last_run_status,
        max(loaded_until_at) as complete_until
    from runs
    group by source_relation, stream
),

keys as (
    select source_relation, stream from loaded
    union all
    select source_relation, stream from latest
),

streams as (
    select distinct source_relation, stream from keys
)

select
    streams.source_relation,
    streams.stream,
    coalesce(loaded.rows_loaded, 0) as rows_loaded,
    loaded.newest_row_loaded_at,
    latest.last_run_status,
    latest.complete_until
from streams
left join loaded on {{{{ smokeball.same('loaded', 'streams', ['stream']) }}}}
left join latest on {{{{ smokeball.same('latest', 'streams', ['stream']) }}}}
"""  # noqa: S608 - a constant


def model(streams: Sequence[DeclaredStream]) -> str:
    """Return the mart of the loads: rows by stream, and what the runs say about each."""
    parts = (
        f"    select source_relation, '{stream.name}' as stream, count(*) as rows_loaded, "  # noqa: S608
        "max(loaded_at) as newest_row_loaded_at "
        f"from {{{{ ref('stg_smokeball__{stream.name}') }}}} group by source_relation"
        for stream in streams
        if stream.name != RUN_LOG
    )
    return FRESHNESS.replace("PARTS", "\n    union all\n".join(parts))
