"""Makes records of an older revision, in either store, by its own migrations: an entry of each state with its rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.records.store.postgres_driver import engine_arguments, prepare_schema
from core.records.store.types import RequestText
from tests.support.record_samples import after, entry, url_of

STATES = {
    "filled": ("77", True),
    "cancelled": ("78", True),
    "expired": ("79", True),
    "working": ("80", False),
    "incident": ("81", False),
    "rejected": ("82", True),
    "absent": (None, None),
    "unknown": (None, None),
}
"""States of entries with the id of their order, and whether it is taken as ended. Each entry is named by its state."""
_ENTRY = text(
    "INSERT INTO entries (id, account, session_day, cycle, suggestion_id, underlying, expiration, strikes, identifier,"
    ' request, "limit", "natural", mid, width, max_risk, state, holds_day, prepared_at, sent_at, order_id,'
    " broker_status, terminal_at, detail) VALUES (:id, :account, :day, 1, 's', 'QQQ', :expiration,"
    " '622P/619P/622C/625C', :identifier, :request, '4.06', '3.860', '4.10', '3', '214.00', :state, :holds, :prepared,"
    " :sent, :order_id, :status, :ended, '')"
)
_CHANGE = text(
    "INSERT INTO entry_changes (entry_id, state, holds_day, at, order_id, broker_status, detail, request)"
    " VALUES (:entry, :state, :holds, :at, :order_id, NULL, 'said', NULL)"
)
_EVIDENCE = text(
    "INSERT INTO evidence (entry_id, at, kind, who, complete, detail)"
    " VALUES (:entry, :at, 'listing', 'engine', :complete, :detail)"
)
_FILL = text(
    "INSERT INTO fills (entry_id, account, fill_id, symbol, quantity, price, at)"
    " VALUES (:entry, :account, :fill, 'QQQ   260417P00622000', '2', '3.155', :at)"
)


def account_of(name: str) -> str:
    """The account of the entry with this state."""
    return f"5WT1{list(STATES).index(name):04}"


async def make_older(path: Path, revision: str) -> str:
    """Makes records of this revision and returns their address."""
    url = url_of(path)
    if url.startswith("sqlite"):
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        # In a schema of its own: the test's database has the newest revision already.
        url = f"{url}&senex_schema=senex_older"
        await prepare_schema(make_url(url), create=True)
    engine = engine_to(url)
    async with engine.begin() as connection:
        await connection.run_sync(_fill_with_rows, revision)
    await engine.dispose()
    return url


def engine_to(url: str) -> AsyncEngine:
    """Connections to records that know nothing of their rules."""
    if url.startswith("sqlite"):
        return create_async_engine(url)
    plain, arguments = engine_arguments(make_url(url))
    return create_async_engine(plain, connect_args=arguments)


def _fill_with_rows(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "core.records.store:migrations")
    config.attributes["connection"] = connection
    # Revision 5 makes a row of each order that an entry already had.
    command.upgrade(config, min(revision, "0004"))
    requests = RequestText()
    for name, (order_id, ended) in STATES.items():
        made = entry(name)
        row = {
            "id": name, "account": account_of(name), "day": made.session_day, "expiration": made.expiration,
            "identifier": made.identifier, "request": requests.process_bind_param(made.request, connection.dialect),
            "state": name, "holds": name != "rejected", "prepared": _text(0), "sent": _text(1), "order_id": order_id,
            "status": None if name == "incident" else name, "ended": _text(9) if ended else None,
        }  # fmt: skip
        if connection.dialect.name == "sqlite":
            row.update({key: value.isoformat() for key, value in row.items() if isinstance(value, date)})
        connection.execute(_ENTRY, row)
        for number, state in enumerate(("prepared", "sent", name)):
            change = {"entry": name, "state": state, "holds": number < 2, "at": _text(number), "order_id": order_id}
            connection.execute(_CHANGE, change)
            if revision > "0001":
                seen = {"entry": name, "at": _text(number), "complete": number > 0, "detail": '{"found":false}'}
                connection.execute(_EVIDENCE, seen)
    for number in range(3):
        at = {"entry": "filled", "account": account_of("filled"), "fill": f"f{number}", "at": _text(number)}
        connection.execute(_FILL, at)
    command.upgrade(config, revision)


def _text(seconds: int) -> str:
    return after(seconds).isoformat().replace("+00:00", "Z")
