"""The locks of one trader in PostgreSQL: advisory locks of a session on a connection of its own (rules 10).

The server releases the locks when the session ends, and never before. This process learns of it at once when the
connection closes, and after at most `UNCONFIRMED_AFTER_S` when the server falls silent. From then on it sends nothing.
The server notices later than that when a machine is gone (`postgres_driver`), so this trader has stopped before another
one can start. The epoch of the records is a second barrier: writes of an earlier trader are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy.engine import make_url

from core.domain.operation.events import masked
from core.locks.folder_lock import AccountLocks, LockLost, LockRefused, LockUnconfirmed, Watched, account_digest
from core.locks.holder import Holder, refusal
from core.records.store.errors import RecordsError
from core.records.store.postgres_driver import FAILURES, connect_to, prepare_schema
from core.records.store.postgres_url import schema_of, store_name
from core.runtime.clock import Clock

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

CONFIRM_EVERY_S = 1.0
UNCONFIRMED_AFTER_S = 4.0
"""Wall seconds without an answer after which the lock counts as lost. The server holds it for at least 5 s longer."""

_TAKE = "SELECT pg_try_advisory_lock($1)"
_GIVE_BACK = "SELECT pg_advisory_unlock($1)"
# Counts the locks of the session that answers: a pooler that switched us to another session is noticed.
_HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
_TAKEN = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) = $1)"""
_HOLDER = "SELECT holder FROM trader"


class ServerLocks:
    """Implements `OneTrader` for a trading process whose records are in PostgreSQL."""

    def __init__(
        self,
        connection: asyncpg.Connection[Any],
        subject: str,
        accounts: AccountLocks,
        broker: str,
        clock: Clock,
    ) -> None:
        """Use `take_trader_lock`: the connection must already hold the trader's lock."""
        self._connection = connection
        self._subject = subject
        self._accounts = accounts
        self._broker = broker
        self._clock = clock
        self._keys = 1
        self._confirmed = clock.boottime()  # a machine that slept has not heard from the server meanwhile
        self._lost = asyncio.Event()
        self._turn = asyncio.Lock()  # the connection takes one question at a time
        self._given_back = False
        self._watched: list[Watched] = []
        connection.add_termination_listener(lambda _: self._lost.set())

    @property
    def session(self) -> int:
        return int(self._connection.get_server_pid())

    async def lock_accounts(self, numbers: Sequence[str]) -> None:
        taken: list[int] = []
        try:
            for number, key in sorted((number, _key(account_digest(self._broker, number))) for number in numbers):
                if not await self._ask(_TAKE, key):
                    raise LockRefused(refusal(f"account {masked(number)}", None))
                taken.append(key)
            self._accounts.take(numbers)
        except LockRefused:
            for key in taken:
                await self._ask(_GIVE_BACK, key)
            raise

    def watch(self, records: Watched) -> None:
        self._watched.append(records)

    def verify(self) -> None:
        for each in self._watched:
            each.verify()
        if self._lost.is_set() or self._connection.is_closed():
            raise LockLost(self._sentence("its connection ended"))
        self._accounts.verify()
        silent = self._clock.boottime() - self._confirmed
        if silent > UNCONFIRMED_AFTER_S:
            raise LockUnconfirmed(self._sentence(f"the server has not answered for {silent:.0f} s"))

    async def keep(self) -> None:
        """Has the server confirm the lock every second. Raises LockLost once it does not."""
        while True:
            asked = self._clock.boottime()
            asking = asyncio.ensure_future(self._confirm())
            ended = asyncio.ensure_future(self._lost.wait())
            try:
                await asyncio.wait(
                    {asking, ended},
                    timeout=UNCONFIRMED_AFTER_S - CONFIRM_EVERY_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not asking.done() or asking.exception() is not None:
                    raise self._end("its connection ended" if self._lost.is_set() else "the server does not answer")
                if not asking.result():
                    raise self._end("the server gave it to somebody else, or a pooler stands between")
            finally:
                asking.cancel()
                ended.cancel()
            self._confirmed = asked
            with suppress(TimeoutError):
                async with asyncio.timeout(CONFIRM_EVERY_S):
                    await self._lost.wait()

    def release(self) -> None:
        if self._given_back:
            return
        self._given_back = True
        self._accounts.release()
        # The server releases the locks once it has seen that the connection is closed.
        self._connection.terminate()

    def _end(self, why: str) -> LockLost:
        """Closes the connection, and returns the error to raise."""
        self._lost.set()
        self._connection.terminate()
        return LockLost(self._sentence(why))

    def _sentence(self, why: str) -> str:
        return f"the lock of {self._subject} is lost ({why}); nothing more is sent, start again."

    async def _confirm(self) -> bool:
        """Whether the server still counts all our locks."""
        async with self._turn:
            return bool(await self._connection.fetchval(_HELD) == self._keys)

    async def _ask(self, statement: str, key: int) -> bool:
        """Takes or releases one lock; whether it was done. Raises LockLost when the connection failed."""
        try:
            async with self._turn:
                done = bool(await self._connection.fetchval(statement, key))
                self._keys += (statement == _TAKE) if done else 0
                self._keys -= (statement == _GIVE_BACK) if done else 0
                return done
        except FAILURES:
            raise self._end("its connection ended") from None


async def take_trader_lock(address: str, accounts: AccountLocks, broker: str, clock: Clock) -> ServerLocks:
    """Becomes the one trader of the records at this address. Raises LockRefused, RecordsError.

    Call it before the records are opened: opening them stops the writes of a trader that is running.
    """
    url = make_url(address)
    await prepare_schema(url, create=True)
    connection = await connect_to(url, command_timeout=UNCONFIRMED_AFTER_S)
    try:
        asked = await connection.fetchval(_TAKE, _trader_key(url))
        if not asked:
            raise LockRefused(refusal(store_name(url), await _holder(connection)))
        return ServerLocks(connection, store_name(url), accounts, broker, clock)
    except BaseException as failure:
        connection.terminate()
        if isinstance(failure, FAILURES):
            raise RecordsError(f"{store_name(url)} failed while its lock was taken; start again") from None
        raise


async def who_trades(address: str) -> Holder | None:
    """The trader that holds the lock of the records at this address, or None. Takes no lock.

    Raises LockRefused while the holder has not yet written who it is, RecordsError when the server fails.
    """
    url = make_url(address)
    connection = await connect_to(url)
    try:
        if not await connection.fetchval(_TAKEN, _trader_key(url)):
            return None
        holder = await _holder(connection)
        if holder is None:
            raise LockRefused(refusal(store_name(url), None))
        return holder
    except FAILURES:
        raise RecordsError(f"{store_name(url)} failed while asked who trades; check the server") from None
    finally:
        connection.terminate()


async def _holder(connection: asyncpg.Connection[Any]) -> Holder | None:
    """The last trader, as it described itself in the records; None before it has, or before they have a schema."""
    try:
        return Holder.from_text(str(await connection.fetchval(_HOLDER)))
    except asyncpg.UndefinedTableError:
        return None


def _trader_key(url: URL) -> int:
    return _key(sha256(f"the trader of {schema_of(url) or 'public'}".encode()).digest())


def _key(digest: bytes) -> int:
    """The first eight bytes of the digest as a signed integer: the key of an advisory lock."""
    return int.from_bytes(digest[:8], "big", signed=True)
