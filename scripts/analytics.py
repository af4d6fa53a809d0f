"""Writes the SQL of ``examples/analytics`` for each warehouse, and the list of what it answers.

The queries are written for DuckDB; sqlglot translates them. ``python -m scripts.analytics`` writes;
with ``--check`` it changes nothing and exits with 1 if anything is stale.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import ErrorLevel, exp, parse

from scripts.generate_docs import ROOT, between, read, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDER = "examples/analytics"
SOURCE = "duckdb"
PAGE = f"{FOLDER}/README.md"


class Query(NamedTuple):
    """A query with what its head says of it.

    Attributes:
        name: Name of its file, without ``.sql``.
        title: What it answers, in a line.
        definition: What counts and what does not.
        columns: What each column of the answer means.
        head: The head as it stands, which is all comment.
        body: The statements.
    """

    name: str
    title: str
    definition: str
    columns: dict[str, str]
    head: str
    body: str

    @classmethod
    def read(cls, path: Path) -> Query:
        """Read a file: a title, a definition and the columns, then the statements."""
        lines = path.read_text(encoding="utf-8").splitlines()
        end = next(at for at, line in enumerate(lines) if not line.startswith("--"))
        comment = "\n".join(line[3:] for line in lines[:end])
        title, definition, columns = comment.split("\n\n")
        return cls(
            path.stem,
            title,
            " ".join(definition.split()),
            dict(line.split(": ", 1) for line in columns.splitlines()),
            "\n".join(lines[:end]),
            "\n".join(lines[end:]),
        )


def queries() -> list[Query]:
    """Return the queries, by name."""
    return [Query.read(path) for path in sorted((ROOT / FOLDER / SOURCE).glob("*.sql"))]


def main(arguments: list[str]) -> int:
    """Write the files, or check them; return the exit status."""
    every = queries()
    fresh = {
        f"{FOLDER}/{dialect}/{query.name}.sql": translated(query, dialect)
        for dialect in DIALECTS
        for query in every
    }
    fresh[PAGE] = between(read(PAGE), "<!-- {} -->", "answers", list(described(every)))
    return settle(fresh, check="--check" in arguments)


def translated(query: Query, dialect: str) -> str:
    """Return a query's file for another warehouse."""
    statements = [
        each.transform(DIALECTS[dialect]).sql(
            dialect=dialect, pretty=True, unsupported_level=ErrorLevel.RAISE
        )
        for each in parse(query.body, dialect=SOURCE)
        if each is not None
    ]
    note = f"-- Translated from {SOURCE}/{query.name}.sql: changes belong there."
    return "\n".join([query.head, "--", note, ";\n".join(statements)]) + ";\n"


def described(every: list[Query]) -> Iterator[str]:
    """Yield what the page says of each query."""
    for query in every:
        yield f"### {query.name}"
        yield ""
        yield f"{query.title} {query.definition}"
        yield ""
        yield from ("| Column | Meaning |", "|---|---|")
        yield from (f"| `{name}` | {meaning} |" for name, meaning in query.columns.items())
        yield ""


def _postgres(node: exp.Expression) -> exp.Expression:
    """The loader keeps the case of names, which only quotes do; objects are ``jsonb``.

    The function that sqlglot would use for objects does not take ``jsonb``.
    """
    if isinstance(node, exp.Identifier) and not node.this.islower():
        node.set("quoted", True)  # noqa: FBT003 - an identifier's part, in sqlglot's words
    if isinstance(node, exp.JSONExtractScalar):
        node.set("only_json_types", True)  # noqa: FBT003 - an arrow, in sqlglot's words
    return node


def _snowflake(node: exp.Expression) -> exp.Expression:
    """Objects are ``VARIANT`` there, not text to be parsed."""
    if isinstance(node, exp.JSONExtractScalar):
        found = exp.JSONExtract(this=node.this, expression=node.expression, requires_json=True)
        return exp.cast(found, "varchar")
    return node


def _bigquery(node: exp.Expression) -> exp.Expression:
    """Objects are records there, and a cast to ``NUMERIC`` does not round."""
    if isinstance(node, exp.Paren) and isinstance(node.this, exp.JSONExtractScalar):
        return _bigquery(node.this)
    if isinstance(node, exp.JSONExtractScalar):
        keys = [part.this for part in node.expression.find_all(exp.JSONPathKey)]
        return exp.Dot.build([node.this, *(exp.to_identifier(key) for key in keys)])
    if isinstance(node, exp.Cast) and node.to.is_type("decimal") and node.to.expressions:
        places = node.to.expressions[-1].this
        inner = exp.Cast(this=node.this, to=exp.DataType.build("decimal"))
        return exp.Round(this=inner.transform(_bigquery), decimals=places.copy())
    return node


DIALECTS: dict[str, Callable[[exp.Expression], exp.Expression]] = {
    "postgres": _postgres,
    "snowflake": _snowflake,
    "bigquery": _bigquery,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
