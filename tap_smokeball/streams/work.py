"""Work: what is to be done, when, and what was noted about it."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball import dotnet_ticks
from tap_smokeball.api.response_parsers import VALUE
from tap_smokeball.records.columns import (
    changed_at,
    code,
    day,
    flag,
    free,
    link,
    links,
    marked,
    moment,
    opt_in,
    text,
    text_or_code,
    texts,
    updated_at,
    whole,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream, ParentStream
from tap_smokeball.sync.list_reader import Since
from tap_smokeball.sync.top_level_stream import FirmWideStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LONG_AGO = "1990-01-01T00:00:00"
"""Before any event: without ``From`` the API leaves out what is past."""


class TasksStream(ParentStream):
    """Tasks of all matters, done or not, deleted ones included."""

    name = "tasks"
    noun = "tasks"
    path = "/tasks"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "tasks/read"
    since = Since("LastUpdated", dotnet_ticks.to_iso_seconds)
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the task"),
        text("href", "Address of the task in the API"),
        link("matter", "Matter of the task"),
        link("parentTask", "Task that this one is a part of"),
        link("createdBy", "Staff member who made the task"),
        link("completedBy", "Staff member who completed the task"),
        link("lastUpdatedBy", "Staff member who last changed the task"),
        links("assignees", "Staff members who are to do it"),
        links("subTasks", "Parts of the task; see the stream `subtasks`"),
        *marked(
            "privileged",
            text("subject", "What is to be done, in short"),
            text("note", "Notes on the task"),
        ),
        texts("categories", "Categories of the task"),
        moment("dueDate", "When it is due; given up by the API in favour of `dueDateOnly`"),
        day("dueDateOnly", "Day on which it is due"),
        moment("completedDate", "When it was done; given up in favour of `completedDateOnly`"),
        day("completedDateOnly", "Day on which it was done"),
        moment("createdDate", "When it was made; given up in favour of `createdDateOnly`"),
        day("createdDateOnly", "Day on which it was made"),
        flag("isCompleted", "Whether the task is done"),
        flag("isDeleted", "Whether the task is deleted"),
        whole("lastUpdated", "When the task last changed: .NET ticks"),
        updated_at("lastUpdated"),
        text("duration", "Duration in ISO 8601, as PT4H33M"),
    )


class SubtasksStream(ChildStream):
    """Parts of tasks; only tasks that list some are asked for them."""

    name = "subtasks"
    selected_by_default = False
    parent_stream_type = TasksStream
    parent_key = "taskId"
    only_below = "subTasks"
    path = "/tasks/{taskId}/subtasks"
    primary_keys = ("id",)
    scope = "tasks/read"
    shape = VALUE
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the subtask"),
        text("href", "Address of the subtask in the API"),
        link("parentTask", "Task that it is a part of"),
        link("createdBy", "Staff member who made the subtask"),
        link("completedBy", "Staff member who completed the subtask"),
        link("lastUpdatedBy", "Staff member who last changed the subtask"),
        *marked("privileged", text("subject", "What is to be done, in short")),
        moment("completedDate", "When it was done; given up in favour of `completedDateOnly`"),
        day("completedDateOnly", "Day on which it was done"),
        moment("createdDate", "When it was made; given up in favour of `createdDateOnly`"),
        day("createdDateOnly", "Day on which it was made"),
        flag("isCompleted", "Whether the subtask is done"),
        flag("isDeleted", "Whether the subtask is deleted"),
        whole("lastUpdated", "When the subtask last changed: .NET ticks"),
        updated_at("lastUpdated"),
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
    shape = VALUE
    columns = Columns(
        text("id", "Id of the attachment"),
        text("href", "Address of the attachment in the API"),
        link("task", "Task that it is attached to"),
        *code("type", "Kind of document", {0: "File", 1: "FormTemplate", 2: "Memo"}),
        flag("isDeleted", "Whether the attachment is deleted"),
        link("document", "The document"),
    )


class EventsStream(FirmWideStream):
    """Events of the calendar, past and to come, deleted ones included."""

    name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = "lastUpdated"
    scope = "events/read"
    since = Since("UpdatedSince", dotnet_ticks.to_zoneless_seconds)
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the event"),
        text("href", "Address of the event in the API"),
        link("matter", "Matter of the event"),
        links("attendees", "Staff members who take part"),
        *marked("privileged", links("externalAttendees", "Contacts who take part")),
        text_or_code("eventType", "Kind of event; given up by the API in favour of `type`"),
        text("type", "Normal, Pattern, Occurrence, ChangedOccurrence or DeletedOccurrence"),
        *marked(
            "privileged",
            text("subject", "Subject"),
            text("description", "Description"),
            text("location", "Place"),
        ),
        flag("allDay", "Whether it takes the whole day"),
        flag("nonBillable", "Whether it can not be billed; so if longer than 12 hours"),
        text("startTime", "When it begins, by the clock in `timeZone`"),
        text("endTime", "When it ends, by the clock in `timeZone`"),
        text("timeZone", "Time zone, as Australia/Sydney"),
        changed_at("lastUpdated", "When the event last changed"),
        *marked("privileged", free("additionalData", "More about the event, by name")),
        flag("isDeleted", "Whether the event is deleted"),
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
    sensitive = "privileged"
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the memo"),
        text("href", "Address of the memo in the API"),
        text("matterId", "Id of the matter that the memo was read below"),
        text("title", "Title"),
        opt_in(text("text", "Text in RTF; `plainText` has the words")),
        text("plainText", "Text without its layout"),
        moment("createdDate", "When the memo was written"),
        text("createdByUserId", "Id of the user who wrote the memo"),
        changed_at("lastUpdated", "When the memo last changed"),
        text("updatedByUserId", "Id of the user who last changed the memo"),
        flag("isDeleted", "Whether the memo is deleted"),
    )


STREAMS = (TasksStream, SubtasksStream, TaskDocumentsStream, EventsStream, MemosStream)
