"""Addresses, personal details and identity documents of contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.firm import phone
from smokeball_sandbox.clock import iso, iso_date
from smokeball_sandbox.value_helpers import sparse

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.resources import Data

_NATIONALITY = {"us": "American", "au": "Australian", "uk": "British"}


def full_address(firm: Firm, rng: Random, keep: float) -> Data:
    """Return an address with a random choice of properties."""
    city, state, code = rng.choice(sample_text.PLACES[firm.region])
    street, kind = rng.choice(sample_text.STREETS)
    number = str(rng.randrange(1, 400))
    rest: Data = {
        "careOf": "The Occupier",
        "buildingLevel": "Level 1",
        "unitNumber": str(rng.randrange(1, 30)),
        "unitType": "Apartment",
        "streetNumber": number,
        "streetName": street,
        "streetType": kind,
        "addressLine2": "Rear entrance",
        "country": sample_text.COUNTRIES[firm.region],
    }
    if firm.region == "uk":
        rest |= {"locality": city}
    if firm.region != "au":
        rest |= {"county": state}
    if rng.random() < 0.2 * keep or keep == 1:
        rest["poBox"] = {
            "careOf": "The Occupier",
            "poBoxType": "PO Box",
            "poBoxNumber": str(rng.randrange(1, 9_999)),
            "city": city,
            "state": state,
            "zipCode": code,
        }
    line = f"{number} {street} {kind}"
    fixed = {"addressLine1": line, "city": city, "state": state, "zipCode": code}
    return {**fixed, **sparse(rng, rest, keep)}


def personal_details(firm: Firm, rng: Random, last_name: str) -> Data:
    """Return every personal detail of a person."""
    place = rng.choice(sample_text.PLACES[firm.region])
    person: Data = {
        "title": rng.choice(sample_text.TITLES),
        "middleName": rng.choice(sample_text.FIRST_NAMES),
        "nameSuffix": "PhD",
        "customName": "Sunny",
        "notes": "Prefers to be called in the afternoon.\r\nMoved last year.",
        "occupation": rng.choice(sample_text.OCCUPATIONS),
        "gender": rng.choice(("Female", "Male", "Other")),
        "maritalStatus": rng.choice(("Single", "Married", "Divorced", "Widowed")),
        "birthDate": past_date(firm, rng, 7_000, 30_000),
        "birthPlace": place[0],
        "birthState": place[1],
        "birthCountry": sample_text.COUNTRIES[firm.region],
        "identificationNumberType": "Passport",
        "identificationNumber": f"X{rng.randrange(10_000_000):07d}",
        "birthFirstName": rng.choice(sample_text.FIRST_NAMES),
        "birthMiddleName": rng.choice(sample_text.FIRST_NAMES),
        "birthLastName": rng.choice(sample_text.LAST_NAMES),
        "previousNames": f"{rng.choice(sample_text.FIRST_NAMES)} {last_name}",
        "phone": phone(rng),
        "phone2": phone(rng) | {"extension": str(rng.randrange(100, 999))},
        "cell": phone(rng),
    }
    if firm.region == "us":
        person |= {"otherNames": "Ace", "fax": phone(rng)}
    if firm.region == "au":
        person |= {
            "specialNeeds": "Wheelchair access",
            "correctionsReferenceNumber": f"C{rng.randrange(100_000)}",
            "centrelinkReferenceNumber": f"{rng.randrange(10**9):09d}A",
        }
    return person


def identity_documents(firm: Firm, rng: Random) -> Data:
    """Return every opt-in block of a person in the region."""
    country = sample_text.COUNTRIES[firm.region]
    city, state, _ = rng.choice(sample_text.PLACES[firm.region])
    passport = {
        "passportNumber": f"P{rng.randrange(10_000_000):07d}",
        "passportIssueDate": past_date(firm, rng, 100, 3_000),
        "passportExpireDate": iso_date(firm.anchor_ticks + rng.randrange(10**15)),
        "passportIssueCountry": country,
    }
    death = {
        "deathDate": past_date(firm, rng, 10, 2_000),
        "isDeathDateUnknown": False,
        "deathPlace": city,
        "deathCountry": country,
    }
    if rng.random() < 0.5:  # noqa: PLR2004
        day = death.pop("deathDate")
        death |= {"isDeathDateUnknown": True, "deathDateFrom": day, "deathDateTo": day}
    if firm.region == "uk":
        passport["passportIssueAuthority"] = "Passport Office"
    else:
        death["deathState"] = state
    blocks: Data = {
        "passportDetails": passport,
        "deathDetails": death,
        "citizenshipDetails": {
            "countryOfCitizenship": country,
            "nationality": _NATIONALITY[firm.region],
            "languageOfInterpreter": "French",
        },
    }
    if firm.region == "us":
        death["deathCounty"] = f"{city} County"
        blocks["utbmsDetails"] = {"ledesClientId": f"L{rng.randrange(100_000)}"}
    if firm.region == "au":
        blocks["executionOptions"] = {
            "poaType": "Enduring",
            "poaDate": past_date(firm, rng, 10, 2_000),
            "attorneyName": " ".join(
                map(rng.choice, (sample_text.FIRST_NAMES, sample_text.LAST_NAMES))
            ),
            "address": full_address(firm, rng, 1),
            "poaRegisteredBook": "4711",
            "poaRegisteredNumber": str(rng.randrange(1_000)),
            "executionType": "PowerOfAttorney",
            "poaVoiDetails": _verification(firm, rng),
        }
        blocks["voiDetails"] = _verification(firm, rng)
    return blocks


def company_execution(firm: Firm, rng: Random) -> Data:
    """Return the execution options of an Australian company."""

    def signer(office: str) -> Data:
        return {
            "name": " ".join(map(rng.choice, (sample_text.FIRST_NAMES, sample_text.LAST_NAMES))),
            "address": full_address(firm, rng, 1),
            "personType": office,
            "selectedOfficeHeld": office,
            "voiDetails": _verification(firm, rng),
        }

    return {
        "person1": signer("Director"),
        "person2": signer("Secretary"),
        "executingUnder127": True,
        "executingAuthority": "Corporations Act",
        "sealType": "WithSeal",
        "authorisedDepositTakingInstitution": False,
        "poaRegistrationNumber": str(rng.randrange(1_000)),
        "attorneyNames": [rng.choice(sample_text.LAST_NAMES)],
        "executionType": "JointDirectors",
    }


def past_date(firm: Firm, rng: Random, least: int, most: int) -> str:
    """Return a date a random number of days before the anchor day."""
    return iso_date(firm.anchor_ticks - rng.randrange(least, most) * 864_000_000_000)


def _verification(firm: Firm, rng: Random) -> Data:
    return {
        "isCompleted": True,
        "completedDateTime": iso(firm.anchor_ticks - rng.randrange(10**15)),
        "reference": str(rng.randrange(10**8)),
        "source": "Example ID",
        "status": "Complete",
    }
