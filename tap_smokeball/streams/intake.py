"""Intake: forms that clients fill in, and what they answered. An add-on of the firm."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_smokeball.api.client import Endpoint
from tap_smokeball.api.response_parsers import OBJECT
from tap_smokeball.errors import NotFound
from tap_smokeball.records.columns import (
    changed_at,
    flag,
    link,
    links,
    many,
    moment,
    nested,
    opt_in,
    text,
)
from tap_smokeball.records.record_builder import Columns
from tap_smokeball.streams.matters import MattersStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.top_level_stream import FirmWideStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_smokeball.api.pagination import Row

SCOPE = "for intake (not in the vendor's list; the firm needs the add-on Intake)"

_ANSWERS = many(
    "fields",
    "Questions and answers",
    text("type", "Kind of field, as text, date, phoneNumber or signature"),
    text("label", "Question"),
    text("value", "Answer"),
)


class IntakeFormsStream(FirmWideStream):
    """Forms that the firm sends to clients."""

    name = "intake_forms"
    selected_by_default = False
    path = "/intake/forms"
    primary_keys = ("id",)
    scope = SCOPE
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the form"),
        text("href", "Address of the form in the API"),
        flag("isSmokeballForm", "Whether it is one of Smokeball's own forms"),
        text("title", "Title"),
        text("category", "What it is for: lead or matter"),
        links("matterTypes", "Matter types that it is offered for"),
        flag("active", "Whether it is in use"),
        moment("createdDate", "When the form was made"),
        changed_at("lastUpdated", "When the form last changed"),
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
    sensitive = "personal"
    stamp = "lastUpdated"
    columns = Columns(
        text("id", "Id of the submission"),
        text("href", "Address of the submission in the API"),
        text("formId", "Id of the form"),
        text("formTitle", "Title of the form"),
        text("status", "Status: draft, active, completed or cancelled"),
        text(
            "communicationMethod",
            "How it went out: email, communicate, embed, internalUse or document",
        ),
        link("matter", "Matter of the submission"),
        moment("createdDate", "When the submission was made"),
        changed_at("lastUpdated", "When the submission last changed"),
        nested(
            "recipient",
            "Whom it was sent to",
            text("contactId", "Id of the contact"),
            text("email", "Email address"),
            text("name", "Name"),
        ),
        opt_in(
            many(
                "responses",
                "Answers, by section",
                text("sectionTitle", "Title of the section"),
                many("groups", "Groups in it", text("label", "Title of the group"), _ANSWERS),
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
        except NotFound:  # deleted since it was listed
            return row
        return {**row, "responses": page.rows[0].get("responses")}


STREAMS = (IntakeFormsStream, IntakeSubmissionsStream)
