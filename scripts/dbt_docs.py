"""List the marts of the dbt package from their descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MARTS = "dbt/models/marts/smokeball__marts.yml"


def marts(text: str) -> Iterator[str]:
    """Yield a section for each mart, as Markdown lines.

    Args:
        text: Text of the file with the descriptions.
    """
    for model in yaml.safe_load(text)["models"]:
        yield f"### {model['name']}"
        yield ""
        yield model["description"]
        yield ""
        yield from ("| Column | Description |", "|---|---|")
        for column in model["columns"]:
            yield f"| `{column['name']}` | {column['description']} |"
        yield ""
