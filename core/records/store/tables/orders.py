"""The tables of what was suggested and sent, and of what the broker answered.

The database itself refuses a second entry of a day, a second fill and a second validation (rules 9, 13).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from core.records.store.tables.base import metadata
from core.records.store.types import ExactDecimal, Instant, JsonText, RequestText, SessionDay, Words

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cycle", Integer, nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("session_day", SessionDay, nullable=False),
    Column("at", Instant, nullable=False),
    Column("underlying", Text, nullable=False),
    Column("expiration", SessionDay, nullable=False),
    Column("strikes", Text, nullable=False),
    Column("body", ExactDecimal, nullable=False),
    Column("width", ExactDecimal, nullable=False),
    Column("natural", ExactDecimal, nullable=False),
    Column("mid", ExactDecimal, nullable=False),
    Column("limit", ExactDecimal),
    Column("offset", ExactDecimal),
    Column("max_risk", ExactDecimal, nullable=False),
    Column("evidence", JsonText, nullable=False),
    Column("validated", Boolean, nullable=False),
    Index("ix_suggestions_account_session_day", "account", "session_day"),
    Index(
        "uq_suggestions_validated_day",
        "account",
        "session_day",
        unique=True,
        sqlite_where=text("validated"),
        postgresql_where=text("validated"),
    ),
)

intents = Table(
    # Everything that is sent as an order, of every kind: written in the commit that prepares it.
    "intents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("session_day", SessionDay, nullable=False),
    Column("identifier", Text, nullable=False, unique=True),
    Index("ix_intents_account_session_day", "account", "session_day"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", Text, ForeignKey("intents.id"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("session_day", SessionDay, nullable=False, index=True),
    Column("cycle", Integer, nullable=False, index=True),
    Column("suggestion_id", Text, nullable=False),
    Column("underlying", Text, nullable=False),
    Column("expiration", SessionDay, nullable=False),
    Column("strikes", Text, nullable=False),
    Column("identifier", Text, nullable=False, unique=True),
    Column("request", RequestText, nullable=False),
    Column("limit", ExactDecimal, nullable=False),
    Column("natural", ExactDecimal, nullable=False),
    Column("mid", ExactDecimal, nullable=False),
    Column("width", ExactDecimal, nullable=False),
    Column("max_risk", ExactDecimal, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("holds_day", Boolean, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("order_id", Text, index=True),
    Column("broker_status", Words),
    Column("terminal_at", Instant),
    Column("detail", Words, nullable=False),
    Column("cancel_requested_by", Words, nullable=False, server_default=""),
    Column("engine_cancel_at", Instant),
    Column("cancelled_by", Words, nullable=False, server_default=""),
    Column("origin", Text, nullable=False, server_default=""),
    Column("taken", RequestText),
    Index("ix_entries_account_expiration", "account", "expiration"),
    # The rule of the day (rules 9): at most one entry holds an account's session day.
    Index(
        "uq_entries_day_held",
        "account",
        "session_day",
        unique=True,
        sqlite_where=text("holds_day"),
        postgresql_where=text("holds_day"),
    ),
)

intent_orders = Table(
    # Every order that an intent has or had at the broker, as it was last seen there.
    "intent_orders",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", Text, ForeignKey("intents.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("status", Words, nullable=False),
    Column("updated_at", Instant),
    Column("seen_at", Instant, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("replaces", Text, nullable=False, server_default=""),
    UniqueConstraint("intent_id", "order_id"),
    Index("ix_intent_orders_account_order_id", "account", "order_id"),
    sqlite_autoincrement=True,
)

intent_changes = Table(
    # Every state that an intent went through, so that nothing recorded is ever overwritten (rules 13.6).
    "intent_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", Text, ForeignKey("intents.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("holds_day", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("order_id", Text),
    Column("broker_status", Words),
    Column("detail", Words, nullable=False),
    Column("request", RequestText),
    sqlite_autoincrement=True,
)

evidence = Table(
    # What was seen of an intent at the broker, and by whom. Only this can end the state unknown (rules 9, 13.5).
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", Text, ForeignKey("intents.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("who", Words, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("detail", JsonText, nullable=False),
    sqlite_autoincrement=True,
)

fills = Table(
    "fills",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", Text, ForeignKey("intents.id"), nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("fill_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("at", Instant, nullable=False),
    Column("order_id", Text, nullable=False, server_default=""),  # empty: recorded by a version before revision 5
    UniqueConstraint("intent_id", "order_id", "fill_id"),
    sqlite_autoincrement=True,
)

dry_runs = Table(
    # The broker's answer to the dry run of a suggestion's order (rules 9); amounts in $.
    "dry_runs",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("suggestion_id", Text, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("buying_power_change", ExactDecimal, nullable=False),
    Column("new_buying_power", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal),
    Column("warnings", JsonText, nullable=False),
    sqlite_autoincrement=True,
)
