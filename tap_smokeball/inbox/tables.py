"""The tables of the inbox.

Keys have a table of their own, so that the tap's role on Postgres can be denied it. No column holds
a payload, a name or a text of the firm.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData()

# SQLite increments only an INTEGER PRIMARY KEY.
_SEQ = BigInteger().with_variant(Integer(), "sqlite")

EVENTS = Table(
    "inbox_events",
    METADATA,
    # An identity column, unlike a sequence, needs no grant of its own.
    Column("seq", _SEQ, Identity(), primary_key=True, autoincrement=True),
    Column("mark", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("firm", String(64), nullable=False),
    Column("subscription_id", String(64), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("event_ticks", BigInteger),
    Column("resource_id", String(64)),
    Column("matter_id", String(64)),
    # How duplicates are recognised. The RequestId is the causing request's, which different events
    # share (seen live).
    UniqueConstraint(
        "firm",
        "subscription_id",
        "event_type",
        "resource_id",
        "event_ticks",
        name="inbox_events_unique",
    ),
    Index("inbox_events_firm_seq", "firm", "seq"),
    # Never number a new row like a deleted one.
    sqlite_autoincrement=True,
)

FIRMS = Table(
    "inbox_firms",
    METADATA,
    Column("firm", String(64), primary_key=True),
    Column("pruned_through", BigInteger, nullable=False),
)

SUBSCRIPTIONS = Table(
    "inbox_subscriptions",
    METADATA,
    Column("firm", String(64), primary_key=True),
    Column("subscription_id", String(64), primary_key=True),
    Column("client_id", String(255), nullable=False),
    Column("event_types", JSON, nullable=False),
    Column("url", String(2048), nullable=False),
    Column("is_alive", Boolean),
    Column("checked", BigInteger),
)

KEYS = Table(
    "inbox_keys",
    METADATA,
    Column("firm", String(64), primary_key=True),
    Column("subscription_id", String(64), primary_key=True),
    Column("key", String(255), nullable=False),
    Column("previous_key", String(255)),
    # Null until the new key is used for the first time.
    Column("previous_ends", BigInteger),
)

SIGNATURES = Table(
    "inbox_signatures",
    METADATA,
    Column("signature_digest", String(64), primary_key=True),
    Column("body_digest", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)

READERS = Table(
    "inbox_readers",
    METADATA,
    Column("firm", String(64), primary_key=True),
    Column("reader", String(255), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

RECEIVERS = Table(
    "inbox_receivers",
    METADATA,
    Column("receiver", String(64), primary_key=True),
    Column("heartbeat", BigInteger, nullable=False),
)

LOCKS = Table(
    "inbox_locks",
    METADATA,
    Column("name", String(255), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
)
