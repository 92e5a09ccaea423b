"""One trader on a database server: session advisory locks on a connection of their own (SPEC 10).

The server gives a lock back when its session ends and at no other time. Our side learns of that at once when the
connection is closed, and within `UNCONFIRMED_AFTER_S` when it only says nothing more; from then on nothing is sent. The
server notices that a machine is gone only after that (`postgres_driver`), so this trader has stopped before another
one can begin. Behind all this stands the epoch: what an earlier trader still writes is refused.
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
from core.locks.folder_lock import AccountLocks, LockLost, LockRefused, LockUnconfirmed, account_digest
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
# What this very session holds: a pooler that hands us another session would be noticed.
_HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
_TAKEN = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) = $1)"""
_HOLDER = "SELECT holder FROM trader"


class ServerLocks:
    """The locks of one trading process whose records are in PostgreSQL (`OneTrader`)."""

    def __init__(
        self,
        connection: asyncpg.Connection[Any],
        subject: str,
        accounts: AccountLocks,
        broker: str,
        clock: Clock,
    ) -> None:
        """Made by `take_trader_lock`."""
        self._connection = connection
        self._subject = subject
        self._accounts = accounts
        self._broker = broker
        self._clock = clock
        self._keys = 1
        self._confirmed = clock.monotonic()
        self._lost = asyncio.Event()
        self._turn = asyncio.Lock()  # the connection takes one question at a time
        self._given_back = False
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

    def verify(self) -> None:
        if self._lost.is_set() or self._connection.is_closed():
            raise LockLost(self._sentence("its connection ended"))
        self._accounts.verify()
        silent = self._clock.monotonic() - self._confirmed
        if silent > UNCONFIRMED_AFTER_S:
            raise LockUnconfirmed(self._sentence(f"the server has not answered for {silent:.0f} s"))

    async def keep(self) -> None:
        """Has the server confirm the lock every second until it cannot. Raises LockLost."""
        while True:
            asked = self._clock.monotonic()
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
        # The server lets go of the locks when it has read that the connection is closed.
        self._connection.terminate()

    def _end(self, why: str) -> LockLost:
        self._lost.set()
        self._connection.terminate()
        return LockLost(self._sentence(why))

    def _sentence(self, why: str) -> str:
        return f"the lock of {self._subject} is lost ({why}); nothing more is sent, start again."

    async def _confirm(self) -> bool:
        async with self._turn:
            return bool(await self._connection.fetchval(_HELD) == self._keys)

    async def _ask(self, statement: str, key: int) -> bool:
        try:
            async with self._turn:
                done = bool(await self._connection.fetchval(statement, key))
                self._keys += (statement == _TAKE) if done else 0
                self._keys -= (statement == _GIVE_BACK) if done else 0
                return done
        except FAILURES:
            raise self._end("its connection ended") from None


async def take_trader_lock(address: str, accounts: AccountLocks, broker: str, clock: Clock) -> ServerLocks:
    """Becomes the one trader of the records at this address. Taken before they are opened, which would fence a running
    trader off. Raises LockRefused, RecordsError."""
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
    """The trader of the records at this address, while it holds their lock; nothing is locked by asking.

    Raises LockRefused while it is held by one who has not said yet who it is, RecordsError.
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
    """The words of the last trader; None before its records have a schema, or when it has not opened them yet."""
    try:
        return Holder.from_text(str(await connection.fetchval(_HOLDER)))
    except asyncpg.UndefinedTableError:
        return None


def _trader_key(url: URL) -> int:
    return _key(sha256(f"the trader of {schema_of(url) or 'public'}".encode()).digest())


def _key(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)
