"""dbt's sources, from the catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_smokeball.sync.base_stream import SmokeballStream

HEAD = """\
# Generated from the catalog: `make docs`. Snowflake and DuckDB do not mind the case of names; on
# Postgres columns keep theirs, and are to be quoted.
version: 2

sources:
- name: smokeball
  description: A law firm's account at Smokeball, loaded by tap-smokeball
  schema: "{{ var('smokeball_schema', 'smokeball') }}"
  loaded_at_field: _sdc_batched_at
  tables:
"""


def sources(streams: Sequence[SmokeballStream]) -> str:
    """Return dbt's source definitions for all streams, as YAML."""
    return HEAD + "\n".join(line for stream in streams for line in _table(stream)) + "\n"


def _table(stream: SmokeballStream) -> Iterator[str]:
    keys = stream.primary_keys
    yield f"  - name: {stream.name}"
    yield f"    description: {json.dumps(str(type(stream).__doc__).strip().splitlines()[0])}"
    if stream.sensitivity:
        yield f"    config: {{meta: {{sensitive: {stream.sensitivity}}}}}"
    yield "    columns:"
    marks = {field.name: field.sensitivity for field in stream.all_columns}
    for name, column in stream.schema["properties"].items():
        yield f"    - name: {name}"
        yield f"      description: {json.dumps(column.get('description', ''), ensure_ascii=False)}"
        if name in keys:
            yield f"      data_tests: [not_null{', unique' if len(keys) == 1 else ''}]"
        if marks.get(name):
            yield f"      config: {{meta: {{sensitive: {marks[name]}}}}}"
