"""Matters: what the firm works on, for whom, against whom, and who works on it."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import OBJECT, ROLES, VALUE, VALUE_OR_ITEMS
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
    string,
    strings,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import UpdatedSinceFilter
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class MattersStream(ParentStream):
    """Matters and leads, in any status, with links to the people on them."""

    name = "matters"
    plural_name = "matters"
    path = "/matters"
    primary_keys = ("id",)
    replication_key = "versionId"
    scope = "matters/read"
    sensitivity = "privileged"
    updated_since_filter = UpdatedSinceFilter("LastUpdated", dotnet_ticks.to_iso_seconds)
    updated_at_field = "versionId"
    sort = "asc(lastUpdated)"
    opt_in_fields = ("items", "tags")
    columns = Columns(
        string("id", "Id of the matter"),
        string("href", "Address of the matter in the API"),
        string("externalSystemId", "Id of the matter in another system"),
        string("versionId", "When the matter last changed: .NET ticks, as text"),
        last_updated_at("versionId"),
        string("number", "Matter number; a lead has none before it is converted"),
        string("title", "Title, made of number, clients, type and other sides"),
        link("matterType", "Type of the matter"),
        links("clients", "Contacts in the role of client"),
        links("otherSides", "Contacts on the other side"),
        string("description", "What the matter is about"),
        string("status", "Open, Pending, Closed, Deleted or Cancelled"),
        link("personResponsible", "Staff member who is responsible"),
        link("personAssisting", "Staff member who assists"),
        links("personAssistingStaffs", "All staff members who assist"),
        link("originatingStaff", "Staff member who brought the matter in"),
        links("originatingStaffs", "All staff members who brought the matter in"),
        nested_object(
            "splitOriginatingStaffSettings",
            "How the origination is shared",
            boolean("isEnabled", "Whether it is shared"),
            object_list(
                "splitMatterStaffs",
                "Who takes part",
                string("matterStaffId", "Id of the staff member"),
                integer("matterStaffRatio", "Share of the staff member"),
            ),
            string("splitMethod", "Unknown, SplitEvenly or UseRatio"),
            string("remainderStaffId", "Id of the staff member who gets what division leaves over"),
        ),
        link("supervisor", "Supervisor (UK)"),
        string("clientCode", "Code of the client in another system (AU, UK)"),
        date_time("openedDate", "When the matter was opened"),
        date_time("closedDate", "When the matter was closed"),
        date_time("leadOpenedDate", "When the lead was opened"),
        date_time("leadClosedDate", "When the lead was closed"),
        string("leadClosedReason", "Why the lead was closed"),
        boolean("isLead", "Whether it is a lead, that is, not yet a matter"),
        link("branch", "Branch of the firm"),
        string("branchProviderId", "Id of the branch's provider"),
        string("referralType", "Name of the referral type"),
        link("referrer", "Contact who referred the matter"),
        string("referralAgreementFeeType", "What kind of fee was agreed on with the referrer"),
        decimal("referralAgreementFee", "Fee agreed on with the referrer"),
        string("referralAgreementFeeComment", "Remark on that fee"),
        opt_in(
            json_object(
                "items", "Tree of roles and layouts, by kind; large, and sent only if asked"
            )
        ),
        object_list(
            "tags",
            "Tags of the matter",
            string("id", "Id of the tag"),
            string("href", "Address of the tag in the API"),
            string("type", "Kind of tag, as Staff or Custom"),
            string("name", "Name of the tag"),
            string("color", "Colour of the tag"),
            link("staff", "Staff member, for tags of that kind"),
        ),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        settings = self._tap.settings
        # Without Type the API leaves the leads out.
        params = {**super().params(since), "Type": settings.matter_kinds}
        if settings.matter_statuses:
            params["Status"] = list(settings.matter_statuses)
        return params


class MatterTypesStream(TopLevelStream):
    """Types that matters and leads can have, of every location unless one is set."""

    name = "matter_types"
    path = "/mattertypes"
    primary_keys = ("id",)
    scope = "mattertypes/read"
    columns = Columns(
        string("id", "Id of the matter type; its suffix is the location"),
        string("href", "Address of the matter type in the API"),
        string("versionId", "Changes with every change of the matter type"),
        string("name", "Name of the matter type"),
        string("category", "Name of its category"),
        *enumeration("type", "What it is a type of", {0: "MatterType", 1: "LeadType"}),
        strings("representativeOptions", "What the firm can represent in such a matter"),
        string("location", "State that it belongs to"),
        boolean("isDeleted", "Whether the matter type is deleted"),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        location = self._tap.settings.matter_type_location
        return {**super().params(since), **({"Location": location} if location else {})}


class ReferralTypesStream(TopLevelStream):
    """Ways in which matters are referred; a matter holds the name, not the id."""

    name = "referral_types"
    path = "/referraltypes"
    primary_keys = ("id",)
    scope = "referraltypes/read"
    response_format = VALUE
    columns = Columns(
        string("id", "Id of the referral type"),
        string("href", "Address of the referral type in the API"),
        string("name", "Name of the referral type"),
        boolean("isDeleted", "Whether the referral type is deleted"),
    )


_STAGE = (
    string("id", "Id of the stage"),
    string("href", "Address of the stage in the API"),
    string("versionId", "Changes with every change of the stage"),
    string("name", "Name of the stage"),
    boolean("isDeleted", "Whether the stage is deleted"),
    integer("lastUpdated", "When the stage last changed: .NET ticks"),
    last_updated_at("lastUpdated"),
)


class MatterStagesStream(TopLevelStream):
    """The stage that each matter is in now."""

    name = "matter_stages"
    path = "/stages"
    primary_keys = ("matterId",)
    replication_key = "lastUpdated"
    scope = "stages/read"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    updated_at_field = "lastUpdated"
    columns = Columns(
        linked_id("matterId", "matter", "Id of the matter"),
        string("id", "Id of the entry; the API does not say what it is made of"),
        string("href", "Address of the entry in the API"),
        string("versionId", "Changes with every change of the entry"),
        link("matter", "Matter that is in the stage"),
        link("stageSet", "Stage set that the stage is of"),
        nested_object("stage", "Stage that the matter is in", *_STAGE),
        integer("lastUpdated", "When the entry last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
    )


class StageSetsStream(TopLevelStream):
    """Stage sets with their stages: the ways that matters go."""

    name = "stage_sets"
    path = "/stagesets"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "stagesets/read"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", str)
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the stage set"),
        string("href", "Address of the stage set in the API"),
        string("versionId", "Changes with every change of the stage set"),
        string("name", "Name of the stage set"),
        boolean("isDeleted", "Whether the stage set is deleted"),
        object_list("stages", "Stages of the set, in their order", *_STAGE),
        integer("lastUpdated", "When the stage set last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
    )


class MatterRolesStream(ChildStream):
    """Roles in a matter, the contacts who play them, and their relationships."""

    name = "matter_roles"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/roles"
    primary_keys = ("matterId", "id")
    scope = "roles/read"
    sensitivity = "privileged"
    response_format = ROLES
    columns = Columns(
        string("id", "Id of the role in the matter"),
        string("href", "Address of the role in the API"),
        string("versionId", "Changes with every change of any role of the matter"),
        string("name", "Name of the role, as Client"),
        link("contact", "Contact in the role; null if it is not filled"),
        string("roleDescription", "Name that the firm gave the role"),
        string("description", "What the role is"),
        links("representatives", "Contacts who represent the one in the role"),
        object_list(
            "relationships",
            "Others around the one in the role, as a solicitor",
            string("id", "Id of the relationship"),
            string("href", "Address of the relationship in the API"),
            string("name", "Name of the relationship"),
            link("contact", "Contact on the other end"),
            links("representatives", "Contacts who represent that one"),
        ),
        boolean("isClient", "Whether it is a client's role"),
        boolean("isOtherSide", "Whether it is a role of the other side"),
    )


class LayoutDesignsStream(TopLevelStream):
    """Designs of layouts, the forms with the firm's own fields."""

    name = "layout_designs"
    selected_by_default = False
    path = "/layouts"
    primary_keys = ("id",)
    scope = "layoutdesigns/read"
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the layout design"),
        string("href", "Address of the layout design in the API"),
        string("versionId", "Changes with every change of the layout design"),
        string("name", "Name of the layout design"),
        integer("lastUpdated", "When the layout design last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
    )


