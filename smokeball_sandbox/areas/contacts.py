"""Contacts, and who among them belongs to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import any_moment, marked, nothing, parent_id
from smokeball_sandbox.areas.firm import phone
from smokeball_sandbox.areas.identity import (
    company_execution,
    full_address,
    papers,
    past_day,
    traits,
)
from smokeball_sandbox.firm import Contact
from smokeball_sandbox.resources import Data, DateFilter, Request, Resource, Row
from smokeball_sandbox.search import searched
from smokeball_sandbox.value_helpers import guid, head, link, sparse

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
_DELETED = 0.02
_MOST_MEMBERS = 3


def kin(firm: Firm) -> dict[str, list[Contact]]:
    """The members of each company, group and trust, by its id."""

    def draw() -> dict[str, list[Contact]]:
        rng = firm.rng("kin")
        people = [each for each in firm.contacts if each.kind == "Person"]
        staff = [each for each in firm.contacts if each.kind == "Staff"]
        members: dict[str, list[Contact]] = {}
        for each in firm.contacts:
            count = rng.randrange(1, _MOST_MEMBERS + 1)
            if each.kind == "Organisation":
                members[each.id] = rng.sample(staff, min(count, len(staff)))
            elif each.kind in {"GroupOfPeople", "Trust"}:
                members[each.id] = rng.sample(people, min(count + 1, len(people)))
        return members

    return firm.once("kin", draw)


def generate(firm: Firm, _: Row | None) -> list[Row]:
    """Everyone the firm deals with; the first of each kind has every property there is."""
    rng, members = firm.rng("contact records"), kin(firm)
    seen: set[str] = set()
    rows = []
    for contact in firm.contacts:
        keep = _KEEP if contact.kind in seen else 1
        seen.add(contact.kind)
        moment = any_moment(firm, rng)
        row = _contact(firm, rng, contact, members.get(contact.id, []), keep, moment)
        row.data["isDeleted"] = keep < 1 and rng.random() < _DELETED
        rows.append(row)
    return rows


def create(firm: Firm, rng: Random, request: Request) -> Row:
    """Someone new: a person."""
    last = rng.choice(sample_text.LAST_NAMES)
    contact = Contact(guid(rng), last, f"{rng.choice(sample_text.FIRST_NAMES)} {last}", "Person")
    return _contact(firm, rng, contact, [], _KEEP, request.now)


def stamp(row: Row, rng: Random) -> None:
    """A change shows in the version and in the ticks."""
    row.data |= {"lastUpdated": row.updated, "versionId": guid(rng)}


def _contact(  # noqa: PLR0913, PLR0917
    firm: Firm, rng: Random, contact: Contact, members: list[Contact], keep: float, moment: int
) -> Row:
    href = f"{firm.url}/contacts/{contact.id}"
    data: Data = {
        **head(contact.id, href, "Contacts"),
        "versionId": guid(rng),
        "isDeleted": False,
        "lastUpdated": moment,
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
    return Row(data, moment, plan=contact.kind)


def _person(firm: Firm, rng: Random, contact: Contact, keep: float) -> Data:
    first, _, last = contact.full_name.partition(" ")
    person: Data = {"firstName": first, "lastName": last}
    person |= sparse(rng, traits(firm, rng, last), keep)
    person |= sparse(rng, {"residentialAddress": full_address(firm, rng, keep)}, keep)
    if firm.region == "us":
        person |= sparse(rng, {"mailingAddress": full_address(firm, rng, keep)}, keep)
    if rng.random() < 0.7 or keep == 1:  # noqa: PLR2004
        person["email"] = f"{first}.{last}{rng.randrange(1000)}@example.org".lower()
    if rng.random() < 0.25 or keep == 1:  # noqa: PLR2004
        person |= sparse(rng, papers(firm, rng), keep)
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
            "registeredDate": past_day(firm, rng, 300, 9_000),
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
        "executedDate": past_day(firm, rng, 300, 9_000),
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


def _by_kind(query: Query) -> Callable[[Row], bool] | None:
    kinds = query.all("Type")
    for kind in kinds:
        if kind not in KINDS:
            query.refuse("Type", f"'{kind}' is not one of: {', '.join(KINDS)}.")
    return (lambda row: row.plan in kinds) if kinds else None


def _but_deleted(query: Query) -> Callable[[Row], bool] | None:
    excluded = query.flag("ExcludeDeletedContacts")
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
    """Links to those a contact belongs to, or that belong to it."""

    def draw() -> dict[str, list[str]]:
        related: dict[str, list[str]] = {}
        for owner, members in kin(firm).items():
            for member in members:
                related.setdefault(owner, []).append(member.id)
                related.setdefault(member.id, []).append(owner)
        return related

    if parent is None:
        return []
    rng = firm.rng("relations", parent.id)
    return [
        _relation(firm, rng, parent, id_) for id_ in firm.once("related", draw).get(parent.id, [])
    ]


def create_relation(firm: Firm, rng: Random, request: Request) -> Row:
    """One more relation, to somebody the firm knows."""
    parent_id(request)
    wanted = request.wanted.get("id") or rng.choice(firm.contacts).id
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
    stamp=stamp,
    bury=marked("isDeleted"),
    date_filters=(DateFilter("UpdatedSince", "ticks"),),
    sort={"lastUpdated": lambda row: row.updated},
    fields=_BLOCKS,
    fields_in=("person", "company"),
    by_id_fields=_BLOCKS,
    filters=(
        _by_kind,
        _but_deleted,
        searched({"email": _emails, "phone": _phones, "name": _names}),
    ),
)
CONTACT_RELATIONS = Resource(
    name="contact_relations",
    path="/contacts/{contactId}/relations",
    scope="contacts/read",
    parent="contacts",
    generate=relations,
    create=create_relation,
    stamp=nothing,
    bury=None,
    by_id="relatedContactId",
    paging=False,
)
