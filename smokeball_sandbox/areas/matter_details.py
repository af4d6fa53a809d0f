"""Details of a matter: roles, billing configuration and archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import (
    leave_unmarked,
    parent_id,
    renew_version,
    ticks_soon_after,
)
from smokeball_sandbox.areas.matters import matter_plan
from smokeball_sandbox.clock import TICKS_PER_DAY, UNSET_DATE, iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, ResponseFormat, Row
from smokeball_sandbox.value_helpers import guid, money, record_header

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Contact, Firm

_ARCHIVED = 0.4
_MY_FIRM = 0.3
_NULL_REPRESENTATIVES, _RELATIVE_LINKS = 0.1, 0.2
_CONTINGENCY_DOLLARS, _CONTINGENCY_PERCENT, _CONDITIONAL = 4, 5, 7
_BILLING_TYPES = (3, 3, 3, 3, 1, 1, 0, 2, _CONTINGENCY_DOLLARS, _CONTINGENCY_PERCENT, 6)


def role_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the roles of a matter: two parties, an empty one, at times a witness."""
    plan = matter_plan(parent)
    if plan is None:
        return []
    rng = firm.rng("roles", plan.id)
    names = sample_text.SIDES.get(plan.matter_type.category, ("Client", "Other Side"))
    client = _role(firm, rng, plan.id, plan.client_role, names[0], plan.client)
    client.data |= {"isClient": True, "roleDescription": "Instructing client"}
    other = _role(firm, rng, plan.id, plan.other_role, names[1], plan.other)
    other.data["isOtherSide"] = True
    rows = [client, other, _role(firm, rng, plan.id, guid(rng), "Judge", None)]
    if rng.random() < 0.4:  # noqa: PLR2004
        rows.append(_role(firm, rng, plan.id, guid(rng), "Witness", rng.choice(firm.contacts)))
    live = firm.rng("live roles", plan.id)
    for row in rows:
        row.updated = plan.opened
        _add_live_oddity(live, row.data)
    return rows


def _add_live_oddity(rng: Random, data: Data) -> None:
    """Make some roles as live ones were seen: the firm itself, nulls, links without address."""
    chance = rng.random()
    if "contact" not in data:
        if chance < _MY_FIRM:
            data["contact"] = {"id": "MyFirm", "rel": "Contacts"}
    elif chance < _NULL_REPRESENTATIVES:
        data["representatives"] = [None]
    elif chance < _RELATIVE_LINKS:
        data["contact"]["href"] = f"contacts/{data['contact']['id']}"


