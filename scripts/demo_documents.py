"""The demo's documents: files and invoices stored in a folder, and compared with the firm."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from smokeball_sandbox.document_host import content_of
from tap_smokeball.reporting.text_table import format_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scripts.demo_report import Database
    from smokeball_sandbox import ControlClient

FOLDER = "documents"
TABLES = {"file_contents": "files", "invoice_documents": "invoices"}
"""The tables of stored documents, with the firm's lists that the documents are of."""

_SHOWN = 10
_CHECKSUM_DIGITS = 16
_UNITS = ((1_000_000, "MB"), (1_000, "kB"))
_TAP = "tap-smokeball"


class DocumentsDemoError(Exception):
    """The documents are not stored as they are at the firm. The text says which."""


class Stored(NamedTuple):
    """A row of the two tables."""

    id: str
    version_id: str
    name: str
    media_type: str | None
    size_bytes: int | None
    sha256: str | None
    path: str | None
    error: str | None


QUERY = " union all ".join(
    f"select {key}, versionId, name || extension, mediaType, sizeBytes, sha256, path, error "  # noqa: S608
    f"from smokeball.{table}"
    for table, key in zip(TABLES, ("fileId", "invoiceId"), strict=True)
)


def settings(root: Path, folder: Path) -> dict[str, str]:
    """Return the settings of the tap as environment variables.

    Args:
        root: Folder of ``meltano.yml``, whose selection is extended.
        folder: Takes the documents.
    """
    project = yaml.safe_load((root / "meltano.yml").read_text(encoding="utf-8"))
    taps = {each["name"]: each for each in project["plugins"]["extractors"]}
    selection = [*taps[_TAP]["select"], *(f"{name}.*" for name in TABLES)]
    return {
        "TAP_SMOKEBALL_DOCUMENTS_URL": (folder / FOLDER).as_uri(),
        "TAP_SMOKEBALL__SELECT": json.dumps(selection),
    }


def show(database: Database, control: ControlClient, folder: Path) -> Iterator[str]:
    """Compare the stored documents with the firm's, and yield a table of some.

    Raises:
        DocumentsDemoError: They differ.
    """
    rows = [Stored(*row) for row in database.query(QUERY)]
    stored = {(row.id, row.version_id): row for row in rows if row.error is None}
    expected = _expected(control)
    wrong = [key for key in stored.keys() | expected if not _is_right(key, stored, expected)]
    if wrong:
        raise DocumentsDemoError(f"{len(wrong)} documents differ from the firm's.")
    contents = {row.path: row.size_bytes or 0 for row in stored.values()}
    for row in stored.values():
        path = folder / FOLDER / str(row.path)
        if hashlib.sha256(path.read_bytes()).hexdigest() != row.sha256:
            raise DocumentsDemoError(f"{path} does not have the checksum of its record.")
    largest = sorted(stored.values(), key=lambda row: -(row.size_bytes or 0))
    lines = [
        (row.name, _size(row.size_bytes), f"{row.sha256}"[:_CHECKSUM_DIGITS], row.media_type or "")
        for row in largest[:_SHOWN]
    ]
    yield format_table([("document", "size", "SHA-256", "media type"), *lines])
    yield ""
    without = len(rows) - len(stored)
    yield (
        f"{len(stored):,} documents ({_size(sum(contents.values()))}) have the sizes and checksums "
        f"that they have at the firm.\n{without:,} have none: they are deleted, or were never "
        "uploaded."
    )


def _expected(control: ControlClient) -> dict[tuple[str, str], tuple[int, str]]:
    """Return the size and the checksum of each document at the firm, by ID and version."""
    found = {}
    for kind in TABLES.values():
        for entry in control.rows(kind):
            if _has_content(row := entry["row"]):
                content = content_of(kind, row)
                digest = hashlib.sha256(b"".join(content.pieces(0, content.size)))
                found[row["id"], row["versionId"]] = content.size, digest.hexdigest()
    return found


_DRAFT, _DELETED = 0, 3


def _has_content(row: dict[str, Any]) -> bool:
    if "invoiceTotals" in row:
        return row["status"] not in {_DRAFT, _DELETED}
    return row["isUploaded"] and not (row["isCancelled"] or row["isDeleted"])


def _is_right(
    key: tuple[str, str],
    stored: dict[tuple[str, str], Stored],
    expected: dict[tuple[str, str], tuple[int, str]],
) -> bool:
    row = stored.get(key)
    return row is not None and expected.get(key) == (row.size_bytes, row.sha256)


def _size(size_bytes: int | None) -> str:
    size = size_bytes or 0
    for factor, unit in _UNITS:
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,} B"
