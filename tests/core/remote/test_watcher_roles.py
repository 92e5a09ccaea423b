"""The database roles of docs/security.md: a reader reads everything and writes nothing, an operator adds commands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from core.commands.inbox import CommandDesk
from core.commands.local_handlers import LocalHandlers
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.guards.breakers import Breakers
from core.guards.foreign_tridents import ForeignTridents
from core.guards.gate import TradingGate
from core.guards.refused_orders import RefusedOrders
from core.guards.stops import Stops
from core.locks.folder_lock import AccountLocks
from core.locks.holder import Holder
from core.locks.postgres_lock import take_trader_lock, who_trades
from core.records.records import Records, RecordsError
from core.records.store.tables import metadata
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from core.snapshot import Mode
from senex_tui.reports.status import read_status
from senex_tui.trader.place import Place
from senex_tui.trader.send_command import send
from tests.support.postgres_server import PostgresServer
from tests.support.record_samples import AT, DAY, entry

GUIDE = Path(__file__).parents[3] / "docs" / "security.md"
SCHEMA = "senex_live"
ROLES = ("senex_reader", "senex_operator")
COMMAND = Command("c1", CommandKind.CANCEL, "anna watching on box-2", AT)


def recipe() -> str:
    """The SQL of the page, as it stands there."""
    [found] = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


class Cluster:
    """A database `senex` owned by the user `senex`, as the page has it set up."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def url(self, user: str) -> str:
        return f"postgresql+asyncpg://{user}@/senex?host={self.server.folder}"

    async def run(self, user: str, sql: str) -> None:
        connection = await asyncpg.connect(host=str(self.server.folder), user=user, database="senex")
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@pytest.fixture
def cluster(postgres: PostgresServer) -> Iterator[Cluster]:
    postgres.execute("CREATE ROLE senex LOGIN")
    postgres.execute("CREATE DATABASE senex OWNER senex")
    yield Cluster(postgres)
    postgres.execute("DROP DATABASE senex WITH (FORCE)")
    for role in ("senex", *ROLES):
        postgres.execute(f"DROP ROLE IF EXISTS {role}")


@pytest_asyncio.fixture
async def trader(cluster: Cluster) -> AsyncIterator[Records]:
    records = await Records.open(f"{cluster.url('senex')}&senex_schema={SCHEMA}", holder="")
    await records.entries.prepare(entry())
    await cluster.run("postgres", recipe())
    yield records
    await records.close()


@pytest.mark.parametrize("role", ROLES)
async def test_both_read_everything_a_watcher_shows(
    trader: Records, cluster: Cluster, role: str, tmp_path: Path
) -> None:
    watcher = await Records.open(f"{cluster.url(role)}&senex_schema={SCHEMA}", trader=False)
    assert await watcher.entries.of_day(DAY) == (entry(),)
    await watcher.close()
    place = Place(Mode.LIVE, tmp_path / "records.sqlite3", tmp_path / "HALT", cluster.url(role))
    assert (await read_status(place, None)).values["automation"]
    assert await who_trades(place.url) is None
    for table in metadata.tables:
        await cluster.run(role, f"SELECT * FROM {SCHEMA}.{table}")


