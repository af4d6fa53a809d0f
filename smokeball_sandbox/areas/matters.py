"""Matters and leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from smokeball_sandbox import sample_text
from smokeball_sandbox.clock import TICKS_PER_DAY, iso
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.value_helpers import guid, link, money

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.firm import Contact, Firm, MatterType, Person
    from smokeball_sandbox.query import Query

_YEARS_BACK = 6
_LEADS = 0.10
_FRACTIONS = 0.2
_DIGITS = (7, 3, 6)
_TEMPLATE_EVERY = 50
_NUMBERED_LEADS = 0.3
_TYPES = ("Matters", "Leads")
_STATUSES = ("Open", "Pending", "Closed", "Deleted", "Cancelled")
_WEIGHTS = (48, 8, 38, 3, 3)
_FINISHED = {"Closed", "Deleted", "Cancelled"}


class MatterPlan(NamedTuple):
    """Seed of a matter's child rows; changes of its record do not affect it."""

    id: str
    ordinal: int
    is_lead: bool
    status: str
    opened: int
    closed: int
    client: Contact
    other: Contact
    matter_type: MatterType
    responsible: Person
    client_role: str
    other_role: str
    layout: str
    is_template: bool = False


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all matters and leads of the firm."""
    rng = firm.rng("matters")
    latest = firm.anchor_ticks - TICKS_PER_DAY
    rows = []
    for index in range(firm.matters):
        age = int(rng.random() ** 1.6 * _YEARS_BACK * 365 * TICKS_PER_DAY) + TICKS_PER_DAY
        row = _matter(firm, rng, index, latest - age, latest, is_lead=rng.random() < _LEADS)
        rows.append(row)
    return rows


def matter_plans(firm: Firm) -> list[MatterPlan]:
    """Return the plans of all initial matters and leads, for top-level lists."""
    return firm.cached(
        "matters",
        lambda: [row.plan for row in generate(firm, None) if isinstance(row.plan, MatterPlan)],
    )


def matter_plan(row: Row | None) -> MatterPlan | None:
    """Return the plan of a matter; None if a command added it."""
    return row.plan if row is not None and isinstance(row.plan, MatterPlan) else None


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a matter or lead, opened now."""
    is_lead = bool(request.properties.get("isLead"))
    index = firm.matters + rng.randrange(1_000_000)
    row = _matter(firm, rng, index, request.now, request.now, is_lead=is_lead, status="Open")
    row.plan = None
    return row


def convert_lead(firm: Firm, rng: Random, row: Row, now: int) -> None:
    """Convert a lead to a matter."""
    for name in [name for name in row.data if name.startswith("lead")]:
        del row.data[name]
    index = firm.matters + rng.randrange(1_000_000)
    row.data |= {
        "isLead": False,
        "number": row.data.get("number", f"CON-{index}"),
        "status": "Open",
        "openedDate": iso(now),
    }


def mark_updated(row: Row, _: Random) -> None:
    """Set the version, which is the ticks of the last change."""
    row.data["versionId"] = str(row.updated)


def mark_deleted(data: Data) -> None:
    """Set the status of deleted matters, which stay in the list."""
    data["status"] = "Deleted"


