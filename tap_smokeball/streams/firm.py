"""Streams of the firm, its staff, its users and their permission groups."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.response_parsers import ARRAY, OBJECT, USER, VALUE
from tap_smokeball.errors import StateOfOtherFirmError
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    decimal,
    integer,
    last_updated_at,
    nested_object,
    opt_in,
    sensitive,
    string,
    strings,
)
from tap_smokeball.streams.common import document_exchange, licence_numbers, phone, street
from tap_smokeball.sync.firm_identity import OTHER_FIRM, OTHER_FIRM_ADVICE, learn_firm_id
from tap_smokeball.sync.lookup_stream import LookupStream
from tap_smokeball.sync.source_list import SourceList
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.api.pages import Row

_PO_BOX = (string("poBoxType", "PO box type"), string("poBoxNumber", "PO box number"))


class FirmStream(TopLevelStream):
    """The firm: one row with its name, addresses, product and add-ons."""

    name = "firm"
    path = "/firm"
    primary_keys = ("id",)
    scope = "firm/read"
    response_format = OBJECT
    event_types = ("firm.updated",)
    columns = (
        string("id", "ID of the firm"),
        string("href", "URL of the firm in the API"),
        string("versionId", "Version ID; changes with every update of the firm"),
        string("owner", "Brand through which the firm subscribes, such as Smokeball"),
        string("name", "Name of the firm"),
        nested_object(
            "status",
            "Status of the firm's account",
            string("status", "Status: Active, Warning or Suspended"),
            string("statusMessage", "Message that explains the status"),
        ),
        string("productId", "Product: SMK001 Bill, SMK002 Grow, SMK003 Prosper+, SMK004 Boost"),
        strings("addOnIds", "Add-ons, such as ADD001 Intake or ADD005 Api"),
        *sensitive(
            "personal",
            string("email", "Email address (AU)"),
            string("abn", "ABN (AU) or VAT number (UK)"),
            string("acn", "ACN (AU) or company registration number (UK)"),
            nested_object("streetAddress", "Street address", *street(), *_PO_BOX),
            nested_object("mailingAddress", "Mailing address", *street(), *_PO_BOX),
            document_exchange("dxAddress", "Document Exchange (DX) address (AU)"),
            phone("phone", "Phone number"),
            phone("fax", "Fax number"),
        ),
        string("logo", "URL of the logo"),
        nested_object(
            "stylingDetails",
            "Branding of the firm's pages",
            string("primaryColorHexCode", "Primary colour (hex code)"),
            string("secondaryColorHexCode", "Secondary colour (hex code)"),
            string("fontFamilyName", "Font family"),
        ),
        *sensitive("personal", licence_numbers("licenceNumbers", "Licence numbers of the firm")),
        date_time("createdDate", "Creation date and time of the firm's account"),
    )

    @override
    def build_records(self, rows: list[Row], tap_columns: Mapping[str, Any]) -> Iterator[list[Row]]:
        if not all(learn_firm_id(self.tap_state, str(row["id"])) for row in rows):
            raise StateOfOtherFirmError(OTHER_FIRM, OTHER_FIRM_ADVICE)
        yield from super().build_records(rows, tap_columns)


class StaffStream(TopLevelStream):
    """Staff members with their hourly rates, including former ones."""

    name = "staff"
    path = "/staff"
    primary_keys = ("id",)
    scope = "staff/read"
    sensitivity = "personal"
    opt_in_fields = ("rate",)
    event_types = ("staff.created", "staff.updated")
    columns = (
        string("id", "ID of the staff member"),
        string("href", "URL of the staff member in the API"),
        string("versionId", "Version ID; changes with every update of the staff member"),
        string("title", "Title, such as Mr"),
        string("firstName", "First name"),
        string("middleName", "Middle name"),
        string("lastName", "Last name"),
        string("initials", "Initials"),
        phone("phone", "Phone number"),
        phone("cell", "Mobile phone number"),
        string("email", "Email address"),
        string("role", "Role in the firm"),
        decimal("rate", "Hourly rate in the firm's currency"),
        string("avatar", "URL of the profile picture"),
        boolean("former", "Whether the staff member has left the firm"),
        boolean("enabled", "Whether the staff member can sign in"),
        string("userId", "User ID of the staff member, if enabled"),
        string("colorFill", "Fill colour in the calendar (hex code)"),
        string("colorStroke", "Outline colour in the calendar (hex code)"),
        licence_numbers("licenceNumbers", "Licence numbers of the staff member"),
        nested_object(
            "outOfOffice",
            "Out-of-office period, if set",
            date_time("startDate", "Start date and time"),
            date_time("endDate", "End date and time"),
        ),
    )


class FirmUsersStream(TopLevelStream):
    """Mapping of user IDs to staff IDs; other streams refer to either."""

    name = "firm_users"
    path = "/firmusers"
    primary_keys = ("userId", "staffId")
    scope = "firmusers/read"
    sensitivity = "personal"
    response_format = ARRAY
    event_types = ("firmuser.updated", "user.registered", "user.unregistered")
    columns = (
        string("id", "ID of the mapping; its format is undocumented"),
        string("href", "URL of the mapping in the API"),
        string("staffId", "ID of the staff member"),
        string("userId", "ID of the user"),
        boolean("isFormerUser", "Whether the user is a former user"),
    )


class UsersStream(LookupStream):
    """Users of current and former staff, with their email addresses; one request per user."""

    name = "users"
    selected_by_default = False
    path = "/users/{userId}"
    primary_keys = ("userId",)
    scope = "users/read"
    sensitivity = "personal"
    response_format = USER
    sources = (SourceList(StaffStream, "userId"), SourceList(FirmUsersStream, "userId"))
    lookup_key = "userId"
    columns = (
        string("id", "ID of the record; its format is undocumented"),
        string("href", "URL of the user in the API"),
        string("userId", "ID of the user"),
        string("email", "Email address with which the user signs in"),
        boolean("isInternal", "Whether the user is an internal user"),
        opt_in(boolean("bypassMfa", "Whether the user signs in without a second factor")),
    )


class GroupsStream(TopLevelStream):
    """Groups of users to which permissions are granted."""

    name = "groups"
    selected_by_default = False
    path = "/groups"
    primary_keys = ("id",)
    scope = "groups/read"
    response_format = VALUE
    columns = (
        string("id", "ID of the group"),
        string("href", "URL of the group in the API"),
        *sensitive(
            "privileged", string("name", "Name of the group; may name a client or a person")
        ),
        strings("principalIds", "IDs of the users and groups in the group"),
        boolean("isDeleted", "Whether the group is deleted"),
    )


class WebhookSubscriptionsStream(TopLevelStream):
    """Webhook subscriptions of the app: their event types, address and age."""

    name = "webhook_subscriptions"
    selected_by_default = False
    path = "/webhooks"
    primary_keys = ("id",)
    scope = "webhooks/read"
    columns = (
        string("id", "ID of the subscription"),
        string("href", "URL of the subscription in the API"),
        string("accountId", "ID of the account whose events it receives"),
        string("name", "Name of the subscription"),
        strings("eventTypes", "Event types that it receives"),
        string("eventNotificationUrl", "URL to which events are posted"),
        date_time("createdDateUtc", "Creation date and time"),
        date_time("updatedDateUtc", "Date and time of the last update"),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
    )


STREAMS = (
    FirmStream,
    StaffStream,
    FirmUsersStream,
    UsersStream,
    GroupsStream,
    WebhookSubscriptionsStream,
)
