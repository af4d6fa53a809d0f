"""The firm, its staff, their logins and permission groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import leave_unmarked, property_setter, renew_version
from smokeball_sandbox.clock import TICKS_PER_DAY, iso
from smokeball_sandbox.resources import CreateRequest, Data, Resource, ResponseFormat, Row
from smokeball_sandbox.search import search_filter
from smokeball_sandbox.value_helpers import guid, money, record_header, sparse

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm, Person

INTAKE_ADD_ON = "ADD001"
_FORMER = 0.12
_NO_LOGIN = 0.08


def address(firm: Firm, rng: Random) -> Data:
    """Return an address of the firm with every property."""
    city, state, code = rng.choice(sample_text.PLACES[firm.region])
    street, kind = rng.choice(sample_text.STREETS)
    number = str(rng.randrange(1, 400))
    return {
        "buildingLevel": "Level 3",
        "unitNumber": "12",
        "unitType": "Suite",
        "streetNumber": number,
        "streetName": street,
        "streetType": kind,
        "addressLine1": "Suite 12, Level 3",
        "addressLine2": f"{number} {street} {kind}",
        "city": city,
        "state": state,
        "zipCode": code,
        "county": state,
        "locality": city,
        "country": sample_text.COUNTRIES[firm.region],
    }


def phone(rng: Random) -> Data:
    """Return a fictitious telephone number."""
    return {"areaCode": "555", "number": f"01{rng.randrange(100_000):05d}"}


def firm_row(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the firm's own record."""
    rng = firm.rng("firm")
    id_ = guid(rng)
    post = {"careOf": "The Manager", "poBoxType": "PO Box", "poBoxNumber": "1200"}
    data = {
        **record_header(id_, f"{firm.url}/firm", "Firm"),
        "versionId": guid(rng),
        "owner": "Smokeball",
        "name": f"{rng.choice(sample_text.LAST_NAMES)} & {rng.choice(sample_text.LAST_NAMES)}",
        "status": {"status": "Active", "statusMessage": "In good standing"},
        "productId": "SMK003",
        "addOnIds": ["ADD005", "ADD007", *([INTAKE_ADD_ON] if firm.intake else [])],
        "streetAddress": address(firm, rng),
        "mailingAddress": address(firm, rng) | post,
        "phone": phone(rng),
        "fax": phone(rng),
        "logo": "https://images.example.com/logo.png",
        "stylingDetails": {
            "primaryColorHexCode": "#FF1B3A57",
            "secondaryColorHexCode": "#FFC9A227",
            "fontFamilyName": "Open Sans",
        },
        "licenceNumbers": [_licence(firm, rng)],
        "createdDate": iso(firm.anchor_ticks - 3_000 * TICKS_PER_DAY, fraction=True),
    }
    if firm.region != "us":
        data |= {"abn": "51824753556", "acn": "824753556"}
    if firm.region == "au":
        data["email"] = "office@example.com"
        data["dxAddress"] = {"number": "376", "exchange": "DX Sydney", "state": "NSW"}
    return [Row(data, firm.anchor_ticks - 100 * TICKS_PER_DAY)]


def staff_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate current and former staff."""
    rng = firm.rng("staff records")
    return [_staff(firm, rng, person, index) for index, person in enumerate(firm.staff)]


def create_staff(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a staff member."""
    person = firm.staff[0]._replace(
        id=guid(rng), user_id=guid(rng), first_name=rng.choice(sample_text.FIRST_NAMES)
    )
    row = _staff(firm, rng, person, 0)
    row.updated = request.now
    return row


def email_of(person: Person) -> str:
    """Return the email address of a staff member."""
    return f"{person.first_name}.{person.last_name}@example.com".lower().replace("'", "")


