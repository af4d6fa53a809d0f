"""The simulated firm: its staff, contacts and matter types, generated from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from smokeball_sandbox import sample_text
from smokeball_sandbox.clock import to_ticks
from smokeball_sandbox.value_helpers import guid, link

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")

ANCHOR = date(2026, 6, 30)
_MATTERS_PER_STAFF = 40
_MAX_STAFF = 80
_COMPANY_SHARE = 0.25
_EMPTY_SHARE = 0.15
_RATES = (18_500, 24_000, 28_500, 35_000, 37_995, 41_250, 52_500, 61_875)


class Person(NamedTuple):
    """A staff member; the rate is in cents per hour."""

    id: str
    user_id: str
    first_name: str
    last_name: str
    rate: int


class Contact(NamedTuple):
    """A contact of the firm; ``name`` is the short name used in titles."""

    id: str
    name: str
    full_name: str
    kind: str


class MatterType(NamedTuple):
    """A matter type of one state."""

    id: str
    category: str
    name: str
    location: str


@dataclass(frozen=True)
class Firm:
    """The firm's size, and the data that several resources share.

    Attributes:
        url: Base URL of the links in records.
        matters: Number of matters and leads.
        fees: Average fees per matter; None for the default.
        exact_fees: Whether every matter has exactly that many fees.
        seed: Seed of all data.
        region: us, au or uk.
        anchor: Day on which the initial data ends.
        intake: Whether the firm subscribes to the intake add-on.
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
    def _cache(self) -> dict[str, Any]:
        return {}

    def cached(self, name: str, build: Callable[[], _Value]) -> _Value:
        """Return a value that several resources share; build it at the first call."""
        if name not in self._cache:
            self._cache[name] = build()
        value: _Value = self._cache[name]
        return value

    def rng(self, *key: object) -> Random:
        """Return the random number generator of a key."""
        return Random("/".join(map(str, (self.seed, *key))))

    @cached_property
    def anchor_ticks(self) -> int:
        """Ticks of midnight of the anchor day."""
        return to_ticks(self.anchor)

    @cached_property
    def staff(self) -> list[Person]:
        """All staff members."""
        rng = self.rng("staff")
        count = min(_MAX_STAFF, 4 + self.matters // _MATTERS_PER_STAFF)
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
        """Clients, other sides and referrers, in random order."""
        rng = self.rng("contacts")
        forms = sample_text.COMPANY_FORMS[self.region]
        contacts = []
        for _ in range(10 + self.matters * 3 // 2):
            last = rng.choice(sample_text.LAST_NAMES)
            if rng.random() < _COMPANY_SHARE:
                name = f"{last} {rng.choice(sample_text.TRADES)}"
                full = f"{name} {rng.choice(forms)}"
                contacts.append(Contact(guid(rng), name, full, "Organisation"))
            else:
                full = f"{rng.choice(sample_text.FIRST_NAMES)} {last}"
                contacts.append(Contact(guid(rng), last, full, "Person"))
        return self._with_kinds(contacts)

    def _with_kinds(self, contacts: list[Contact]) -> list[Contact]:
        """Turn some persons into groups, trusts and employees of companies."""
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
        """Every matter type, for every state in which the firm works."""
        rng = self.rng("matter types")
        return [
            MatterType(f"{guid(rng)}_{location}", category, name, location)
            for location in sample_text.LOCATIONS[self.region]
            for category, name in sample_text.MATTER_TYPES
        ]

    @cached_property
    def branches(self) -> list[tuple[str, str]]:
        """Id and name of each branch."""
        rng = self.rng("branches")
        return [(guid(rng), name) for name in sample_text.BRANCHES]

    def fee_count(self, rng: Random, default_mean: float) -> int:
        """Choose the number of fees of a matter: exponential, with a share of zeros."""
        if self.exact_fees and self.fees is not None:
            return self.fees
        mean = default_mean if self.fees is None else self.fees
        if mean == 0 or rng.random() < _EMPTY_SHARE:
            return 0
        return round(rng.expovariate((1 - _EMPTY_SHARE) / mean))

    def staff_link(self, rng: Random, person: Person) -> dict[str, Any]:
        """Return a link to a staff member."""
        return link(rng, person.id, f"{self.url}/staff/{person.id}", "Staff")

    def contact_link(self, rng: Random, contact: Contact) -> dict[str, Any]:
        """Return a link to a contact."""
        return link(rng, contact.id, f"{self.url}/contacts/{contact.id}", "Contacts")

    def matter_type_link(self, rng: Random, kind: MatterType) -> dict[str, Any]:
        """Return a link to a matter type; the API lowercases the id in it."""
        href = f"{self.url}/mattertypes/{kind.id.lower()}"
        return link(rng, kind.id, href, "MatterTypes")
