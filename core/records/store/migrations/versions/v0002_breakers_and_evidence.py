"""Breakers, evidence of entries, what a command is about, and who asked to cancel an entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "breakers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text()),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closing_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_breakers"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_breakers_open",
        "breakers",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_evidence_entry_id"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evidence_entry_id", "evidence", ["entry_id"], unique=False)
    # The columns are only added: the tables are not copied, and their rows stay as they are.
    op.add_column("commands", sa.Column("target", sa.Text(), server_default="", nullable=False))
    op.add_column("commands", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.add_column("entries", sa.Column("cancel_requested_by", sa.Text(), server_default="", nullable=False))
