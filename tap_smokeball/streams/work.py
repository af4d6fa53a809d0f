"""Streams of tasks, calendar events and memos."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball.api.filters import LAST_UPDATED_ISO_SECONDS, UPDATED_SINCE_LOCAL_SECONDS
from tap_smokeball.api.response_parsers import NUMBERED_ARRAY, VALUE
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
from tap_smokeball.streams.matters import MatterChildStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.parent_stream import ParentStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LONG_AGO = "1990-01-01T00:00:00"
"""Earlier than any event; without ``From`` the API omits past events."""


class TasksStream(ParentStream):
    """Tasks of all matters, including completed and deleted ones."""

    name = "tasks"
    plural_name = "tasks"
    path = "/tasks"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "tasks/read"
    updated_since_filter = LAST_UPDATED_ISO_SECONDS
    updated_at_field = "lastUpdated"
    event_types = ("task.created", "task.updated", "task.deleted", "task.completed")
    columns = (
        string("id", "ID of the task"),
        string("href", "URL of the task in the API"),
        link("matter", "Matter of the task"),
        link("parentTask", "Parent task, for subtasks"),
        link("createdBy", "Staff member who created the task"),
        link("completedBy", "Staff member who completed the task"),
        link("lastUpdatedBy", "Staff member who last updated the task"),
        links("assignees", "Staff members assigned to the task"),
        links("subTasks", "Subtasks of the task; see the stream `subtasks`"),
        *sensitive(
            "privileged",
            string("subject", "Subject of the task"),
            string("note", "Notes on the task"),
        ),
        strings("categories", "Categories of the task"),
        date_time("dueDate", "Due date and time (deprecated: use `dueDateOnly`)"),
        date("dueDateOnly", "Due date"),
        date_time(
            "completedDate", "Completion date and time (deprecated: use `completedDateOnly`)"
        ),
        date("completedDateOnly", "Completion date"),
        date_time("createdDate", "Creation date and time (deprecated: use `createdDateOnly`)"),
        date("createdDateOnly", "Creation date"),
        boolean("isCompleted", "Whether the task is completed"),
        boolean("isDeleted", "Whether the task is deleted"),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
        string("duration", "Duration in ISO 8601 format, such as PT4H33M"),
    )


class TaskChildStream(ChildStream):
    """A child stream of tasks."""

    parent_stream_type = TasksStream
    parent_key = "taskId"


class SubtasksStream(TaskChildStream):
    """Subtasks, requested only for tasks that list any."""

    name = "subtasks"
    selected_by_default = False
    required_parent_field = "subTasks"
    path = "/tasks/{taskId}/subtasks"
    primary_keys = ("id",)
    scope = "tasks/read"
    response_format = VALUE
    columns = (
        string("id", "ID of the subtask"),
        string("href", "URL of the subtask in the API"),
        link("parentTask", "Parent task"),
        link("createdBy", "Staff member who created the subtask"),
        link("completedBy", "Staff member who completed the subtask"),
        link("lastUpdatedBy", "Staff member who last updated the subtask"),
        *sensitive("privileged", string("subject", "Subject of the subtask")),
        date_time(
            "completedDate", "Completion date and time (deprecated: use `completedDateOnly`)"
        ),
        date("completedDateOnly", "Completion date"),
        date_time("createdDate", "Creation date and time (deprecated: use `createdDateOnly`)"),
        date("createdDateOnly", "Creation date"),
        boolean("isCompleted", "Whether the subtask is completed"),
        boolean("isDeleted", "Whether the subtask is deleted"),
        integer("lastUpdated", "Last update in .NET ticks (100 ns since 0001-01-01 UTC)"),
        last_updated_at("lastUpdated"),
    )


class TaskDocumentsStream(TaskChildStream):
    """Documents attached to tasks."""

    name = "task_documents"
    selected_by_default = False
    path = "/tasks/{taskId}/documents"
    primary_keys = ("taskId", "id")
    scope = "tasks/read"
    response_format = VALUE
    columns = (
        string("id", "ID of the attachment"),
        string("href", "URL of the attachment in the API"),
        link("task", "Task of the attachment"),
        *enumeration("type", "Document type", {0: "File", 1: "FormTemplate", 2: "Memo"}),
        boolean("isDeleted", "Whether the attachment is deleted"),
        *sensitive("privileged", link("document", "Attached document")),
    )


class EventsStream(ParentStream):
    """Calendar events, past and future, including deleted ones."""

    name = "events"
    plural_name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "events/read"
    updated_since_filter = UPDATED_SINCE_LOCAL_SECONDS
    updated_at_field = "lastUpdated"
    event_types = ("event.updated",)
    columns = (
        string("id", "ID of the event"),
        string("href", "URL of the event in the API"),
        link("matter", "Matter of the event"),
        links("attendees", "Staff members who attend"),
        *sensitive("privileged", links("externalAttendees", "External contacts who attend")),
        string_or_code("eventType", "Event type (deprecated: use `type`)"),
        string("type", "Type: Normal, Pattern, Occurrence, ChangedOccurrence, DeletedOccurrence"),
        *sensitive(
            "privileged",
            string("subject", "Subject of the event"),
            string("description", "Description of the event"),
            string("location", "Location of the event"),
        ),
        boolean("allDay", "Whether the event lasts all day"),
        boolean("nonBillable", "Whether the event is non-billable; true for events over 12 hours"),
        string("startTime", "Start date and time, local to `timeZone`"),
        string("endTime", "End date and time, local to `timeZone`"),
        string("timeZone", "IANA time zone, such as Australia/Sydney"),
        updated_at_time("lastUpdated", "Date and time of the last update (UTC)"),
        *sensitive("privileged", json_object("additionalData", "Additional key-value pairs")),
        boolean("isDeleted", "Whether the event is deleted"),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        return {**super().params(since), "From": LONG_AGO}


class EventRemindersStream(ChildStream):
    """Reminders of calendar events; takes one request per event."""

    name = "event_reminders"
    selected_by_default = False
    path = "/events/{eventId}/reminders"
    primary_keys = ("eventId", "index")
    parent_stream_type = EventsStream
    parent_key = "eventId"
    scope = "events/read"
    response_format = NUMBERED_ARRAY
    columns = (
        integer("index", "Zero-based position of the reminder; it has no ID"),
        integer("offset", "Time before the event, in units of `offsetTypeId`"),
        integer("offsetTypeId", "Unit of `offset`; the codes are undocumented"),
        boolean("isAllDayReminder", "Whether the reminder is of an all-day event"),
        strings("userIds", "IDs of the users who are reminded"),
    )


class MemosStream(MatterChildStream):
    """Memos of a matter, including deleted ones."""

    name = "memos"
    selected_by_default = False
    path = "/matters/{matterId}/memos"
    primary_keys = ("id",)
    scope = "memos/read"
    sensitivity = "privileged"
    event_types = ("memo.created", "memo.updated", "memo.deleted", "memo.restored")
    columns = (
        string("id", "ID of the memo"),
        string("href", "URL of the memo in the API"),
        string("matterId", "ID of the parent matter"),
        string("title", "Title of the memo"),
        opt_in(string("text", "Text in RTF; see `plainText` for the unformatted text")),
        string("plainText", "Text without formatting"),
        date_time("createdDate", "Creation date and time"),
        string("createdByUserId", "ID of the user who created the memo"),
        updated_at_time("lastUpdated", "Date and time of the last update (UTC)"),
        string("updatedByUserId", "ID of the user who last updated the memo"),
        boolean("isDeleted", "Whether the memo is deleted"),
    )


STREAMS = (
    TasksStream,
    SubtasksStream,
    TaskDocumentsStream,
    EventsStream,
    EventRemindersStream,
    MemosStream,
)
