"""Whoever goes back to an older version is told by it which closing orders rest at the broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import ExitKind
from core.records.copying import copy_records
from core.records.records import Records, RecordsError
from core.records.store.errors import OtherSchema
from core.records.store.schema import newest_revision, recorded_revision
from tests.core.records.store.older_records import engine_to, make_older
from tests.support.exit_samples import ALL, closing_fills, exit_of, filled, proof, sent
from tests.support.record_samples import AT, after, url_of

PUT_1, PUT_2, CALL = ALL

REVISION_5 = """
def _revision_of_ours(connection, name):
    tables = set(inspect(connection).get_table_names())
    revision = MigrationContext.configure(connection).get_current_revision() if _VERSION_TABLE in tables else None
    if (revision is None and tables - {_VERSION_TABLE}) or (revision is not None and _OUR_TABLE not in tables):
        raise RecordsError(f"{name} belongs to another program; {_elsewhere(connection)}")
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise OtherSchema(
            f"{name} has schema revision {revision}, written by a newer version of senex; this version knows revisions "
            f"up to {newest_revision()}: install the newer version again, or {_other(connection)}"
        )
    return revision
"""
"""The function as the last version with revision 5 has it, and every one before it."""


def _as_revision_5() -> Callable[[Connection, str], str | None]:
    known = [SimpleNamespace(revision=f"000{number}") for number in range(1, 6)]
    names: dict[str, Any] = {
        "inspect": inspect,
        "MigrationContext": MigrationContext,
        "_VERSION_TABLE": "alembic_version",
        "_OUR_TABLE": "trading_state",
        "RecordsError": RecordsError,
        "OtherSchema": OtherSchema,
        "_scripts": lambda: SimpleNamespace(walk_revisions=lambda: known),
        "newest_revision": lambda: "0005",
        "_elsewhere": lambda connection: "move it away",
        "_other": lambda connection: "start with --data-dir DIR",
    }
    exec(REVISION_5, names)
    found: Callable[[Connection, str], str | None] = names["_revision_of_ours"]
    return found


async def _told_by_revision_5(path: Path) -> str:
    engine = engine_to(url_of(path))
    try:
        async with engine.connect() as connection:
            with pytest.raises(OtherSchema) as refused:
                await connection.run_sync(_as_revision_5(), "the records")
    finally:
        await engine.dispose()
    return str(refused.value)


async def _version(records: Records) -> str:
    async with records.database.read() as connection:
        found: str = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    return found


async def test_an_older_version_names_the_orders_that_rest_at_the_broker(records: Records, path: Path) -> None:
    assert await _version(records) == newest_revision()
    await filled(records)
    await sent(records, exit_of((PUT_1,)), order_id="71")
    await sent(records, exit_of((PUT_2,), "x2"), order_id="72")
    assert (await _told_by_revision_5(path)).startswith(
        f"the records has schema revision {newest_revision()} (resting at the broker: 2 closing orders of …0001: "
        "71, 72; cancel them first: senex exits cancel), written by a newer version of senex; this version knows "
        "revisions up to 0005: install the newer version again"
    )


async def test_the_text_follows_every_end_of_an_order(records: Records) -> None:
    await filled(records)
    await records.exits.prepare(exit_of((PUT_1,)))
    assert await _version(records) == newest_revision(), "nothing is at the broker yet"
    await records.exits.become("x1", OrderState.NOT_SENT, at=AT)
    for number, end in enumerate((OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED)):
        await sent(records, exit_of((CALL,), f"y{number}"), order_id=f"8{number}")
        assert f"1 closing order of …0001: 8{number};" in await _version(records)
        if end is OrderState.FILLED:
            await records.exits.become(f"y{number}", OrderState.UNKNOWN, at=after(20))
            assert f"8{number};" in await _version(records), "nobody knows that it ended"
            await records.exits.become(f"y{number}", OrderState.CANCELLED, at=after(21))
        else:
            await records.exits.become(f"y{number}", end, at=after(21))
        assert await _version(records) == newest_revision()
        await records.exits.release(f"y{number}", proof())


async def test_it_names_no_more_than_has_room(records: Records) -> None:
    for number in range(5):
        name, account = f"e{number}", f"5WT0000{number}"
        await filled(records, name, account)
        units = [(PUT_1,), (PUT_2,), (CALL,)]
        for part, unit in enumerate(units[: 3 if number == 0 else 1]):
            await sent(
                records, exit_of(unit, f"{name}-{part}", trident=name, account=account), order_id=f"{number}{part}"
            )
    assert await _version(records) == (
        f"{newest_revision()} (resting at the broker: 3 closing orders of …0000: 00, 01, 02; 1 closing order of …0001: "
        "10; 1 closing order of …0002: 20; 2 closing orders of 2 other accounts; cancel them first: senex exits cancel)"
    )


async def test_records_with_resting_orders_open_as_ever_and_are_copied(records: Records, path: Path) -> None:
    await filled(records)
    await sent(records, exit_of(ALL, kind=ExitKind.TIME), order_id="71")
    await records.exits.add_fills("x1", closing_fills((PUT_1,)))
    written = await _version(records)
    assert recorded_revision(written) == newest_revision() != written
    await records.close()
    for trader in (False, True):
        again = await Records.open(url_of(path), trader=trader)
        assert (await again.exits.get("x1")).order_id == "71"
        await again.close()
    target = path.parent / "target" / "senex.db"
    copies = {copy.name: copy.rows for copy in await copy_records(url_of(path), url_of(target), "a test")}
    assert (copies["exits"], copies["claims"], copies["units"], copies["tridents"]) == (1, 3, 3, 1)
    copied = await Records.open(url_of(target), trader=False)
    try:
        assert await _version(copied) == written
        assert (await copied.tridents.get("one")).trident.units[0].held == ()
    finally:
        await copied.close()


async def test_a_text_beside_an_older_revision_is_no_hindrance_to_its_upgrade(path: Path) -> None:
    url = await make_older(path, "0005")
    engine = engine_to(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0005 (resting)'"))
    await engine.dispose()
    with pytest.raises(OtherSchema, match="has schema revision 0005, this version of senex needs"):
        await Records.open(url, trader=False)
    records = await Records.open(url)
    try:
        assert await _version(records) == newest_revision()
    finally:
        await records.close()
