"""The simulated firm: its people, contacts and matter types, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from smokeball_sandbox import sample_text
from smokeball_sandbox.clock import ticks_of
from smokeball_sandbox.value_helpers import guid, link

if TYPE_CHECKING:
    from collections.abc import Callable

_Drawn = TypeVar("_Drawn")

ANCHOR = date(2026, 6, 30)
_MATTERS_A_HEAD = 40
_MOST_STAFF = 80
_COMPANIES = 0.25
_EMPTY_SHARE = 0.15
_RATES = (18_500, 24_000, 28_500, 35_000, 37_995, 41_250, 52_500, 61_875)


class Person(NamedTuple):
    """Someone who works at the firm; the rate is in cents an hour."""

    id: str
    user_id: str
    first_name: str
    last_name: str
    rate: int


class Contact(NamedTuple):
    """Someone the firm deals with; ``name`` is the short one used in titles."""

    id: str
    name: str
    full_name: str
    kind: str


class MatterType(NamedTuple):
    """A kind of matter in one state."""

    id: str
    category: str
    name: str
    location: str


@dataclass(frozen=True)
class Firm:
    """The firm's size and everything drawn from its seed.

    Attributes:
        url: Where the API is, for the links in records.
        matters: How many matters and leads there are.
        fees: Fees a matter; None for the usual spread.
        exact_fees: Whether every matter has just that many.
        seed: What everything is drawn from.
        region: us, au or uk.
        anchor: The day on which the data was as it is at the start.
        intake: Whether it subscribes to the intake add-on.
    """

    url: str
    matters: int = 200
    fees: int | None = None
    exact_fees: bool = False
    seed: int = 7
    region: str = "us"
    anchor: date = ANCHOR
    intake: bool = True

    @cached_property
    def _drawn(self) -> dict[str, Any]:
        return {}

    def once(self, name: str, draw: Callable[[], _Drawn]) -> _Drawn:
        """Something that several resources are generated from, drawn when first needed."""
        if name not in self._drawn:
            self._drawn[name] = draw()
        drawn: _Drawn = self._drawn[name]
        return drawn

    def rng(self, *key: object) -> Random:
        """A source of chance of its own for everything that has a name."""
        return Random("/".join(map(str, (self.seed, *key))))

    @cached_property
    def anchor_ticks(self) -> int:
        """Midnight of the anchor day."""
        return ticks_of(self.anchor)

    @cached_property
    def staff(self) -> list[Person]:
        """Everyone at the firm."""
        rng = self.rng("staff")
        count = min(_MOST_STAFF, 4 + self.matters // _MATTERS_A_HEAD)
        return [
            Person(
                guid(rng),
                guid(rng),
                rng.choice(sample_text.FIRST_NAMES),
                rng.choice(sample_text.LAST_NAMES),
                rng.choice(_RATES),
            )
            for _ in range(count)
        ]

    @cached_property
    def contacts(self) -> list[Contact]:
        """Clients, other sides and referrers."""
        rng = self.rng("contacts")
        forms = sample_text.COMPANY_FORMS[self.region]
        contacts = []
        for _ in range(10 + self.matters * 3 // 2):
            last = rng.choice(sample_text.LAST_NAMES)
            if rng.random() < _COMPANIES:
                name = f"{last} {rng.choice(sample_text.TRADES)}"
                full = f"{name} {rng.choice(forms)}"
                contacts.append(Contact(guid(rng), name, full, "Organisation"))
            else:
                full = f"{rng.choice(sample_text.FIRST_NAMES)} {last}"
                contacts.append(Contact(guid(rng), last, full, "Person"))
        return self._with_kinds(contacts)

    def _with_kinds(self, contacts: list[Contact]) -> list[Contact]:
        """Make groups, trusts and companies' employees of some of the persons."""
        rng = self.rng("kinds of contacts")
        kinds = ["Person", "GroupOfPeople", "Trust" if self.region == "us" else "Person", "Staff"]
        named = []
        for contact in contacts:
            if contact.kind == "Person":
                contact = contact._replace(kind=rng.choices(kinds, (80, 7, 5, 8))[0])  # noqa: PLW2901
            if contact.kind == "GroupOfPeople":
                first = rng.choice(sample_text.FIRST_NAMES)
                contact = contact._replace(full_name=f"{first} & {contact.full_name}")  # noqa: PLW2901
            elif contact.kind == "Trust":
                contact = contact._replace(full_name=f"{contact.name} Family Trust")  # noqa: PLW2901
            named.append(contact)
        return named

    @cached_property
    def matter_types(self) -> list[MatterType]:
        """Every kind of matter, in every state the firm works in."""
        rng = self.rng("matter types")
        return [
            MatterType(f"{guid(rng)}_{location}", category, name, location)
            for location in sample_text.LOCATIONS[self.region]
            for category, name in sample_text.MATTER_TYPES
        ]

    @cached_property
    def branches(self) -> list[tuple[str, str]]:
        """Id and name of the firm's offices."""
        rng = self.rng("branches")
        return [(guid(rng), name) for name in sample_text.BRANCHES]

    def how_many(self, rng: Random, usual: float, wanted: int | None) -> int:
        """How many children a row gets: a few have none, most some, one or two a lot."""
        if self.exact_fees and wanted is not None:
            return wanted
        mean = usual if wanted is None else wanted
        if mean == 0 or rng.random() < _EMPTY_SHARE:
            return 0
        return round(rng.expovariate((1 - _EMPTY_SHARE) / mean))

    def staff_link(self, rng: Random, person: Person) -> dict[str, Any]:
        """A link to someone at the firm."""
        return link(rng, person.id, f"{self.url}/staff/{person.id}", "Staff")

    def contact_link(self, rng: Random, contact: Contact) -> dict[str, Any]:
        """A link to a contact."""
        return link(rng, contact.id, f"{self.url}/contacts/{contact.id}", "Contacts")

    def matter_type_link(self, rng: Random, kind: MatterType) -> dict[str, Any]:
        """A link to a matter type; the API writes the id's suffix in another case there."""
        href = f"{self.url}/mattertypes/{kind.id.lower()}"
        return link(rng, kind.id, href, "MatterTypes")
