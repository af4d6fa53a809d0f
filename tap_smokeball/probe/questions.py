"""All questions, in the order in which they are asked."""

from __future__ import annotations

from tap_smokeball.probe import (
    access_questions,
    document_questions,
    filter_questions,
    list_questions,
    money_questions,
    payload_questions,
    version_questions,
)

ALL = (
    *list_questions.QUESTIONS,
    *filter_questions.QUESTIONS,
    *version_questions.QUESTIONS,
    *money_questions.QUESTIONS,
    *payload_questions.QUESTIONS,
    *document_questions.QUESTIONS,
    *access_questions.QUESTIONS,
    *payload_questions.LAST_QUESTIONS,
    *access_questions.LAST_QUESTIONS,
)
