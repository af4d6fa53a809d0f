"""Whose state it is: the state names the firm, so that no other firm continues it.

The state holds, under ``firm``::

    {"key": "login:9f86d081884c7d65",          what the view fingerprints of all streams depend on
     "known_by": ["login:9f86d081884c7d65",    the user or app that the access token was issued for
                  "account:2c26b46b68ffc68f",  the setting account_id
                  "firm:fcde2b2edba56bf4"]}    the id of the firm's own record

They are hashes. None of them is always there: an app may lack the scope of the firm's record, and a
proxy may issue tokens that say nothing. ``known_by`` is a list because an orchestrator that merges
states replaces a list as a whole.

The key stays the same while the firm does, whatever else identifies it later. It is part of the
view fingerprint of each stream, so that a bookmark of another firm does not count after a merge.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

ACCOUNT, FIRM, LOGIN = "account", "firm", "login"
_BEST_FIRST = (FIRM, ACCOUNT, LOGIN)

STATE_KEY = "firm"

OTHER_FIRM = "the state belongs to another firm than the credentials"
OTHER_FIRM_ADVICE = (
    "Use the credentials of that firm, or the state of this one. For a first run of this firm, "
    "pass no state and load into tables of its own"
)


class FirmIdentity:
    """What identifies a firm: a hash for each kind that is known.

    Args:
        hashes: The hashes by kind.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = dict(hashes)

    @classmethod
    def of(cls, **values: str | None) -> FirmIdentity:
        """Return the identity for values by kind; None where one is not known."""
        return cls({kind: _hash(kind, value) for kind, value in values.items() if value})

    @classmethod
    def from_state(cls, tap_state: Mapping[str, Any]) -> FirmIdentity:
        """Return the identity that a state holds; an empty one if it holds none."""
        entry = tap_state.get(STATE_KEY)
        names = entry.get("known_by") if isinstance(entry, dict) else None
        pairs = (str(name).partition(":") for name in names) if isinstance(names, list) else ()
        return cls({kind: value for kind, _, value in pairs if kind in _BEST_FIRST and value})

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def __contains__(self, kind: str) -> bool:
        return kind in self._hashes

    def __or__(self, other: FirmIdentity) -> FirmIdentity:
        return FirmIdentity({**self._hashes, **other._hashes})

    def is_same_firm(self, other: FirmIdentity) -> bool | None:
        """Return whether two identities are of the same firm; None if they cannot tell.

        Two users can belong to the same firm, and one app to several accounts.
        """
        for kind in (FIRM, ACCOUNT):
            if kind in self and kind in other:
                return self._hashes[kind] == other._hashes[kind]
        is_same_login = LOGIN in self and self._hashes[LOGIN] == other._hashes.get(LOGIN)
        return True if is_same_login and (ACCOUNT in self) == (ACCOUNT in other) else None

    def contradicts(self, other: FirmIdentity) -> bool:
        """Return whether two identities that cannot tell the firm are those of two logins."""
        is_other_login = LOGIN in self and LOGIN in other
        return is_other_login or (ACCOUNT in self) != (ACCOUNT in other)

    def write(self, tap_state: MutableMapping[str, Any]) -> None:
        """Write the identity to a state, and keep the key that is there."""
        if not self:
            return
        names = [f"{kind}:{self._hashes[kind]}" for kind in _BEST_FIRST if kind in self]
        tap_state[STATE_KEY] = {"key": firm_key(tap_state) or names[0], "known_by": names}


def firm_key(tap_state: Mapping[str, Any]) -> str:
    """Return the key of the firm in a state; an empty one if the state names no firm."""
    entry = tap_state.get(STATE_KEY)
    return str(entry.get("key") or "") if isinstance(entry, dict) else ""


def firm_fingerprint(view_fingerprint: str, tap_state: Mapping[str, Any]) -> str:
    """Return a view fingerprint that depends on the firm that a state names."""
    key = firm_key(tap_state)
    return _hash(view_fingerprint, key) if key else view_fingerprint


def learn_firm_id(tap_state: Any, firm_id: str) -> bool:
    """Add the id of the firm's record to a state; return false if it is that of another firm."""
    known, current = FirmIdentity.from_state(tap_state), FirmIdentity.of(firm=firm_id)
    if FIRM in known:
        return known.is_same_firm(current) is not False
    (known | current).write(tap_state)
    return True


@lru_cache(64)  # a checkpoint of each parent needs the same one
def _hash(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode()).hexdigest()[:16]
