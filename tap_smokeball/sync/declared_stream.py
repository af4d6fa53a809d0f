"""A stream that declares its columns: schema, catalog entry, selection and records follow."""

from __future__ import annotations

import abc
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tap_smokeball.records.columns import sensitivities, walk_columns
from tap_smokeball.records.converters import ValueCounts
from tap_smokeball.records.decimals import as_decimal_string
from tap_smokeball.records.record_builder import RecordBuilder, json_schema
from tap_smokeball.singer.input_catalog import StreamDeclaration
from tap_smokeball.singer.record_stream import RecordStream
from tap_smokeball.singer.sensitivity_metadata import mark_sensitive

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, MetadataMapping

    from tap_smokeball.records.columns import Breadcrumb, Column, Sensitivity
    from tap_smokeball.run.status import StreamResult
    from tap_smokeball.session import Session


class DeclaredStream(RecordStream, abc.ABC):
    """A stream that declares its columns.

    Args:
        tap: The tap that the stream belongs to.
        session: Settings, API client, worker pool and status of the run.

    Attributes:
        columns: The columns of the rows.
        sensitivity: Why the whole stream needs care, if it does.
        catalog_errors: Why the stream cannot be read as the catalog says.
    """

    columns: ClassVar[tuple[Column, ...]]
    sensitivity: ClassVar[Sensitivity | None] = None

    def __init__(self, tap: Tap, session: Session) -> None:
        self.session = session
        self._needs_default_selection = True  # a catalog has a selection of its own
        self.catalog_errors: list[str] = []
        super().__init__(tap)

    @cached_property
    def all_columns(self) -> list[Column]:
        """The stream's columns and those that the tap adds."""
        columns = self.complete_columns()
        if self.config.get("use_singer_decimal"):
            columns = [as_decimal_string(column) for column in columns]
        return columns

    def complete_columns(self) -> list[Column]:
        """Return the declared columns and those that the tap adds."""
        return list(self.columns)

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return self._json_schema

    @cached_property
    def _json_schema(self) -> dict[str, Any]:
        return json_schema(self.all_columns)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        self._needs_default_selection = False
        if entry := catalog.get_stream(self.name):
            declaration = StreamDeclaration(
                self.name,
                self.schema,
                self.replication_key,
                self.selected_by_default,
                self._opt_in_columns,
            )
            self.catalog_errors, warnings = declaration.complete(entry)
            for warning in warnings:
                self.logger.warning("%s", warning)
        super().apply_catalog(catalog)

    @property
    @override
    def metadata(self) -> MetadataMapping:
        metadata = super().metadata
        if self._needs_default_selection:
            self._needs_default_selection = False
            for breadcrumb in self._opt_in_columns:
                metadata[breadcrumb].selected_by_default = False
            marks = dict(sensitivities(self.all_columns, self.sensitivity))
            mark_sensitive(metadata, marks, self.sensitivity)
        return metadata

    @property
    def _opt_in_columns(self) -> list[Breadcrumb]:
        """The columns that are not selected by default."""
        return [crumb for crumb, column in walk_columns(self.columns) if not column.selected]

    @property
    def result(self) -> StreamResult:
        """The result of the stream in this run."""
        return self.session.status.result(self.name)

    @property
    def is_batched(self) -> bool:
        """Whether records wait in a batch, so that the state must not get ahead of them."""
        return bool((self.config.get("batch_config") or {}).get("encoding"))

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> Any:
        # Meltano may send defaults of a part of the setting. singer-sdk 0.54 fails on that.
        return super().get_batch_config(config) if self.is_batched else None

    @cached_property
    def record_builder(self) -> RecordBuilder:
        """Builds records from rows, as the catalog selects."""
        counts = ValueCounts(self.result.converted_values, self.result.rejected_values)
        unknown_fields = self.session.settings.unknown_fields
        return RecordBuilder(self.all_columns, self.mask, unknown_fields, counts)
