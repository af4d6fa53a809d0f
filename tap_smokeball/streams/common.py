"""Blocks of columns that several streams share."""

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
        string("number", "Number without the area code"),
        *more,
    )


def street() -> tuple[Column, ...]:
    """Declare the parts of an address that the firm and its contacts have in common."""
    return (
        string("careOf", "Care of"),
        string("buildingLevel", "Level of the building"),
        string("unitNumber", "Number of the unit"),
        string("unitType", "Kind of unit, as Suite or Flat"),
        string("streetNumber", "Number in the street"),
        string("streetName", "Name of the street"),
        string("streetType", "Kind of street, as Avenue"),
        string("addressLine1", "First line"),
        string("addressLine2", "Second line"),
        string("city", "City, town or suburb"),
        string("state", "State, province or region"),
        string("zipCode", "Zip code or postcode"),
        string("locality", "Locality"),
        string("county", "County"),
        string("country", "Country"),
    )


def document_exchange(name: str, description: str) -> Column:
    """Declare a Document Exchange address."""
    return nested_object(
        name,
        description,
        string("number", "Number in the exchange"),
        string("exchange", "Name of the exchange"),
        string("state", "State of the exchange"),
    )


def licence_numbers(name: str, description: str) -> Column:
    """Declare a list of licence numbers."""
    return object_list(
        name,
        description,
        string("state", "State that the licence is for"),
        string("type", "Kind of licence"),
        string("number", "Number of the licence"),
    )
