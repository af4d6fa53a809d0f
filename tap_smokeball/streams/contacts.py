"""Contacts: the people and organisations that the firm deals with."""

from __future__ import annotations

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
    string,
    strings,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.common import document_exchange, phone, street
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import UpdatedSinceFilter


def _address(name: str, description: str, *more: Column) -> Column:
    return nested_object(
        name,
        description,
        *street(),
        nested_object(
            "poBox",
            "PO box",
            string("careOf", "Care of"),
            string("poBoxType", "Kind of PO box, as Locked Bag"),
            string("poBoxNumber", "Number of the PO box"),
            string("city", "City, town or suburb"),
            string("state", "State, province or region"),
            string("zipCode", "Zip code or postcode"),
        ),
        *more,
    )


def _identity_check(name: str, description: str) -> Column:
    return nested_object(
        name,
        description,
        boolean("isCompleted", "Whether the check is done"),
        date_time("completedDateTime", "When it was done"),
        string("reference", "Reference of the service that did it"),
        string("source", "Service that did it"),
        string("status", "Status of the check"),
    )


def _signer(name: str, description: str) -> Column:
    return nested_object(
        name,
        description,
        string("name", "Full name"),
        _address("address", "Address"),
        string("personType", "Capacity in which the person signs"),
        string("selectedOfficeHeld", "Office that the person holds"),
        _identity_check("voiDetails", "Verification of identity"),
    )


_PERSON = nested_object(
    "person",
    "Who it is, if a person",
    string("title", "Title, as Mr"),
    string("firstName", "First name"),
    string("middleName", "Middle name"),
    string("lastName", "Last name"),
    string("nameSuffix", "Suffix of the name, as PhD"),
    string("customName", "Name to be used in letters"),
    string("otherNames", "Other names (US)"),
    _address("residentialAddress", "Where the person lives"),
    _address("mailingAddress", "Where mail goes (US)"),
    phone("phone", "Phone number"),
    phone("phone2", "Other phone number", string("extension", "Extension")),
    phone("fax", "Fax number (US)"),
    phone("cell", "Mobile number"),
    string("email", "Email address"),
    string("notes", "Notes"),
    string("occupation", "Occupation"),
    string("gender", "Gender"),
    string("maritalStatus", "Marital status"),
    string("specialNeeds", "Special needs (AU)"),
    date("birthDate", "Date of birth"),
    string("birthPlace", "Place of birth"),
    string("birthState", "State of birth"),
    string("birthCountry", "Country of birth"),
    string("identificationNumberType", "What the identification number is of"),
    string("identificationNumber", "Identification number"),
    string("birthFirstName", "First name at birth"),
    string("birthMiddleName", "Middle name at birth"),
    string("birthLastName", "Last name at birth"),
    string("previousNames", "Previous names"),
    opt_in(
        nested_object(
            "passportDetails",
            "Passport; sent only if asked",
            string("passportNumber", "Number"),
            date("passportIssueDate", "Day of issue"),
            date("passportExpireDate", "Day of expiry"),
            string("passportIssueCountry", "Country of issue"),
            string("passportIssueAuthority", "Authority that issued it (UK)"),
        ),
    ),
    opt_in(
        nested_object(
            "deathDetails",
            "Death; sent only if asked",
            date("deathDate", "Date of death"),
            boolean("isDeathDateUnknown", "Whether the date is not known"),
            date("deathDateFrom", "Earliest date that it can be"),
            date("deathDateTo", "Latest date that it can be"),
            string("deathPlace", "Place of death"),
            string("deathState", "State of death (AU, US)"),
            string("deathCountry", "Country of death"),
            string("deathCounty", "County of death (US)"),
        ),
    ),
    string("correctionsReferenceNumber", "Corrections reference number (AU)"),
    string("centrelinkReferenceNumber", "Centrelink reference number (AU)"),
    opt_in(
        nested_object(
            "citizenshipDetails",
            "Citizenship; sent only if asked",
            string("countryOfCitizenship", "Country of citizenship"),
            string("nationality", "Nationality"),
            string("languageOfInterpreter", "Language that an interpreter is needed for"),
        ),
    ),
    opt_in(
        nested_object(
            "utbmsDetails",
            "UTBMS details; sent only if asked (US)",
            string("ledesClientId", "Id of the client in LEDES files"),
        ),
    ),
    opt_in(
        nested_object(
            "executionOptions",
            "How the person signs, power of attorney included; sent only if asked (AU)",
            string("poaType", "Kind of power of attorney"),
            date("poaDate", "Day of the power of attorney"),
            string("attorneyName", "Name of the attorney"),
            _address("address", "Address of the attorney"),
            string("poaRegisteredBook", "Book that it is registered in"),
            string("poaRegisteredNumber", "Number that it is registered under"),
            string("executionType", "How the person signs"),
            _identity_check("poaVoiDetails", "Verification of the attorney's identity"),
        ),
    ),
    opt_in(_identity_check("voiDetails", "Verification of identity; sent only if asked (AU)")),
)

