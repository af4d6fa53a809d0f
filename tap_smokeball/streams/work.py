"""Work: what is to be done, when, and what was noted about it."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import VALUE
from tap_smokeball.records.columns import (
    boolean,
    date,
    date_time,
    enumeration,
    integer,
    json_object,
    last_updated_at,
    link,
    links,
    opt_in,
    sensitive,
    string,
    string_or_code,
    strings,
    updated_at_time,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import UpdatedSinceFilter
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LONG_AGO = "1990-01-01T00:00:00"
"""Before any event: without ``From`` the API leaves out what is past."""


class TasksStream(ParentStream):
    """Tasks of all matters, done or not, deleted ones included."""

    name = "tasks"
    plural_name = "tasks"
    path = "/tasks"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "tasks/read"
    updated_since_filter = UpdatedSinceFilter("LastUpdated", dotnet_ticks.to_iso_seconds)
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the task"),
        string("href", "Address of the task in the API"),
        link("matter", "Matter of the task"),
        link("parentTask", "Task that this one is a part of"),
        link("createdBy", "Staff member who made the task"),
        link("completedBy", "Staff member who completed the task"),
        link("lastUpdatedBy", "Staff member who last changed the task"),
        links("assignees", "Staff members who are to do it"),
        links("subTasks", "Parts of the task; see the stream `subtasks`"),
        *sensitive(
            "privileged",
            string("subject", "What is to be done, in short"),
            string("note", "Notes on the task"),
        ),
        strings("categories", "Categories of the task"),
        date_time("dueDate", "When it is due; given up by the API in favour of `dueDateOnly`"),
        date("dueDateOnly", "Day on which it is due"),
        date_time("completedDate", "When it was done; given up in favour of `completedDateOnly`"),
        date("completedDateOnly", "Day on which it was done"),
        date_time("createdDate", "When it was made; given up in favour of `createdDateOnly`"),
        date("createdDateOnly", "Day on which it was made"),
        boolean("isCompleted", "Whether the task is done"),
        boolean("isDeleted", "Whether the task is deleted"),
        integer("lastUpdated", "When the task last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
        string("duration", "Duration in ISO 8601, as PT4H33M"),
    )


class SubtasksStream(ChildStream):
    """Parts of tasks; only tasks that list some are asked for them."""

    name = "subtasks"
    selected_by_default = False
    parent_stream_type = TasksStream
    parent_key = "taskId"
    requires_parent_field = "subTasks"
    path = "/tasks/{taskId}/subtasks"
    primary_keys = ("id",)
    scope = "tasks/read"
    response_format = VALUE
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the subtask"),
        string("href", "Address of the subtask in the API"),
        link("parentTask", "Task that it is a part of"),
        link("createdBy", "Staff member who made the subtask"),
        link("completedBy", "Staff member who completed the subtask"),
        link("lastUpdatedBy", "Staff member who last changed the subtask"),
        *sensitive("privileged", string("subject", "What is to be done, in short")),
        date_time("completedDate", "When it was done; given up in favour of `completedDateOnly`"),
        date("completedDateOnly", "Day on which it was done"),
        date_time("createdDate", "When it was made; given up in favour of `createdDateOnly`"),
        date("createdDateOnly", "Day on which it was made"),
        boolean("isCompleted", "Whether the subtask is done"),
        boolean("isDeleted", "Whether the subtask is deleted"),
        integer("lastUpdated", "When the subtask last changed: .NET ticks"),
        last_updated_at("lastUpdated"),
    )


class TaskDocumentsStream(ChildStream):
    """Documents that are attached to tasks."""

    name = "task_documents"
    selected_by_default = False
    parent_stream_type = TasksStream
    parent_key = "taskId"
    path = "/tasks/{taskId}/documents"
    primary_keys = ("taskId", "id")
    scope = "tasks/read"
    response_format = VALUE
    columns = Columns(
        string("id", "Id of the attachment"),
        string("href", "Address of the attachment in the API"),
        link("task", "Task that it is attached to"),
        *enumeration("type", "Kind of document", {0: "File", 1: "FormTemplate", 2: "Memo"}),
        boolean("isDeleted", "Whether the attachment is deleted"),
        link("document", "The document"),
    )


class EventsStream(TopLevelStream):
    """Events of the calendar, past and to come, deleted ones included."""

    name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "events/read"
    updated_since_filter = UpdatedSinceFilter("UpdatedSince", dotnet_ticks.to_zoneless_seconds)
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the event"),
        string("href", "Address of the event in the API"),
        link("matter", "Matter of the event"),
        links("attendees", "Staff members who take part"),
        *sensitive("privileged", links("externalAttendees", "Contacts who take part")),
        string_or_code("eventType", "Kind of event; given up by the API in favour of `type`"),
        string("type", "Normal, Pattern, Occurrence, ChangedOccurrence or DeletedOccurrence"),
        *sensitive(
            "privileged",
            string("subject", "Subject"),
            string("description", "Description"),
            string("location", "Place"),
        ),
        boolean("allDay", "Whether it takes the whole day"),
        boolean("nonBillable", "Whether it can not be billed; so if longer than 12 hours"),
        string("startTime", "When it begins, by the clock in `timeZone`"),
        string("endTime", "When it ends, by the clock in `timeZone`"),
        string("timeZone", "Time zone, as Australia/Sydney"),
        updated_at_time("lastUpdated", "When the event last changed"),
        *sensitive("privileged", json_object("additionalData", "More about the event, by name")),
        boolean("isDeleted", "Whether the event is deleted"),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        return {**super().params(since), "From": LONG_AGO}


class MemosStream(ChildStream):
    """Memos of a matter, deleted ones included."""

    name = "memos"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/matters/{matterId}/memos"
    primary_keys = ("id",)
    scope = "memos/read"
    sensitivity = "privileged"
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the memo"),
        string("href", "Address of the memo in the API"),
        string("matterId", "Id of the matter that the memo was read below"),
        string("title", "Title"),
        opt_in(string("text", "Text in RTF; `plainText` has the words")),
        string("plainText", "Text without its layout"),
        date_time("createdDate", "When the memo was written"),
        string("createdByUserId", "Id of the user who wrote the memo"),
        updated_at_time("lastUpdated", "When the memo last changed"),
        string("updatedByUserId", "Id of the user who last changed the memo"),
        boolean("isDeleted", "Whether the memo is deleted"),
    )


STREAMS = (TasksStream, SubtasksStream, TaskDocumentsStream, EventsStream, MemosStream)
