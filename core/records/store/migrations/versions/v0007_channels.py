"""Messages get a row for each way to the operator. Those of older versions were all for the mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # PostgreSQL orders text by its bytes, as SQLite does.
    text = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else sa.Text()
    with op.batch_alter_table("messages", table_kwargs={"sqlite_autoincrement": True}) as messages:
        messages.add_column(sa.Column("channel", text, nullable=False, server_default="mail"))
        messages.drop_constraint("uq_messages_key", type_="unique")
        messages.create_unique_constraint("uq_messages_key_channel", ["key", "channel"])