_COMPANY = nested_object(
    "company",
    "Who it is, if an organisation",
    string("name", "Name"),
    string("type", "Kind of organisation, as Corporation"),
    phone("phone", "Phone number"),
    phone("fax", "Fax number"),
    string("email", "Email address"),
    string("website", "Website"),
    string("notes", "Notes"),
    string("abn", "ABN (AU) or company registration number (UK)"),
    string("ein", "Employer identification number (US)"),
    date("registeredDate", "Day of registration (US)"),
    string("stateId", "State id (US)"),
    string("stateRegisteredIn", "State of registration (US)"),
    string("countryRegisteredIn", "Country of registration (US)"),
    string("branch", "Branch (US)"),
    _address("registeredAddress", "Registered address (US)"),
    boolean("firmIsRegisteredAgent", "Whether the firm is its registered agent (US)"),
    string("companyManagedBy", "Members or Managers (US)"),
    string("companyNumberType", "What the company number is: ACN or ARBN (AU)"),
    string("companyNumber", "Company number (AU)"),
    string("doingBusinessAsName", "Name that it does business as (US)"),
    string("tradingAs", "How the trading name is introduced (AU)"),
    string("tradingName", "Trading name (AU, UK)"),
    _address("mailingAddress", "Where mail goes"),
    _address(
        "businessAddress",
        "Where it does business",
        document_exchange("dxAddress", "Document Exchange address (AU)"),
    ),
    links("staff", "Contacts who work there"),
    links("directors", "Contacts who are directors"),
    strings("staffIds", "Ids of those who work there; given up in favour of `staff`"),
    opt_in(
        nested_object(
            "executionOptions",
            "How the organisation signs; sent only if asked (AU)",
            _signer("person1", "First who signs"),
            _signer("person2", "Second who signs"),
            boolean("executingUnder127", "Whether it signs under section 127"),
            string("executingAuthority", "Authority to sign"),
            string("sealType", "Seal, as WithSeal"),
            boolean(
                "authorisedDepositTakingInstitution",
                "Whether it is an authorised deposit-taking institution",
            ),
            string("poaRegistrationNumber", "Number of the power of attorney"),
            strings("attorneyNames", "Names of the attorneys"),
            string("executionType", "How it signs"),
        ),
    ),
)


class ContactsStream(ParentStream):
    """People, organisations, groups and trusts, deleted ones included."""

    name = "contacts"
    plural_name = "contacts"
    path = "/contacts"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "contacts/read"
    sensitivity = "personal"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
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
    columns = Columns(
        string("id", "Id of the contact"),
        string("href", "Address of the contact in the API"),
        string("externalSystemId", "Id of the contact in another system"),
        string("versionId", "Changes with every change of the contact"),
        _PERSON,
        _COMPANY,
        nested_object(
            "trust",
            "Which it is, if a trust (US)",
            string("name", "Name"),
            string("status", "In what capacity it acts, as Trustee of"),
            string("trustNumber", "Number of the trust"),
            date("executedDate", "Day on which it was executed"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
            _address("address", "Address"),
            object_list(
                "trustees",
                "Trustees",
                string("name", "Name"),
                string("type", "Company or Individual"),
            ),
            links("contacts", "Contacts of the trust"),
        ),
        nested_object(
            "groupOfPeople",
            "Who they are, if a group",
            links("people", "Contacts in the group"),
            _address("residentialAddress", "Where they live"),
            _address("mailingAddress", "Where mail goes (US)"),
            string("name", "Names of the first five"),
        ),
        boolean("isDeleted", "Whether the contact is deleted"),
        integer("lastUpdated", "When the contact last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
        object_list(
            "tags",
            "Tags of the contact",
            string("id", "Id of the tag; tags of roles have none"),
            string("name", "Name of the tag"),
            string("type", "Role or Custom"),
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
    sensitivity = "personal"
    response_format = VALUE
    columns = Columns(
        string("id", "Id of the related contact"),
        string("href", "Address of the related contact in the API"),
    )


STREAMS = (ContactsStream, ContactRelationsStream)
