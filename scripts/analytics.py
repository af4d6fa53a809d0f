"""Translate the SQL of ``examples/analytics`` for each warehouse, and list the queries.

The queries are written for DuckDB; sqlglot translates them. ``python -m scripts.analytics`` writes
the files. With ``--check`` it writes nothing and exits with 1 if a file is stale.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import ErrorLevel, exp, parse

from scripts.generate_docs import COMMENT, ROOT, read, replace_block, write_or_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDER = "examples/analytics"
SOURCE_DIALECT = "duckdb"
PAGE = f"{FOLDER}/README.md"


class Query(NamedTuple):
    """A query and the documentation in its header.

    Attributes:
        name: Name of its file, without ``.sql``.
        title: Its subject, in one line.
        definition: Which rows count.
        columns: Description of each column of the result.
        header: The header as it is in the file, all comment.
        body: The statements.
    """

    name: str
    title: str
    definition: str
    columns: dict[str, str]
    header: str
    body: str

    @classmethod
    def read(cls, path: Path) -> Query:
        """Read a file: title, definition and columns as comments, then the statements."""
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
    """Return the queries in the order of their names."""
    paths = sorted((ROOT / FOLDER / SOURCE_DIALECT).glob("*.sql"))
    return [Query.read(path) for path in paths]


def main(arguments: list[str]) -> int:
    """Write the files, or check them, and return the exit status."""
    all_queries = queries()
    generated = {
        f"{FOLDER}/{dialect}/{query.name}.sql": translate(query, dialect)
        for dialect in DIALECTS
        for query in all_queries
    }
    generated[PAGE] = replace_block(read(PAGE), COMMENT, "queries", list(describe(all_queries)))
    return write_or_check(generated, check="--check" in arguments)


def translate(query: Query, dialect: str) -> str:
    """Return the query's file for another warehouse."""
    statements = [
        statement.transform(DIALECTS[dialect]).sql(
            dialect=dialect, pretty=True, unsupported_level=ErrorLevel.RAISE
        )
        for statement in parse(query.body, dialect=SOURCE_DIALECT)
        if statement is not None
    ]
    note = f"-- Generated from {SOURCE_DIALECT}/{query.name}.sql. Edit that file."
    return "\n".join([query.header, "--", note, ";\n".join(statements)]) + ";\n"


def describe(all_queries: list[Query]) -> Iterator[str]:
    """Yield the page's section for each query."""
    for query in all_queries:
        yield f"### {query.name}"
        yield ""
        yield f"{query.title} {query.definition}"
        yield ""
        yield from ("| Column | Description |", "|---|---|")
        yield from (f"| `{name}` | {text} |" for name, text in query.columns.items())
        yield ""


def _postgres(node: exp.Expression) -> exp.Expression:
    """Quote names with capitals, and use the arrow operator on ``jsonb``.

    The Postgres loader keeps the case of names. The function that sqlglot would use for objects
    does not accept ``jsonb``.
    """
    if isinstance(node, exp.Identifier) and not node.this.islower():
        node.set("quoted", True)  # noqa: FBT003 - sqlglot's signature
    if isinstance(node, exp.JSONExtractScalar):
        node.set("only_json_types", True)  # noqa: FBT003 - sqlglot's signature
    return node


def _snowflake(node: exp.Expression) -> exp.Expression:
    """Read objects as ``VARIANT``, not as text to parse."""
    if isinstance(node, exp.JSONExtractScalar):
        found = exp.JSONExtract(this=node.this, expression=node.expression, requires_json=True)
        return exp.cast(found, "varchar")
    return node


def _bigquery(node: exp.Expression) -> exp.Expression:
    """Read objects as records, and round: a cast to ``NUMERIC`` does not."""
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
