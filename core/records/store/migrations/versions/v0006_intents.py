"""One table of all intents, to which orders, states, evidence and fills belong; and what tridents earned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# The older and the newer name of each table that belonged to entries; the columns of its indexes and unique keys.
_OF_INTENTS: tuple[tuple[str, str, tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]], ...] = (
    ("entry_orders", "intent_orders", (("account", "order_id"),), (("entry_id", "order_id"),)),
    ("entry_changes", "intent_changes", (("entry_id",),), ()),
    ("evidence", "evidence", (("entry_id",),), ()),
    ("fills", "fills", (("entry_id",),), (("entry_id", "order_id", "fill_id"),)),
)


def upgrade() -> None:
    # As in revision 4: PostgreSQL orders text by its bytes, as SQLite does.
    text = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else sa.Text()
    op.create_table(
        "intents",
        sa.Column("id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("identifier", text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_intents"),
        sa.UniqueConstraint("identifier", name="uq_intents_identifier"),
    )
    op.create_index("ix_intents_account_session_day", "intents", ["account", "session_day"], unique=False)
    op.execute(
        "INSERT INTO intents (id, kind, account, session_day, identifier) "
        "SELECT id, 'entry', account, session_day, identifier FROM entries"
    )
    for older, newer, indexes, uniques in _OF_INTENTS:
        _give_to_intents(older, newer, indexes, uniques)
    # After the others: while one of them refers to it, SQLite could not copy it.
    with op.batch_alter_table("entries") as entries:
        entries.create_foreign_key("fk_entries_id", "intents", ["id"], ["id"])
    _money(text)


def _give_to_intents(
    older: str, newer: str, indexes: tuple[tuple[str, ...], ...], uniques: tuple[tuple[str, ...], ...]
) -> None:
    """Gives the table its newer name and its foreign key to the intents. Its rows keep their values and numbers."""
    for columns in indexes:
        op.drop_index(f"ix_{older}_{'_'.join(columns)}", older)
    if newer != older:
        op.rename_table(older, newer)
    op.execute(f"ALTER TABLE {newer} RENAME COLUMN entry_id TO intent_id")
    # SQLite makes the other changes by copying the table. A new key to a column that is renamed in the same copy would
    # be left out without a word: the column has its newer name before.
    with op.batch_alter_table(newer, table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(f"fk_{older}_entry_id", type_="foreignkey")
        table.create_foreign_key(f"fk_{newer}_intent_id", "intents", ["intent_id"], ["id"])
        for columns in uniques:
            table.drop_constraint(f"uq_{older}_{'_'.join(columns)}", type_="unique")
        for columns in _renamed(uniques):
            table.create_unique_constraint(f"uq_{newer}_{'_'.join(columns)}", list(columns))
    for columns in _renamed(indexes):
        op.create_index(f"ix_{newer}_{'_'.join(columns)}", newer, list(columns), unique=False)
    if newer != older and op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {newer} RENAME CONSTRAINT pk_{older} TO pk_{newer}")
        op.execute(f"ALTER SEQUENCE {older}_seq_seq RENAME TO {newer}_seq_seq")


def _renamed(keys: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple("intent_id" if column == "entry_id" else column for column in columns) for columns in keys)


def _money(text: sa.Text) -> None:
    """The tables of what tridents earned."""
    op.create_table(
        "transactions",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *_columns(text, "account", "id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_columns(text, "kind", "sub_kind", "instrument_type", "symbol", "underlying", "action"),
        sa.Column("quantity", text),
        sa.Column("price", text),
        *_columns(text, "value", "net_value"),
        sa.Column("fees_estimated", sa.Boolean(), nullable=False),
        *_columns(text, "executed_at"),
        sa.Column("day", sa.Date(), nullable=False),
        *_columns(text, "order_id", "reverses", "text", "read_at"),
        sa.PrimaryKeyConstraint("seq", name="pk_transactions"),
        sa.UniqueConstraint("account", "id", "revision", name="uq_transactions_account_id_revision"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transactions_account_executed_at", "transactions", ["account", "executed_at"], unique=False)
    op.create_table(
        "matches",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *_columns(text, "account", "transaction_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        *_columns(text, "role"),
        sa.Column("trident_id", text),
        sa.Column("unit", text),
        *_columns(text, "quantity", "value", "net_value", "executed_at", "at"),
        sa.ForeignKeyConstraint(["trident_id"], ["entries.id"], name="fk_matches_trident_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_matches"),
        sa.UniqueConstraint(
            "account", "transaction_id", "revision", "part", name="uq_matches_account_transaction_id_revision_part"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_matches_trident_id", "matches", ["trident_id"], unique=False)
    op.create_table(
        "transaction_reads",
        *_columns(text, "account"),
        sa.Column("through", sa.Date(), nullable=False),
        *_columns(text, "at"),
        sa.PrimaryKeyConstraint("account", name="pk_transaction_reads"),
    )
    op.create_table(
        "official_closes",
        *_columns(text, "symbol"),
        sa.Column("day", sa.Date(), nullable=False),
        *_columns(text, "price", "at"),
        sa.PrimaryKeyConstraint("symbol", "day", name="pk_official_closes"),
    )
    op.create_table(
        "account_days",
        *_columns(text, "account"),
        sa.Column("session_day", sa.Date(), nullable=False),
        *_columns(text, "open_risk", "capital"),
        sa.Column("unrealized_mid", text),
        sa.Column("unrealized_natural", text),
        *_columns(text, "realized", "fees", "at"),
        sa.PrimaryKeyConstraint("account", "session_day", name="pk_account_days"),
    )


def _columns(text: sa.Text, *names: str) -> tuple[sa.Column[str], ...]:
    """Columns of text that is never missing."""
    return tuple(sa.Column(name, text, nullable=False) for name in names)
