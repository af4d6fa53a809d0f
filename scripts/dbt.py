"""Generate the dbt sources from the catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_smokeball.sync.declared_stream import DeclaredStream

HEADER = """\
# Generated from the catalog by `make docs`. Snowflake and DuckDB resolve column names in any case.
# Postgres is case-sensitive: quote column names that contain capitals.
version: 2

sources:
- name: smokeball
  description: A law firm's Smokeball account, loaded by tap-smokeball
  schema: "{{ var('smokeball_schema', 'smokeball') }}"
  loaded_at_field: _sdc_batched_at
  tables:
"""


def sources(streams: Sequence[DeclaredStream]) -> str:
    """Return the dbt source definitions of all streams as YAML."""
    return HEADER + "\n".join(line for stream in streams for line in _table(stream)) + "\n"


def _table(stream: DeclaredStream) -> Iterator[str]:
    keys = stream.primary_keys
    yield f"  - name: {stream.name}"
    yield f"    description: {json.dumps(str(type(stream).__doc__).strip().splitlines()[0])}"
    if stream.sensitivity:
        yield f"    config: {{meta: {{sensitive: {stream.sensitivity}}}}}"
    yield "    columns:"
    sensitivity = {column.name: column.sensitivity for column in stream.all_columns}
    for name, prop in stream.schema["properties"].items():
        yield f"    - name: {name}"
        yield f"      description: {json.dumps(prop.get('description', ''), ensure_ascii=False)}"
        if name in keys:
            yield f"      data_tests: [not_null{', unique' if len(keys) == 1 else ''}]"
        if sensitivity.get(name):
            yield f"      config: {{meta: {{sensitive: {sensitivity[name]}}}}}"
