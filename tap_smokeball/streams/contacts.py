"""Streams of contacts and the relations between them."""

from __future__ import annotations

from tap_smokeball.api.filters import UPDATED_SINCE_TICKS
from tap_smokeball.api.response_parsers import VALUE
from tap_smokeball.records.columns import (
    Column,
    boolean,
    date,
    date_time,
    integer,
    last_updated_at,
    links,
    nested_object,
    object_list,
    opt_in,
    private,
    string,
    strings,
)
from tap_smokeball.streams.common import document_exchange, phone, street
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.parent_stream import ParentStream


def _address(name: str, description: str, *more: Column) -> Column:
    return nested_object(
        name,
        description,
        *street(),
        nested_object(
            "poBox",
            "PO box",
            string("careOf", "Care-of line"),
            string("poBoxType", "PO box type, such as Locked Bag"),
            string("poBoxNumber", "PO box number"),
            string("city", "City, town or suburb"),
            string("state", "State, province or region"),
            string("zipCode", "ZIP code or postcode"),
        ),
        *more,
    )


def _identity_check(name: str, description: str) -> Column:
    return nested_object(
        name,
        description,
        boolean("isCompleted", "Whether the verification is completed"),
        date_time("completedDateTime", "Completion date and time"),
        string("reference", "Reference from the verification service"),
        string("source", "Verification service"),
        string("status", "Verification status"),
    )


def _signer(name: str, description: str) -> Column:
    return nested_object(
        name,
        description,
        string("name", "Full name"),
        _address("address", "Address"),
        string("personType", "Capacity in which the person signs"),
        string("selectedOfficeHeld", "Office held by the signatory"),
        _identity_check("voiDetails", "Identity verification"),
    )


_PERSON = nested_object(
    "person",
    "Details of the person; null for other contacts",
    string("title", "Title, such as Mr"),
    string("firstName", "First name"),
    string("middleName", "Middle name"),
    string("lastName", "Last name"),
    string("nameSuffix", "Name suffix, such as PhD"),
    string("customName", "Name used in letters"),
    string("otherNames", "Other names (US)"),
    _address("residentialAddress", "Residential address"),
    _address("mailingAddress", "Mailing address (US)"),
    phone("phone", "Phone number"),
    phone("phone2", "Alternate phone number", string("extension", "Extension")),
    phone("fax", "Fax number (US)"),
    phone("cell", "Mobile phone number"),
    string("email", "Email address"),
    *private("personal", string("notes", "Notes")),
    string("occupation", "Occupation"),
    *private("identity", string("gender", "Gender"), string("maritalStatus", "Marital status")),
    *private("health", string("specialNeeds", "Special needs (AU)")),
    *private(
        "identity",
        date("birthDate", "Date of birth"),
        string("birthPlace", "Place of birth"),
        string("birthState", "State of birth"),
        string("birthCountry", "Country of birth"),
        string("identificationNumberType", "Type of identification"),
        string("identificationNumber", "Identification number"),
        string("birthFirstName", "First name at birth"),
        string("birthMiddleName", "Middle name at birth"),
        string("birthLastName", "Last name at birth"),
        string("previousNames", "Previous names"),
        nested_object(
            "passportDetails",
            "Passport details; requested only if selected",
            string("passportNumber", "Passport number"),
            date("passportIssueDate", "Issue date"),
            date("passportExpireDate", "Expiry date"),
            string("passportIssueCountry", "Country of issue"),
            string("passportIssueAuthority", "Issuing authority (UK)"),
        ),
        nested_object(
            "deathDetails",
            "Details of death; requested only if selected",
            date("deathDate", "Date of death"),
            boolean("isDeathDateUnknown", "Whether the exact date of death is unknown"),
            date("deathDateFrom", "Earliest possible date of death"),
            date("deathDateTo", "Latest possible date of death"),
            string("deathPlace", "Place of death"),
            string("deathState", "State of death (AU, US)"),
            string("deathCountry", "Country of death"),
            string("deathCounty", "County of death (US)"),
        ),
        string("correctionsReferenceNumber", "Corrections reference number (AU)"),
        string("centrelinkReferenceNumber", "Centrelink reference number (AU)"),
        nested_object(
            "citizenshipDetails",
            "Citizenship details; requested only if selected",
            string("countryOfCitizenship", "Country of citizenship"),
            string("nationality", "Nationality"),
            string("languageOfInterpreter", "Language for which an interpreter is needed"),
        ),
    ),
    opt_in(
        nested_object(
            "utbmsDetails",
            "UTBMS details (US); requested only if selected",
            string("ledesClientId", "Client ID in LEDES files"),
        ),
    ),
    *private(
        "identity",
        nested_object(
            "executionOptions",
            "Signing details and power of attorney (AU); requested only if selected",
            string("poaType", "Type of power of attorney"),
            date("poaDate", "Date of the power of attorney"),
            string("attorneyName", "Name of the attorney"),
            _address("address", "Address of the attorney"),
            string("poaRegisteredBook", "Book in which the power of attorney is registered"),
            string("poaRegisteredNumber", "Registration number of the power of attorney"),
            string("executionType", "Execution type (how the person signs)"),
            _identity_check("poaVoiDetails", "Identity verification of the attorney"),
        ),
        _identity_check("voiDetails", "Identity verification (AU); requested only if selected"),
    ),
)

