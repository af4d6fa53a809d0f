"""Intake forms and submissions, for firms that subscribe to the add-on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    matter_link,
    parent_id,
    property_setter,
    recent_ticks,
    ticks_during,
    ticks_soon_after,
)
from smokeball_sandbox.areas.firm import INTAKE_ADD_ON
from smokeball_sandbox.areas.matters import matter_plan, matter_plans
from smokeball_sandbox.clock import iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, Row
from smokeball_sandbox.value_helpers import guid, record_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.areas.matters import MatterPlan
    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

SCOPE = "intake/read"
_STATUSES = ("draft", "active", "completed", "completed", "cancelled")
_METHODS = ("email", "communicate", "embed", "internalUse", "document")
_SUBMITTED, _SUBMITTED_LEADS = 0.15, 0.6


def _date_time(ticks: int) -> str:
    """Format ticks as the intake endpoints do: UTC with a numeric offset."""
    return f"{iso(ticks, fraction=True)[:-1]}+00:00"


def mark_updated(row: Row, _: Random) -> None:
    """Set the updated-at field."""
    row.data["lastUpdated"] = _date_time(row.updated)


def form_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all forms; the last is inactive."""
    rng = firm.rng("intake forms")
    rows = [_form(firm, rng, title, recent_ticks(firm, rng)) for title in sample_text.FORMS]
    rows[-1].data["active"] = False
    return rows


def create_form(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a form."""
    return _form(firm, rng, "New form", request.now)


def _form(firm: Firm, rng: Random, title: str, ticks: int) -> Row:
    id_ = guid(rng)
    kinds = rng.sample(firm.matter_types, 3)
    data: Data = {
        **record_header(id_, f"{firm.url}/intake/forms/{id_}", "IntakeForms"),
        "isSmokeballForm": rng.random() < 0.4,  # noqa: PLR2004
        "title": title,
        "category": rng.choice(("lead", "matter")),
        "matterTypes": [firm.matter_type_link(rng, kind) for kind in kinds],
        "active": True,
        "createdDate": _date_time(ticks),
        "lastUpdated": _date_time(ticks),
    }
    return Row(data, ticks)


def submission_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the submissions of the client of a matter or lead."""
    plan = matter_plan(parent)
    if plan is None:
        return []
    rng = firm.rng("submissions", plan.id)
    if rng.random() > (_SUBMITTED_LEADS if plan.is_lead else _SUBMITTED):
        return []
    return [
        _submission(firm, rng, plan, ticks_during(rng, plan)) for _ in range(rng.choice((1, 1, 2)))
    ]


def create_submission(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a submission of the client."""
    plan = matter_plan(request.parent) or rng.choice(matter_plans(firm))
    return _submission(firm, rng, plan._replace(id=parent_id(request)), request.now)


def _submission(firm: Firm, rng: Random, plan: MatterPlan, ticks: int) -> Row:
    id_ = guid(rng)
    form = rng.choice(firm.cached("intake forms", lambda: form_rows(firm, None)))
    updated = ticks_soon_after(firm, rng, ticks)
    data: Data = {
        **record_header(id_, f"{firm.url}/intake/{plan.id}/submissions/{id_}", "IntakeSubmissions"),
        "formId": form.id,
        "formTitle": form.data["title"],
        "status": rng.choice(_STATUSES),
        "communicationMethod": rng.choice(_METHODS),
        "matter": matter_link(firm, rng, plan.id),
        "createdDate": _date_time(ticks),
        "lastUpdated": _date_time(updated),
        "recipient": {
            "contactId": plan.client.id,
            "email": "client@example.org",
            "name": plan.client.full_name,
        },
        "responses": _responses(rng, plan),
    }
    return Row(data, updated, plan.id)


def _responses(rng: Random, plan: MatterPlan) -> list[Data]:
    """Return the responses, which only the by-id endpoint includes."""
    return [
        {
            "sectionTitle": "Contact details",
            "groups": [
                {
                    "label": "Primary contact",
                    "fields": [
                        {"type": "text", "label": "Name", "value": plan.client.full_name},
                        {"type": "phoneNumber", "label": "Phone", "value": "555 0100"},
                    ],
                }
            ],
            "fields": [
                {"type": "yesNo", "label": "Represented?", "value": rng.choice(("yes", "no"))},
                {"type": "signature", "label": "Signature"},
            ],
        }
    ]


def _filter_by_matter_type(query: Query) -> Callable[[Row], bool] | None:
    wanted = (query.value("matterTypeId") or "").lower()
    if not wanted:
        return None
    return lambda row: any(each["id"].lower() == wanted for each in row.data["matterTypes"])


INTAKE_FORMS = Resource(
    name="intake_forms",
    path="/intake/forms",
    scope=SCOPE,
    generate=form_rows,
    create=create_form,
    mark_updated=mark_updated,
    mark_deleted=property_setter("active", value=False),
    id_parameter=None,
    filters=(_filter_by_matter_type,),
    add_on=INTAKE_ADD_ON,
)
INTAKE_SUBMISSIONS = Resource(
    name="intake_submissions",
    path="/intake/{matterId}/submissions",
    scope=SCOPE,
    parent="matters",
    generate=submission_rows,
    create=create_submission,
    mark_updated=mark_updated,
    mark_deleted=property_setter("status", "cancelled"),
    id_parameter="submissionId",
    by_id_only_fields=("responses",),
    add_on=INTAKE_ADD_ON,
)
