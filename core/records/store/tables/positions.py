"""The tables of what is held: tridents with their units, the exits that close them, and what is not ours.

The database itself refuses a second claim on a unit (rules 15.4). `tridents`, `units` and `exit_switch` say how things
stand; `claims`, `gone`, `foreign_positions` and `foreign_fills` keep what happened.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.records.store.tables.base import metadata
from core.records.store.types import ExactDecimal, Instant, JsonText, RequestText, SessionDay, Words

tridents = Table(
    # A filled entry of one package, by the entry's id. `managed_since` is empty while nobody sends exits for it.
    # `filled_at` is when its fill was recorded, `opened_at` when the broker filled it. `asked` is an operator's word to
    # close units, while it lasts. `difference` is by how much, in $, the broker's rows say that it earned more than its
    # fills and fees do: the broker's word counts (rules 15.6).
    "tridents",
    metadata,
    Column("id", Text, ForeignKey("entries.id"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("underlying", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("expiration", SessionDay, nullable=False),
    Column("body", ExactDecimal, nullable=False),
    Column("width", ExactDecimal, nullable=False),
    Column("credit", ExactDecimal),
    Column("credit_estimated", Boolean, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("filled_at", Instant, nullable=False),
    Column("rules", JsonText, nullable=False),
    Column("ticks", JsonText, nullable=False),
    Column("managed_since", Instant),
    Column("phase", Text, nullable=False),
    Column("closing_since", Instant),
    Column("split", Boolean, nullable=False),
    Column("hands_off", Text, nullable=False),
    Column("hands_off_why", Words, nullable=False),
    Column("desk_day", SessionDay),
    Column("asked", JsonText),
    Column("ended_at", Instant),
    Column("max_risk", ExactDecimal, nullable=False),
    Column("difference", ExactDecimal),
    Index("ix_tridents_account_expiration", "account", "expiration"),
    Index(
        "ix_tridents_held", "account", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")
    ),
)

units = Table(
    # Each vertical of a trident as it is now: always what its exits' fills and the contracts that left have made of it.
    # `remainder` is the contract that a broken one still has. Amounts in $; `credit` is per share. What it earned is of
    # `earned_day`; `opening_fees` are a part of `fees`.
    "units",
    metadata,
    Column("trident_id", Text, ForeignKey("tridents.id"), primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("short_symbol", Text, nullable=False),
    Column("long_symbol", Text, nullable=False),
    Column("credit", ExactDecimal),
    Column("estimated", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("how", Text),
    Column("remainder", Text),
    Column("ended_at", Instant),
    Column("session_day", SessionDay, index=True),
    Column("earned_day", SessionDay, index=True),
    Column("paid", ExactDecimal),
    Column("received", ExactDecimal),
    Column("settlement", ExactDecimal),
    Column("fees", ExactDecimal),
    Column("opening_fees", ExactDecimal),
    Column("fees_estimated", Boolean),
    Column("realized", ExactDecimal),
)

exits = Table(
    # The closing orders of tridents. `limit` is a debit per share, as are `cap`, `basis`, `mid` and `natural`.
    "exits",
    metadata,
    Column("id", Text, ForeignKey("intents.id"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("session_day", SessionDay, nullable=False, index=True),
    Column("trident_id", Text, ForeignKey("tridents.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("units", Text, nullable=False),
    Column("underlying", Text, nullable=False),
    Column("identifier", Text, nullable=False, unique=True),
    Column("request", RequestText, nullable=False),
    Column("limit", ExactDecimal, nullable=False),
    Column("cap", ExactDecimal),
    Column("basis", ExactDecimal),
    Column("mid", ExactDecimal),
    Column("natural", ExactDecimal),
    Column("step", Integer, nullable=False),
    Column("state", Text, nullable=False, index=True),
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
    Column("cancel_asked_at", Instant),
    Column("cancel_why", Words, nullable=False, server_default=""),
    Column("released_at", Instant),
    Index(
        "ix_exits_unreleased",
        "account",
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
)

claims = Table(
    # An exit's hold on a unit. A row is kept when it ends, with what ended it.
    "claims",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("exit_id", Text, ForeignKey("exits.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("trident_id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("released_at", Instant),
    Column("why", Words, nullable=False, server_default=""),
    ForeignKeyConstraint(["trident_id", "unit"], ["units.trident_id", "units.unit"]),
    UniqueConstraint("exit_id", "unit"),
    # The rule of the one claim: at most one exit holds a unit.
    Index(
        "uq_claims_unit",
        "trident_id",
        "unit",
        unique=True,
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

gone = Table(
    # Contracts of units that left without an order of ours. Nothing is changed here: a later row of the same contract
    # says what explains it; with the quantity 0, that it is held after all, and nothing before it counts. `figure` is
    # what an operator attests, in $.
    "gone",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("trident_id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("cause", Text),
    Column("transaction_id", Text),
    Column("figure", ExactDecimal),
    Column("found_at", Instant, nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("who", Words, nullable=False),
    ForeignKeyConstraint(["trident_id", "unit"], ["units.trident_id", "units.unit"]),
    Index("ix_gone_trident_id", "trident_id"),
    sqlite_autoincrement=True,
)

foreign_positions = Table(
    # Contracts at the broker that are not ours: the newest row of an account, symbol and side counts.
    "foreign_positions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("cause", Words, nullable=False),
    Column("order_id", Text, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    Index("ix_foreign_positions_account_symbol_side", "account", "symbol", "side"),
    sqlite_autoincrement=True,
)

foreign_fills = Table(
    # Fills of orders that are not ours. Each is used once.
    "foreign_fills",
    metadata,
    Column("account", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("fill_id", Text, primary_key=True),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", ExactDecimal, nullable=False),
    Column("opens", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)

exit_switch = Table(
    # Whether exits are held, for one account, or for all in the row without one. No row: they are not.
    "exit_switch",
    metadata,
    Column("account", Text, primary_key=True),
    Column("held", Boolean, nullable=False),
    Column("who", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("why", Words, nullable=False),
)
