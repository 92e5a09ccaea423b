"""Everything that takes the tridents of one trader to their end, built in one place (rules 15)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.broker.pace import Pace, Work
from core.broker.port import AccountReads, Broker
from core.domain.market.chain import OptionChain
from core.domain.operation.events import Event
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import OrderReport
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.reporting.alerts import DueAlert
from core.guards.exit_gate import ExitGate
from core.guards.gate import TradingGate
from core.locks.folder_lock import OneTrader
from core.market.calendar import SessionCalendar
from core.market.feed import Feed
from core.market.quote_store import QuoteReads
from core.orders.attribution import intent_of
from core.orders.cancels import Canceller
from core.orders.desk import OrderDesk
from core.orders.sending import SendingRules
from core.positions.book import TridentBook
from core.positions.bookkeeping import TIMES, Bookkeeping
from core.positions.changes import Changes
from core.positions.complete_reads import CompleteRead, CompleteReads
from core.positions.dividends import Dividends
from core.positions.exit_desk import ExitDesk
from core.positions.exit_facts import ExitAlerts
from core.positions.exit_guards import ExitGuards
from core.positions.placing import Placing
from core.positions.proofs import CancelProofs
from core.positions.quotes import CloseQuotes
from core.positions.telling import Telling
from core.positions.turns import TridentTurns
from core.positions.views_of import TridentViews
from core.records.records import AccountRecord, Records
from core.records.store.errors import RecordsError
from core.records.store.tables import exits, fills, gone, tridents, units
from core.runtime.bus import Bus
from core.runtime.clock import EXCHANGE_ZONE, Clock, exchange_time
from core.runtime.ids import Ids
from core.runtime.intervals import Intervals

BOOKS_AGAIN_S = 300.0
"""Wall seconds after which the books are taken up again when the broker did not tell all of them."""
_FILLED = frozenset({"fill_credit", "fill_debit"})
"""The figures of an entry and of an exit that are filled whole: what was earned, and the fees, are worked out at once,
for the screen. The broker's rows come in the evening."""
_OF_TRIDENTS = (tridents.name, units.name, exits.name, fills.name, gone.name)