class MatterLayoutsStream(ChildStream):
    """Layouts of a matter with the values that were filled in."""

    name = "matter_layouts"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/layouts"
    primary_keys = ("matterId", "itemId")
    scope = "layouts/read"
    sensitivity = "personal"
    response_format = VALUE_OR_ITEMS
    columns = Columns(
        string("id", "Id of the layout; the API does not say how it differs from `itemId`"),
        string("href", "Address of the layout in the API"),
        string("name", "Name of the layout"),
        string("description", "What the layout is for"),
        string("itemId", "Id of the layout in the matter"),
        string("parentId", "Id of the layout design that this one belongs to"),
        integer("index", "Place of the layout among its like, from 0"),
        integer("parentIndex", "Place of the layout that this one belongs to, from 0"),
        link("layoutDesign", "Design of the layout"),
        object_list(
            "values",
            "Fields that are filled in; others are not sent",
            string("key", "Name of the field; repeated ones are numbered, as `Providers[0]/Name`"),
            string("value", "Value of the field"),
            json_text("state", "What goes with the value, as whether a box is ticked"),
        ),
        object_list(
            "events",
            "Appointments that belong to the layout",
            string("id", "Id of the entry"),
            string("appointmentId", "Id of the appointment"),
        ),
    )


class ArchivesStream(ChildStream):
    """Where the paper files of an archived matter are; a matter without has no row."""

    name = "archives"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/archive"
    primary_keys = ("matterId",)
    scope = "archive/read"
    response_format = OBJECT
    not_found_means_empty = True
    columns = Columns(
        string("id", "Id of the matter"),
        string("href", "Address of the archive entry in the API"),
        date_time("archivedDate", "When the matter was archived"),
        string("archiveBoxNumber", "Number of the box"),
        string("archiveComments", "Remarks"),
        string("archivedLocation", "Where the box is"),
        date_time("destroyDate", "When the files were destroyed"),
        boolean("isArchived", "Whether the matter is archived"),
    )


STREAMS = (
    MattersStream,
    MatterTypesStream,
    ReferralTypesStream,
    MatterStagesStream,
    StageSetsStream,
    MatterRolesStream,
    LayoutDesignsStream,
    MatterLayoutsStream,
    ArchivesStream,
)
