"""The trader that holds the records; in PostgreSQL also text ordered by its bytes, whatever the server's language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    trader = op.create_table(
        "trader",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trader"),
    )
    op.bulk_insert(trader, [{"id": 1, "epoch": 0, "holder": ""}])
    if op.get_bind().dialect.name == "postgresql":
        _order_text_by_its_bytes()


def _order_text_by_its_bytes() -> None:
    """Makes PostgreSQL order text as SQLite does: instants and identifiers are compared and sorted as text."""
    inspector = sa.inspect(op.get_bind())
    for table in inspector.get_table_names():
        texts = [column["name"] for column in inspector.get_columns(table) if isinstance(column["type"], sa.Text)]
        quoted = op.get_bind().dialect.identifier_preparer.quote
        changes = ", ".join(f'ALTER COLUMN {quoted(name)} TYPE text COLLATE "C"' for name in texts)
        if changes:
            op.execute(f"ALTER TABLE {quoted(table)} {changes}")
