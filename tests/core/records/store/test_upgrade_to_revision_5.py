"""Records of every older revision: each order of an entry is known, and no fill is lost or counted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import IntentOrder
from core.records.records import Records
from core.records.store.postgres_driver import engine_arguments, prepare_schema
from core.records.store.types import RequestText
from tests.support.record_samples import ACCOUNT, AT, after, entry, fill, url_of

OLDER = ("0001", "0002", "0003", "0004")
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
"""States of entries with the id of their order, and whether it is taken as ended."""
_ENTRY = text(
    "INSERT INTO entries (id, account, session_day, cycle, suggestion_id, underlying, expiration, strikes, identifier,"
    ' request, "limit", "natural", mid, width, max_risk, state, holds_day, prepared_at, sent_at, order_id,'
    " broker_status, terminal_at, detail) VALUES (:id, :account, :day, 1, 's', 'QQQ', :expiration,"
    " '622P/619P/622C/625C', :identifier, :request, '4.06', '3.860', '4.10', '3', '214.00', :state, :holds, :prepared,"
    " :sent, :order_id, :status, :ended, '')"
)
_FILL = text(
    "INSERT INTO fills (entry_id, account, fill_id, symbol, quantity, price, at)"
    " VALUES (:entry, :account, :fill, 'QQQ   260417P00622000', '2', '3.155', :at)"
)


def _text(seconds: int) -> str:
    return after(seconds).isoformat().replace("+00:00", "Z")


def _account(name: str) -> str:
    return f"5WT1{list(STATES).index(name):04}"


def _fill_with_rows(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "core.records.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    requests = RequestText()
    for name, (order_id, ended) in STATES.items():
        made = entry(name)
        row = {
            "id": name, "account": _account(name), "day": made.session_day, "expiration": made.expiration,
            "identifier": made.identifier, "request": requests.process_bind_param(made.request, connection.dialect),
            "state": name, "holds": name != "rejected", "prepared": _text(0), "sent": _text(1), "order_id": order_id,
            "status": None if name == "incident" else name, "ended": _text(9) if ended else None,
        }  # fmt: skip
        if connection.dialect.name == "sqlite":
            row.update({key: value.isoformat() for key, value in row.items() if isinstance(value, date)})
        connection.execute(_ENTRY, row)
    for number in range(3):
        at = {"entry": "filled", "account": _account("filled"), "fill": f"f{number}", "at": _text(number)}
        connection.execute(_FILL, at)


async def _of_revision(path: Path, revision: str) -> str:
    """Makes records of this revision and returns their address."""
    url = url_of(path)
    if url.startswith("sqlite"):
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(url)
    else:
        # In a schema of its own: the test's database has the newest revision already.
        url = f"{url}&senex_schema=senex_older"
        await prepare_schema(make_url(url), create=True)
        plain, arguments = engine_arguments(make_url(url))
        engine = create_async_engine(plain, connect_args=arguments)
    async with engine.begin() as connection:
        await connection.run_sync(_fill_with_rows, revision)
    await engine.dispose()
    return url


@pytest.mark.parametrize("revision", OLDER)
async def test_the_orders_and_fills_of_an_older_revision_are_read_as_they_were_meant(path: Path, revision: str) -> None:
    records = await Records.open(await _of_revision(path, revision))
    try:
        orders = await records.entry_orders.of_all(list(STATES))
        assert {name: (found[0].order_id, found[0].ended) for name, found in orders.items()} == {
            name: kept for name, kept in STATES.items() if kept[0] is not None
        }
        assert orders["filled"] == (
            IntentOrder("filled", _account("filled"), "77", "filled", None, after(9), ended=True),
        )
        assert orders["incident"][0].status == ""
        assert orders["working"][0].seen_at == after(1)
        for name in STATES:
            found = await records.entries.get(name)
            assert (found.state.value, found.engine_cancel_at, found.cancelled_by) == (name, None, "")
            assert (found.origin, found.taken, found.terms) == ("", None, entry(name).request)
        kept = (await records.entries.get("filled")).fills
        assert [(one.fill_id, one.order_id, one.at) for one in kept] == [
            ("f0", "", after(0)), ("f1", "", after(1)), ("f2", "", after(2)),
        ]  # fmt: skip
    finally:
        await records.close()


@pytest.mark.parametrize("revision", OLDER)
async def test_after_the_upgrade_fills_are_known_and_new_ones_join_them(path: Path, revision: str) -> None:
    records = await Records.open(await _of_revision(path, revision))
    try:
        listed = [replace(fill(f"f{number}"), order_id="77") for number in range(4)]
        assert await records.entries.add_fills("filled", listed) == 1, "three of them were known already"
        assert await records.entries.add_fills("filled", listed) == 0
        assert len((await records.entries.get("filled")).fills) == 4
        again = replace(entry("next", _account("filled"), date(2026, 3, 3)), prepared_at=AT)
        await records.entries.prepare(again)
        assert await records.entries.add_fills("next", [replace(fill("f0"), order_id="5")]) == 1, "ids began again"
        assert await records.entries.by_order("78", _account("cancelled")) is not None
        assert {each.id for each in await records.entries.followed(again.session_day)} == {"working", "unknown"}
        late = {each.id for each in await records.entries.followed(entry().session_day)}
        assert late == {"working", "unknown", "incident", "absent", "filled"}, "of the filled one records are missing"
        cancelled = await records.entries.get("cancelled")
        assert (cancelled.state, cancelled.holds_day) == (OrderState.CANCELLED, True)
        assert ACCOUNT not in {each.account for each in await records.entries.followed(entry().session_day)}
    finally:
        await records.close()
