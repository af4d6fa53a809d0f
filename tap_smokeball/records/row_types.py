"""Row types: rows are decoded to what is written, without a dict and an object for each number.

Nearly all rows of a stream have the same properties, of the types that the columns declare. So once
some rows were built in the general way, the stream gets a Struct of msgspec with a field for each
column and for each other property that the rows had. A page of such rows is decoded to it, and a
row becomes a record by a few assignments. Numbers stay the text that they came as.

A page with any other row does not decode, and `tap_smokeball.records.record_builder` builds its
records from dicts. Both ways give the same records.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError, convert, defstruct, json

from tap_smokeball.api.json_body import decode
from tap_smokeball.api.typed_rows import Dropped, Link, TypedRow
from tap_smokeball.records import converters
from tap_smokeball.records.converters import StrictExtras, UnusualValueError
from tap_smokeball.records.extra_fields import EXTRA_FIELDS
from tap_smokeball.records.type_checks import BUILTIN_TYPES, TYPES, column_type
from tap_smokeball.singer.message_writer import encode_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tap_smokeball.records.columns import Column
    from tap_smokeball.records.converters import Converter

    Field = tuple[str, Any, Any]
    NamedValues = tuple[str, list[Any]]

NUMBER_TYPES = frozenset({int, Raw, type(None)})
"""The Python types of numbers, and of null, as a typed row has them."""

_DIRECT_TYPES = (str, TYPES["integer"], bool, list[str | None])
"""Types of values that need neither a check nor a conversion once they are decoded."""

_DATE_TIME_CONVERTERS = (converters.to_date_time, converters.to_updated_at)
_WITHOUT_FRACTION = frozenset({str, int, bool, type(None)})
_EXTRAS = StrictExtras()
_run = deque[None](maxlen=0).extend  # runs an iterator to its end, in C


class Conversion(NamedTuple):
    """A column whose values are checked or converted after a page was decoded.

    Attributes:
        name: Name of the column.
        source: Property that its values are made from.
        converter: Makes a value; None leaves it as it is.
        page_type: A Struct whose ``values`` are what the API may send; None if that was checked.
        has_raw: Whether the values may hold `Raw` numbers.
    """

    name: str
    source: str
    converter: Converter | None
    page_type: Any = None
    has_raw: bool = False

    def values(self, rows: Sequence[TypedRow]) -> list[Any]:
        """Return the values of the column.

        Args:
            rows: The rows of a page.

        Raises:
            ValidationError: A value has another type.
            UnusualValueError: A value would leave something for ``extraFields``.
        """
        values = list(map(attrgetter(self.source), rows))
        if values.count(None) == len(values):
            return values
        if self.has_raw:
            values = [v if type(v) in _WITHOUT_FRACTION else decode(encode_json(v)) for v in values]
        if self.page_type is not None:
            convert({"values": values}, self.page_type, builtin_types=BUILTIN_TYPES)
        make, name = self.converter, self.name
        if make is None:
            return values
        return [None if v is None else make(v, _EXTRAS, name) for v in values]


class RowType:
    """A type for the rows of a stream.

    Args:
        columns: The columns of the stream.
        selected: Names of those that the catalog selects.
        read: Names of those that are read; records have the selected ones.
        hidden: Names of other properties, which no record has.
        unknown: Names of properties without a column, which become extras.

    Attributes:
        struct: The type.
        unknown: Names of properties without a column.

    Raises:
        UnusualValueError: A column has no such form.
    """

    def __init__(
        self,
        columns: Iterable[Column],
        selected: Collection[str],
        read: Collection[str],
        hidden: Iterable[str],
        unknown: Iterable[str],
    ) -> None:
        self.unknown = list(unknown)
        self._hidden = list(hidden)
        self._numbers: list[str] = []
        self._linked_ids: list[tuple[str, str]] = []
        self._conversions: list[Conversion] = []
        declared = {column.name: column for column in columns}
        self._has_raw = any(_is_number(declared[name]) for name in declared if name in read)
        self._not_selected = [n for n in declared if n in read and n not in selected]
        names = [*(name for name in declared if name in selected), *self._not_selected]
        fields: list[Field] = [(n, self._field_type(declared[n], declared), None) for n in names]
        fields += ((name, Raw, UNSET) for name in self._hidden)
        fields += ((name, Any, UNSET) for name in self.unknown)
        self.struct = cast("type[TypedRow]", _struct("Row", fields, TypedRow))
        page_fields = [(name, Any, None) for name in ("size", "next", "limit")]
        page = defstruct("Page", [("value", list[self.struct]), *page_fields])  # type: ignore[name-defined]
        float_hook = Raw if self._has_raw else Decimal
        self._decode_page = json.Decoder(
            page, float_hook=float_hook, dec_hook=Dropped.decode
        ).decode

    def decode(self, body: bytes) -> dict[str, Any]:
        """Return a body with typed rows; called in a worker.

        Raises:
            DECODE_ERRORS: It has other rows, or is not what it must be.
        """
        page: Any = self._decode_page(body)
        for name in self._hidden:
            _assign(page.value, name, UNSET)
        return {"value": page.value, "size": page.size, "next": page.next, "limit": page.limit}

    def build(self, rows: list[TypedRow], tap_columns: Mapping[str, Any]) -> list[TypedRow] | None:
        """Make records of rows and return them, or None if they have to be built from dicts.

        Unknown properties are still in them: see `take_unknown`.

        Args:
            rows: Rows of this type.
            tap_columns: Values of the tap's own columns, as the parent's key.
        """
        try:
            columns = self._converted_columns(rows)
        except (ValidationError, UnusualValueError):
            return None
        for name, source in self._linked_ids:
            links = map(attrgetter(source), rows)
            columns.append((name, [None if link is None else link.id for link in links]))
        for name, values in columns:
            _run(map(setattr, rows, repeat(name), values))
        for name, value in tap_columns.items():
            _assign(rows, name, value)
        for name in self._not_selected:
            _assign(rows, name, UNSET)
        return rows

    def _converted_columns(self, rows: Sequence[TypedRow]) -> list[NamedValues]:
        """Return the values of the columns that are converted, by their name.

        Raises:
            ValidationError: A value has another type.
            UnusualValueError: A value has to be converted in another way.
        """
        for name in self._numbers:
            if not NUMBER_TYPES.issuperset(map(type, map(attrgetter(name), rows))):
                raise UnusualValueError
        return [(each.name, each.values(rows)) for each in self._conversions]

    def take_unknown(self, record: TypedRow) -> dict[str, Any]:
        """Remove the properties without a column from a record, and return them."""
        found = {name: v for name in self.unknown if (v := getattr(record, name)) is not UNSET}
        for name in found:
            setattr(record, name, UNSET)
        return found

    def _field_type(self, column: Column, declared: Mapping[str, Column]) -> Any:
        name, converter = column.name, column.converter
        if name == EXTRA_FIELDS.name or column.source is not None:
            if column.source is not None:
                self._derive(column, declared)
            return UnsetType  # a property of this name is not usual
        if converter is converters.to_link:
            return Link | None
        kind = column_type(column)
        if _is_number(column):
            self._numbers.append(name)
            return Any
        if converter is converters.to_date:
            return date | None
        if converter is None and kind in _DIRECT_TYPES:
            return kind | None
        is_text = converter in _DATE_TIME_CONVERTERS
        sent: Any = datetime if is_text else kind
        page_type = _struct("Values", [("values", list[sent | None], None)])
        has_raw = self._has_raw and not is_text
        self._conversions.append(Conversion(name, name, converter, page_type, has_raw=has_raw))
        return str | None if is_text else Any

    def _derive(self, column: Column, declared: Mapping[str, Column]) -> None:
        name, source = column.name, declared.get(str(column.source))
        if source is None or source.source is not None:
            raise UnusualValueError
        if source.converter is converters.to_link:
            if column.converter is not converters.to_linked_id:
                raise UnusualValueError
            self._linked_ids.append((name, source.name))
            return
        is_text = source.converter in _DATE_TIME_CONVERTERS
        if not is_text and (source.converter or column_type(source) not in _DIRECT_TYPES):
            raise UnusualValueError
        self._conversions.append(Conversion(name, source.name, column.converter))


def _is_number(column: Column) -> bool:
    return column.converter is None and bool(column_type(column) == TYPES["number"])


def _assign(rows: Iterable[TypedRow], name: str, value: Any) -> None:
    _run(map(setattr, rows, repeat(name), repeat(value)))


def _struct(name: str, fields: Iterable[Field], base: type[Struct] = Struct) -> type[Struct]:
    return defstruct(name, fields, bases=(base,), gc=False, forbid_unknown_fields=True)
