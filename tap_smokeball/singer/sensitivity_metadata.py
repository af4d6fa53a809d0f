"""Marks of sensitive columns in the catalog, as ``sensitivity`` in their Singer metadata."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import Metadata, StreamMetadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.singerlib import MetadataMapping
    from singer_sdk.singerlib.catalog import Breadcrumb


@dataclass(slots=True)
class SensitiveMetadata(Metadata):
    """Metadata of a column whose values need care."""

    sensitivity: str | None = None


@dataclass(slots=True)
class SensitiveStreamMetadata(StreamMetadata):
    """Metadata of a stream whose columns all need care."""

    sensitivity: str | None = None


def mark_sensitive(
    metadata: MetadataMapping, marks: Mapping[Breadcrumb, str], stream_mark: str | None
) -> None:
    """Add the sensitivity to the metadata of a stream and of its columns.

    Args:
        metadata: The metadata of the stream.
        marks: Sensitivity of each sensitive column; what is nested in one has the same.
        stream_mark: Sensitivity of the whole stream, if it has one.
    """
    for breadcrumb, entry in list(metadata.items()):
        place, mark = breadcrumb, stream_mark
        while place:
            if place in marks:
                mark = marks[place]
                break
            place = place[:-2]
        if mark:
            kind = SensitiveMetadata if breadcrumb else SensitiveStreamMetadata
            values = {field.name: getattr(entry, field.name) for field in fields(entry)}
            metadata[breadcrumb] = kind(**values, sensitivity=mark)
