"""Builds the HTML document: one file without any request, with its data as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_page.marts import Marts

_FOLDER = Path(__file__).parent / "static"
_SCRIPTS = (
    *("format.js", "table.js", "figures.js", "charts.js", "decisions.js"),
    *("debtors.js", "trends.js", "shares.js", "pipeline.js", "page.js"),
)
_PLACE = re.compile(r"\[\[([A-Z]+)\]\]")
# JSON stays JSON, and no text in it can end the element or open a comment.
_ESCAPES = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def document(marts: Marts, created_at: str) -> str:
    """Return the page.

    Args:
        marts: The rows.
        created_at: Time of the page, RFC 3339 in UTC.
    """
    style = _read("page.css")
    body = "\n".join(_read(name) for name in _SCRIPTS)
    script = f'(function () {{\n"use strict";\n{body}\n}})();\n'
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    parts = {"POLICY": policy, "STYLE": style, "SCRIPT": script}
    parts["DATA"] = page_data(marts, created_at)
    # In one pass: a name in the data may look like a place of the page.
    return _PLACE.sub(lambda found: parts[found[1]], _read("page.html"))


def page_data(marts: Marts, created_at: str) -> str:
    """Return the data as JSON that is safe in an HTML element.

    Amounts become integers in cents, so that sums are exact. IDs become numbers.
    """
    matters = [row[0] for row in marts.tables["matters"].rows]
    places = {id_: index for index, id_ in enumerate(matters)}
    keys: dict[str, int] = {}
    converters: dict[str, Callable[[str], Any]] = {
        "matter": lambda id_: places.get(id_, -1),
        "key": lambda id_: keys.setdefault(id_, len(keys)),
        "money": _cents,
        "number": float,
        "integer": int,
        "boolean": lambda text: text.lower() == "true",
        "date": lambda text: text[:10],
        "time": lambda text: f"{text[:10]}T{text[11:19]}Z",
        "text": str,
    }
    tables = {}
    for name, table in marts.tables.items():
        convert = [converters[kind] for _, kind in table.columns]
        tables[name] = {
            "columns": [column for column, _ in table.columns],
            "rows": [
                [None if v is None else change(v) for change, v in zip(convert, row, strict=True)]
                for row in table.rows
            ],
        }
    data = {"settings": marts.settings, "created_at": created_at, "tables": tables}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _cents(amount: str) -> int:
    return int((Decimal(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _digest(text: str) -> str:
    """Return the source expression of a policy that allows this text alone."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