def _staff(firm: Firm, rng: Random, person: Person, index: int) -> Row:
    former = rng.random() < _FORMER and index > 2  # noqa: PLR2004
    former = former or index == len(firm.staff) - 1
    enabled = not former and (index == 0 or rng.random() > _NO_LOGIN)
    rest = {
        "title": rng.choice(sample_text.TITLES),
        "middleName": rng.choice(sample_text.FIRST_NAMES),
        "initials": person.first_name[0] + person.last_name[0],
        "phone": phone(rng),
        "cell": phone(rng),
        "role": rng.choice(sample_text.STAFF_ROLES),
        "avatar": f"https://images.example.com/{index}.png",
        "colorFill": f"#{rng.randrange(0x1000000):06x}",
        "colorStroke": f"#{rng.randrange(0x1000000):06x}",
        "licenceNumbers": [_licence(firm, rng)],
        "outOfOffice": {
            "startDate": iso(firm.anchor_ticks + 9 * TICKS_PER_DAY),
            "endDate": iso(firm.anchor_ticks + 16 * TICKS_PER_DAY),
        },
    }
    data = {
        **record_header(person.id, f"{firm.url}/staff/{person.id}", "Staff"),
        "versionId": guid(rng),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": email_of(person),
        "rate": money(person.rate),
        "former": former,
        "enabled": enabled,
        **sparse(rng, rest, 1 if index == 0 else 0.7),
    }
    if enabled or former:
        data["userId"] = person.user_id
    return Row(data, firm.anchor_ticks - TICKS_PER_DAY)


def _licence(firm: Firm, rng: Random) -> Data:
    _, state, _ = rng.choice(sample_text.PLACES[firm.region])
    return {"state": state, "type": "Bar", "number": str(rng.randrange(10_000, 99_999))}


def _mark_former(data: Data) -> None:
    """Mark a staff member as former; former staff stay in the list."""
    data |= {"former": True, "enabled": False}


def user_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the logins of the staff who have one."""
    rows = []
    for each in staff_rows(firm, None):
        if "userId" in each.data:
            id_ = each.data["userId"]
            rows.append(_user(firm, id_, each.id, former=each.data["former"]))
    return rows


def create_user(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a login for a staff member."""
    row = _user(firm, guid(rng), rng.choice(firm.staff).id, former=False)
    row.updated = request.now
    return row


def _user(firm: Firm, id_: str, staff_id: str, *, former: bool) -> Row:
    data = {
        **record_header(id_, f"{firm.url}/firmusers/{id_}", "FirmUsers"),
        "staffId": staff_id,
        "userId": id_,
        "isFormerUser": former,
    }
    return Row(data, firm.anchor_ticks - TICKS_PER_DAY)


def group_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Generate the permission groups."""
    rng = firm.rng("groups")
    users = [row.id for row in user_rows(firm, None)]
    everyone = _group(firm, rng, "Everyone", users)
    some = _group(firm, rng, "Attorneys", users[:2])
    old = _group(firm, rng, "Old office", users[:1])
    old.data["isDeleted"] = True
    return [everyone, some, _group(firm, rng, "Administrators", [*users[:1], some.id]), old]


def create_group(firm: Firm, rng: Random, request: CreateRequest) -> Row:
    """Create a group with the first user."""
    row = _group(firm, rng, "New group", [user_rows(firm, None)[0].id])
    row.updated = request.now
    return row


def _group(firm: Firm, rng: Random, name: str, members: list[str]) -> Row:
    id_ = guid(rng)
    data = {
        **record_header(id_, f"{firm.url}/groups/{id_}", "Groups"),
        "name": name,
        "principalIds": members,
        "isDeleted": False,
    }
    return Row(data, firm.anchor_ticks - TICKS_PER_DAY)


FIRM = Resource(
    name="firm",
    path="/firm",
    scope="firm/read",
    generate=firm_row,
    create=None,
    mark_updated=renew_version,
    mark_deleted=None,
    response_format=ResponseFormat.OBJECT,
    id_parameter=None,
)
STAFF = Resource(
    name="staff",
    path="/staff",
    scope="staff/read",
    generate=staff_rows,
    create=create_staff,
    mark_updated=renew_version,
    mark_deleted=_mark_former,
    opt_in_fields=("rate",),
    by_id_fields=("rate",),
    filters=(
        search_filter(
            {
                "email": lambda data: [data.get("email")],
                "name": lambda data: [f"{data['firstName']} {data['lastName']}"],
            }
        ),
    ),
)
FIRM_USERS = Resource(
    name="firm_users",
    path="/firmusers",
    scope="firmusers/read",
    generate=user_rows,
    create=create_user,
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("isFormerUser"),
    response_format=ResponseFormat.ARRAY,
)
GROUPS = Resource(
    name="groups",
    path="/groups",
    scope="groups/read",
    generate=group_rows,
    create=create_group,
    mark_updated=leave_unmarked,
    mark_deleted=property_setter("isDeleted"),
    has_paging=False,
)
