"""Matters: what the firm works on, for whom, against whom, and who works on it."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import OBJECT, ROLES, VALUE, VALUE_OR_ITEMS
from tap_smokeball.records.columns import (
    as_json,
    code,
    flag,
    free,
    id_in,
    link,
    links,
    many,
    moment,
    nested,
    number,
    opt_in,
    text,
    texts,
    updated_at,
    whole,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import Since
from tap_smokeball.sync.top_level_stream import FirmWideStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class MattersStream(ParentStream):
    """Matters and leads, in any status, with links to the people on them."""

    name = "matters"
    noun = "matters"
    path = "/matters"
    primary_keys = ("id",)
    replication_key = "versionId"
    scope = "matters/read"
    sensitive = "privileged"
    since = Since("LastUpdated", dotnet_ticks.to_iso_seconds)
    stamp = "versionId"
    sort = "asc(lastUpdated)"
    on_request = ("items", "tags")
    columns = Columns(
        text("id", "Id of the matter"),
        text("href", "Address of the matter in the API"),
        text("externalSystemId", "Id of the matter in another system"),
        text("versionId", "When the matter last changed: .NET ticks, as text"),
        updated_at("versionId"),
        text("number", "Matter number; a lead has none before it is converted"),
        text("title", "Title, made of number, clients, type and other sides"),
        link("matterType", "Type of the matter"),
        links("clients", "Contacts in the role of client"),
        links("otherSides", "Contacts on the other side"),
        text("description", "What the matter is about"),
        text("status", "Open, Pending, Closed, Deleted or Cancelled"),
        link("personResponsible", "Staff member who is responsible"),
        link("personAssisting", "Staff member who assists"),
        links("personAssistingStaffs", "All staff members who assist"),
        link("originatingStaff", "Staff member who brought the matter in"),
        links("originatingStaffs", "All staff members who brought the matter in"),
        nested(
            "splitOriginatingStaffSettings",
            "How the origination is shared",
            flag("isEnabled", "Whether it is shared"),
            many(
                "splitMatterStaffs",
                "Who takes part",
                text("matterStaffId", "Id of the staff member"),
                whole("matterStaffRatio", "Share of the staff member"),
            ),
            text("splitMethod", "Unknown, SplitEvenly or UseRatio"),
            text("remainderStaffId", "Id of the staff member who gets what division leaves over"),
        ),
        link("supervisor", "Supervisor (UK)"),
        text("clientCode", "Code of the client in another system (AU, UK)"),
        moment("openedDate", "When the matter was opened"),
        moment("closedDate", "When the matter was closed"),
        moment("leadOpenedDate", "When the lead was opened"),
        moment("leadClosedDate", "When the lead was closed"),
        text("leadClosedReason", "Why the lead was closed"),
        flag("isLead", "Whether it is a lead, that is, not yet a matter"),
        link("branch", "Branch of the firm"),
        text("branchProviderId", "Id of the branch's provider"),
        text("referralType", "Name of the referral type"),
        link("referrer", "Contact who referred the matter"),
        text("referralAgreementFeeType", "What kind of fee was agreed on with the referrer"),
        number("referralAgreementFee", "Fee agreed on with the referrer"),
        text("referralAgreementFeeComment", "Remark on that fee"),
        opt_in(free("items", "Tree of roles and layouts, by kind; large, and sent only if asked")),
        many(
            "tags",
            "Tags of the matter",
            text("id", "Id of the tag"),
            text("href", "Address of the tag in the API"),
            text("type", "Kind of tag, as Staff or Custom"),
            text("name", "Name of the tag"),
            text("color", "Colour of the tag"),
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


class MatterTypesStream(FirmWideStream):
    """Types that matters and leads can have, of every location unless one is set."""

    name = "matter_types"
    path = "/mattertypes"
    primary_keys = ("id",)
    scope = "mattertypes/read"
    columns = Columns(
        text("id", "Id of the matter type; its suffix is the location"),
        text("href", "Address of the matter type in the API"),
        text("versionId", "Changes with every change of the matter type"),
        text("name", "Name of the matter type"),
        text("category", "Name of its category"),
        *code("type", "What it is a type of", {0: "MatterType", 1: "LeadType"}),
        texts("representativeOptions", "What the firm can represent in such a matter"),
        text("location", "State that it belongs to"),
        flag("isDeleted", "Whether the matter type is deleted"),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        location = self._tap.settings.matter_type_location
        return {**super().params(since), **({"Location": location} if location else {})}


class ReferralTypesStream(FirmWideStream):
    """Ways in which matters are referred; a matter holds the name, not the id."""

    name = "referral_types"
    path = "/referraltypes"
    primary_keys = ("id",)
    scope = "referraltypes/read"
    shape = VALUE
    columns = Columns(
        text("id", "Id of the referral type"),
        text("href", "Address of the referral type in the API"),
        text("name", "Name of the referral type"),
        flag("isDeleted", "Whether the referral type is deleted"),
    )


_STAGE = (
    text("id", "Id of the stage"),
    text("href", "Address of the stage in the API"),
    text("versionId", "Changes with every change of the stage"),
    text("name", "Name of the stage"),
    flag("isDeleted", "Whether the stage is deleted"),
    whole("lastUpdated", "When the stage last changed: .NET ticks"),
    updated_at("lastUpdated"),
)


class MatterStagesStream(FirmWideStream):
    """The stage that each matter is in now."""

    name = "matter_stages"
    path = "/stages"
    primary_keys = ("matterId",)
    replication_key = "lastUpdated"
    scope = "stages/read"
    since = Since("UpdatedSince", str)
    stamp = "lastUpdated"
    columns = Columns(
        id_in("matterId", "matter", "Id of the matter"),
        text("id", "Id of the entry; the API does not say what it is made of"),
        text("href", "Address of the entry in the API"),
        text("versionId", "Changes with every change of the entry"),
        link("matter", "Matter that is in the stage"),
        link("stageSet", "Stage set that the stage is of"),
        nested("stage", "Stage that the matter is in", *_STAGE),
        whole("lastUpdated", "When the entry last changed: .NET ticks"),
        updated_at("lastUpdated"),
    )


class StageSetsStream(FirmWideStream):
    """Stage sets with their stages: the ways that matters go."""

    name = "stage_sets"
    path = "/stagesets"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "stagesets/read"
    since = Since("UpdatedSince", str)
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the stage set"),
        text("href", "Address of the stage set in the API"),
        text("versionId", "Changes with every change of the stage set"),
        text("name", "Name of the stage set"),
        flag("isDeleted", "Whether the stage set is deleted"),
        many("stages", "Stages of the set, in their order", *_STAGE),
        whole("lastUpdated", "When the stage set last changed: .NET ticks"),
        updated_at("lastUpdated"),
    )


class MatterRolesStream(ChildStream):
    """Roles in a matter, the contacts who play them, and their relationships."""

    name = "matter_roles"
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/roles"
    primary_keys = ("matterId", "id")
    scope = "roles/read"
    sensitive = "privileged"
    shape = ROLES
    columns = Columns(
        text("id", "Id of the role in the matter"),
        text("href", "Address of the role in the API"),
        text("versionId", "Changes with every change of any role of the matter"),
        text("name", "Name of the role, as Client"),
        link("contact", "Contact in the role; null if it is not filled"),
        text("roleDescription", "Name that the firm gave the role"),
        text("description", "What the role is"),
        links("representatives", "Contacts who represent the one in the role"),
        many(
            "relationships",
            "Others around the one in the role, as a solicitor",
            text("id", "Id of the relationship"),
            text("href", "Address of the relationship in the API"),
            text("name", "Name of the relationship"),
            link("contact", "Contact on the other end"),
            links("representatives", "Contacts who represent that one"),
        ),
        flag("isClient", "Whether it is a client's role"),
        flag("isOtherSide", "Whether it is a role of the other side"),
    )


class LayoutDesignsStream(FirmWideStream):
    """Designs of layouts, the forms with the firm's own fields."""

    name = "layout_designs"
    selected_by_default = False
    path = "/layouts"
    primary_keys = ("id",)
    scope = "layoutdesigns/read"
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the layout design"),
        text("href", "Address of the layout design in the API"),
        text("versionId", "Changes with every change of the layout design"),
        text("name", "Name of the layout design"),
        whole("lastUpdated", "When the layout design last changed: .NET ticks"),
        updated_at("lastUpdated"),
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
    sensitive = "personal"
    shape = VALUE_OR_ITEMS
    columns = Columns(
        text("id", "Id of the layout; the API does not say how it differs from `itemId`"),
        text("href", "Address of the layout in the API"),
        text("name", "Name of the layout"),
        text("description", "What the layout is for"),
        text("itemId", "Id of the layout in the matter"),
        text("parentId", "Id of the layout design that this one belongs to"),
        whole("index", "Place of the layout among its like, from 0"),
        whole("parentIndex", "Place of the layout that this one belongs to, from 0"),
        link("layoutDesign", "Design of the layout"),
        many(
            "values",
            "Fields that are filled in; others are not sent",
            text("key", "Name of the field; repeated ones are numbered, as `Providers[0]/Name`"),
            text("value", "Value of the field"),
            as_json("state", "What goes with the value, as whether a box is ticked"),
        ),
        many(
            "events",
            "Appointments that belong to the layout",
            text("id", "Id of the entry"),
            text("appointmentId", "Id of the appointment"),
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
    shape = OBJECT
    may_be_absent = True
    columns = Columns(
        text("id", "Id of the matter"),
        text("href", "Address of the archive entry in the API"),
        moment("archivedDate", "When the matter was archived"),
        text("archiveBoxNumber", "Number of the box"),
        text("archiveComments", "Remarks"),
        text("archivedLocation", "Where the box is"),
        moment("destroyDate", "When the files were destroyed"),
        flag("isArchived", "Whether the matter is archived"),
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