@dataclass(eq=False, repr=False, kw_only=True)
class TridentRoom:
    """Builds the parts and runs them. While it is not `on` nothing of it runs, reads or is told, and no exit is ever
    sent.

    `accounts` are those that the logins reach, `chain` has today's option chain of an underlying, `underlyings` are
    those that are traded.
    """

    on: bool
    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    pace: Pace
    ids: Ids
    calendar: SessionCalendar
    intervals: Intervals
    locks: OneTrader
    rules: SendingRules
    gate: TradingGate
    feed: Feed
    quotes: QuoteReads
    orders: OrderDesk
    canceller: Canceller
    accounts: Callable[[], Sequence[AccountRecord]]
    chain: Callable[[str], Awaitable[OptionChain | Refusal]]
    underlyings: tuple[str, ...]
    exit_gate: ExitGate = field(init=False)
    changes: Changes = field(init=False)
    reads: CompleteReads = field(init=False)
    views: TridentViews = field(init=False)
    turns: TridentTurns = field(init=False)
    book: TridentBook = field(init=False)
    books: Bookkeeping = field(init=False)
    alerts: ExitAlerts = field(init=False)
    _given: dict[str, Mapping[str, OrderReport]] = field(init=False, default_factory=dict)
    _earned_in: set[str] = field(init=False, default_factory=set)
    _earned_due: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _books_due: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.exit_gate = ExitGate(
            self.records,
            self.gate.breakers,
            self.gate.stops,
            self.gate.kill_file,
            self.clock,
            self.mode_of,
            self.gate.wrong_clock,
            self.gate.not_reconciled,
        )
        self.changes = Changes(self.records, self.gate.breakers, self.bus, self.clock, self.calendar)
        self.reads = CompleteReads(
            self.broker,
            self,
            self.pace,
            self.clock,
            self.login_of,
            self._take,
            lambda: self.turns.followed(),
            lambda: self.calendar.is_open(self.clock.now()),
            self.intervals.exits_read_s,
        )
        quotes = CloseQuotes(self.feed, self.quotes, self.broker, self.pace, self.clock, self.login_of)
        self.views = TridentViews(
            self.records,
            self.exit_gate,
            self.changes,
            self.reads,
            quotes,
            Dividends(self.broker, self.pace, self.clock),
            self.feed,
            self.clock,
            self.calendar,
            self.accounts,
        )
        proofs = CancelProofs(
            broker=self.broker,
            records=self.records,
            tracker=self.canceller.tracker,
            canceller=self.canceller,
            reads=self.reads,
            changes=self.changes,
            pace=self.pace,
            clock=self.clock,
            login_of=self.login_of,
        )
        guards = ExitGuards(
            broker=self.broker,
            records=self.records,
            bus=self.bus,
            clock=self.clock,
            calendar=self.calendar,
            pace=self.pace,
            reads=self.reads,
            changes=self.changes,
            quotes=quotes,
            login_of=self.login_of,
            streamer_of=self.views.streamer_of,
            dividend_of=self.views.dividends.known.get,
            preflight=self.rules.preflight,
        )
        placing = Placing(
            desk=self.orders,
            records=self.records,
            clock=self.clock,
            calendar=self.calendar,
            ids=self.ids,
            gate=self.exit_gate,
            reads=self.reads,
            guards=guards,
            login_of=self.login_of,
            sends=self.rules.sends,
        )
        desk = ExitDesk(
            records=self.records,
            placing=placing,
            proofs=proofs,
            canceller=self.canceller,
            pace=self.pace,
            locks=self.locks,
            bus=self.bus,
            clock=self.clock,
            login_of=self.login_of,
        )
        self.turns = TridentTurns(
            views=self.views,
            desk=desk,
            reads=self.reads,
            changes=self.changes,
            gate=self.exit_gate,
            records=self.records,
            telling=Telling(self.records, self.clock, lambda account: self.books.earnings.work_out(account)),
            clock=self.clock,
            calendar=self.calendar,
            accounts=self._numbers,
            wake_s=self.intervals.exit_wake_s,
        )
        self.book = TridentBook(
            records=self.records,
            views=self.views,
            canceller=self.canceller,
            bus=self.bus,
            clock=self.clock,
            chain=self.chain,
            wake=self.turns.wake,
        )
        self.books = Bookkeeping(
            self.broker,
            self.records,
            self.bus,
            self.clock,
            self.calendar,
            self.pace,
            self.login_of,
            self.underlyings,
            self.quotes.summary,
            self.views.open_marks,
        )
        self.alerts = ExitAlerts(
            self.turns, self.views, proofs, self.books.reads, self.records, self.clock, self.calendar, self.accounts
        )
        if self.on:
            self.bus.listen(self.heard)

    def services(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs for as long as the trader does, by name."""
        if not self.on:
            return {}
        return {
            "tridents": self.turns.run,
            "complete reads": self.reads.run,
            "books": self._keep_books,
            "results": self._work_out_fills,
        }

    async def recover(self) -> None:
        """Takes up what an earlier process left, after its orders were. Raises RecordsError."""
        if self.on:
            await self.book.take_in()
            await self.exit_gate.read()

    async def close(self) -> None:
        """Ends in order: nothing more begins, and what is being sent gets its outcome."""
        if self.on:
            await self.turns.close()
            await self.reads.close()

    def due_alerts(self) -> tuple[DueAlert, ...] | None:
        """The alerts about exits that should be open; None while not every account is known."""
        return self.alerts.due() if self.on else ()

    def mode_of(self, account: str) -> ExitMode:
        """What is sent for the account with this number."""
        is_reached = any(one.number == account for one in self.accounts())
        return self.rules_of(account).mode if is_reached and self.on else ExitMode.OFF

    def rules_of(self, account: str) -> ExitRules:
        """The rules under which a trident of this account would be filled now."""
        default = self.records.tridents.default_rules
        own = next((one.exits for one in self.accounts() if one.number == account), None)
        return default if own is None else rules_for(own, default)

    def login_of(self, account: str) -> str:
        """The login that reaches the account; empty for one that none reaches."""
        return self.views.login_of(account)

    @property
    def watches_prices(self) -> bool:
        """Whether a close goes on that depends on prices."""
        return self.views.quotes.is_watching

    def judges(self, account: str) -> bool:
        """Whether what leaves the account's tridents is attributed to their units."""
        return self.on and self.changes.differing(account) is not None

    # Told by other parts

    def heard(self, event: Event) -> None:
        """Listens on the bus."""
        self.turns.heard(event)
        self.alerts.heard(event)
        if event.account is not None and not _FILLED.isdisjoint(dict(event.figures)):
            self._earned_in.add(event.account)
            self._earned_due.set()
        if event.kind == "reconcile.done":
            self._books_due.set()  # the machine may have slept
        if event.kind == "reconcile.foreign" and event.account is not None and self.on:
            self.reads.want(event.account, Work.PROOF)  # found in a listing, where no alert told of it

    def stranger(self, report: OrderReport) -> None:
        """An alert told of an order that is not ours: the account is read at once."""
        if self.on:
            self.reads.want(report.account, Work.PROOF)

    def note_reads(self, reads: AccountReads) -> None:
        """Takes note of the trading status that a read of an account has shown."""
        self.exit_gate.note_restriction(reads.number, reads.exits_barred)

    def note_complete(self, account: str, began_s: float) -> None:
        """The account was read completely by reads that began at this second (`complete_reads.Stamps`)."""
        self.exit_gate.note_complete(account, began_s)
        self.turns.wake(account)

    async def _take(self, read: CompleteRead) -> None:
        """Gives the orders of a complete read to their intents, then has its holdings judged: what an order of ours
        closed is no change. A report that was given before is not given again. Raises RecordsError."""
        before = self._given.get(read.account, {})
        for report in read.orders:
            if before.get(report.order_id) == report:
                continue
            intent = await intent_of(self.records.intents, report)
            if intent is not None:
                await self.canceller.tracker.apply(intent, report)
        self._given[read.account] = {report.order_id: report for report in read.orders}
        await self.changes.look(read)

    # The books

    async def _keep_books(self) -> None:
        seen: tuple[date, tuple[int, ...]] | None = None
        while True:
            self._books_due.clear()
            complete = await self.books.turn(self._numbers())
            version = self.records.version(*_OF_TRIDENTS)
            now = None if version is None else (exchange_time(self.clock.now()).date(), version)
            if now is None or now != seen:
                await self.alerts.read_results()
                self.turns.wake_all()  # the broker's rows may have ended units
                seen = now
            wait_s = self._books_in_s() if complete else BOOKS_AGAIN_S
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._books_due.wait()

    async def _work_out_fills(self) -> None:
        """Works out what a fill brought, of its own account alone, whatever the books of the others wait for."""
        while True:
            await self._earned_due.wait()
            self._earned_due.clear()
            due = tuple(self._earned_in)
            self._earned_in.clear()
            failed: RecordsError | None = None
            for account in due:
                try:
                    await self.books.earnings.work_out(account)
                except RecordsError as error:  # the next run of this service tries it again, and the others go on
                    self._earned_in.add(account)
                    self._earned_due.set()
                    failed = error
            if failed is not None:
                raise failed
            self._books_due.set()

    def _books_in_s(self) -> float:
        """Wall seconds until something may be due in the books."""
        now = self.clock.now()
        today = exchange_time(now).date()
        at = [datetime.combine(day, one, EXCHANGE_ZONE) for day in (today, today + timedelta(days=1)) for one in TIMES]
        return (min(one for one in at if one > now) - now).total_seconds() / self.clock.speed

    def _numbers(self) -> tuple[str, ...]:
        return tuple(one.number for one in self.accounts() if not one.is_closed)
