"""How a stream declares its columns: one line each, schema and conversion in one place.

Every column is nullable, since the API leaves out what is null. A new kind of column is one
function here and, if the value changes, one converter in `tap_smokeball.records.converters`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from singer_sdk import typing as th

from tap_smokeball.records import converters
from tap_smokeball.records.converters import Converter, InnerColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Sensitivity = Literal["personal", "identity", "health", "privileged", "trust"]
"""Why a value needs care.

It is about a person, about who a person officially is (documents, numbers, birth, family), about a
person's health, between lawyer and client, or about money held in trust.
"""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        schema: Its name, JSON Schema and description.
        converter: Makes its value; None passes the API's value on.
        inner: The columns of a nested object, or of each object in a list.
        source: The property of the API's row that a derived column is made from.
        selected: Whether it is selected unless the catalog says otherwise.
        is_costly: Whether it is deselected by default for its cost, not for its content.
        sensitivity: Why its values need care, if they do; nested columns have the same one unless
            they have their own.
    """

    schema: th.Property[Any]
    converter: Converter | None = None
    inner: tuple[Column, ...] = ()
    source: str | None = None
    selected: bool = True
    is_costly: bool = False
    sensitivity: Sensitivity | None = None

    @property
    def name(self) -> str:
        """Name of the column."""
        return str(self.schema.name)

    @property
    def is_object(self) -> bool:
        """Whether it is one object with columns of its own, which the catalog can select."""
        return bool(self.inner) and isinstance(self.schema.wrapped, th.ObjectType)


Breadcrumb = tuple[str, ...]


def walk_columns(
    columns: Iterable[Column], parent: Breadcrumb = ()
) -> Iterator[tuple[Breadcrumb, Column]]:
    """Yield the columns, and those of nested objects, with their breadcrumb in the catalog."""
    for column in columns:
        breadcrumb = (*parent, "properties", column.name)
        yield breadcrumb, column
        if column.is_object:
            yield from walk_columns(column.inner, breadcrumb)


def string(name: str, description: str) -> Column:
    """Declare a string."""
    return _column(name, th.StringType(), description)


def strings(name: str, description: str) -> Column:
    """Declare a list of strings."""
    return _column(name, th.ArrayType(th.StringType(nullable=True)), description)


def string_or_code(name: str, description: str) -> Column:
    """Declare a string that some accounts still send as a number."""
    return replace(string(name, description), converter=converters.to_string)


def integer(name: str, description: str) -> Column:
    """Declare an integer of up to 64 bits."""
    return _column(name, th.IntegerType(), description)


def decimal(name: str, description: str) -> Column:
    """Declare a decimal number; it keeps every digit that the API sends."""
    return _column(name, th.DecimalType(), description)


def boolean(name: str, description: str) -> Column:
    """Declare a boolean."""
    return _column(name, th.BooleanType(), description)


def date_time(name: str, description: str) -> Column:
    """Declare a date-time: UTC, at most six fractional digits, null if .NET's first instant."""
    return _column(name, th.DateTimeType(), description, converters.to_date_time)


def updated_at_time(name: str, description: str) -> Column:
    """Declare the date-time of a row's last change: UTC, also if the API sends no time zone.

    The updated-since filters compare it with UTC.
    """
    return _column(name, th.DateTimeType(), description, converters.to_updated_at)


def date(name: str, description: str) -> Column:
    """Declare a date without a time."""
    return _column(name, th.DateType(), description, converters.to_date)


def link(name: str, description: str) -> Column:
    """Declare a link to another record: its id and its href."""
    return _column(name, _link_type(), description, converters.to_link)


def links(name: str, description: str) -> Column:
    """Declare a list of links to other records."""
    kind = th.ArrayType(_link_type(nullable=True))
    return _column(name, kind, description, converters.to_list(converters.to_link))


def nested_object(name: str, description: str, *inner: Column) -> Column:
    """Declare an object with columns of its own."""
    kind = th.ObjectType(*(column.schema for column in inner))
    return _column(name, kind, description, _object_converter(inner), inner)


