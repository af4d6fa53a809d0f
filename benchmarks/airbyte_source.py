"""Extract matters and fees with a declarative source of the Airbyte CDK, for comparison.

``python -m benchmarks.airbyte_source CONFIG [STATE]`` writes Airbyte's messages to standard output.
The manifest has what the CDK offers for this API: its rate policy, as many workers as the burst,
`Retry-After`, and a cursor for fees. These have no updated-at field, so each gets the time of the
run; a transformation in Python does that faster than an expression of the manifest.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)
from airbyte_cdk.sources.declarative.transformations import RecordTransformation

UNIX_EPOCH_TICKS = 621_355_968_000_000_000
PAGE_SIZE = 500
STREAMS = ("matters", "fees")
STARTED_SECONDS = int(time.time())


@dataclass
class AddExtractedAt(RecordTransformation):  # type: ignore[misc]
    """Adds the time of the run."""

    def transform(self, record: dict[str, Any], *_: Any, **__: Any) -> None:
        """Add it to a record."""
        record["extractedAt"] = STARTED_SECONDS


def main(config_file: str, state_file: str | None = None) -> None:
    """Run one extraction."""
    config = json.loads(Path(config_file).read_text("utf-8"))
    streams = [
        {
            "stream": {
                "name": name,
                "json_schema": {},
                "supported_sync_modes": ["full_refresh", "incremental"],
            },
            "sync_mode": "incremental" if name == "fees" else "full_refresh",
            "destination_sync_mode": "append_dedup",
        }
        for name in STREAMS
    ]
    Path("catalog.json").write_text(json.dumps({"streams": streams}))
    arguments = ["read", "--config", config_file, "--catalog", "catalog.json"]
    arguments += ["--state", state_file] if state_file else []
    catalog = ConcurrentDeclarativeSource.read_catalog("catalog.json")
    state = ConcurrentDeclarativeSource.read_state(state_file) if state_file else None
    source = ConcurrentDeclarativeSource(
        catalog=catalog, config=config, state=state, source_config=manifest(config)
    )
    launch(source, arguments)


def manifest(config: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of the source."""
    matters = _stream("matters", "/matters", {"Type": "Matters,Leads", "Sort": "asc(lastUpdated)"})
    since = f"{{{{ (stream_interval['start_time'] | int) * 10000000 + {UNIX_EPOCH_TICKS} }}}}"
    fees = _stream(
        "fees", "/matters/{{ stream_partition.matter_id }}/fees", {"UpdatedSince": since}
    )
    fees["retriever"]["partition_router"] = {
        "type": "SubstreamPartitionRouter",
        "parent_stream_configs": [
            {
                "type": "ParentStreamConfig",
                "parent_key": "id",
                "partition_field": "matter_id",
                "stream": matters,
            }
        ],
    }
    fees["incremental_sync"] = {
        "type": "DatetimeBasedCursor",
        "cursor_field": "extractedAt",
        "datetime_format": "%s",
        "start_datetime": {"type": "MinMaxDatetime", "datetime": "0", "datetime_format": "%s"},
    }
    fees["transformations"] = [
        {
            "type": "CustomTransformation",
            "class_name": f"{Path(__file__).parent.name}.{Path(__file__).stem}.AddExtractedAt",
        }
    ]
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["matters"]},
        "streams": [matters, fees],
        "concurrency_level": {
            "type": "ConcurrencyLevel",
            "default_concurrency": max(2, config["burst"]),
        },
        **({"api_budget": _rate_policy(config["rate"])} if config.get("rate") else {}),
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "additionalProperties": True},
        },
    }


def _stream(name: str, path: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": "id",
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "additionalProperties": True, "properties": {}},
        },
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": "{{ config['api_url'] }}",
                "path": path,
                "request_headers": {"x-api-key": "{{ config['api_key'] }}"},
                "request_parameters": parameters,
                "authenticator": {
                    "type": "BearerAuthenticator",
                    "api_token": "{{ config['access_token'] }}",
                },
                "error_handler": {
                    "type": "DefaultErrorHandler",
                    "max_retries": 12,
                    "backoff_strategies": [{"type": "WaitTimeFromHeader", "header": "Retry-After"}],
                },
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["value"]},
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_size_option": _query_option("Limit"),
                "page_token_option": _query_option("Offset"),
                "pagination_strategy": {"type": "OffsetIncrement", "page_size": PAGE_SIZE},
            },
        },
    }


def _query_option(name: str) -> dict[str, str]:
    return {"type": "RequestOption", "inject_into": "request_parameter", "field_name": name}


def _rate_policy(rate: int) -> dict[str, Any]:
    policy = {
        "type": "MovingWindowCallRatePolicy",
        "rates": [{"type": "Rate", "limit": rate, "interval": "PT1S"}],
        "matchers": [],
    }
    return {"type": "HTTPAPIBudget", "policies": [policy]}


if __name__ == "__main__":
    main(*sys.argv[1:])
