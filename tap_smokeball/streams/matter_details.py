"""Streams of the roles, layouts and archives of matters."""

from __future__ import annotations

import sys

from tap_smokeball.api.response_parsers import (
    ARRAY,
    LAYOUT_FIELDS,
    OBJECT,
    ROLES,
    VALUE_OR_ITEMS,
    roles_of_items,
)
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    integer,
    json_text,
    last_updated_at,
    link,
    links,
    object_list,
    sensitive,
    string,
    strings,
)
from tap_smokeball.streams.matters import MatterChildStream, MattersStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.embedded_stream import EmbeddedChildStream
from tap_smokeball.sync.item_stream import ItemStream
from tap_smokeball.sync.parent_stream import ParentStream
from tap_smokeball.sync.source_list import SourceList

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class MatterRolesStream(EmbeddedChildStream, MatterChildStream):
    """Roles in a matter with their contacts and relationships."""

    name = "matter_roles"
    path = "/matters/{matterId}/roles"
    primary_keys = ("matterId", "id")
    scope = "roles/read"
    sensitivity = "privileged"
    response_format = ROLES
    event_types = ("roles.updated",)
    embedding_field = "items"
    unembedded_fields = frozenset({"versionId"})
    rows_in = staticmethod(roles_of_items)
    columns = (
        string("id", "ID of the role in the matter"),
        string("href", "URL of the role in the API"),
        string("versionId", "Version ID; changes with every update of any role in the matter"),
        string("name", "Name of the role, such as Client"),
        link("contact", "Contact in the role; null if the role is unfilled"),
        string("roleDescription", "Role name as edited by the firm"),
        string("description", "Description of the role"),
        links("representatives", "Contacts who represent the role's contact"),
        object_list(
            "relationships",
            "Contacts related to the role's contact, such as a solicitor",
            string("id", "ID of the relationship"),
            string("href", "URL of the relationship in the API"),
            string("name", "Name of the relationship"),
            link("contact", "Related contact"),
            links("representatives", "Contacts who represent the related contact"),
        ),
        boolean("isClient", "Whether the role is a client role"),
        boolean("isOtherSide", "Whether the role is on the other side"),
    )

    @property
    @override
    def is_embedding_wanted(self) -> bool:
        return self.session.settings.roles_from_matters


class LayoutDesignsStream(ParentStream):
    """Layout designs: forms with the firm's custom fields."""

    name = "layout_designs"
    plural_name = "layout designs"
    selected_by_default = False
    path = "/layouts"
    primary_keys = ("id",)
    scope = "layoutdesigns/read"
    event_types = ("layoutdesign.updated",)
    columns = (
        string("id", "ID of the layout design"),
        string("href", "URL of the layout design in the API"),
        string("versionId", "Version ID; changes with every update of the layout design"),
        string("name", "Name of the layout design"),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
    )


class LayoutFieldsStream(ChildStream):
    """Fields of the layout designs: names, types and choices of the firm's custom fields."""

    name = "layout_fields"
    selected_by_default = False
    path = "/layouts/{layoutDesignId}"
    primary_keys = ("layoutDesignId", "name")
    parent_stream_type = LayoutDesignsStream
    parent_key = "layoutDesignId"
    scope = "layoutdesigns/read"
    response_format = LAYOUT_FIELDS
    columns = (
        string("name", "Name of the field; `[]` stands for the number of a repeated field"),
        string("type", "Type: Text, Combobox, Checkbox, Date, Role or Number"),
        strings("possibleValues", "Choices, for fields of type Combobox"),
        string("layoutDescription", "Description of the layout design"),
    )


class MatterLayoutsStream(MatterChildStream):
    """Layouts of a matter with their filled-in values."""

    name = "matter_layouts"
    selected_by_default = False
    path = "/matters/{matterId}/layouts"
    primary_keys = ("matterId", "itemId")
    scope = "layouts/read"
    sensitivity = "personal"
    response_format = VALUE_OR_ITEMS
    event_types = ("layoutmatter.created", "layoutmatter.updated")
    columns = (
        string("id", "ID of the layout; its difference from `itemId` is undocumented"),
        string("href", "URL of the layout in the API"),
        string("name", "Name of the layout"),
        string("description", "Description of the layout"),
        string("itemId", "ID of the layout within the matter"),
        string("parentId", "ID of the parent layout design"),
        integer("index", "Zero-based position of the layout"),
        integer("parentIndex", "Zero-based position of the parent layout"),
        link("layoutDesign", "Design of the layout"),
        object_list(
            "values",
            "Filled-in fields; the API omits empty ones",
            string("key", "Field name; repeated fields are numbered, such as `Providers[0]/Name`"),
            string("value", "Field value"),
            json_text("state", "Field state, such as whether a box is ticked"),
        ),
        object_list(
            "events",
            "Appointments of the layout",
            string("id", "ID of the layout event"),
            string("appointmentId", "ID of the appointment"),
        ),
    )


class LayoutContactsStream(ItemStream):
    """Contacts in the layouts of a matter; takes one request per layout."""

    name = "layout_contacts"
    selected_by_default = False
    path = "/matters/{matterId}/layouts/{itemId}/contacts"
    primary_keys = ("matterId", "itemId", "key")
    parent_stream_type = MattersStream
    parent_key = "matterId"
    scope = "layouts/read"
    sensitivity = "privileged"
    response_format = ARRAY
    items = SourceList(MatterLayoutsStream, "itemId")
    item_key = "itemId"
    event_types = ("layoutmatter.created", "layoutmatter.updated")
    columns = (
        string("itemId", "ID of the layout within the matter"),
        string("key", "Field name; repeated fields are numbered, such as `Providers[0]`"),
        string("id", "ID of the layout contact; its format is undocumented"),
        string("href", "URL of the layout contact in the API"),
        link("contact", "Contact in the field"),
    )


class ArchivesStream(MatterChildStream):
    """Paper-file archives; a matter without an archive has no row."""

    name = "archives"
    selected_by_default = False
    path = "/matters/{matterId}/archive"
    primary_keys = ("matterId",)
    scope = "archive/read"
    response_format = OBJECT
    is_empty_if_not_found = True
    event_types = ("archive.updated",)
    columns = (
        string("id", "ID of the matter"),
        string("href", "URL of the archive in the API"),
        date_time("archivedDate", "Archiving date and time"),
        string("archiveBoxNumber", "Archive box number"),
        *sensitive("privileged", string("archiveComments", "Comments on the archive")),
        string("archivedLocation", "Location of the archive box"),
        date_time("destroyDate", "Destruction date and time of the files"),
        boolean("isArchived", "Whether the matter is archived"),
    )


STREAMS = (
    MatterRolesStream,
    LayoutDesignsStream,
    LayoutFieldsStream,
    MatterLayoutsStream,
    LayoutContactsStream,
    ArchivesStream,
)
