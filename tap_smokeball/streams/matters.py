"""Streams of matters with their types and stages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.filters import LAST_UPDATED_ISO_SECONDS, UPDATED_SINCE_TICKS
from tap_smokeball.api.response_parsers import TYPE_ITEMS, VALUE
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    decimal,
    enumeration,
    integer,
    json_object,
    json_text,
    last_updated_at,
    link,
    linked_id,
    links,
    nested_object,
    object_list,
    opt_in,
    sensitive,
    string,
    strings,
)
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.lookup_stream import LookupStream
from tap_smokeball.sync.parent_stream import ParentStream
from tap_smokeball.sync.source_list import SourceList
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from tap_smokeball.config.settings import Settings


def matter_params(settings: Settings) -> dict[str, Any]:
    """Return the query parameters that say which matters the settings want."""
    # The API omits leads unless Type names them.
    params: dict[str, Any] = {"Type": settings.matter_kinds}
    if settings.matter_statuses:
        params["Status"] = list(settings.matter_statuses)
    return params


class MattersStream(ParentStream):
    """Matters and leads in any status, with links to the people involved."""

    name = "matters"
    plural_name = "matters"
    path = "/matters"
    primary_keys = ("id",)
    replication_key = "versionId"
    scope = "matters/read"
    sensitivity = "privileged"
    updated_since_filter = LAST_UPDATED_ISO_SECONDS
    updated_at_field = "versionId"
    sort = "asc(lastUpdated)"
    opt_in_fields = ("items", "tags")
    event_types = (
        "matter.created",
        "matter.updated",
        "matter.closed",
        "matter.converted",
        "matter.initialized",
        "matter.statusUpdated",
    )
    # What the status of a lead means is not documented.
    closed_values = (("status", ("Closed", "Deleted", "Cancelled")), ("isLead", (False, None)))
    columns = (
        string("id", "ID of the matter"),
        string("href", "URL of the matter in the API"),
        string("externalSystemId", "ID of the matter in an external system"),
        string("versionId", "Last update in .NET ticks (100 ns since 0001-01-01 UTC), as text"),
        last_updated_at("versionId"),
        string("number", "Matter number; null for a lead until it is converted"),
        string("title", "Title, composed of number, clients, type and other sides"),
        link("matterType", "Matter type"),
        links("clients", "Contacts in the client role"),
        links("otherSides", "Contacts on the other side"),
        string("description", "Description of the matter"),
        string("status", "Status: Open, Pending, Closed, Deleted or Cancelled"),
        link("personResponsible", "Responsible staff member"),
        link("personAssisting", "Assisting staff member"),
        links("personAssistingStaffs", "All assisting staff members"),
        link("originatingStaff", "Originating staff member (who brought in the matter)"),
        links("originatingStaffs", "All originating staff members"),
        nested_object(
            "splitOriginatingStaffSettings",
            "Split of the origination among staff members",
            boolean("isEnabled", "Whether the origination is split"),
            object_list(
                "splitMatterStaffs",
                "Staff members who share the origination",
                string("matterStaffId", "ID of the staff member"),
                integer("matterStaffRatio", "Share of the staff member in the split"),
            ),
            string("splitMethod", "Split method: Unknown, SplitEvenly or UseRatio"),
            string("remainderStaffId", "ID of the staff member who takes the remainder"),
        ),
        link("supervisor", "Supervisor (UK)"),
        string("clientCode", "Client code in an external system (AU, UK)"),
        date_time("openedDate", "Opening date and time of the matter"),
        date_time("closedDate", "Closing date and time of the matter"),
        date_time("leadOpenedDate", "Opening date and time of the lead"),
        date_time("leadClosedDate", "Closing date and time of the lead"),
        string("leadClosedReason", "Reason for closing the lead"),
        boolean("isLead", "Whether the record is a lead (not yet a matter)"),
        boolean("isMatterTemplate", "Whether the record is a template, which is not a matter"),
        link("branch", "Branch of the firm"),
        string("branchProviderId", "ID of the branch provider"),
        string("referralType", "Name of the referral type"),
        link("referrer", "Contact who referred the matter"),
        string("referralAgreementFeeType", "Type of fee agreed with the referrer"),
        decimal("referralAgreementFee", "Fee agreed with the referrer"),
        string("referralAgreementFeeComment", "Comment on the fee agreed with the referrer"),
        opt_in(
            json_object(
                "items", "Tree of roles and layouts by type; large, requested only if selected"
            )
        ),
        object_list(
            "tags",
            "Tags of the matter",
            string("id", "ID of the tag"),
            string("href", "URL of the tag in the API"),
            string("type", "Type of tag, such as Staff or Custom"),
            string("name", "Name of the tag"),
            string("color", "Colour of the tag"),
            link("staff", "Staff member, for tags of type Staff"),
        ),
    )

    @property
    @override
    def is_view_restricted(self) -> bool:
        settings = self.session.settings
        return bool(settings.matter_statuses) or not settings.include_leads

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        return {**super().params(since), **matter_params(self.session.settings)}


class MatterChildStream(ChildStream):
    """A child stream of matters."""

    parent_stream_type = MattersStream
    parent_key = "matterId"


class MatterTypesStream(TopLevelStream):
    """Matter and lead types of all locations, unless one is configured."""

    name = "matter_types"
    path = "/mattertypes"
    primary_keys = ("id",)
    scope = "mattertypes/read"
    event_types = ("mattertype.updated",)
    columns = (
        string("id", "ID of the matter type; the suffix is the location"),
        string("href", "URL of the matter type in the API"),
        string("versionId", "Version ID; changes with every update of the matter type"),
        string("name", "Name of the matter type"),
        string("category", "Name of the category"),
        *enumeration("type", "Type category", {0: "MatterType", 1: "LeadType"}),
        strings("representativeOptions", "Parties that the firm can represent in such a matter"),
        string("location", "State of the matter type"),
        boolean("isDeleted", "Whether the matter type is deleted"),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        location = self.session.settings.matter_type_location
        return {**super().params(since), **({"Location": location} if location else {})}


class MatterTypeItemsStream(LookupStream):
    """Roles and layouts of the matter types that matters have; takes one request per type."""

    name = "matter_type_items"
    selected_by_default = False
    path = "/mattertypes/{matterTypeId}"
    primary_keys = ("matterTypeId", "index")
    scope = "mattertypes/read"
    response_format = TYPE_ITEMS
    sources = (SourceList(MattersStream, "matterType.id", matter_params),)
    lookup_key = "matterTypeId"
    columns = (
        string("matterTypeId", "ID of the matter type"),
        integer("index", "Zero-based position of the item; the API may leave out the IDs"),
        string("id", "ID of the item at its provider"),
        string("href", "URL of the item in the API"),
        string("providerId", "Provider of the item, such as of roles or of layouts"),
        string("itemId", "ID of the item"),
        string("name", "Name of the item, such as Client or Matter Details"),
        object_list(
            "subItems",
            "Items within the item",
            string("id", "ID of the item at its provider"),
            string("href", "URL of the item in the API"),
            string("providerId", "Provider of the item"),
            string("itemId", "ID of the item"),
            string("name", "Name of the item, such as Attorney"),
            json_text("subItems", "Items within the item"),
        ),
    )


class ReferralTypesStream(TopLevelStream):
    """Referral types; a matter stores the name, not the ID."""

    name = "referral_types"
    path = "/referraltypes"
    primary_keys = ("id",)
    scope = "referraltypes/read"
    response_format = VALUE
    columns = (
        string("id", "ID of the referral type"),
        string("href", "URL of the referral type in the API"),
        string("name", "Name of the referral type"),
        boolean("isDeleted", "Whether the referral type is deleted"),
    )


_STAGE = (
    string("id", "ID of the stage"),
    string("href", "URL of the stage in the API"),
    string("versionId", "Version ID; changes with every update of the stage"),
    string("name", "Name of the stage"),
    boolean("isDeleted", "Whether the stage is deleted"),
    integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
    last_updated_at("lastUpdated"),
)


class MatterStagesStream(TopLevelStream):
    """Current stage of each matter."""

    name = "matter_stages"
    path = "/stages"
    primary_keys = ("matterId",)
    replication_key = "lastUpdated"
    scope = "stages/read"
    updated_since_filter = UPDATED_SINCE_TICKS
    updated_at_field = "lastUpdated"
    event_types = ("matterstage.updated",)
    columns = (
        linked_id("matterId", "matter", "ID of the matter"),
        string("id", "ID of the matter stage; its format is undocumented"),
        string("href", "URL of the matter stage in the API"),
        string("versionId", "Version ID; changes with every update of the matter stage"),
        link("matter", "Matter in the stage"),
        link("stageSet", "Stage set that contains the stage"),
        *sensitive("privileged", nested_object("stage", "Stage that the matter is in", *_STAGE)),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
    )


class StageSetsStream(TopLevelStream):
    """Stage sets and their stages: the workflows that matters follow."""

    name = "stage_sets"
    path = "/stagesets"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "stagesets/read"
    updated_since_filter = UPDATED_SINCE_TICKS
    updated_at_field = "lastUpdated"
    event_types = ("stageset.created", "stageset.updated")
    columns = (
        string("id", "ID of the stage set"),
        string("href", "URL of the stage set in the API"),
        string("versionId", "Version ID; changes with every update of the stage set"),
        string("name", "Name of the stage set"),
        boolean("isDeleted", "Whether the stage set is deleted"),
        object_list("stages", "Stages of the set, in order", *_STAGE),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
    )


STREAMS = (
    MattersStream,
    MatterTypesStream,
    MatterTypeItemsStream,
    ReferralTypesStream,
    MatterStagesStream,
    StageSetsStream,
)
