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

# One row for each firm and reader: the lock of its run, and what its last run said of itself.
RUNS = Table(
    "inbox_runs",
    METADATA,
    Column("firm", String(64), primary_key=True),
    Column("reader", String(255), primary_key=True),
    # The lock: a lease that ends by itself, and a claim of who is about to start a run.
    Column("holder", String(64)),
    Column("lease_ends", BigInteger, nullable=False, default=0),
    Column("claim_ends", BigInteger, nullable=False, default=0),
    # Runs since the last one that succeeded, and when the last of them began or failed.
    Column("failures", Integer, nullable=False, default=0),
    Column("attempted", BigInteger, nullable=False, default=0),
    # The last run of the tap. Null before the first one.
    Column("ended", BigInteger),
    Column("position", BigInteger, nullable=False, default=0),
    Column("seen", BigInteger, nullable=False, default=0),
    Column("last_poll", BigInteger),
    Column("last_full_pass", BigInteger),
    Column("last_closed_pass", BigInteger),
    Column("is_pass_waiting", Boolean, nullable=False, default=False),
    Column("refused_parents", Integer, nullable=False, default=0),
    Column("token_expires", BigInteger),
    # The last failure: the class of the error, and texts that hold no data of the firm.
    Column("error", String(64)),
    Column("stream", String(64)),
    Column("reason", String(1024)),
    Column("advice", String(1024)),
    Column("is_permanent", Boolean, nullable=False, default=False),
)
