"""The tables of the trader and its work: who trades, what stops it, cycles, commands, accounts, alerts, mail."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false, text

from core.records.store.tables.base import metadata
from core.records.store.types import ExactDecimal, FiguresText, Instant, JsonText, SessionDay, Words

engine = Table(
    "engine",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
)

trader = Table(
    # The last process that opened the records to trade, as it described itself (core.locks.holder). Only its lock says
    # whether it still trades.
    "trader",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("holder", Words, nullable=False),
)

trading_state = Table(
    "trading_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant),
    Column("why", Words, nullable=False),
)

breakers = Table(
    # A row is kept when its breaker closes, as history.
    "breakers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", Words, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", Words, nullable=False),
    Column("closing_why", Words, nullable=False),
    Index(
        "uq_breakers_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

cycles = Table(
    "cycles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("session_day", SessionDay, nullable=False, index=True),
    Column("slot", Instant),
    Column("forced", Boolean, nullable=False),
    Column("began_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
    Column("outcome", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_text", Words, nullable=False),
    Column("totals", JsonText, nullable=False),
    Index(
        "ix_cycles_running", "number", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")
    ),
)

slots = Table(
    "slots",
    metadata,
    Column("session_day", SessionDay, primary_key=True),
    Column("slot", Instant, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("cycle", Integer, ForeignKey("cycles.number"), index=True),
    Column("outcome", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_text", Words, nullable=False),
    Index(
        "ix_slots_claimed", "slot", sqlite_where=text("state = 'claimed'"), postgresql_where=text("state = 'claimed'")
    ),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("text", Words, nullable=False),
    Column("severity", Text, nullable=False),
    Column("cycle", Integer, index=True),
    Column("attempt", Integer),
    Column("account", Text),
    Column("underlying", Text),
    Column("step", Text),
    Column("result", Text),
    Column("reason", Text),
    Column("figures", FiguresText, nullable=False),
    Column("duration_ms", Integer),
    Index(
        "ix_events_reason",
        "reason",
        "at",
        "cycle",
        sqlite_where=text("reason IS NOT NULL"),
        postgresql_where=text("reason IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # a number is never used twice
)

commands = Table(
    "commands",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("saw_cycle", Integer),
    Column("state", Text, nullable=False, index=True),
    Column("text", Words, nullable=False),
    Column("finished_at", Instant),
    Column("target", Words, nullable=False, server_default=""),
    Column("note", Words, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

accounts = Table(
    "accounts",
    metadata,
    Column("number", Text, primary_key=True),
    Column("nickname", Words, nullable=False),
    Column("kind", Text, nullable=False),
    Column("is_closed", Boolean, nullable=False),
    Column("login", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("offset_cents", Integer),
    Column("width", ExactDecimal),
    Column("tolerance", ExactDecimal),
    Column("position_limit", Integer),
    Column("discovered_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("enabled_changed_at", Instant),
    Column("mail", Text),
    Column("is_primary", Boolean, nullable=False, server_default=false()),
    Column("skip_day", SessionDay),
    Column("exits", Text),
    Column("target_put_1", Text),
    Column("target_put_2", Text),
    Column("target_call", Text),
    Column("exit_dte", Integer),
    Column("let_index_expire", Boolean),
    Column("call_target_last", Boolean),
    Column("exits_first_wait", Boolean, nullable=False, server_default=false()),
)

account_changes = Table(
    # Every change of an account's settings: who, when, the old and the new value (rules 4, 7).
    "account_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False, index=True),
    Column("field", Text, nullable=False),
    Column("old", Words, nullable=False),
    Column("new", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

logins = Table(
    # Whether the broker accepts a login's token, by its last answer; `changed_at` is when the answer last changed.
    "logins",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_valid", Boolean, nullable=False),
    Column("checked_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("detail", Words, nullable=False),
)

account_results = Table(
    # Each account's run in each cycle; figures and reports are computed from these rows (rules 12).
    "account_results",
    metadata,
    Column("cycle", Integer, ForeignKey("cycles.number"), primary_key=True),
    Column("account", Text, primary_key=True),
    Column("session_day", SessionDay, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_text", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reached_pricing", Boolean, nullable=False),
    Column("pricing_refusals", Integer, nullable=False),
    Column("acknowledged_ms", Integer),
)

alerts = Table(
    # A row is kept when its alert closes, as history (rules 12).
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("text", Words, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Words, nullable=False),
    Column("closed_at", Instant),
    Index(
        "uq_alerts_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

messages = Table(
    # Messages to be sent, a row for each way to the operator (`channel`: mail, phone, phone 2). A row is written in the
    # commit of what it tells of, and sent by another task (rules 11). The key names its subject, so that no message is
    # sent twice; `account` is empty for a message to the operator alone.
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default="mail"),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("html", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Words, nullable=False),
    Column("sent_at", Instant),
    Column("given_up_at", Instant),
    UniqueConstraint("key", "channel"),
    Index(
        "ix_messages_waiting",
        "due_at",
        sqlite_where=text("sent_at IS NULL AND given_up_at IS NULL"),
        postgresql_where=text("sent_at IS NULL AND given_up_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