def object_list(name: str, description: str, *inner: Column) -> Column:
    """Declare a list of objects with columns of their own."""
    kind = th.ArrayType(th.ObjectType(*(column.schema for column in inner), nullable=True))
    return _column(name, kind, description, converters.to_list(_object_converter(inner)), inner)


def json_object(name: str, description: str) -> Column:
    """Declare an object of any content, without signed URLs."""
    kind = th.ObjectType(additional_properties=True)
    return _column(name, kind, description, converters.to_stripped)


def json_text(name: str, description: str) -> Column:
    """Declare a value of any type, without signed URLs, as JSON text.

    Loaders that declare a type for each property of an object have none for such a value.
    """
    return replace(string(name, f"{description}; JSON"), converter=converters.to_json_text)


def linked_id(name: str, source: str, description: str) -> Column:
    """Declare the id of another record, taken out of a link."""
    return replace(string(name, description), source=source, converter=converters.to_linked_id)


def enumeration(name: str, description: str, labels: Mapping[int, str]) -> tuple[Column, Column]:
    """Declare an enumeration: the number, and its label as ``<name>Name``, null if unknown.

    The schema holds no ``enum``: loaders would refuse a row with a number added tomorrow.
    """
    meaning = ", ".join(f"{number} {label}" for number, label in labels.items())
    label_column = _column(f"{name}Name", th.StringType(), f"Label of `{name}`; null if unknown")
    return (
        integer(name, f"{description}: {meaning}"),
        replace(label_column, source=name, converter=converters.to_label(labels)),
    )


def last_updated_at(source: str) -> Column:
    """Declare ``lastUpdatedAt``, made of the ticks in another column."""
    column = _column("lastUpdatedAt", th.DateTimeType(), f"`{source}` as a UTC date and time")
    return replace(column, source=source, converter=converters.ticks_to_date_time)


def opt_in(column: Column) -> Column:
    """Deselect a column by default: it is expensive, or repeats other columns."""
    return replace(column, selected=False, is_costly=True)


def sensitive(why: Sensitivity, *columns: Column) -> tuple[Column, ...]:
    """Mark columns as sensitive, in the catalog and in the documentation."""
    return tuple(replace(column, sensitivity=why) for column in columns)


def private(why: Sensitivity, *columns: Column) -> tuple[Column, ...]:
    """Mark columns as sensitive, and deselect them by default."""
    return tuple(replace(column, selected=False) for column in sensitive(why, *columns))


def sensitivities(
    columns: Iterable[Column], inherited: Sensitivity | None, parent: Breadcrumb = ()
) -> Iterator[tuple[Breadcrumb, Sensitivity]]:
    """Yield the sensitive columns, and those of nested objects, with their breadcrumb.

    Args:
        columns: The columns of a stream, or of an object.
        inherited: The sensitivity of the whole stream or object.
        parent: Breadcrumb of the object.
    """
    for column in columns:
        breadcrumb = (*parent, "properties", column.name)
        if sensitivity := column.sensitivity or inherited:
            yield breadcrumb, sensitivity
        if column.is_object:
            yield from sensitivities(column.inner, sensitivity, breadcrumb)


def _column(
    name: str,
    kind: th.JSONTypeHelper[Any],
    description: str,
    converter: Converter | None = None,
    inner: tuple[Column, ...] = (),
) -> Column:
    return Column(th.Property(name, kind, description=description), converter, inner)


def _link_type(*, nullable: bool = False) -> th.ObjectType:
    return th.ObjectType(
        th.Property("id", th.StringType, description="ID of the record"),
        th.Property("href", th.StringType, description="URL of the record in the API"),
        nullable=nullable,
    )


def _object_converter(inner: tuple[Column, ...]) -> Converter:
    columns = [InnerColumn(c.name, c.source or c.name, c.converter) for c in inner]
    return converters.to_object(columns)