_COMPANY = nested_object(
    "company",
    "Details of the organisation; null for other contacts",
    string("name", "Name"),
    string("type", "Type of organisation, such as Corporation"),
    phone("phone", "Phone number"),
    phone("fax", "Fax number"),
    string("email", "Email address"),
    string("website", "Website"),
    *private("personal", string("notes", "Notes")),
    string("abn", "ABN (AU) or company registration number (UK)"),
    string("ein", "Employer identification number (US)"),
    date("registeredDate", "Registration date (US)"),
    string("stateId", "State ID (US)"),
    string("stateRegisteredIn", "State of registration (US)"),
    string("countryRegisteredIn", "Country of registration (US)"),
    string("branch", "Branch (US)"),
    _address("registeredAddress", "Registered address (US)"),
    boolean("firmIsRegisteredAgent", "Whether the firm is the company's registered agent (US)"),
    string("companyManagedBy", "Type of management (US): Members or Managers"),
    string("companyNumberType", "Type of company number (AU): ACN or ARBN"),
    string("companyNumber", "Company number (AU)"),
    string("doingBusinessAsName", "Doing-business-as (DBA) name (US)"),
    string("tradingAs", "Phrase before the trading name (AU), such as Trading As"),
    string("tradingName", "Trading name (AU, UK)"),
    _address("mailingAddress", "Mailing address"),
    _address(
        "businessAddress",
        "Business address",
        document_exchange("dxAddress", "Document Exchange (DX) address (AU)"),
    ),
    links("staff", "Contacts who work for the organisation"),
    links("directors", "Contacts who are directors of the organisation"),
    strings("staffIds", "IDs of the contacts in `staff` (deprecated: use `staff`)"),
    *private(
        "identity",
        nested_object(
            "executionOptions",
            "Signing details (AU); requested only if selected",
            _signer("person1", "First signatory"),
            _signer("person2", "Second signatory"),
            boolean("executingUnder127", "Whether the organisation signs under section 127"),
            string("executingAuthority", "Signing authority"),
            string("sealType", "Seal type, such as WithSeal"),
            boolean(
                "authorisedDepositTakingInstitution",
                "Whether the organisation is an authorised deposit-taking institution",
            ),
            string("poaRegistrationNumber", "Registration number of the power of attorney"),
            strings("attorneyNames", "Names of the attorneys"),
            string("executionType", "Execution type (how the organisation signs)"),
        ),
    ),
)


class ContactsStream(ParentStream):
    """People, organisations, groups and trusts, including deleted ones."""

    name = "contacts"
    plural_name = "contacts"
    path = "/contacts"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "contacts/read"
    sensitivity = "personal"
    updated_since_filter = UPDATED_SINCE_TICKS
    updated_at_field = "lastUpdated"
    sort = "asc(lastUpdated)"
    opt_in_fields = (
        "passportDetails",
        "deathDetails",
        "citizenshipDetails",
        "utbmsDetails",
        "tags",
        "executionOptions",
        "voiDetails",
    )
    event_types = ("contact.created", "contact.updated", "contact.deleted", "contact.restored")
    columns = (
        string("id", "ID of the contact"),
        string("href", "URL of the contact in the API"),
        string("externalSystemId", "ID of the contact in an external system"),
        string("versionId", "Version ID; changes with every update of the contact"),
        _PERSON,
        _COMPANY,
        nested_object(
            "trust",
            "Details of the trust (US); null for other contacts",
            string("name", "Name"),
            string("status", "Capacity of the trustees, such as `as Trustee of`"),
            string("trustNumber", "Trust number"),
            date("executedDate", "Execution date"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
            _address("address", "Address"),
            object_list(
                "trustees",
                "Trustees",
                string("name", "Name"),
                string("type", "Type of trustee, such as Company or Individual"),
            ),
            links("contacts", "Contacts linked to the trust"),
        ),
        nested_object(
            "groupOfPeople",
            "Details of the group of people; null for other contacts",
            links("people", "Contacts in the group"),
            _address("residentialAddress", "Residential address"),
            _address("mailingAddress", "Mailing address (US)"),
            string("name", "Names of the first five people in the group"),
        ),
        boolean("isDeleted", "Whether the contact is deleted"),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
        object_list(
            "tags",
            "Tags of the contact",
            string("id", "ID of the tag; null for role tags"),
            string("name", "Name of the tag"),
            string("type", "Type of tag: Role or Custom"),
        ),
    )


class ContactChildStream(ChildStream):
    """A child stream of contacts."""

    parent_stream_type = ContactsStream
    parent_key = "contactId"


class ContactRelationsStream(ContactChildStream):
    """Links from a contact to its related contacts."""

    name = "contact_relations"
    selected_by_default = False
    path = "/contacts/{contactId}/relations"
    primary_keys = ("contactId", "id")
    scope = "contacts/read"
    sensitivity = "personal"
    response_format = VALUE
    columns = (
        string("id", "ID of the related contact"),
        string("href", "URL of the related contact in the API"),
    )


STREAMS = (ContactsStream, ContactRelationsStream)
