"""Streams of the Intake add-on: forms and the answers that clients submit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.errors import NotFoundError
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    link,
    links,
    nested_object,
    object_list,
    private,
    string,
    updated_at_time,
)
from tap_smokeball.streams.matters import MatterChildStream
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pages import Row

SCOPE = "for intake (name undocumented; requires the Intake add-on)"

_ANSWERS = object_list(
    "fields",
    "Questions and answers",
    string("type", "Field type, such as text, date, phoneNumber or signature"),
    string("label", "Question"),
    string("value", "Answer"),
)


class IntakeFormsStream(TopLevelStream):
    """Intake forms that the firm sends to clients."""

    name = "intake_forms"
    selected_by_default = False
    path = "/intake/forms"
    primary_keys = ("id",)
    scope = SCOPE
    columns = (
        string("id", "ID of the form"),
        string("href", "URL of the form in the API"),
        boolean("isSmokeballForm", "Whether the form is provided by Smokeball"),
        string("title", "Title of the form"),
        string("category", "Category: lead or matter"),
        links("matterTypes", "Matter types for which the form is offered"),
        boolean("active", "Whether the form is active"),
        date_time("createdDate", "Creation date and time"),
        updated_at_time("lastUpdated", "Date and time of the last update (UTC)"),
    )


class IntakeSubmissionsStream(MatterChildStream):
    """Intake forms sent for a matter; answers, if selected, cost a request each."""

    name = "intake_submissions"
    selected_by_default = False
    path = "/intake/{matterId}/submissions"
    primary_keys = ("id",)
    scope = SCOPE
    sensitivity = "personal"
    has_usual_rows = False  # responses are added to them
    columns = (
        string("id", "ID of the submission"),
        string("href", "URL of the submission in the API"),
        string("formId", "ID of the form"),
        string("formTitle", "Title of the form"),
        string("status", "Status: draft, active, completed or cancelled"),
        string(
            "communicationMethod",
            "Delivery method: email, communicate, embed, internalUse or document",
        ),
        link("matter", "Matter of the submission"),
        date_time("createdDate", "Creation date and time"),
        updated_at_time("lastUpdated", "Date and time of the last update (UTC)"),
        nested_object(
            "recipient",
            "Recipient of the form",
            string("contactId", "ID of the contact"),
            string("email", "Email address"),
            string("name", "Name of the recipient"),
        ),
        *private(
            "personal",
            object_list(
                "responses",
                "Answers by section; one extra request per submission",
                string("sectionTitle", "Title of the section"),
                object_list(
                    "groups", "Groups of fields", string("label", "Title of the group"), _ANSWERS
                ),
                _ANSWERS,
            ),
        ),
    )

    @override
    def requests_per_parent(self, rows: int) -> int:
        return super().requests_per_parent(rows) + (rows if self._wants_responses else 0)

    @override
    def read_children(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        for rows in super().read_children(ids, params):
            yield (
                [self._with_responses(ids, row) for row in rows] if self._wants_responses else rows
            )

    @property
    def _wants_responses(self) -> bool:
        return self.is_selected(("properties", "responses"))

    def _with_responses(self, ids: dict[str, str], row: Row) -> Row:
        endpoint = self.endpoint("/{submissionId}")
        ids = {**ids, "submissionId": row["id"]}
        try:
            page = self.session.client.get(endpoint, ids, {}, OBJECT.parse).data
        except NotFoundError:  # deleted after it was listed
            return row
        return {**row, "responses": page.rows[0].get("responses") if page.rows else None}


STREAMS = (IntakeFormsStream, IntakeSubmissionsStream)
