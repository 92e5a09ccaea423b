"""How the accounts stand today, as the records say it: what decides what comes next for each (rules 9)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select

from core.domain.market.sessions import Ahead
from core.domain.operation.breakers import Breaker
from core.domain.orders.fate import Fate, fate_of
from core.domain.orders.next_step import Standing, TradingWords
from core.domain.orders.settling import PRODUCT_TIMES, Look, SettleTimes, Settling, settling
from core.records.repositories.accounts import Accounts
from core.records.repositories.breakers import Breakers
from core.records.repositories.cycles import Cycles
from core.records.repositories.entry_reads import EntryReads
from core.records.repositories.journal import Journal
from core.records.repositories.logins import Logins
from core.records.repositories.rows import AccountRecord, EvidenceRecord, LoginRecord, TradingState
from core.records.repositories.trading_state import TradingStates
from core.records.store.database import Database
from core.records.store.tables import engine


@dataclass(frozen=True, slots=True)
class HeldDay:
    """The entry that holds an account's day: its fate, and where the proof about it stands."""

    fate: Fate
    settling: Settling | None
    reentry_allowed: bool


@dataclass(frozen=True, slots=True)
class AccountsToday:
    """What decides what comes next, apart from the console and the time.

    `held` has the entries that hold the day, by account number; `validated` the accounts whose suggestion of the day is
    validated. `running`: a cycle has begun and not ended.
    """

    accounts: tuple[AccountRecord, ...]
    logins: tuple[LoginRecord, ...]
    trading: TradingState
    breakers: tuple[Breaker, ...]
    held: Mapping[str, HeldDay] = field(default_factory=dict)
    validated: Collection[str] = ()
    running: bool = False


@dataclass(frozen=True, slots=True)
class ConsoleNow:
    """What is known of the console.

    `running`: one runs; `starting`: it has not finished its start. `sends` is false in a dry run. `stopped_here` says
    why only this process stops entries, `kill_file` is the path of a file that halts them; each is empty without.
    `reconciling` says what for; the accounts in `reconciled` are done with it. `at_broker` has, by account, the order
    that holds its day and that no record explains.
    """

    running: bool = True
    starting: bool = False
    sends: bool = True
    stopped_here: str = ""
    kill_file: str = ""
    reconciling: str = ""
    reconciled: Collection[str] = ()
    at_broker: Mapping[str, str] = field(default_factory=dict)


def standings_of(known: AccountsToday, ahead: Ahead, console: ConsoleNow) -> tuple[Standing, ...]:
    """How each account stands, in their order."""
    refused = {login.name for login in known.logins if not login.is_valid}
    trading = TradingWords(known.trading.state, known.trading.who, known.trading.at, known.trading.why)
    standings = []
    for account in known.accounts:
        held = known.held.get(account.number)
        standings.append(
            Standing(
                today=ahead.today,
                session=ahead.session,
                slot=ahead.slot,
                next_open=ahead.next_open,
                next_day=ahead.next_day,
                number=account.number,
                login=account.login,
                enabled=account.enabled,
                is_closed=account.is_closed,
                login_valid=account.login not in refused,
                skips_today=account.skip_day == ahead.today,
                trading=trading,
                stopped_here=console.stopped_here,
                kill_file=console.kill_file,
                breakers=known.breakers,
                reconciling="" if account.number in console.reconciled else console.reconciling,
                running=known.running,
                console=console.running,
                starting=console.starting,
                fate=None if held is None else held.fate,
                settling=None if held is None else held.settling,
                reentry_allowed=held is not None and held.reentry_allowed,
                at_broker=console.at_broker.get(account.number, ""),
                validated=account.number in known.validated,
                sends=console.sends,
            )
        )
    return tuple(standings)


def looks_of(seen: Iterable[EvidenceRecord]) -> tuple[Look, ...]:
    """The reads of the broker's listing among what was seen of an entry."""
    return tuple(
        Look(one.at, one.complete, one.detail.get("found") is True, _connection(one.detail.get("alerts")))
        for one in seen
        if one.kind == "listing"
    )


def _connection(alerts: object) -> tuple[int, int]:
    """The epoch and the connection that a read was made over; zeros where an older record has none."""
    match alerts:
        case [int(epoch), int(number)]:
            return epoch, number
    return 0, 0


class Standings:
    """Reads what decides what comes next. Raises RecordsError when the store fails."""

    def __init__(self, database: Database, entries: EntryReads, accounts: Accounts, cycles: Cycles, journal: Journal):
        self._database = database
        self._entries = entries
        self._accounts = accounts
        self._cycles = cycles
        self._journal = journal
        self._logins = Logins(database)
        self._breakers = Breakers(database)
        self._trading = TradingStates(database)

    async def of_day(
        self, day: date, speed: float, settle: SettleTimes = PRODUCT_TIMES, *, everyone: bool = False
    ) -> AccountsToday:
        """How the accounts stand on a session day: those that the newest trader's logins reach, or `everyone`.

        `speed` is market seconds per wall second. Of the reads at the broker only those of the newest trader count.
        """
        accounts = await (self._accounts.all() if everyone else self._accounts.reached())
        # Asked before the entries: the end of a cycle that ends meanwhile is then among them.
        running = any(cycle.ended_at is None for cycle in await self._cycles.of_day(day))
        epoch = await self._epoch()
        held: dict[str, HeldDay] = {}
        for entry in await self._entries.of_day(day):
            if entry.holds_day:
                looks = looks_of(await self._entries.newest_evidence(entry.id))
                ours = [look for look in looks if look.connection[0] == epoch]
                allowed = await self._entries.reentry_allowed(entry.id)
                proof = settling(entry, ours, speed, settle, reentry_allowed=allowed)
                held[entry.account] = HeldDay(fate_of(entry), proof, allowed)
        return AccountsToday(
            accounts=accounts,
            logins=await self._logins.all(),
            trading=await self._trading.read(),
            breakers=await self._breakers.open_now(),
            held=held,
            validated=[a.number for a in accounts if await self._journal.validated_on(a.number, day)],
            running=running,
        )

    async def _epoch(self) -> int:
        async with self._database.read() as connection:
            epoch: int = (await connection.execute(select(engine.c.epoch))).scalar_one()
            return epoch
