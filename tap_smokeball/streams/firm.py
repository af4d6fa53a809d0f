"""The firm: itself, its people and who of them may see what."""

from __future__ import annotations

from tap_smokeball.api.response_parsers import ARRAY, OBJECT, VALUE
from tap_smokeball.records.columns import (
    flag,
    marked,
    moment,
    nested,
    number,
    text,
    texts,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.common import document_exchange, licence_numbers, phone, street
from tap_smokeball.sync.top_level_stream import FirmWideStream

_PO_BOX = (text("poBoxType", "Kind of PO box"), text("poBoxNumber", "Number of the PO box"))


class FirmStream(FirmWideStream):
    """The firm itself: one row with its name, addresses, product and add-ons."""

    name = "firm"
    path = "/firm"
    primary_keys = ("id",)
    scope = "firm/read"
    shape = OBJECT
    columns = Columns(
        text("id", "Id of the firm"),
        text("href", "Address of the firm in the API"),
        text("versionId", "Changes with every change of the firm"),
        text("owner", "Brand that the firm is a customer of, as Smokeball"),
        text("name", "Name of the firm"),
        nested(
            "status",
            "Standing of the firm's account",
            text("status", "Active, Warning or Suspended"),
            text("statusMessage", "Reason for the status"),
        ),
        text("productId", "Product: SMK001 Bill, SMK002 Grow, SMK003 Prosper+, SMK004 Boost"),
        texts("addOnIds", "Add-ons, as ADD001 Intake or ADD005 Api"),
        *marked(
            "personal",
            text("email", "Email address (AU)"),
            text("abn", "ABN (AU) or VAT number (UK)"),
            text("acn", "ACN (AU) or company registration number (UK)"),
            nested("streetAddress", "Street address", *street(), *_PO_BOX),
            nested("mailingAddress", "Mailing address", *street(), *_PO_BOX),
            document_exchange("dxAddress", "Document Exchange address (AU)"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
        ),
        text("logo", "Address of the logo"),
        nested(
            "stylingDetails",
            "How the firm's pages look",
            text("primaryColorHexCode", "Primary colour"),
            text("secondaryColorHexCode", "Secondary colour"),
            text("fontFamilyName", "Font"),
        ),
        *marked("personal", licence_numbers("licenceNumbers", "Licence numbers of the firm")),
        moment("createdDate", "When the firm's account was made"),
    )


class StaffStream(FirmWideStream):
    """Staff members, former ones included, with their hourly rates."""

    name = "staff"
    path = "/staff"
    primary_keys = ("id",)
    scope = "staff/read"
    on_request = ("rate",)
    columns = Columns(
        text("id", "Id of the staff member"),
        text("href", "Address of the staff member in the API"),
        text("versionId", "Changes with every change of the staff member"),
        text("title", "Title, as Mr"),
        text("firstName", "First name"),
        text("middleName", "Middle name"),
        text("lastName", "Last name"),
        text("initials", "Initials"),
        *marked(
            "personal",
            phone("phone", "Phone number"),
            phone("cell", "Mobile number"),
            text("email", "Email address"),
        ),
        text("role", "Role in the firm"),
        *marked("personal", number("rate", "Rate an hour in the firm's currency")),
        text("avatar", "Address of the picture"),
        flag("former", "Whether the staff member has left"),
        flag("enabled", "Whether the staff member can sign in"),
        *marked("personal", text("userId", "Id of the staff member as a user, if enabled")),
        text("colorFill", "Fill colour in the calendar"),
        text("colorStroke", "Outline colour in the calendar"),
        *marked(
            "personal",
            licence_numbers("licenceNumbers", "Licence numbers of the staff member"),
            nested(
                "outOfOffice",
                "Absence, if one is set",
                moment("startDate", "When it begins"),
                moment("endDate", "When it ends"),
            ),
        ),
    )


class FirmUsersStream(FirmWideStream):
    """Which user is which staff member; other streams name either of them."""

    name = "firm_users"
    path = "/firmusers"
    primary_keys = ("userId", "staffId")
    scope = "firmusers/read"
    sensitive = "personal"
    shape = ARRAY
    columns = Columns(
        text("id", "Id of the pair; the API does not say what it is made of"),
        text("href", "Address of the pair in the API"),
        text("staffId", "Id of the staff member"),
        text("userId", "Id of the user"),
        flag("isFormerUser", "Whether the user has left"),
    )


class GroupsStream(FirmWideStream):
    """Groups of users that permissions are given to."""

    name = "groups"
    selected_by_default = False
    path = "/groups"
    primary_keys = ("id",)
    scope = "groups/read"
    shape = VALUE
    columns = Columns(
        text("id", "Id of the group"),
        text("href", "Address of the group in the API"),
        text("name", "Name of the group"),
        texts("principalIds", "Ids of the users and groups in it"),
        flag("isDeleted", "Whether the group is deleted"),
    )


STREAMS = (FirmStream, StaffStream, FirmUsersStream, GroupsStream)
