"""The first schema: everything the records keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("offset_cents", sa.Integer()),
        sa.Column("width", sa.Text()),
        sa.Column("tolerance", sa.Text()),
        sa.Column("position_limit", sa.Integer()),
        sa.Column("discovered_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("enabled_changed_at", sa.Text()),
        sa.PrimaryKeyConstraint("number", name="pk_accounts"),
    )
    op.create_table(
        "commands",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("saw_cycle", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_commands"),
        sa.UniqueConstraint("id", name="uq_commands_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commands_state", "commands", ["state"], unique=False)
    op.create_table(
        "cycles",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("slot", sa.Text()),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("began_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cycles"),
    )
    op.create_index("ix_cycles_session_day", "cycles", ["session_day"], unique=False)
    engine = op.create_table(
        "engine",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engine"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("suggestion_id", sa.Text(), nullable=False),
        sa.Column("underlying", sa.Text(), nullable=False),
        sa.Column("expiration", sa.Date(), nullable=False),
        sa.Column("strikes", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=False),
        sa.Column("natural", sa.Text(), nullable=False),
        sa.Column("mid", sa.Text(), nullable=False),
        sa.Column("width", sa.Text(), nullable=False),
        sa.Column("max_risk", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holds_day", sa.Boolean(), nullable=False),
        sa.Column("prepared_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text()),
        sa.Column("order_id", sa.Text()),
        sa.Column("broker_status", sa.Text()),
        sa.Column("terminal_at", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("identifier", name="uq_entries_identifier"),
    )
    op.create_index("ix_entries_order_id", "entries", ["order_id"], unique=False)
    op.create_index("ix_entries_session_day", "entries", ["session_day"], unique=False)
    op.create_index("ix_entries_state", "entries", ["state"], unique=False)
    op.create_index(
        "uq_entries_day_held",
        "entries",
        ["account", "session_day"],
        unique=True,
        sqlite_where=sa.text("holds_day"),
        postgresql_where=sa.text("holds_day"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("account", sa.Text()),
        sa.Column("underlying", sa.Text()),
        sa.Column("step", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer()),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_cycle", "events", ["cycle"], unique=False)
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("underlying", sa.Text(), nullable=False),
        sa.Column("expiration", sa.Date(), nullable=False),
        sa.Column("strikes", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("width", sa.Text(), nullable=False),
        sa.Column("natural", sa.Text(), nullable=False),
        sa.Column("mid", sa.Text(), nullable=False),
        sa.Column("limit", sa.Text()),
        sa.Column("offset", sa.Text()),
        sa.Column("max_risk", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("validated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
    )
    op.create_index("ix_suggestions_account_session_day", "suggestions", ["account", "session_day"], unique=False)
    op.create_index(
        "uq_suggestions_validated_day",
        "suggestions",
        ["account", "session_day"],
        unique=True,
        sqlite_where=sa.text("validated"),
        postgresql_where=sa.text("validated"),
    )
    trading_state = op.create_table(
        "trading_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trading_state"),
    )
    op.create_table(
        "entry_changes",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holds_day", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text()),
        sa.Column("broker_status", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("request", sa.Text()),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_entry_changes_entry_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_entry_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entry_changes_entry_id", "entry_changes", ["entry_id"], unique=False)
    op.create_table(
        "fills",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("fill_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_fills_entry_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_fills"),
        sa.UniqueConstraint("account", "fill_id", name="uq_fills_account_fill_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_fills_entry_id", "fills", ["entry_id"], unique=False)
    op.create_table(
        "slots",
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["cycle"], ["cycles.number"], name="fk_slots_cycle"),
        sa.PrimaryKeyConstraint("session_day", "slot", name="pk_slots"),
    )
    # The first start makes the epoch 1: 0 is nobody's. Entries are allowed, but every real account starts switched off.
    op.bulk_insert(engine, [{"id": 1, "epoch": 0}])
    op.bulk_insert(trading_state, [{"id": 1, "state": "active", "who": "", "at": None, "why": ""}])
