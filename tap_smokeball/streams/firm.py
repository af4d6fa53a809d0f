"""The firm: itself, its people and who of them may see what."""

from __future__ import annotations

from tap_smokeball.api.response_parsers import ARRAY, OBJECT, VALUE
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    decimal,
    nested_object,
    sensitive,
    string,
    strings,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.common import document_exchange, licence_numbers, phone, street
from tap_smokeball.sync.top_level_stream import TopLevelStream

_PO_BOX = (string("poBoxType", "Kind of PO box"), string("poBoxNumber", "Number of the PO box"))


class FirmStream(TopLevelStream):
    """The firm itself: one row with its name, addresses, product and add-ons."""

    name = "firm"
    path = "/firm"
    primary_keys = ("id",)
    scope = "firm/read"
    response_format = OBJECT
    columns = Columns(
        string("id", "Id of the firm"),
        string("href", "Address of the firm in the API"),
        string("versionId", "Changes with every change of the firm"),
        string("owner", "Brand that the firm is a customer of, as Smokeball"),
        string("name", "Name of the firm"),
        nested_object(
            "status",
            "Standing of the firm's account",
            string("status", "Active, Warning or Suspended"),
            string("statusMessage", "Reason for the status"),
        ),
        string("productId", "Product: SMK001 Bill, SMK002 Grow, SMK003 Prosper+, SMK004 Boost"),
        strings("addOnIds", "Add-ons, as ADD001 Intake or ADD005 Api"),
        *sensitive(
            "personal",
            string("email", "Email address (AU)"),
            string("abn", "ABN (AU) or VAT number (UK)"),
            string("acn", "ACN (AU) or company registration number (UK)"),
            nested_object("streetAddress", "Street address", *street(), *_PO_BOX),
            nested_object("mailingAddress", "Mailing address", *street(), *_PO_BOX),
            document_exchange("dxAddress", "Document Exchange address (AU)"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
        ),
        string("logo", "Address of the logo"),
        nested_object(
            "stylingDetails",
            "How the firm's pages look",
            string("primaryColorHexCode", "Primary colour"),
            string("secondaryColorHexCode", "Secondary colour"),
            string("fontFamilyName", "Font"),
        ),
        *sensitive("personal", licence_numbers("licenceNumbers", "Licence numbers of the firm")),
        date_time("createdDate", "When the firm's account was made"),
    )


class StaffStream(TopLevelStream):
    """Staff members, former ones included, with their hourly rates."""

    name = "staff"
    path = "/staff"
    primary_keys = ("id",)
    scope = "staff/read"
    opt_in_fields = ("rate",)
    columns = Columns(
        string("id", "Id of the staff member"),
        string("href", "Address of the staff member in the API"),
        string("versionId", "Changes with every change of the staff member"),
        string("title", "Title, as Mr"),
        string("firstName", "First name"),
        string("middleName", "Middle name"),
        string("lastName", "Last name"),
        string("initials", "Initials"),
        *sensitive(
            "personal",
            phone("phone", "Phone number"),
            phone("cell", "Mobile number"),
            string("email", "Email address"),
        ),
        string("role", "Role in the firm"),
        *sensitive("personal", decimal("rate", "Rate an hour in the firm's currency")),
        string("avatar", "Address of the picture"),
        boolean("former", "Whether the staff member has left"),
        boolean("enabled", "Whether the staff member can sign in"),
        *sensitive("personal", string("userId", "Id of the staff member as a user, if enabled")),
        string("colorFill", "Fill colour in the calendar"),
        string("colorStroke", "Outline colour in the calendar"),
        *sensitive(
            "personal",
            licence_numbers("licenceNumbers", "Licence numbers of the staff member"),
            nested_object(
                "outOfOffice",
                "Absence, if one is set",
                date_time("startDate", "When it begins"),
                date_time("endDate", "When it ends"),
            ),
        ),
    )


class FirmUsersStream(TopLevelStream):
    """Which user is which staff member; other streams name either of them."""

    name = "firm_users"
    path = "/firmusers"
    primary_keys = ("userId", "staffId")
    scope = "firmusers/read"
    sensitivity = "personal"
    response_format = ARRAY
    columns = Columns(
        string("id", "Id of the pair; the API does not say what it is made of"),
        string("href", "Address of the pair in the API"),
        string("staffId", "Id of the staff member"),
        string("userId", "Id of the user"),
        boolean("isFormerUser", "Whether the user has left"),
    )


class GroupsStream(TopLevelStream):
    """Groups of users that permissions are given to."""

    name = "groups"
    selected_by_default = False
    path = "/groups"
    primary_keys = ("id",)
    scope = "groups/read"
    response_format = VALUE
    columns = Columns(
        string("id", "Id of the group"),
        string("href", "Address of the group in the API"),
        string("name", "Name of the group"),
        strings("principalIds", "Ids of the users and groups in it"),
        boolean("isDeleted", "Whether the group is deleted"),
    )


STREAMS = (FirmStream, StaffStream, FirmUsersStream, GroupsStream)
