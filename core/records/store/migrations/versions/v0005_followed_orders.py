"""Every order of an entry, who ended it at the broker, and fills known by their order's id too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# What the records of older versions prove of an entry's order: that it ended, or that it may still change.
_ORDERS_SO_FAR = """
INSERT INTO entry_orders (entry_id, account, order_id, status, updated_at, seen_at, ended, replaces)
SELECT id, account, order_id, coalesce(broker_status, ''), NULL, coalesce(terminal_at, sent_at, prepared_at),
       state IN ('filled', 'cancelled', 'expired', 'rejected'), ''
FROM entries WHERE order_id IS NOT NULL ORDER BY prepared_at, id
"""


def upgrade() -> None:
    # As in revision 4: PostgreSQL orders text by its bytes, as SQLite does.
    text = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else sa.Text()
    # Only added: the tables are not copied, and their rows stay as they are.
    op.add_column("entries", sa.Column("engine_cancel_at", text))
    op.add_column("entries", sa.Column("cancelled_by", text, server_default="", nullable=False))
    op.add_column("entries", sa.Column("origin", text, server_default="", nullable=False))
    op.add_column("entries", sa.Column("taken", text))
    op.create_table(
        "entry_orders",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry_id", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("order_id", text, nullable=False),
        sa.Column("status", text, nullable=False),
        sa.Column("updated_at", text),
        sa.Column("seen_at", text, nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("replaces", text, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_entry_orders_entry_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_entry_orders"),
        sa.UniqueConstraint("entry_id", "order_id", name="uq_entry_orders_entry_id_order_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entry_orders_account_order_id", "entry_orders", ["account", "order_id"], unique=False)
    op.execute(_ORDERS_SO_FAR)
    # SQLite changes the constraint by copying the table; no other table refers to it.
    with op.batch_alter_table("fills", table_kwargs={"sqlite_autoincrement": True}) as fills:
        fills.add_column(sa.Column("order_id", text, server_default="", nullable=False))
        fills.drop_constraint("uq_fills_account_fill_id", type_="unique")
        fills.create_unique_constraint("uq_fills_entry_id_order_id_fill_id", ["entry_id", "order_id", "fill_id"])
