"""One table of all intents, to which orders, states, evidence and fills belong; tridents and what they earned."""

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
    if op.get_bind().dialect.name == "postgresql":
        # What rests at the broker is written beside the revision (core.records.repositories.resting). SQLite has no
        # lengths.
        op.execute("ALTER TABLE alembic_version ALTER COLUMN version_num TYPE TEXT")
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
    _add_tridents(text)
    _add_exits(text)
    _add_what_is_not_ours(text)
    _add_settings_of_exits(text)
    _add_money(text)


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


def _add_tridents(text: sa.Text) -> None:
    op.create_table(
        "tridents",
        sa.Column("id", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("underlying", text, nullable=False),
        sa.Column("root", text, nullable=False),
        sa.Column("expiration", sa.Date(), nullable=False),
        sa.Column("body", text, nullable=False),
        sa.Column("width", text, nullable=False),
        sa.Column("credit", text),
        sa.Column("credit_estimated", sa.Boolean(), nullable=False),
        sa.Column("opened_at", text, nullable=False),
        sa.Column("filled_at", text, nullable=False),
        sa.Column("rules", text, nullable=False),
        sa.Column("ticks", text, nullable=False),
        sa.Column("managed_since", text),
        sa.Column("phase", text, nullable=False),
        sa.Column("closing_since", text),
        sa.Column("split", sa.Boolean(), nullable=False),
        sa.Column("hands_off", text, nullable=False),
        sa.Column("hands_off_why", text, nullable=False),
        sa.Column("desk_day", sa.Date()),
        sa.Column("asked", text),
        sa.Column("ended_at", text),
        sa.Column("max_risk", text, nullable=False),
        sa.Column("difference", text),
        sa.ForeignKeyConstraint(["id"], ["entries.id"], name="fk_tridents_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tridents"),
    )
    op.create_index("ix_tridents_account_expiration", "tridents", ["account", "expiration"], unique=False)
    op.create_index(
        "ix_tridents_held",
        "tridents",
        ["account"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "units",
        sa.Column("trident_id", text, nullable=False),
        sa.Column("unit", text, nullable=False),
        sa.Column("short_symbol", text, nullable=False),
        sa.Column("long_symbol", text, nullable=False),
        sa.Column("credit", text),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("how", text),
        sa.Column("remainder", text),
        sa.Column("ended_at", text),
        sa.Column("session_day", sa.Date()),
        sa.Column("earned_day", sa.Date()),
        sa.Column("paid", text),
        sa.Column("received", text),
        sa.Column("settlement", text),
        sa.Column("fees", text),
        sa.Column("opening_fees", text),
        sa.Column("fees_estimated", sa.Boolean()),
        sa.Column("realized", text),
        sa.ForeignKeyConstraint(["trident_id"], ["tridents.id"], name="fk_units_trident_id"),
        sa.PrimaryKeyConstraint("trident_id", "unit", name="pk_units"),
    )
    op.create_index("ix_units_session_day", "units", ["session_day"], unique=False)
    op.create_index("ix_units_earned_day", "units", ["earned_day"], unique=False)
    op.create_table(
        "gone",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("trident_id", text, nullable=False),
        sa.Column("unit", text, nullable=False),
        sa.Column("symbol", text, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cause", text),
        sa.Column("transaction_id", text),
        sa.Column("figure", text),
        sa.Column("found_at", text, nullable=False),
        sa.Column("detail", text, nullable=False),
        sa.Column("who", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["trident_id", "unit"], ["units.trident_id", "units.unit"], name="fk_gone_trident_id_unit"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_gone"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gone_trident_id", "gone", ["trident_id"], unique=False)


def _add_exits(text: sa.Text) -> None:
    op.create_table(
        "exits",
        sa.Column("id", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("session_day", sa.Date(), nullable=False),
        sa.Column("trident_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("units", text, nullable=False),
        sa.Column("underlying", text, nullable=False),
        sa.Column("identifier", text, nullable=False),
        sa.Column("request", text, nullable=False),
        sa.Column("limit", text, nullable=False),
        sa.Column("cap", text),
        sa.Column("basis", text),
        sa.Column("mid", text),
        sa.Column("natural", text),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("prepared_at", text, nullable=False),
        sa.Column("sent_at", text),
        sa.Column("order_id", text),
        sa.Column("broker_status", text),
        sa.Column("terminal_at", text),
        sa.Column("detail", text, nullable=False),
        sa.Column("cancel_requested_by", text, server_default="", nullable=False),
        sa.Column("engine_cancel_at", text),
        sa.Column("cancelled_by", text, server_default="", nullable=False),
        sa.Column("origin", text, server_default="", nullable=False),
        sa.Column("taken", text),
        sa.Column("cancel_asked_at", text),
        sa.Column("cancel_why", text, server_default="", nullable=False),
        sa.Column("released_at", text),
        sa.ForeignKeyConstraint(["id"], ["intents.id"], name="fk_exits_id"),
        sa.ForeignKeyConstraint(["trident_id"], ["tridents.id"], name="fk_exits_trident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exits"),
        sa.UniqueConstraint("identifier", name="uq_exits_identifier"),
    )
    op.create_index("ix_exits_order_id", "exits", ["order_id"], unique=False)
    op.create_index("ix_exits_session_day", "exits", ["session_day"], unique=False)
    op.create_index("ix_exits_state", "exits", ["state"], unique=False)
    op.create_index("ix_exits_trident_id", "exits", ["trident_id"], unique=False)
    op.create_index(
        "ix_exits_unreleased",
        "exits",
        ["account"],
        unique=False,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "claims",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("exit_id", text, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("trident_id", text, nullable=False),
        sa.Column("unit", text, nullable=False),
        sa.Column("claimed_at", text, nullable=False),
        sa.Column("released_at", text),
        sa.Column("why", text, server_default="", nullable=False),
        sa.ForeignKeyConstraint(["exit_id"], ["exits.id"], name="fk_claims_exit_id"),
        sa.ForeignKeyConstraint(
            ["trident_id", "unit"], ["units.trident_id", "units.unit"], name="fk_claims_trident_id_unit"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_claims"),
        sa.UniqueConstraint("exit_id", "unit", name="uq_claims_exit_id_unit"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_claims_unit",
        "claims",
        ["trident_id", "unit"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "exit_switch",
        sa.Column("account", text, nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("who", text, nullable=False),
        sa.Column("at", text, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_exit_switch"),
    )


def _add_what_is_not_ours(text: sa.Text) -> None:
    op.create_table(
        "foreign_positions",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account", text, nullable=False),
        sa.Column("symbol", text, nullable=False),
        sa.Column("side", text, nullable=False),
        sa.Column("quantity", text, nullable=False),
        sa.Column("cause", text, nullable=False),
        sa.Column("order_id", text, server_default="", nullable=False),
        sa.Column("at", text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_foreign_positions"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_foreign_positions_account_symbol_side", "foreign_positions", ["account", "symbol", "side"], unique=False
    )
    op.create_table(
        "foreign_fills",
        sa.Column("account", text, nullable=False),
        sa.Column("order_id", text, nullable=False),
        sa.Column("fill_id", text, nullable=False),
        sa.Column("symbol", text, nullable=False),
        sa.Column("side", text, nullable=False),
        sa.Column("quantity", text, nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.Column("at", text, nullable=False),
        sa.PrimaryKeyConstraint("account", "order_id", "fill_id", name="pk_foreign_fills"),
    )


def _add_settings_of_exits(text: sa.Text) -> None:
    op.add_column("accounts", sa.Column("exits", text))
    op.add_column("accounts", sa.Column("target_put_1", text))
    op.add_column("accounts", sa.Column("target_put_2", text))
    op.add_column("accounts", sa.Column("target_call", text))
    op.add_column("accounts", sa.Column("exit_dte", sa.Integer()))
    op.add_column("accounts", sa.Column("let_index_expire", sa.Boolean()))
    op.add_column("accounts", sa.Column("call_target_last", sa.Boolean()))
    op.add_column("accounts", sa.Column("exits_first_wait", sa.Boolean(), server_default=sa.false(), nullable=False))


def _add_money(text: sa.Text) -> None:
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