def _matter(  # noqa: PLR0913
    firm: Firm,
    rng: Random,
    index: int,
    opened: int,
    latest: int,
    *,
    is_lead: bool,
    status: str | None = None,
) -> Row:
    status = status or rng.choices(_STATUSES, _WEIGHTS)[0]
    is_template = not is_lead and index % _TEMPLATE_EVERY == _TEMPLATE_EVERY - 1
    is_template = is_template and status == "Open" and index < firm.matters
    client, other = rng.choice(firm.contacts), rng.choice(firm.contacts)
    matter_type = rng.choice(firm.matter_types)
    responsible, assisting = rng.choice(firm.staff), rng.choice(firm.staff)
    closed = opened + int((0.2 + 0.8 * rng.random()) * (latest - opened))
    last = closed if status in _FINISHED else latest
    updated = opened + int(rng.random() ** 0.4 * (last - opened))
    if status in _FINISHED:
        updated = closed
    id_ = guid(rng)
    href = f"{firm.url}/matters/{id_}"
    data: Data = {
        "id": id_,
        "href": href,
        "rel": "Matters",
        "self": {"id": id_, "href": href},
        "versionId": str(updated),
        "title": f"{client.name} - {matter_type.name} - {other.name}",
        "matterType": firm.matter_type_link(rng, matter_type),
        "clients": [firm.contact_link(rng, client)],
        "otherSides": [firm.contact_link(rng, other)],
        "status": status,
        "personResponsible": firm.staff_link(rng, responsible),
        "isLead": is_lead,
        "isMatterTemplate": is_template,
        "tags": _tags(firm, rng),
        "items": _items(firm, rng, client, other),
    }
    if is_lead:
        data["leadOpenedDate"] = _date(rng, opened)
        if status in _FINISHED:
            data["leadClosedDate"] = _date(rng, closed)
            data["leadClosedReason"] = rng.choice(sample_text.LEAD_CLOSE_REASONS)
    # A firm can number its leads as well.
    if not is_lead or firm.rng("lead number", id_).random() < _NUMBERED_LEADS:
        number = f"{client.name[:3].upper()}-{1001 + index}"
        data |= {"number": number, "title": f"{number} - {data['title']}"}
    if not is_lead:
        data["openedDate"] = _date(rng, opened)
        if status in _FINISHED:
            data["closedDate"] = _date(rng, closed)
    if rng.random() < 0.6:  # noqa: PLR2004
        data["description"] = (
            f"{matter_type.name} for {client.full_name}, against {other.full_name}"
        )
    _add_some(firm, rng, data, index, assisting)
    if rng.random() < 0.3:  # noqa: PLR2004
        data["clientIds"] = [client.id]
        data["otherSideIds"] = [other.id]
        data["personResponsibleStaffId"] = responsible.id
    items = data["items"]
    plan = MatterPlan(
        id=id_,
        ordinal=index,
        is_lead=is_lead,
        status=status,
        opened=opened,
        closed=last,
        client=client,
        other=other,
        matter_type=matter_type,
        responsible=responsible,
        client_role=items["Client"][0]["id"],
        other_role=items["Other Side"][0]["id"],
        layout=items["Matter Details"][0]["id"],
        is_template=is_template,
    )
    return Row(data, updated, plan=plan)


def _add_some(firm: Firm, rng: Random, data: Data, index: int, assisting: Person) -> None:
    """Add properties that only some matters have."""

    def happens(share: float) -> bool:
        return rng.random() < share

    if happens(0.5):
        data["personAssisting"] = firm.staff_link(rng, assisting)
        data["personAssistingStaffs"] = [firm.staff_link(rng, rng.choice(firm.staff))]
    if happens(0.2):
        data["externalSystemId"] = f"EXT{index:05d}"
    if happens(0.4):
        id_, _ = rng.choice(firm.branches)
        data["branch"] = link(rng, id_, f"{firm.url}/branches/{id_}", "Branches")
        data["branchProviderId"] = "Smokeball"
    if happens(0.35):
        data["referralType"] = rng.choice(sample_text.REFERRAL_TYPES)
        data["referrer"] = firm.contact_link(rng, rng.choice(firm.contacts))
        data["referralAgreementFeeType"] = "Percentage"
        data["referralAgreementFee"] = money(rng.randrange(500, 3_000, 125))
        if happens(0.2):
            data["referralAgreementFeeComment"] = "Agreed by telephone"
    if happens(0.3):
        first, second = rng.choice(firm.staff), rng.choice(firm.staff)
        data["originatingStaff"] = firm.staff_link(rng, first)
        data["originatingStaffs"] = [firm.staff_link(rng, second)]
        ratio = rng.randrange(10, 91, 5)
        data["splitOriginatingStaffSettings"] = {
            "isEnabled": True,
            "splitMethod": "UseRatio",
            "remainderStaffId": second.id,
            "splitMatterStaffs": [
                {"matterStaffId": first.id, "matterStaffRatio": ratio},
                {"matterStaffId": second.id, "matterStaffRatio": 100 - ratio},
            ],
        }
    if firm.region != "us" and happens(0.5):
        data["clientCode"] = f"C{index:05d}"
    if firm.region == "uk":
        data["supervisor"] = firm.staff_link(rng, firm.staff[0])


