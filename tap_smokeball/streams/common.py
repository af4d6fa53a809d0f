"""Blocks of columns that several streams share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_smokeball.records.columns import many, nested, text

if TYPE_CHECKING:
    from tap_smokeball.records.columns import Field


def phone(name: str, description: str, *more: Field) -> Field:
    """Declare a phone number."""
    return nested(
        name,
        description,
        text("areaCode", "Area code"),
        text("number", "Number without the area code"),
        *more,
    )


def street() -> tuple[Field, ...]:
    """Declare the parts of an address that the firm and its contacts have in common."""
    return (
        text("careOf", "Care of"),
        text("buildingLevel", "Level of the building"),
        text("unitNumber", "Number of the unit"),
        text("unitType", "Kind of unit, as Suite or Flat"),
        text("streetNumber", "Number in the street"),
        text("streetName", "Name of the street"),
        text("streetType", "Kind of street, as Avenue"),
        text("addressLine1", "First line"),
        text("addressLine2", "Second line"),
        text("city", "City, town or suburb"),
        text("state", "State, province or region"),
        text("zipCode", "Zip code or postcode"),
        text("locality", "Locality"),
        text("county", "County"),
        text("country", "Country"),
    )


def document_exchange(name: str, description: str) -> Field:
    """Declare a Document Exchange address."""
    return nested(
        name,
        description,
        text("number", "Number in the exchange"),
        text("exchange", "Name of the exchange"),
        text("state", "State of the exchange"),
    )


def licence_numbers(name: str, description: str) -> Field:
    """Declare a list of licence numbers."""
    return many(
        name,
        description,
        text("state", "State that the licence is for"),
        text("type", "Kind of licence"),
        text("number", "Number of the licence"),
    )
