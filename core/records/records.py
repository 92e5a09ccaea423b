"""The records, opened once; each subject has an attribute with its reads and writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.records.repositories.accounts import Accounts
from core.records.repositories.alerts import Alerts
from core.records.repositories.breakers import Breakers
from core.records.repositories.cycles import Cycles
from core.records.repositories.entries import Entries
from core.records.repositories.exit_rows import Claim
from core.records.repositories.exit_switch import ExitSwitches, Switch
from core.records.repositories.exits import Exits
from core.records.repositories.foreign import Foreign
from core.records.repositories.inbox import Inbox
from core.records.repositories.intent_book import IntentBook
from core.records.repositories.intent_orders import IntentOrders
from core.records.repositories.journal import Journal
from core.records.repositories.logins import Logins
from core.records.repositories.outbox import Outbox
from core.records.repositories.pnl_rows import PnlRows
from core.records.repositories.results import Results
from core.records.repositories.rows import (
    AccountChange,
    AccountRecord,
    Claimed,
    CommandRecord,
    CycleRecord,
    DayHeld,
    DryRunRecord,
    EvidenceRecord,
    IntentChange,
    LoginRecord,
    SlotRecord,
    SuggestionRecord,
    TradingState,
)
from core.records.repositories.slots import Slots
from core.records.repositories.trading_state import TradingStates
from core.records.repositories.transactions import Transactions
from core.records.repositories.trident_rows import TridentRecord
from core.records.repositories.tridents import Tridents
from core.records.repositories.tridents_on_record import TridentOnRecord, TridentsOnRecord
from core.records.repositories.unit_rows import GoneRecord
from core.records.search.cycle_details import CycleSearch
from core.records.search.history import History
from core.records.search.money import MoneySearch
from core.records.search.standings import Standings
from core.records.search.told_cycles import ToldCycles
from core.records.store.database import WATCHER_EPOCH, Database
from core.records.store.errors import (
    AlreadyValidated,
    FencedOff,
    IllegalTransition,
    RecordsError,
    RecordsRefusal,
    StateConflict,
)
from core.records.store.postgres_url import DRIVER, EXAMPLE, store_name
from core.records.store.private_file import make_private_file
from core.records.store.schema import migrate, require_current
from core.records.store.tables import ONLY_ROW, engine
from core.records.store.tables import trader as trader_row

if TYPE_CHECKING:
    from core.records.store.sqlite_on_loop import OnLoop

__all__ = [
    "AccountChange",
    "AccountRecord",
    "AlreadyValidated",
    "Claim",
    "Claimed",
    "CommandRecord",
    "CycleRecord",
    "DayHeld",
    "DryRunRecord",
    "EvidenceRecord",
    "FencedOff",
    "GoneRecord",
    "IllegalTransition",
    "IntentChange",
    "LoginRecord",
    "Records",
    "RecordsError",
    "RecordsRefusal",
    "SlotRecord",
    "StateConflict",
    "SuggestionRecord",
    "Switch",
    "TradingState",
    "TridentOnRecord",
    "TridentRecord",
]


# Up and down again: SQLite writes nothing for a value that stays the same.
_PROBE = tuple(update(engine).where(engine.c.id == ONLY_ROW).values(epoch=engine.c.epoch + step) for step in (1, -1))


class Records:
    """Everything durable. Each method of its parts is one commit of its own. Use it on the loop that opened it.

    Any call may raise RecordsError. `epoch` rises with every trader that opens the records. It keeps the earlier ones
    out: each of their writes raises FencedOff and changes nothing (rules 10). A process that does not trade may only
    post commands.
    """

    def __init__(self, database: Database, epoch: int) -> None:
        self.database = database
        database.write_as(epoch)
        self.epoch = epoch
        self.trading = TradingStates(database)
        self.breakers = Breakers(database)
        self.slots = Slots(database, epoch)
        self.cycles = Cycles(database, epoch)
        self.outbox = Outbox(database)
        self.journal = Journal(database, self.outbox)
        self.tridents = Tridents(database)
        self.tridents_on_record = TridentsOnRecord(database)
        self.entries = Entries(database, self.outbox, self.tridents)
        self.exits = Exits(database, self.outbox)
        self.intents = IntentBook(database, self.entries, self.exits)
        self.exit_switch = ExitSwitches(database)
        self.foreign = Foreign(database)
        self.intent_orders = IntentOrders(database)
        self.transactions = Transactions(database)
        self.pnl_rows = PnlRows(database)
        self.inbox = Inbox(database)
        self.accounts = Accounts(database, epoch)
        self.results = Results(database)
        self.alerts = Alerts(database, self.journal)
        self.history = History(database)
        self.money = MoneySearch(database)
        self.cycle_details = CycleSearch(database)
        self.told_cycles = ToldCycles(database)
        self.logins = Logins(database)
        self.standings = Standings(database, self.entries, self.accounts, self.cycles, self.journal)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        trader: bool = True,
        holder: str = "",
        session: int | None = None,
        on_loop: OnLoop | None = None,
    ) -> Records:
        """Opens or creates the store and brings its schema up to date.

        A trader must hold its lock before. Raises RecordsError.

        `url` is SQLAlchemy's: sqlite+aiosqlite:///path or postgresql+asyncpg://user@host/database. `holder` describes
        the trader to others; `session` is the server's session that holds its lock. With `trader=False` (a watcher, a
        command from a shell) neither the epoch nor the schema changes. `on_loop` is for a file whose days are lived in
        virtual time by this process alone.
        """
        parsed = _parsed(url)
        database = Database(parsed, _name(parsed), on_loop=on_loop)
        try:
            if parsed.get_backend_name() == "sqlite":
                make_private_file(Path(str(parsed.database)), create=trader)
            else:
                from core.records.store.postgres_driver import prepare_schema  # deferred: most runs need no PostgreSQL

                await prepare_schema(parsed, create=trader)
            if not trader:
                async with database.read() as connection:
                    await require_current(connection, database.name)
                return cls(database, WATCHER_EPOCH)
            async with database.write() as connection:
                await migrate(connection, database.name)
                epoch = await _next_epoch(connection, database.name, holder)
                if session is not None:
                    await _require_lock(connection, session, database.name)
            return cls(database, epoch)
        except BaseException:
            await database.close()
            raise

    def version(self, *tables: str) -> tuple[int, ...] | None:
        """A value that stays the same while these tables do; None when that is not certain (`Database.version`)."""
        return self.database.version(*tables)

    @property
    def in_flight(self) -> int:
        """The number of calls under way. Virtual time stands still until it is 0."""
        return self.database.in_flight

    def oldest_call_s(self, now_monotonic: float) -> float:
        """Seconds since the oldest call under way began, its wait for a turn included; 0 when there is none.

        `now_monotonic` is the loop's `time()`. The breaker for a stalled store uses it.
        """
        return self.database.oldest_call_s(now_monotonic)

    def committed_within(self, within_s: float) -> bool:
        """Whether a durable commit succeeded so few wall seconds ago: `probe` would only say again that the records can
        be written."""
        return self.database.committed_within(within_s)

    async def probe(self) -> None:
        """Makes one durable commit that changes nothing, to learn whether records can be written. Raises RecordsError.

        A full or read-only disk refuses it as it would refuse a real one.
        """
        async with self.database.write() as connection:
            for step in _PROBE:
                await connection.execute(step)

    async def until_fenced_off(self) -> NoReturn:
        """Waits while these records are ours. Raises FencedOff once a write finds a newer trader."""
        await self.database.until_fenced_off()

    async def close(self) -> None:
        """Closes the connections. No call may be under way."""
        await self.database.close()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise RecordsError(
            "the records URL cannot be read; write it like sqlite+aiosqlite:////home/me/senex.db"
        ) from None
    in_file = parsed.database and parsed.database != ":memory:" and not parsed.database.startswith("file:")
    if parsed.get_backend_name() == "sqlite" and not in_file:
        raise RecordsError("the records need a file; write the URL like sqlite+aiosqlite:////home/me/senex.db")
    if parsed.get_backend_name() != "sqlite" and (parsed.drivername != DRIVER or not parsed.database):
        raise RecordsError(f"the records are kept in PostgreSQL by asyncpg; write database.url like {EXAMPLE}")
    return parsed


def _name(url: URL) -> str:
    """How sentences name the store: without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the records file {url.database}"
    return store_name(url)


async def _next_epoch(connection: AsyncConnection, name: str, holder: str) -> int:
    """Raises the epoch, which keeps earlier traders out, and writes down in the same commit who trades."""
    rows = await connection.execute(update(engine).where(engine.c.id == ONLY_ROW).values(epoch=engine.c.epoch + 1))
    if rows.rowcount != 1:
        raise RecordsError(f"{name} lost its epoch; restore it from a backup")
    found = await connection.execute(select(engine.c.epoch).where(engine.c.id == ONLY_ROW))
    epoch: int = found.scalar_one()
    await connection.execute(update(trader_row).where(trader_row.c.id == ONLY_ROW).values(epoch=epoch, holder=holder))
    return epoch


async def _require_lock(connection: AsyncConnection, session: int, name: str) -> None:
    """Raises FencedOff unless the server's session holds the trader's lock.

    It is checked while this transaction has the turn to write. Whoever takes the lock later also opens the records
    later, so the newest epoch always belongs to the newest holder of the lock.
    """
    held = text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :session)")
    if not (await connection.execute(held, {"session": session})).scalar_one():
        raise FencedOff(f"the lock of {name} was lost before they were opened; start again")