def _date(rng: Random, ticks: int) -> str:
    """Return a date-time: most in whole seconds, others with 3, 6 or 7 digits."""
    if rng.random() >= _FRACTIONS:
        return iso(ticks)
    return f"{iso(ticks, fraction=True)[: 20 + _DIGITS[ticks % len(_DIGITS)]]}Z"


def _tags(firm: Firm, rng: Random) -> list[Data]:
    tags: list[Data] = []
    for name, color in sample_text.TAGS:
        chance = rng.random()
        if chance < 0.15:  # noqa: PLR2004
            tag: Data = {"id": guid(rng), "type": "Custom", "name": name, "color": color}
            if chance < 0.03:  # noqa: PLR2004
                tag["type"] = "Staff"
                tag["staff"] = firm.staff_link(rng, rng.choice(firm.staff))
            tags.append(tag)
    return tags


def _items(firm: Firm, rng: Random, client: Contact, other: Contact) -> Data:
    """Return the tree of roles and layouts; an empty role has no id."""
    first, second = guid(rng), guid(rng)
    return {
        "Client": [
            {
                "type": "role",
                "id": first,
                "name": "Client",
                "contact": firm.contact_link(rng, client),
                "subItems": {"Attorney": [{"type": "role", "name": "Attorney"}]},
            }
        ],
        "Other Side": [
            {
                "type": "role",
                "id": second,
                "name": "Other Side",
                "contact": firm.contact_link(rng, other),
            }
        ],
        "Judge": [{"type": "role", "name": "Judge"}],
        "Matter Details": [{"type": "layout", "id": guid(rng), "name": "Matter Details"}],
    }


def _filter_by_type(query: Query) -> Callable[[Row], bool]:
    kinds = query.members("Type", _TYPES)
    is_lead = query.boolean("IsLead")
    if not kinds:
        kinds = ["Leads" if is_lead else "Matters"]
    return lambda row: _TYPES[row.data["isLead"]] in kinds


def _filter_by_status(query: Query) -> Callable[[Row], bool] | None:
    statuses = set(query.values("Status")) - {""}
    return (lambda row: row.data["status"] in statuses) if statuses else None


def _filter_by_matter_type(query: Query) -> Callable[[Row], bool] | None:
    wanted = (query.value("MatterTypeId") or "").lower()
    return (lambda row: row.data["matterType"]["id"].lower() == wanted) if wanted else None


def _filter_by_contact(query: Query) -> Callable[[Row], bool] | None:
    wanted = query.value("ContactId")
    if wanted is None:
        return None
    return lambda row: any(
        entry["id"] == wanted for side in ("clients", "otherSides") for entry in row.data[side]
    )


def _filter_by_text(query: Query) -> Callable[[Row], bool] | None:
    wanted = (query.value("Search") or "").lower()
    if not wanted:
        return None

    def test(row: Row) -> bool:
        texts: list[Any] = [row.data.get(name) for name in ("number", "title", "description")]
        return any(wanted in text.lower() for text in texts if text)

    return test


MATTERS = Resource(
    name="matters",
    path="/matters",
    scope="matters/read",
    generate=generate,
    create=create,
    mark_updated=mark_updated,
    mark_deleted=mark_deleted,
    id_parameter="matterId",
    date_filters=(DateFilter("UpdatedSince", "ticks"), DateFilter("LastUpdated", "iso")),
    sort={"lastUpdated": lambda row: row.updated, "status": lambda row: row.data["status"]},
    opt_in_fields=("items", "tags"),
    by_id_fields=("items",),
    filters=(
        _filter_by_type,
        _filter_by_status,
        _filter_by_matter_type,
        _filter_by_contact,
        _filter_by_text,
    ),
)
