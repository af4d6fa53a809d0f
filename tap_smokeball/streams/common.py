"""Column groups shared by several streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.records.columns import nested_object, object_list, string

if TYPE_CHECKING:
    from tap_smokeball.records.columns import Column


def phone(name: str, description: str, *more: Column) -> Column:
    """Declare a phone number."""
    return nested_object(
        name,
        description,
        string("areaCode", "Area code"),
        string("number", "Number without area code"),
        *more,
    )


def street() -> tuple[Column, ...]:
    """Declare the address columns that the firm and its contacts share."""
    return (
        string("careOf", "Care-of line"),
        string("buildingLevel", "Building level"),
        string("unitNumber", "Unit number"),
        string("unitType", "Unit type, such as Suite or Flat"),
        string("streetNumber", "Street number"),
        string("streetName", "Street name"),
        string("streetType", "Street type, such as Avenue"),
        string("addressLine1", "First address line"),
        string("addressLine2", "Second address line"),
        string("city", "City, town or suburb"),
        string("state", "State, province or region"),
        string("zipCode", "ZIP code or postcode"),
        string("locality", "Locality"),
        string("county", "County"),
        string("country", "Country"),
    )


def document_exchange(name: str, description: str) -> Column:
    """Declare a Document Exchange (DX) address."""
    return nested_object(
        name,
        description,
        string("number", "DX number"),
        string("exchange", "DX exchange name"),
        string("state", "State of the DX exchange"),
    )


def licence_numbers(name: str, description: str) -> Column:
    """Declare a list of licence numbers."""
    return object_list(
        name,
        description,
        string("state", "State of the licence"),
        string("type", "Licence type"),
        string("number", "Licence number"),
    )
