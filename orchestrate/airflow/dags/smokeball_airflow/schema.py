"""JSON Schemas of ``smokeball.yml`` and of the list of firms."""

from __future__ import annotations

from typing import Any

KINDS = ("events", "first_run", "retry", "poll", "full_pass")
"""Reasons to run a firm, as in ``tap-smokeball-webhooks due``."""

# Names of tasks, folders, states and schemas contain these names.
_NAME = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"}
_TEXT = {"type": "string", "minLength": 1}
_COMMAND = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}:[a-z0-9_-]+$"}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}


def _object(required: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


_APP = _object(
    "connection",
    {
        "connection": _TEXT,
        "pool": _TEXT,
        "requests_per_second": _POSITIVE,
        "burst": {"type": "integer", "minimum": 1},
        "slots": {"type": "integer", "minimum": 1},
    },
)
_DAG = _object(
    "schedule max_run_minutes loader",
    {
        "schedule": {"type": ["string", "null"]},
        "max_run_minutes": _POSITIVE,
        "grace_minutes": _POSITIVE,
        "retries": {"type": "integer", "minimum": 0},
        "retry_delay_seconds": {"type": "number", "minimum": 0},
        "environment": _TEXT,
        "extractor": _NAME,
        "settings": {"type": "object"},
        "due": {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1},
        "limit": {"type": "integer", "minimum": 1},
        "max_active_runs": {"type": "integer", "minimum": 1},
        "priority": {"type": "integer"},
        "queue": _TEXT,
        "pod_template_file": _TEXT,
        "on_failure": {"type": "string", "pattern": r"^[A-Za-z_][\w.]*\.[A-Za-z_]\w*$"},
        "loader": _object(
            "name",
            {"name": _NAME, "connection": _TEXT, "settings": {"type": "object"}},
        ),
        "build": _object(
            "name",
            {"name": _COMMAND, "connection": _TEXT, "settings": {"type": "object"}},
        ),
    },
)
_SOURCE = {"minProperties": 1, "maxProperties": 1}
DEPLOYMENT = _object(
    "apps firms dags",
    {
        "apps": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _NAME,
            "additionalProperties": _APP,
        },
        "firms": _object("", {"file": _TEXT, "variable": _TEXT, "connection": _TEXT}) | _SOURCE,
        "dags": {"type": "object", "minProperties": 1, "additionalProperties": _DAG},
    },
)
FIRMS = {
    "type": "array",
    "items": _object(
        "firm",
        {
            "firm": _NAME,
            "app": _NAME,
            "connection": {"type": ["string", "null"], "minLength": 1},
            "settings": {"type": "object"},
        },
    ),
}
