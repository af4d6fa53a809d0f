"""Contacts: the people and organisations that the firm deals with."""

from __future__ import annotations

from tap_smokeball.api.response_parsers import VALUE
from tap_smokeball.records.columns import (
    Field,
    day,
    flag,
    links,
    many,
    moment,
    nested,
    opt_in,
    text,
    texts,
    updated_at,
    whole,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.common import document_exchange, phone, street
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import Since


def _address(name: str, description: str, *more: Field) -> Field:
    return nested(
        name,
        description,
        *street(),
        nested(
            "poBox",
            "PO box",
            text("careOf", "Care of"),
            text("poBoxType", "Kind of PO box, as Locked Bag"),
            text("poBoxNumber", "Number of the PO box"),
            text("city", "City, town or suburb"),
            text("state", "State, province or region"),
            text("zipCode", "Zip code or postcode"),
        ),
        *more,
    )


def _identity_check(name: str, description: str) -> Field:
    return nested(
        name,
        description,
        flag("isCompleted", "Whether the check is done"),
        moment("completedDateTime", "When it was done"),
        text("reference", "Reference of the service that did it"),
        text("source", "Service that did it"),
        text("status", "Status of the check"),
    )


def _signer(name: str, description: str) -> Field:
    return nested(
        name,
        description,
        text("name", "Full name"),
        _address("address", "Address"),
        text("personType", "Capacity in which the person signs"),
        text("selectedOfficeHeld", "Office that the person holds"),
        _identity_check("voiDetails", "Verification of identity"),
    )


_PERSON = nested(
    "person",
    "Who it is, if a person",
    text("title", "Title, as Mr"),
    text("firstName", "First name"),
    text("middleName", "Middle name"),
    text("lastName", "Last name"),
    text("nameSuffix", "Suffix of the name, as PhD"),
    text("customName", "Name to be used in letters"),
    text("otherNames", "Other names (US)"),
    _address("residentialAddress", "Where the person lives"),
    _address("mailingAddress", "Where mail goes (US)"),
    phone("phone", "Phone number"),
    phone("phone2", "Other phone number", text("extension", "Extension")),
    phone("fax", "Fax number (US)"),
    phone("cell", "Mobile number"),
    text("email", "Email address"),
    text("notes", "Notes"),
    text("occupation", "Occupation"),
    text("gender", "Gender"),
    text("maritalStatus", "Marital status"),
    text("specialNeeds", "Special needs (AU)"),
    day("birthDate", "Date of birth"),
    text("birthPlace", "Place of birth"),
    text("birthState", "State of birth"),
    text("birthCountry", "Country of birth"),
    text("identificationNumberType", "What the identification number is of"),
    text("identificationNumber", "Identification number"),
    text("birthFirstName", "First name at birth"),
    text("birthMiddleName", "Middle name at birth"),
    text("birthLastName", "Last name at birth"),
    text("previousNames", "Previous names"),
    opt_in(
        nested(
            "passportDetails",
            "Passport; sent only if asked",
            text("passportNumber", "Number"),
            day("passportIssueDate", "Day of issue"),
            day("passportExpireDate", "Day of expiry"),
            text("passportIssueCountry", "Country of issue"),
            text("passportIssueAuthority", "Authority that issued it (UK)"),
        ),
    ),
    opt_in(
        nested(
            "deathDetails",
            "Death; sent only if asked",
            day("deathDate", "Date of death"),
            flag("isDeathDateUnknown", "Whether the date is not known"),
            day("deathDateFrom", "Earliest date that it can be"),
            day("deathDateTo", "Latest date that it can be"),
            text("deathPlace", "Place of death"),
            text("deathState", "State of death (AU, US)"),
            text("deathCountry", "Country of death"),
            text("deathCounty", "County of death (US)"),
        ),
    ),
    text("correctionsReferenceNumber", "Corrections reference number (AU)"),
    text("centrelinkReferenceNumber", "Centrelink reference number (AU)"),
    opt_in(
        nested(
            "citizenshipDetails",
            "Citizenship; sent only if asked",
            text("countryOfCitizenship", "Country of citizenship"),
            text("nationality", "Nationality"),
            text("languageOfInterpreter", "Language that an interpreter is needed for"),
        ),
    ),
    opt_in(
        nested(
            "utbmsDetails",
            "UTBMS details; sent only if asked (US)",
            text("ledesClientId", "Id of the client in LEDES files"),
        ),
    ),
    opt_in(
        nested(
            "executionOptions",
            "How the person signs, power of attorney included; sent only if asked (AU)",
            text("poaType", "Kind of power of attorney"),
            day("poaDate", "Day of the power of attorney"),
            text("attorneyName", "Name of the attorney"),
            _address("address", "Address of the attorney"),
            text("poaRegisteredBook", "Book that it is registered in"),
            text("poaRegisteredNumber", "Number that it is registered under"),
            text("executionType", "How the person signs"),
            _identity_check("poaVoiDetails", "Verification of the attorney's identity"),
        ),
    ),
    opt_in(_identity_check("voiDetails", "Verification of identity; sent only if asked (AU)")),
)

_COMPANY = nested(
    "company",
    "Who it is, if an organisation",
    text("name", "Name"),
    text("type", "Kind of organisation, as Corporation"),
    phone("phone", "Phone number"),
    phone("fax", "Fax number"),
    text("email", "Email address"),
    text("website", "Website"),
    text("notes", "Notes"),
    text("abn", "ABN (AU) or company registration number (UK)"),
    text("ein", "Employer identification number (US)"),
    day("registeredDate", "Day of registration (US)"),
    text("stateId", "State id (US)"),
    text("stateRegisteredIn", "State of registration (US)"),
    text("countryRegisteredIn", "Country of registration (US)"),
    text("branch", "Branch (US)"),
    _address("registeredAddress", "Registered address (US)"),
    flag("firmIsRegisteredAgent", "Whether the firm is its registered agent (US)"),
    text("companyManagedBy", "Members or Managers (US)"),
    text("companyNumberType", "What the company number is: ACN or ARBN (AU)"),
    text("companyNumber", "Company number (AU)"),
    text("doingBusinessAsName", "Name that it does business as (US)"),
    text("tradingAs", "How the trading name is introduced (AU)"),
    text("tradingName", "Trading name (AU, UK)"),
    _address("mailingAddress", "Where mail goes"),
    _address(
        "businessAddress",
        "Where it does business",
        document_exchange("dxAddress", "Document Exchange address (AU)"),
    ),
    links("staff", "Contacts who work there"),
    links("directors", "Contacts who are directors"),
    texts("staffIds", "Ids of those who work there; given up in favour of `staff`"),
    opt_in(
        nested(
            "executionOptions",
            "How the organisation signs; sent only if asked (AU)",
            _signer("person1", "First who signs"),
            _signer("person2", "Second who signs"),
            flag("executingUnder127", "Whether it signs under section 127"),
            text("executingAuthority", "Authority to sign"),
            text("sealType", "Seal, as WithSeal"),
            flag(
                "authorisedDepositTakingInstitution",
                "Whether it is an authorised deposit-taking institution",
            ),
            text("poaRegistrationNumber", "Number of the power of attorney"),
            texts("attorneyNames", "Names of the attorneys"),
            text("executionType", "How it signs"),
        ),
    ),
)


class ContactsStream(ParentStream):
    """People, organisations, groups and trusts, deleted ones included."""

    name = "contacts"
    noun = "contacts"
    path = "/contacts"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "contacts/read"
    sensitive = "personal"
    since = Since("UpdatedSince", str)
    stamp = "lastUpdated"
    sort = "asc(lastUpdated)"
    on_request = (
        "passportDetails",
        "deathDetails",
        "citizenshipDetails",
        "utbmsDetails",
        "tags",
        "executionOptions",
        "voiDetails",
    )
    columns = Columns(
        text("id", "Id of the contact"),
        text("href", "Address of the contact in the API"),
        text("externalSystemId", "Id of the contact in another system"),
        text("versionId", "Changes with every change of the contact"),
        _PERSON,
        _COMPANY,
        nested(
            "trust",
            "Which it is, if a trust (US)",
            text("name", "Name"),
            text("status", "In what capacity it acts, as Trustee of"),
            text("trustNumber", "Number of the trust"),
            day("executedDate", "Day on which it was executed"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
            _address("address", "Address"),
            many(
                "trustees",
                "Trustees",
                text("name", "Name"),
                text("type", "Company or Individual"),
            ),
            links("contacts", "Contacts of the trust"),
        ),
        nested(
            "groupOfPeople",
            "Who they are, if a group",
            links("people", "Contacts in the group"),
            _address("residentialAddress", "Where they live"),
            _address("mailingAddress", "Where mail goes (US)"),
            text("name", "Names of the first five"),
        ),
        flag("isDeleted", "Whether the contact is deleted"),
        whole("lastUpdated", "When the contact last changed: .NET ticks"),
        updated_at("lastUpdated"),
        many(
            "tags",
            "Tags of the contact",
            text("id", "Id of the tag; tags of roles have none"),
            text("name", "Name of the tag"),
            text("type", "Role or Custom"),
        ),
    )


class ContactRelationsStream(ChildStream):
    """Contacts that a contact is related to."""

    name = "contact_relations"
    selected_by_default = False
    parent_stream_type = ContactsStream
    parent_key = "contactId"
    path = "/contacts/{contactId}/relations"
    primary_keys = ("contactId", "id")
    scope = "contacts/read"
    sensitive = "personal"
    shape = VALUE
    columns = Columns(
        text("id", "Id of the related contact"),
        text("href", "Address of the related contact in the API"),
    )


STREAMS = (ContactsStream, ContactRelationsStream)
