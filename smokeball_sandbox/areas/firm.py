"""The firm itself, its staff, their logins and permission groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smokeball_sandbox import sample_text
from smokeball_sandbox.areas.common import marked, nothing, stamp_version
from smokeball_sandbox.clock import TICKS_A_DAY, iso
from smokeball_sandbox.resources import Data, Request, Resource, Row, Wrapper
from smokeball_sandbox.search import searched
from smokeball_sandbox.value_helpers import guid, head, money, sparse

if TYPE_CHECKING:
    from random import Random

    from smokeball_sandbox.firm import Firm, Person

INTAKE_ADD_ON = "ADD001"
_FORMER = 0.12
_NO_LOGIN = 0.08


def address(firm: Firm, rng: Random) -> Data:
    """An address of the firm, whole."""
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
    """A telephone number that nobody has."""
    return {"areaCode": "555", "number": f"01{rng.randrange(100_000):05d}"}


def firm_row(firm: Firm, _: Row | None) -> list[Row]:
    """The firm."""
    rng = firm.rng("firm")
    id_ = guid(rng)
    post = {"careOf": "The Manager", "poBoxType": "PO Box", "poBoxNumber": "1200"}
    data = {
        **head(id_, f"{firm.url}/firm", "Firm"),
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
        "createdDate": iso(firm.anchor_ticks - 3_000 * TICKS_A_DAY, fraction=True),
    }
    if firm.region != "us":
        data |= {"abn": "51824753556", "acn": "824753556"}
    if firm.region == "au":
        data["email"] = "office@example.com"
        data["dxAddress"] = {"number": "376", "exchange": "DX Sydney", "state": "NSW"}
    return [Row(data, firm.anchor_ticks - 100 * TICKS_A_DAY)]


def staff_rows(firm: Firm, _: Row | None) -> list[Row]:
    """Everyone who works or worked at the firm."""
    rng = firm.rng("staff records")
    return [_staff(firm, rng, person, index) for index, person in enumerate(firm.staff)]


def create_staff(firm: Firm, rng: Random, request: Request) -> Row:
    """Someone new at the firm."""
    person = firm.staff[0]._replace(
        id=guid(rng), user_id=guid(rng), first_name=rng.choice(sample_text.FIRST_NAMES)
    )
    row = _staff(firm, rng, person, 0)
    row.updated = request.now
    return row


def email_of(person: Person) -> str:
    """Where someone at the firm is written to."""
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
            "startDate": iso(firm.anchor_ticks + 9 * TICKS_A_DAY),
            "endDate": iso(firm.anchor_ticks + 16 * TICKS_A_DAY),
        },
    }
    data = {
        **head(person.id, f"{firm.url}/staff/{person.id}", "Staff"),
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
    return Row(data, firm.anchor_ticks - TICKS_A_DAY)


def _licence(firm: Firm, rng: Random) -> Data:
    _, state, _ = rng.choice(sample_text.PLACES[firm.region])
    return {"state": state, "type": "Bar", "number": str(rng.randrange(10_000, 99_999))}


def _leave(data: Data) -> None:
    """Who leaves stays on the list."""
    data |= {"former": True, "enabled": False}


def user_rows(firm: Firm, _: Row | None) -> list[Row]:
    """The logins of those who have one."""
    rows = []
    for each in staff_rows(firm, None):
        if "userId" in each.data:
            id_ = each.data["userId"]
            rows.append(_user(firm, id_, each.id, former=each.data["former"]))
    return rows


def create_user(firm: Firm, rng: Random, request: Request) -> Row:
    """One more login for someone at the firm."""
    row = _user(firm, guid(rng), rng.choice(firm.staff).id, former=False)
    row.updated = request.now
    return row


def _user(firm: Firm, id_: str, staff_id: str, *, former: bool) -> Row:
    data = {
        **head(id_, f"{firm.url}/firmusers/{id_}", "FirmUsers"),
        "staffId": staff_id,
        "userId": id_,
        "isFormerUser": former,
    }
    return Row(data, firm.anchor_ticks - TICKS_A_DAY)


def group_rows(firm: Firm, _: Row | None) -> list[Row]:
    """The permission groups."""
    rng = firm.rng("groups")
    users = [row.id for row in user_rows(firm, None)]
    everyone = _group(firm, rng, "Everyone", users)
    some = _group(firm, rng, "Attorneys", users[:2])
    old = _group(firm, rng, "Old office", users[:1])
    old.data["isDeleted"] = True
    return [everyone, some, _group(firm, rng, "Administrators", [*users[:1], some.id]), old]


def create_group(firm: Firm, rng: Random, request: Request) -> Row:
    """One more group, of everyone who is there first."""
    row = _group(firm, rng, "New group", [user_rows(firm, None)[0].id])
    row.updated = request.now
    return row


def _group(firm: Firm, rng: Random, name: str, members: list[str]) -> Row:
    id_ = guid(rng)
    data = {
        **head(id_, f"{firm.url}/groups/{id_}", "Groups"),
        "name": name,
        "principalIds": members,
        "isDeleted": False,
    }
    return Row(data, firm.anchor_ticks - TICKS_A_DAY)


FIRM = Resource(
    name="firm",
    path="/firm",
    scope="firm/read",
    generate=firm_row,
    create=None,
    stamp=stamp_version,
    bury=None,
    wrapper=Wrapper.OBJECT,
    by_id=None,
)
STAFF = Resource(
    name="staff",
    path="/staff",
    scope="staff/read",
    generate=staff_rows,
    create=create_staff,
    stamp=stamp_version,
    bury=_leave,
    fields=("rate",),
    by_id_fields=("rate",),
    filters=(
        searched(
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
    stamp=nothing,
    bury=marked("isFormerUser"),
    wrapper=Wrapper.ARRAY,
)
GROUPS = Resource(
    name="groups",
    path="/groups",
    scope="groups/read",
    generate=group_rows,
    create=create_group,
    stamp=nothing,
    bury=marked("isDeleted"),
    paging=False,
)
