"""Time-limited addresses of the contents of files and invoices."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smokeball_sandbox.areas.common import leave_unmarked
from smokeball_sandbox.clock import TICKS_PER_SECOND, iso
from smokeball_sandbox.resources import Data, Resource, ResponseFormat, Row

if TYPE_CHECKING:
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query
    from smokeball_sandbox.resources import RowReader

PATH = "/_documents"
INVOICE_BYTES = 30_000
_LIFETIME_SECONDS = 900
_KEY = b"the key of the document host"
_STATUS_NAMES = ("Draft", "Final", "Paid", "Deleted", "Void")


def signature(kind: str, id_: str, issued: int) -> str:
    """Return the signature of an address."""
    return hmac.new(_KEY, f"{kind}/{id_}/{issued}".encode(), hashlib.sha256).hexdigest()


def _rows(_: Firm, document: Row | None) -> list[Row]:
    return [] if document is None else [Row({}, 0, document.id, document, id=document.id)]


def _address(store: RowReader, kind: str, id_: str) -> Data:
    """Return an address at the document host: this server by another name."""
    url = urlsplit(store.firm.url)
    host = f"localhost:{url.port}" if url.hostname == "127.0.0.1" else url.netloc
    issued = store.now()
    query = f"issued={issued}&signature={signature(kind, id_, issued)}"
    return {
        "downloadUrl": f"{url.scheme}://{host}{PATH}/{kind}/{id_}?{query}",
        "expiry": iso(issued + _LIFETIME_SECONDS * TICKS_PER_SECOND, fraction=True),
    }


def _file_address(store: RowReader, row: Row) -> Data:
    data = row.plan.data if isinstance(row.plan, Row) else {}
    return {
        "fileId": row.id,
        "name": data["name"],
        "fileExtension": data["fileExtension"],
        "sizeBytes": data["sizeBytes"],
        **_address(store, "files", row.id),
    }


def _requested_version(store: RowReader, row: Row, query: Query) -> Data | None:
    """Return the address of an earlier version, which the history of the file must name.

    The size stays that of the file: the API does not say whose it is.
    """
    version = query.value("versionId")
    data = row.plan.data if isinstance(row.plan, Row) else {}
    if version in {None, data["versionId"]}:
        return {}
    entries = store.rows(store.resources["file_versions"], row.id)
    if not any(entry.data.get("documentVersionId") == version for entry in entries):
        return None
    return _address(store, "files", f"{row.id}/{version}")


def _invoice_address(store: RowReader, row: Row) -> Data:
    data = row.plan.data if isinstance(row.plan, Row) else {}
    return {
        "invoiceId": row.id,
        "versionId": data["versionId"],
        "status": _STATUS_NAMES[data["status"]],
        **_address(store, "invoices", row.id),
    }


FILE_ADDRESSES = Resource(
    name="file_addresses",
    path="/matters/{matterId}/documents/files/{fileId}/download",
    scope="documents/read",
    parent="files",
    generate=_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.OBJECT,
    id_parameter=None,
    derived_properties=_file_address,
    requested_properties=_requested_version,
    is_cacheable=False,
)
INVOICE_ADDRESSES = Resource(
    name="invoice_addresses",
    path="/matters/{matterId}/invoices/{invoiceId}/download",
    scope="invoices/read",
    parent="invoices",
    generate=_rows,
    create=None,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.OBJECT,
    id_parameter=None,
    derived_properties=_invoice_address,
    is_cacheable=False,
)