@pytest.mark.parametrize("role", ROLES)
async def test_neither_changes_a_row_of_any_table(trader: Records, cluster: Cluster, role: str) -> None:
    assert len(metadata.tables) > 10
    for table in metadata.tables:
        column = next(iter(metadata.tables[table].columns)).name
        statements = [
            f"UPDATE {SCHEMA}.{table} SET {column} = {column}",
            f"DELETE FROM {SCHEMA}.{table}",
            f"TRUNCATE {SCHEMA}.{table}",
            f"DROP TABLE {SCHEMA}.{table}",
            f"SELECT * FROM {SCHEMA}.{table} FOR UPDATE",
        ]
        if (role, table) != ("senex_operator", "commands"):
            statements.append(f"INSERT INTO {SCHEMA}.{table} DEFAULT VALUES")
        for statement in statements:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await cluster.run(role, statement)
    for statement in (f"CREATE TABLE {SCHEMA}.mine (id int)", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await cluster.run(role, statement)


async def test_a_table_that_comes_later_can_be_read_too(trader: Records, cluster: Cluster) -> None:
    await cluster.run("senex", f"CREATE TABLE {SCHEMA}.later (id int)")
    await cluster.run("senex_reader", f"SELECT * FROM {SCHEMA}.later")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await cluster.run("senex_operator", f"INSERT INTO {SCHEMA}.later VALUES (1)")


async def test_a_reader_is_told_whom_to_ask(trader: Records, cluster: Cluster) -> None:
    watcher = await Records.open(f"{cluster.url('senex_reader')}&senex_schema={SCHEMA}", trader=False)
    with pytest.raises(RecordsError, match=r"lets this user only read; ask for the operator's role \(docs/security.md"):
        await watcher.inbox.post(COMMAND)
    await watcher.close()
    assert await trader.inbox.pending() == ()


async def test_an_operators_command_arrives_also_while_the_trader_writes(trader: Records, cluster: Cluster) -> None:
    watcher = await Records.open(f"{cluster.url('senex_operator')}&senex_schema={SCHEMA}", trader=False)
    async with trader.database.write():
        async with asyncio.timeout(5):
            await watcher.inbox.post(COMMAND)
    await watcher.inbox.post(COMMAND)  # again: changes nothing
    assert await trader.inbox.pending() == (COMMAND,)
    await trader.inbox.finish("c1", CommandState.DONE, "done", AT)
    answer = await watcher.inbox.get("c1")
    assert answer is not None
    assert answer.text == "done"
    await watcher.close()


async def test_an_operator_pauses_a_running_trader_from_a_shell(
    trader: Records, cluster: Cluster, tmp_path: Path
) -> None:
    place = Place(Mode.LIVE, tmp_path / "records.sqlite3", tmp_path / "HALT", cluster.url("senex_operator"))
    clock = SystemClock()
    mine = Holder.this_process("live", clock.now(), {})
    accounts = AccountLocks(tmp_path / "locks", "a broker", mine)
    lock = await take_trader_lock(f"{cluster.url('senex')}&senex_schema={SCHEMA}", accounts, "a broker", clock)
    try:
        answer = await send(place, CommandKind.PAUSE, note="lunch", wait_s=0.2)
    finally:
        lock.release()
    assert "posted, and not answered within" in answer.text
    [posted] = await trader.inbox.pending()
    assert (posted.kind, posted.note) == (CommandKind.PAUSE, "lunch")


@pytest.mark.parametrize(
    ("kind", "state"), [(CommandKind.PAUSE, "paused"), (CommandKind.HALT, "halted")], ids=["pause", "halt"]
)
async def test_an_operator_pauses_while_nobody_trades(
    trader: Records, cluster: Cluster, tmp_path: Path, kind: CommandKind, state: str
) -> None:
    """Its user may not carry the stop out. It waits for the next trader, however late that is."""
    await trader.close()
    place = Place(Mode.LIVE, tmp_path / "records.sqlite3", tmp_path / "HALT", cluster.url("senex_operator"))
    answer = await send(place, kind, note="lunch")
    said = f"{kind.value}: recorded; no console is running, and the next one starts with it."
    assert (answer.exit_code, answer.text) == (0, said)
    assert [*(tmp_path / "stops").glob("*")] == [], "a later trader here need not be told twice"

    records = await Records.open(f"{cluster.url('senex')}&senex_schema={SCHEMA}", holder="")
    clock, stops = SystemClock(), Stops()
    bus = Bus(records.journal.append, clock)
    breakers = Breakers(records, bus, clock)
    handlers = LocalHandlers(records, breakers, clock, running=False, live=False).handlers
    refused = RefusedOrders(clock, lambda at: 0.0)
    gate = TradingGate(records, breakers, tmp_path / "HALT", ForeignTridents(lambda: DAY), refused, stops)
    desk = CommandDesk(records, bus, clock, handlers, stops)
    await desk.read()
    assert gate.automation.value == state
    work = asyncio.create_task(desk.work())
    for _ in range(200):
        await asyncio.sleep(0.05)
        if not stops.words():
            break
    work.cancel()
    recorded = await records.trading.read()
    assert (recorded.state, recorded.why) == (state, "lunch")
    await records.close()


async def test_a_reader_who_pauses_while_nobody_trades_is_told_whom_to_ask(
    trader: Records, cluster: Cluster, tmp_path: Path
) -> None:
    await trader.close()
    place = Place(Mode.LIVE, tmp_path / "records.sqlite3", tmp_path / "HALT", cluster.url("senex_reader"))
    with pytest.raises(RecordsError, match=r"lets this user only read; ask for the operator's role \(docs/security.md"):
        await send(place, CommandKind.PAUSE)
    assert [*(tmp_path / "stops").glob("*")] == []
