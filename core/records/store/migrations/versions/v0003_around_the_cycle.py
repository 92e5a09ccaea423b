"""Logins, changes of accounts, results per account, dry-run answers, alerts, and the mail to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # The columns are only added: the table is not copied, and its rows stay as they are.
    op.add_column("accounts", sa.Column("mail", sa.Text()))
    op.add_column("accounts", sa.Column("is_primary", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("accounts", sa.Column("skip_day", sa.Date()))
    op.create_table(
        "account_changes",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_account_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_account_changes_account", "account_changes", ["account"], unique=False)
    op.create_table(
        "logins",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_valid", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_logins"),
    )
    op.create_table(
        "account_results",
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reached_pricing", sa.Boolean(), nullable=False),
        sa.Column("pricing_refusals", sa.Integer(), nullable=False),
        sa.Column("acknowledged_ms", sa.Integer()),
        sa.ForeignKeyConstraint(["cycle"], ["cycles.number"], name="fk_account_results_cycle"),
        sa.PrimaryKeyConstraint("cycle", "account", name="pk_account_results"),
    )
    op.create_index("ix_account_results_session_day", "account_results", ["session_day"], unique=False)
    op.create_table(
        "dry_runs",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("suggestion_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("buying_power_change", sa.Text(), nullable=False),
        sa.Column("new_buying_power", sa.Text(), nullable=False),
        sa.Column("fees", sa.Text()),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_dry_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dry_runs_suggestion_id", "dry_runs", ["suggestion_id"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.Text()),
        sa.Column("acknowledged_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "messages",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text()),
        sa.Column("given_up_at", sa.Text()),
        sa.PrimaryKeyConstraint("seq", name="pk_messages"),
        sa.UniqueConstraint("key", name="uq_messages_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
    )
    op.create_index("ix_events_at", "events", ["at"], unique=False)
    op.create_index("ix_cycles_began_at", "cycles", ["began_at"], unique=False)
    op.create_index(
        "ix_cycles_running",
        "cycles",
        ["number"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_slots_cycle", "slots", ["cycle"], unique=False)
    op.create_index(
        "ix_slots_claimed",
        "slots",
        ["slot"],
        unique=False,
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index("ix_suggestions_cycle", "suggestions", ["cycle"], unique=False)
    op.create_index("ix_entries_cycle", "entries", ["cycle"], unique=False)
    op.create_index("ix_entries_account_expiration", "entries", ["account", "expiration"], unique=False)
    op.create_index(
        "ix_events_reason",
        "events",
        ["reason", "at", "cycle"],
        unique=False,
        sqlite_where=sa.text("reason IS NOT NULL"),
        postgresql_where=sa.text("reason IS NOT NULL"),
    )
