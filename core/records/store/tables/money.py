"""The tables of what tridents earned: an account's history at the broker, what each row is about, and its days.

Rows of the history and what they are about are only ever added (rules 13.6, 15.6).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from core.records.store.tables.base import metadata
from core.records.store.types import ExactDecimal, Instant, SessionDay, Words

transactions = Table(
    # The broker's rows as they were read. One that it wrote again is a new revision, and the newest counts.
    "transactions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Words, nullable=False),
    Column("sub_kind", Words, nullable=False),
    Column("instrument_type", Words, nullable=False),
    Column("symbol", Words, nullable=False),
    Column("underlying", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("quantity", ExactDecimal),
    Column("price", ExactDecimal),
    Column("value", ExactDecimal, nullable=False),
    Column("net_value", ExactDecimal, nullable=False),
    Column("fees_estimated", Boolean, nullable=False),
    Column("executed_at", Instant, nullable=False),
    Column("day", SessionDay, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("reverses", Text, nullable=False),
    Column("text", Words, nullable=False),
    Column("read_at", Instant, nullable=False),
    UniqueConstraint("account", "id", "revision"),
    Index("ix_transactions_account_executed_at", "account", "executed_at"),
    sqlite_autoincrement=True,
)

matches = Table(
    # What a row is about, in parts that add up to it. The parts of its newest revision count. Without a trident a part
    # is not ours; without a unit it is a whole trident's.
    "matches",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("trident_id", Text, ForeignKey("entries.id"), index=True),
    Column("unit", Text),
    Column("quantity", ExactDecimal, nullable=False),
    Column("value", ExactDecimal, nullable=False),
    Column("net_value", ExactDecimal, nullable=False),
    Column("executed_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("account", "transaction_id", "revision", "part"),
    sqlite_autoincrement=True,
)

transaction_reads = Table(
    # The exchange's date of each account's newest complete reading of its history.
    "transaction_reads",
    metadata,
    Column("account", Text, primary_key=True),
    Column("through", SessionDay, nullable=False),
    Column("at", Instant, nullable=False),
)

official_closes = Table(
    # What shares of an assignment count at. `at` is the session's close.
    "official_closes",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("day", SessionDay, primary_key=True),
    Column("price", ExactDecimal, nullable=False),
    Column("at", Instant, nullable=False),
)

account_days = Table(
    # An account after a session's close, in $, written once. Without fresh quotes nothing is unrealized.
    "account_days",
    metadata,
    Column("account", Text, primary_key=True),
    Column("session_day", SessionDay, primary_key=True),
    Column("open_risk", ExactDecimal, nullable=False),
    Column("capital", ExactDecimal, nullable=False),
    Column("unrealized_mid", ExactDecimal),
    Column("unrealized_natural", ExactDecimal),
    Column("realized", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("at", Instant, nullable=False),
)
