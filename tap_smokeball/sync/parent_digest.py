"""A digest of the listed parents, which shows those that came into view without a change.

A matter whose permissions change comes into view with its old version, so no updated-since filter
finds it. The state cannot hold the ids of all matters, but a digest of them: each id falls into one
of 256 buckets, and a bucket is the XOR of the hashes of its ids. A bucket that differs from that of
the last full pass has its parents read in full: about 40 of 10,000.

A parent that changed since then is read in full anyway, so it explains a difference: a bucket is
also as it was if leaving out some of these parents makes it so. Parents that vanish make buckets
differ, too, which costs rows and loses none.

The state holds the digests in one list, since most streams share one::

    "parent_digests": ["eNrtw…"]

and each stream names its digest by a hash, together with its bookmark. An orchestrator that merges
states replaces a list as a whole. A digest that is named but missing counts as unknown: the stream
reads all parents in full.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_smokeball.sync.pass_states import pass_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping, Sequence

BUCKETS = 256
UNKNOWN = 0xFFFF_FFFF
"""A bucket whose parents have to be read in full."""

STATE_KEY = "parent_digests"

MAX_EXPLAINING_PARENTS = 12
"""Changed parents of a bucket that can explain it: more could explain anything by chance."""

_FORMAT = struct.Struct(f">{BUCKETS}I")


class ParentDigest:
    """The digest of one list of parents.

    Args:
        buckets: The buckets, 32 bits each.

    Attributes:
        buckets: The buckets.
        text: The digest as the state holds it.
        id: A hash of it.
    """

    def __init__(self, buckets: Sequence[int]) -> None:
        self.buckets = tuple(buckets)
        packed = _FORMAT.pack(*self.buckets)
        self.text = base64.b64encode(zlib.compress(packed, 9)).decode()
        self.id = hashlib.sha256(packed).hexdigest()[:16]

    @classmethod
    def of(cls, parent_ids: Iterable[str]) -> ParentDigest:
        """Return the digest of some parents."""
        buckets = [0] * BUCKETS
        for parent_id in parent_ids:
            bucket, value = _hash(parent_id)
            buckets[bucket] ^= value
        return cls(buckets)

    @classmethod
    def decode(cls, text: object) -> ParentDigest | None:
        """Return the digest that a state holds, or None if it is none."""
        if not isinstance(text, str):
            return None
        try:
            packed = zlib.decompressobj().decompress(base64.b64decode(text), _FORMAT.size + 1)
            return cls(_FORMAT.unpack(packed))
        except (binascii.Error, ValueError, zlib.error, struct.error):
            return None

    @property
    def filled_buckets(self) -> int:
        """The number of buckets that are known and have parents."""
        return sum(value not in {0, UNKNOWN} for value in self.buckets)

    def with_unknown(self, buckets: Iterable[int]) -> ParentDigest:
        """Return a digest whose next comparison finds some buckets different."""
        changed = list(self.buckets)
        for bucket in buckets:
            changed[bucket] = UNKNOWN
        return ParentDigest(changed)

    def updated(self, now: ParentDigest, buckets: Iterable[int]) -> ParentDigest:
        """Return a digest with some buckets of another one."""
        changed = list(self.buckets)
        for bucket in buckets:
            changed[bucket] = now.buckets[bucket]
        return ParentDigest(changed)

    def unexplained_buckets(
        self, before: ParentDigest | None, changed_ids: Iterable[str]
    ) -> frozenset[int]:
        """Return the buckets whose parents have to be read in full.

        Args:
            before: The digest of the last full pass; None if it is not known.
            changed_ids: Ids of the parents that are read in full anyway.
        """
        if before is None:
            return frozenset(range(BUCKETS))
        pairs = zip(before.buckets, self.buckets, strict=True)
        differences = {
            bucket: then ^ now
            for bucket, (then, now) in enumerate(pairs)
            if then != now or then == UNKNOWN
        }
        if not differences:
            return frozenset()
        explaining: dict[int, list[int]] = {bucket: [] for bucket in differences}
        for bucket, value in map(_hash, changed_ids):
            if bucket in explaining:
                explaining[bucket].append(value)
        return frozenset(
            bucket
            for bucket, difference in differences.items()
            if before.buckets[bucket] == UNKNOWN
            or not _is_explained(difference, explaining[bucket])
        )

    def resembles(self, before: ParentDigest, changed_ids: Iterable[str]) -> bool | None:
        """Return whether a bucket is as it was: two firms have none in common.

        None if there was nothing to compare with.
        """
        filled = {n for n, value in enumerate(before.buckets) if value not in {0, UNKNOWN}}
        if not filled:
            return None
        return bool(filled - self.unexplained_buckets(before, changed_ids))


def bucket_of(parent_id: str) -> int:
    """Return the bucket of a parent."""
    return _hash(parent_id)[0]


class DigestTable:
    """The digests of a state.

    Args:
        tap_state: The state of the whole tap.
    """

    def __init__(self, tap_state: MutableMapping[str, Any]) -> None:
        self._state = tap_state

    def find(self, digest_id: object) -> ParentDigest | None:
        """Return a digest, or None if the state does not hold it."""
        return next((each for each in self._digests() if each.id == digest_id), None)

    def keep(self, *digests: ParentDigest) -> None:
        """Add digests, and remove those that no stream names."""
        by_id = {each.id: each for each in (*self._digests(), *digests)}
        named = set(self._named())
        self._state[STATE_KEY] = [each.text for id_, each in by_id.items() if id_ in named]

    def copy(self) -> list[ParentDigest]:
        """Return all digests."""
        return list(self._digests())

    def _digests(self) -> Iterator[ParentDigest]:
        texts = self._state.get(STATE_KEY)
        for text in texts if isinstance(texts, list) else ():
            if digest := ParentDigest.decode(text):
                yield digest

    def _named(self) -> Iterator[str]:
        for stream_state in self._state.get("bookmarks", {}).values():
            states = pass_states(stream_state)
            for entry in chain.from_iterable((each, each.get("resume")) for each in states):
                name = entry.get("parent_digest") if isinstance(entry, dict) else None
                yield str(name.get("id") if isinstance(name, dict) else name)


def _hash(parent_id: str) -> tuple[int, int]:
    digest = hashlib.blake2b(parent_id.encode(errors="replace"), digest_size=5).digest()
    return digest[0], int.from_bytes(digest[1:], "big")


def _is_explained(difference: int, values: list[int]) -> bool:
    """Return whether the XOR of some of the values is the difference."""
    if len(values) > MAX_EXPLAINING_PARENTS:
        return False
    basis: list[int] = []
    for value in values:
        for other in basis:
            value = min(value, value ^ other)  # noqa: PLW2901 - Gaussian elimination
        if value:
            basis.append(value)
    for other in basis:
        difference = min(difference, difference ^ other)
    return difference == 0
