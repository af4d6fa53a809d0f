"""Extract matters and fees with dlt's ``rest_api`` source, for comparison.

``python -m benchmarks.dlt_pipeline CONFIG`` works in the current folder. It runs only the first of
dlt's three steps, which writes JSON lines to disk: the equivalent of a tap's output. Fees are
fetched in parallel and filtered by the time of the last run. Matters are read in full each time,
because a new fee does not change its matter.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

UNIX_EPOCH_TICKS = 621_355_968_000_000_000


def main(config: dict[str, Any]) -> dict[str, int]:
    """Run one extraction and return its rows by table and its bytes."""
    os.environ |= {
        "EXTRACT__WORKERS": str(config["burst"]),
        "EXTRACT__MAX_PARALLEL_ITEMS": str(config["burst"]),
        "RUNTIME__REQUEST_MAX_ATTEMPTS": "12",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    import dlt  # noqa: PLC0415 - dlt reads its settings from the environment
    from dlt.sources.rest_api import RESTAPIConfig, rest_api_source  # noqa: PLC0415

    started = datetime.now(timezone.utc).isoformat()
    api: RESTAPIConfig = {
        "client": {
            "base_url": config["api_url"],
            "headers": {"x-api-key": config["api_key"]},
            "auth": {"type": "bearer", "token": config["access_token"]},
            "paginator": {
                "type": "offset",
                "limit": 500,
                "offset_param": "Offset",
                "limit_param": "Limit",
                "total_path": "size",
            },
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "value"},
        },
        "resources": [
            {
                "name": "matters",
                "endpoint": {
                    "path": "matters",
                    "params": {"Type": "Matters,Leads", "Sort": "asc(lastUpdated)"},
                },
            },
            {
                "name": "fees",
                "parallelized": True,
                "processing_steps": [{"map": lambda row: row | {"extractedAt": started}}],
                "endpoint": {
                    "path": "matters/{resources.matters.id}/fees",
                    "incremental": {
                        "cursor_path": "extractedAt",
                        "start_param": "UpdatedSince",
                        "initial_value": "2000-01-01T00:00:00+00:00",
                        "convert": _ticks,
                    },
                },
            },
        ],
    }
    pipeline = dlt.pipeline("smokeball", pipelines_dir="pipelines", destination="filesystem")
    info = pipeline.extract(rest_api_source(api))
    rows = {
        table: metrics.items_count
        for steps in info.metrics.values()
        for step in steps
        for table, metrics in step["table_metrics"].items()
    }
    written = Path("pipelines").rglob(f"{info.loads_ids[0]}/new_jobs/*.typed-jsonl")
    size = sum(path.stat().st_size for path in written)
    return {"fees": rows.get("fees", 0), "matters": rows.get("matters", 0), "bytes": size}


def _ticks(timestamp: str) -> str:
    seconds = int(datetime.fromisoformat(timestamp).timestamp())
    return str(UNIX_EPOCH_TICKS + seconds * 10_000_000)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(Path(sys.argv[1]).read_text("utf-8")))) + "\n")