def create_role(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a role."""
    row = _role(firm, rng, parent_id(request), guid(rng), "Witness", rng.choice(firm.contacts))
    row.updated = request.now
    return row


def _role(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, matter_id: str, id_: str, name: str, contact: Contact | None
) -> Row:
    href = f"{firm.url}/matters/{matter_id}/roles/{id_}"
    data: Data = {
        **record_header(id_, href, "Roles"),
        "name": name,
        "isClient": False,
        "isOtherSide": False,
    }
    if contact is not None:
        data["contact"] = firm.contact_link(rng, contact)
        if rng.random() < 0.5:  # noqa: PLR2004
            solicitor = guid(rng)
            data["representatives"] = [firm.contact_link(rng, rng.choice(firm.contacts))]
            data["relationships"] = [
                {
                    **record_header(
                        solicitor, f"{href}/relationships/{solicitor}", "Relationships"
                    ),
                    "name": "Solicitor",
                    "contact": firm.contact_link(rng, rng.choice(firm.contacts)),
                    "representatives": [firm.contact_link(rng, rng.choice(firm.contacts))],
                }
            ]
        if rng.random() < 0.3:  # noqa: PLR2004
            data["description"] = f"{name} in this matter"
    return Row(data, 0, matter_id)


def _roles_envelope(firm: Firm, matter: Row) -> Data:
    href = f"{firm.url}/matters/{matter.id}/roles"
    version = guid(firm.rng("version of roles", matter.id, matter.updated))
    return {"href": href, "rel": "Roles", "versionId": version, "matterId": matter.id}


def billing_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the billing configuration; matters added by a command have one, too."""
    if parent is None:
        return []
    plan = matter_plan(parent)
    row = _billing(firm, firm.rng("billing", parent.id), parent.id, plan and plan.client)
    row.updated = parent.updated if plan is None else plan.opened
    return [row]


def create_billing(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a billing configuration."""
    row = _billing(firm, rng, parent_id(request), None)
    row.updated = request.now
    return row


def _billing(firm: Firm, rng: Random, matter_id: str, client: Contact | None) -> Row:
    kinds = _BILLING_TYPES if firm.region == "us" else (*_BILLING_TYPES, _CONDITIONAL)
    kind = rng.choice(kinds)
    href = f"{firm.url}/matters/{matter_id}/billingconfiguration"
    data: Data = {
        **record_header(matter_id, href, "BillingConfiguration"),
        "versionId": guid(rng),
        "billingType": kind,
        "amount": money(rng.randrange(50_000, 900_000, 5)) if kind in {1, 2, 3} else 0,
        "disbursementAmount": money(rng.randrange(5_000, 90_000, 5)) if kind in {1, 2} else 0,
        "contingencyAmount": rng.choice((25, 33.5, 40)) if kind == _CONTINGENCY_PERCENT else 0,
        "isUtbmsEnabled": firm.region == "us" and rng.random() < 0.3,  # noqa: PLR2004
        "ledesTimekeeperClassificationType": rng.randrange(3),
    }
    if client is not None:
        data["debtors"] = [firm.contact_link(rng, client)]
    if data["isUtbmsEnabled"]:
        for name in ("ledesFirmId", "ledesMatterId", "ledesClientMatterId"):
            data[name] = str(rng.randrange(100_000, 999_999))
    if firm.region != "us":
        data["rateSetId"] = str(rng.randrange(100_000, 999_999))
    return Row(data, 0, matter_id)


def archive_rows(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the archive record of a closed matter, if it is archived."""
    plan = matter_plan(parent)
    if plan is None or plan.status != "Closed":
        return []
    rng = firm.rng("archive", plan.id)
    return [_archive(firm, rng, plan.id, plan.closed)] if rng.random() < _ARCHIVED else []


def create_archive(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create an archive record, dated now."""
    return _archive(firm, rng, parent_id(request), request.now)


def _archive(firm: Firm, rng: Random, matter_id: str, ticks: int) -> Row:
    ticks = ticks_soon_after(firm, rng, ticks)
    data: Data = {
        **record_header(matter_id, f"{firm.url}/matters/{matter_id}/archive", "Archive"),
        "archivedDate": iso(ticks),
        "archiveBoxNumber": str(rng.randrange(1, 900)),
        "archivedLocation": rng.choice(("Basement", "Off site", "Scanned")),
        "destroyDate": UNSET_DATE,
        "isArchived": True,
    }
    if rng.random() < 0.5:  # noqa: PLR2004
        data["archiveComments"] = "Deeds returned to the client"
        data["destroyDate"] = iso(ticks + 7 * 365 * TICKS_PER_DAY)
    return Row(data, ticks, matter_id)


MATTER_ROLES = Resource(
    name="matter_roles",
    path="/matters/{matterId}/roles",
    scope="roles/read",
    parent="matters",
    generate=role_rows,
    create=create_role,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.WRAPPED,
    rows_key="roles",
    envelope_properties=_roles_envelope,
)
BILLING_CONFIGURATIONS = Resource(
    name="billing_configurations",
    path="/matters/{matterId}/billingconfiguration",
    scope="billingconfiguration/read",
    parent="matters",
    generate=billing_rows,
    create=create_billing,
    mark_updated=renew_version,
    mark_deleted=None,
    response_format=ResponseFormat.OBJECT,
    id_parameter=None,
)
ARCHIVES = Resource(
    name="archives",
    path="/matters/{matterId}/archive",
    scope="archive/read",
    parent="matters",
    generate=archive_rows,
    create=create_archive,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    response_format=ResponseFormat.OBJECT,
    id_parameter=None,
)
