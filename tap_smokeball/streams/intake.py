"""Intake: forms that clients fill in, and what they answered. An add-on of the firm."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.errors import NotFoundError
from tap_smokeball.records.columns import (
    boolean,
    date_time,
    link,
    links,
    nested_object,
    object_list,
    opt_in,
    string,
    updated_at_time,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.top_level_stream import TopLevelStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pagination import Row

SCOPE = "for intake (not in the vendor's list; the firm needs the add-on Intake)"

_ANSWERS = object_list(
    "fields",
    "Questions and answers",
    string("type", "Kind of field, as text, date, phoneNumber or signature"),
    string("label", "Question"),
    string("value", "Answer"),
)


class IntakeFormsStream(TopLevelStream):
    """Forms that the firm sends to clients."""

    name = "intake_forms"
    selected_by_default = False
    path = "/intake/forms"
    primary_keys = ("id",)
    scope = SCOPE
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the form"),
        string("href", "Address of the form in the API"),
        boolean("isSmokeballForm", "Whether it is one of Smokeball's own forms"),
        string("title", "Title"),
        string("category", "What it is for: lead or matter"),
        links("matterTypes", "Matter types that it is offered for"),
        boolean("active", "Whether it is in use"),
        date_time("createdDate", "When the form was made"),
        updated_at_time("lastUpdated", "When the form last changed"),
    )


class IntakeSubmissionsStream(ChildStream):
    """Forms sent out for a matter; the answers if selected, at a request each."""

    name = "intake_submissions"
    selected_by_default = False
    parent_stream_type = MattersStream
    parent_key = "matterId"
    path = "/intake/{matterId}/submissions"
    primary_keys = ("id",)
    scope = SCOPE
    sensitivity = "personal"
    updated_at_field = "lastUpdated"
    columns = Columns(
        string("id", "Id of the submission"),
        string("href", "Address of the submission in the API"),
        string("formId", "Id of the form"),
        string("formTitle", "Title of the form"),
        string("status", "Status: draft, active, completed or cancelled"),
        string(
            "communicationMethod",
            "How it went out: email, communicate, embed, internalUse or document",
        ),
        link("matter", "Matter of the submission"),
        date_time("createdDate", "When the submission was made"),
        updated_at_time("lastUpdated", "When the submission last changed"),
        nested_object(
            "recipient",
            "Whom it was sent to",
            string("contactId", "Id of the contact"),
            string("email", "Email address"),
            string("name", "Name"),
        ),
        opt_in(
            object_list(
                "responses",
                "Answers, by section",
                string("sectionTitle", "Title of the section"),
                object_list(
                    "groups", "Groups in it", string("label", "Title of the group"), _ANSWERS
                ),
                _ANSWERS,
            ),
        ),
    )

    @override
    def requests_below(self, rows: int) -> int:
        return super().requests_below(rows) + (rows if self._with_responses else 0)

    @override
    def read_below(self, ids: dict[str, str], params: dict[str, Any]) -> Iterator[list[Row]]:
        for rows in super().read_below(ids, params):
            yield [self._with_answers(ids, row) for row in rows] if self._with_responses else rows

    @property
    def _with_responses(self) -> bool:
        return self.is_selected(("properties", "responses"))

    def _with_answers(self, ids: dict[str, str], row: Row) -> Row:
        endpoint = Endpoint(self.name, f"{self.path}/{{submissionId}}", self.scope)
        ids = {**ids, "submissionId": row["id"]}
        try:
            page = self._tap.api.get(endpoint, ids, {}, OBJECT.read).data
        except NotFoundError:  # deleted since it was listed
            return row
        return {**row, "responses": page.rows[0].get("responses")}


STREAMS = (IntakeFormsStream, IntakeSubmissionsStream)
