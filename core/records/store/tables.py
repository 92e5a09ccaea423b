"""The tables.

The database itself refuses a second entry of a day, a second fill and a second validation
(rules 9, 13).
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from core.records.store.types import ExactDecimal, FiguresText, Instant, JsonText, RequestText, SessionDay, Words

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

ONLY_ROW = 1
"""The id of the one row of `engine`, of `trader` and of `trading_state`."""

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

entries = Table(
    "entries",
    metadata,
    Column("id", Text, primary_key=True),
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

entry_orders = Table(
    # Every order that an entry has or had at the broker, as it was last seen there.
    "entry_orders",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("entry_id", Text, ForeignKey("entries.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("status", Words, nullable=False),
    Column("updated_at", Instant),
    Column("seen_at", Instant, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("replaces", Text, nullable=False, server_default=""),
    UniqueConstraint("entry_id", "order_id"),
    Index("ix_entry_orders_account_order_id", "account", "order_id"),
    sqlite_autoincrement=True,
)

entry_changes = Table(
    # Every state that an entry went through, so that nothing recorded is ever overwritten (rules 13.6).
    "entry_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("entry_id", Text, ForeignKey("entries.id"), nullable=False, index=True),
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
    # What was seen of an entry at the broker, and by whom. Only this can end the state unknown (rules 9, 13.5).
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry_id", Text, ForeignKey("entries.id"), nullable=False, index=True),
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
    Column("entry_id", Text, ForeignKey("entries.id"), nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("fill_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("at", Instant, nullable=False),
    Column("order_id", Text, nullable=False, server_default=""),  # empty: recorded by a version before revision 5
    UniqueConstraint("entry_id", "order_id", "fill_id"),
    sqlite_autoincrement=True,
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
    # Mail to be sent. A row is written in the commit of what it tells of, and sent by another task (rules 11). The key
    # names its subject, so that no mail is sent twice; `account` is empty for mail to the operator alone.
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
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
    Index(
        "ix_messages_waiting",
        "due_at",
        sqlite_where=text("sent_at IS NULL AND given_up_at IS NULL"),
        postgresql_where=text("sent_at IS NULL AND given_up_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
