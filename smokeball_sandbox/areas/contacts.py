"""Contacts and their relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import leave_unmarked, parent_id, property_setter, recent_ticks
from smokeball_sandbox.areas.firm import phone
from smokeball_sandbox.areas.identity import (
    company_execution,
    full_address,
    identity_documents,
    past_date,
    personal_details,
)
from smokeball_sandbox.firm import Contact
from smokeball_sandbox.resources import CreateRequest, Data, DateFilter, Resource, Row
from smokeball_sandbox.search import search_filter
from smokeball_sandbox.value_helpers import guid, link, record_header, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from smokeball_sandbox.firm import Firm
    from smokeball_sandbox.query import Query

KINDS = ("Staff", "Person", "Organisation", "GroupOfPeople", "Trust")
_BLOCKS = (
    "passportDetails",
    "deathDetails",
    "citizenshipDetails",
    "utbmsDetails",
    "tags",
    "executionOptions",
    "voiDetails",
)
_KEEP = 0.55
# Part of the seed: another key would generate another firm.
_MEMBERS_KEY = "kin"
_DELETED = 0.02
_MAX_MEMBERS = 3


def members_by_contact(firm: Firm) -> dict[str, list[Contact]]:
    """Return the members of each company, group and trust by its id."""

    def build() -> dict[str, list[Contact]]:
        rng = firm.rng(_MEMBERS_KEY)
        people = [each for each in firm.contacts if each.kind == "Person"]
        staff = [each for each in firm.contacts if each.kind == "Staff"]
        members: dict[str, list[Contact]] = {}
        for each in firm.contacts:
            count = rng.randrange(1, _MAX_MEMBERS + 1)
            if each.kind == "Organisation":
                members[each.id] = rng.sample(staff, min(count, len(staff)))
            elif each.kind in {"GroupOfPeople", "Trust"}:
                members[each.id] = rng.sample(people, min(count + 1, len(people)))
        return members

    return firm.cached("members", build)


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Generate all contacts; the first of each type has every property."""
    rng, members = firm.rng("contact records"), members_by_contact(firm)
    seen: set[str] = set()
    rows = []
    for contact in firm.contacts:
        keep = _KEEP if contact.kind in seen else 1
        seen.add(contact.kind)
        ticks = recent_ticks(firm, rng)
        row = _contact(firm, rng, contact, members.get(contact.id, []), keep, ticks)
        row.data["isDeleted"] = keep < 1 and rng.random() < _DELETED
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a person."""
    last = rng.choice(sample_text.LAST_NAMES)
    contact = Contact(guid(rng), last, f"{rng.choice(sample_text.FIRST_NAMES)} {last}", "Person")
    return _contact(firm, rng, contact, [], _KEEP, request.now)


def mark_updated(row: Row, rng: Random) -> None:
    """Set the updated-at field, in ticks, and renew the version."""
    row.data |= {"lastUpdated": row.updated, "versionId": guid(rng)}


def _contact(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, contact: Contact, members: list[Contact], keep: float, ticks: int
) -> Row:
    href = f"{firm.url}/contacts/{contact.id}"
    data: Data = {
        **record_header(contact.id, href, "Contacts"),
        "versionId": guid(rng),
        "isDeleted": False,
        "lastUpdated": ticks,
    }
    links = [firm.contact_link(rng, each) for each in members]
    if contact.kind == "Organisation":
        data["company"] = _company(firm, rng, contact, links, keep)
    elif contact.kind == "Trust":
        data["trust"] = _trust(firm, rng, contact, members, keep)
        data["trust"]["contacts"] = links
    elif contact.kind == "GroupOfPeople":
        data["groupOfPeople"] = _group(firm, rng, contact, keep)
        data["groupOfPeople"]["people"] = links
    else:
        data["person"] = _person(firm, rng, contact, keep)
    if rng.random() < 0.2 or keep == 1:  # noqa: PLR2004
        data["externalSystemId"] = f"EXT-{rng.randrange(100_000)}"
    if rng.random() < 0.25 or keep == 1:  # noqa: PLR2004
        name, _ = rng.choice(sample_text.TAGS)
        custom = {"id": guid(rng), "name": name, "type": "Custom"}
        data["tags"] = [{"name": "Client", "type": "Role"}, custom]
    return Row(data, ticks, plan=contact.kind)


def _person(firm: Firm, rng: Random, contact: Contact, keep: float) -> Data:
    first, _, last = contact.full_name.partition(" ")
    person: Data = {"firstName": first, "lastName": last}
    person |= sparse(rng, personal_details(firm, rng, last), keep)
    person |= sparse(rng, {"residentialAddress": full_address(firm, rng, keep)}, keep)
    if firm.region == "us":
        person |= sparse(rng, {"mailingAddress": full_address(firm, rng, keep)}, keep)
    if rng.random() < 0.7 or keep == 1:  # noqa: PLR2004
        person["email"] = f"{first}.{last}{rng.randrange(1000)}@example.org".lower()
    if rng.random() < 0.25 or keep == 1:  # noqa: PLR2004
        person |= sparse(rng, identity_documents(firm, rng), keep)
    return person


def _company(firm: Firm, rng: Random, contact: Contact, staff: list[Data], keep: float) -> Data:
    rest: Data = {
        "type": "Limited Liability Company" if firm.region == "us" else "Proprietary",
        "phone": phone(rng),
        "fax": phone(rng),
        "email": f"office{rng.randrange(1000)}@example.net",
        "website": "https://www.example.net",
        "notes": "Invoices to the head office.",
        "mailingAddress": full_address(firm, rng, keep),
        "businessAddress": full_address(firm, rng, keep),
    }
    if firm.region == "us":
        rest |= {
            "ein": f"{rng.randrange(100):02d}-{rng.randrange(10**7):07d}",
            "registeredDate": past_date(firm, rng, 300, 9_000),
            "stateId": str(rng.randrange(10**6)),
            "stateRegisteredIn": "DE",
            "countryRegisteredIn": sample_text.COUNTRIES[firm.region],
            "branch": "Head office",
            "registeredAddress": full_address(firm, rng, keep),
            "companyManagedBy": rng.choice(("Members", "Managers")),
            "doingBusinessAsName": f"{contact.name} Holdings",
        }
    else:
        rest |= {"abn": f"{rng.randrange(10**11):011d}", "tradingName": contact.name}
    if firm.region == "au":
        rest |= {
            "companyNumberType": "ACN",
            "companyNumber": f"{rng.randrange(10**9):09d}",
            "tradingAs": "Trading As",
            "executionOptions": company_execution(firm, rng),
        }
        dx = {"number": str(rng.randrange(1, 999)), "exchange": "DX Sydney", "state": "NSW"}
        rest["businessAddress"]["dxAddress"] = dx
    company: Data = {"name": contact.full_name, "firmIsRegisteredAgent": rng.random() < 0.1}  # noqa: PLR2004
    company |= sparse(rng, rest, keep)
    if staff:
        company |= {"staff": staff, "directors": staff[:1]}
        if rng.random() < 0.3 or keep == 1:  # noqa: PLR2004
            company["staffIds"] = [each["id"] for each in staff]
    return company


def _trust(firm: Firm, rng: Random, contact: Contact, members: list[Contact], keep: float) -> Data:
    rest = {
        "status": "as Trustee of",
        "trustNumber": str(rng.randrange(10**8)),
        "executedDate": past_date(firm, rng, 300, 9_000),
        "phone": phone(rng),
        "fax": phone(rng),
        "address": full_address(firm, rng, keep),
        "trustees": [{"name": each.full_name, "type": "Individual"} for each in members],
    }
    return {"name": contact.full_name, **sparse(rng, rest, keep)}


def _group(firm: Firm, rng: Random, contact: Contact, keep: float) -> Data:
    rest = {"residentialAddress": full_address(firm, rng, keep)}
    if firm.region == "us":
        rest["mailingAddress"] = full_address(firm, rng, keep)
    return {"name": contact.full_name, **sparse(rng, rest, keep)}


def _filter_by_kind(query: Query) -> Callable[[Row], bool] | None:
    kinds = query.values("Type")
    for kind in kinds:
        if kind not in KINDS:
            query.add_error("Type", f"'{kind}' is not one of: {', '.join(KINDS)}.")
    return (lambda row: row.plan in kinds) if kinds else None


def _filter_out_deleted(query: Query) -> Callable[[Row], bool] | None:
    excluded = query.boolean("ExcludeDeletedContacts")
    return (lambda row: not row.data["isDeleted"]) if excluded else None


def _names(data: Data) -> list[str | None]:
    person = data.get("person", {})
    others = (data.get(kind, {}).get("name") for kind in ("company", "trust", "groupOfPeople"))
    return [f"{person.get('firstName')} {person.get('lastName')}" if person else None, *others]


def _phones(data: Data) -> list[str]:
    owner = data.get("person") or data.get("company") or data.get("trust") or {}
    found = (owner.get(name, {}).get("number") for name in ("phone", "phone2", "cell", "fax"))
    return [number for number in found if number]


def _emails(data: Data) -> list[str | None]:
    return [data.get(kind, {}).get("email") for kind in ("person", "company")]


def relations(firm: Firm, parent: Row | None) -> list[Row]:
    """Generate the relations of a contact, in both directions."""

    def build() -> dict[str, list[str]]:
        related: dict[str, list[str]] = {}
        for owner, members in members_by_contact(firm).items():
            for member in members:
                related.setdefault(owner, []).append(member.id)
                related.setdefault(member.id, []).append(owner)
        return related

    if parent is None:
        return []
    rng = firm.rng("relations", parent.id)
    return [
        _relation(firm, rng, parent, id_)
        for id_ in firm.cached("related", build).get(parent.id, [])
    ]


def create_relation(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a relation to another contact."""
    parent_id(request)
    wanted = request.properties.get("id") or rng.choice(firm.contacts).id
    row = _relation(firm, rng, request.parent, wanted)
    row.updated = request.now
    return row


def _relation(firm: Firm, rng: Random, parent: Row | None, id_: str) -> Row:
    data = link(rng, id_, f"{firm.url}/contacts/{id_}", "Contacts")
    return Row(data, 0 if parent is None else parent.updated, None if parent is None else parent.id)


CONTACTS = Resource(
    name="contacts",
    path="/contacts",
    scope="contacts/read",
    generate=generate,
    create=create,
    mark_updated=mark_updated,
    mark_deleted=property_setter("isDeleted"),
    date_filters=(DateFilter("UpdatedSince", "ticks"),),
    sort={"lastUpdated": lambda row: row.updated},
    opt_in_fields=_BLOCKS,
    opt_in_objects=("person", "company"),
    by_id_fields=_BLOCKS,
    filters=(
        _filter_by_kind,
        _filter_out_deleted,
        search_filter({"email": _emails, "phone": _phones, "name": _names}),
    ),
)
CONTACT_RELATIONS = Resource(
    name="contact_relations",
    path="/contacts/{contactId}/relations",
    scope="contacts/read",
    parent="contacts",
    generate=relations,
    create=create_relation,
    mark_updated=leave_unmarked,
    mark_deleted=None,
    id_parameter="relatedContactId",
    has_paging=False,
)
