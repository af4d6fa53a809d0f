"""Which URLs the setting ``rate_limit_store`` takes, and which package each kind needs."""

from __future__ import annotations

import importlib.util
import re
from typing import NamedTuple
from urllib.parse import urlsplit


class StoreKind(NamedTuple):
    """A kind of store.

    Attributes:
        module: Its module in `tap_smokeball.api`.
        package: The package that it needs.
        extra: The extra of tap-smokeball that installs the package.
    """

    module: str
    package: str
    extra: str


_POSTGRES = StoreKind("postgres_rate_limit", "psycopg", "postgres")
_REDIS = StoreKind("redis_rate_limit", "redis", "redis")

_KINDS = {
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
    "postgresql+psycopg": _POSTGRES,  # as SQLAlchemy has it
    "redis": _REDIS,
    "rediss": _REDIS,
}


def store_kind(url: str) -> StoreKind | None:
    """Return the kind of store that a URL names, or None if it names none."""
    try:
        parts = urlsplit(url)
        kind = _KINDS.get(parts.scheme)
        has_place = bool(parts.hostname or parts.query) and parts.port != 0
    except ValueError:
        return None
    return kind if has_place and not re.search(r"\s", url) and "://" in url else None


def package_error(kind: StoreKind) -> tuple[str, str] | None:
    """Return reason and advice if the package of a kind of store is missing, else None."""
    if importlib.util.find_spec(kind.package) is not None:
        return None
    return (
        f"rate_limit_store needs the package {kind.package}",
        f"Install tap-smokeball with its extra `{kind.extra}`",
    )
