"""The troubleshooting tables of the documentation quote messages that the code has."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@cache
def message_texts() -> list[str]:
    """Return the texts in the code of the tap, with an ellipsis for each value."""
    texts = []
    for path in (ROOT / "tap_smokeball").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def quoted_messages() -> list[str]:
    """Return the messages in the first column of the troubleshooting tables."""
    rows = [
        row
        for page in ("docs/errors.md", "docs/login.md")
        for row in re.split(
            r"^## (?:Messages and fixes|Troubleshooting)$",
            (ROOT / page).read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )[1]
        .split("\n## ")[0]
        .splitlines()
    ]
    quotes = [quote for row in rows for quote in re.findall(r"`(.+?)`", row[: row.find(" |", 2)])]
    return [quote for quote in quotes if not quote.isdigit()]  # a status is no text of the code


@pytest.mark.parametrize("message", quoted_messages())
def test_docs_quoted_message_is_in_the_code(message: str) -> None:
    """A message of a troubleshooting table is one that the code has."""
    pattern = re.compile(".+".join(re.escape(part) for part in message.split("…")), re.DOTALL)
    assert any(pattern.search(text) for text in message_texts())


@pytest.mark.parametrize(
    "text",
    [
        "401",
        "403",
        "404",
        "429",
        "invalid_grant",
        "invalid_client",
        "token expired",
        "missing matters",
        "missing fees",
        "slow",
        "certificate",
        "no connection",
        "list has no end",
        "disk full",
        "loader died",
    ],
)
def test_docs_error_table_lists_symptom_and_fix(text: str) -> None:
    """One row of the table has all words, and its last cell says what to do."""
    rows = (ROOT / "docs/errors.md").read_text(encoding="utf-8").splitlines()
    found = [
        row for row in rows if row.startswith("|") and all(word in row for word in text.split())
    ]
    assert found
    assert all(row.rstrip("| ").rsplit("|", 1)[-1].strip() for row in found)
