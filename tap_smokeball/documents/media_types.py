"""Detects media types by the first bytes of a content, whatever its name says."""

from __future__ import annotations

SAMPLE_BYTES = 4_096
"""Bytes that `detect` looks at."""

_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\x1f\x8b", "application/gzip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"ID3", "audio/mpeg"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Beginning of the older Office files and of Outlook messages."""
_OLE_TYPES = {
    ".doc": "application/msword",
    ".msg": "application/vnd.ms-outlook",
    ".ppt": "application/vnd.ms-powerpoint",
    ".xls": "application/vnd.ms-excel",
}
_ZIP = b"PK\x03\x04"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ZIP_PARTS = (
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
)
_ZIP_TYPES = {
    ".docx": _OFFICE + "wordprocessingml.document",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
}
_MAIL_HEADERS = (b"received:", b"from:", b"return-path:", b"mime-version:", b"date:", b"subject:")
_MOVIE_AT = slice(4, 8)


def detect(sample: bytes, extension: str) -> str | None:
    """Return the media type of a content, or None if it has no known form.

    Args:
        sample: Its first bytes.
        extension: The extension of its name, which tells apart what begins alike.
    """
    extension = extension.lower()
    if not sample:
        return None
    if sample.startswith(_OLE):
        return _OLE_TYPES.get(extension, "application/x-ole-storage")
    if sample.startswith(_ZIP):
        found = next((kind for part, kind in _ZIP_PARTS if part in sample), None)
        is_office = b"[Content_Types].xml" in sample
        return found or (is_office and _ZIP_TYPES.get(extension)) or "application/zip"
    for signature, media_type in _SIGNATURES:
        if sample.startswith(signature):
            return media_type
    if sample[_MOVIE_AT] == b"ftyp":
        return "video/mp4"
    return _detect_text(sample)


def _detect_text(sample: bytes) -> str | None:
    if b"\x00" in sample:
        return None
    start = sample.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if start.startswith(b"<?xml"):
        return "application/xml"
    if start.startswith(_MAIL_HEADERS):
        return "message/rfc822"
    return "text/plain"
