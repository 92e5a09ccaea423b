"""What sends, proves and closes exits, on the engine of a world; a test says when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from core.broker.pace import Pace
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.actions import Action, Cancel, CancelWhy, MarkClosing, PlaceTargets, Prove, Wait
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.next_action import next_action
from core.domain.positions.plans import ExitPlan, close_plan
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import ManualClose, Moment, TridentView
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.positions.units import Unit, UnitName, UnitState
from core.domain.positions.walk import ClosePrices
from core.engine.engine import Engine
from core.guards.exit_gate import ExitGate
from core.orders.attribution import intent_of
from core.positions.changes import Changes
from core.positions.complete_reads import CompleteRead, CompleteReads
from core.positions.exit_desk import Done, ExitDesk
from core.positions.exit_guards import ExitGuards
from core.positions.placing import Placing
from core.positions.proofs import CancelProofs
from core.positions.quotes import CloseQuotes
from core.runtime.clock import exchange_time
from core.simulator.exchange.exchange import Exchange
from tests.support.world import ACCOUNT, LOGIN, World

PUT_1, PUT_2, CALL = UnitName
RULES = ExitRules(ExitMode.ALL, {PUT_1: 40, PUT_2: 60, CALL: 40})
LIVE_AFTER_S = 3.0
"""Wall seconds after which an order that was taken is live at the exchange, or its cancel carried out."""
FAR = ClosePrices(Decimal("0.05"), Decimal("0.06"))
"""Prices at which nobody sells what is to be closed."""


@dataclass
class Room:
    """The parts, for one engine. `exchange` is the one that its broker sends to; `mode` is what is sent for every
    account."""

    engine: Engine
    exchange: Exchange
    streamer_of: Callable[[str], str] = lambda symbol: ""
    mode: ExitMode = ExitMode.ALL
    gate: ExitGate = field(init=False)
    changes: Changes = field(init=False)
    reads: CompleteReads = field(init=False)
    quotes: CloseQuotes = field(init=False)
    guards: ExitGuards = field(init=False)
    placing: Placing = field(init=False)
    proofs: CancelProofs = field(init=False)
    desk: ExitDesk = field(init=False)

    def __post_init__(self) -> None:
        engine, parts, bus = self.engine, self.engine.parts, self.engine.bus
        broker, records, clock = parts.broker, parts.records, parts.clock
        pace = Pace(clock)
        self.gate = ExitGate(
            records,
            engine.breakers,
            engine.stops,
            parts.kill_file.parent / "HALT-ALL",
            clock,
            lambda _: self.mode,
            lambda: None,
            engine.gate.not_reconciled,
        )
        self.changes = Changes(records, engine.breakers, bus, clock, parts.calendar)
        self.reads = CompleteReads(
            broker, self.gate, pace, clock, _login, self._take, lambda: (), lambda: False
        )  # fmt: skip
        self.quotes = CloseQuotes(engine.feed, engine.quotes, broker, pace, clock, _login)
        self.guards = ExitGuards(
            broker=broker,
            records=records,
            bus=bus,
            clock=clock,
            calendar=parts.calendar,
            pace=pace,
            reads=self.reads,
            changes=self.changes,
            quotes=self.quotes,
            login_of=_login,
            streamer_of=self.streamer_of,
            dividend_of=lambda _: None,
            preflight=parts.preflight,
        )
        self.placing = Placing(
            desk=engine.desk.desk,
            records=records,
            clock=clock,
            calendar=parts.calendar,
            ids=parts.ids,
            gate=self.gate,
            reads=self.reads,
            guards=self.guards,
            login_of=_login,
            sends=parts.sends,
        )
        self.proofs = CancelProofs(
            broker=broker,
            records=records,
            tracker=engine.tracker,
            canceller=engine.canceller,
            reads=self.reads,
            changes=self.changes,
            pace=pace,
            clock=clock,
            login_of=_login,
        )
        self.desk = ExitDesk(
            records=records,
            placing=self.placing,
            proofs=self.proofs,
            canceller=engine.canceller,
            pace=pace,
            locks=parts.locks,
            bus=bus,
            clock=clock,
            login_of=_login,
        )

    async def _take(self, read: CompleteRead) -> None:
        for report in read.orders:
            intent = await intent_of(self.engine.parts.records.intents, report)
            if intent is not None:
                await self.engine.tracker.apply(intent, report)
        await self.changes.look(read)

    async def ready(self) -> None:
        """Reads the account until it is known what is foreign in it."""
        await self.reads.within(ACCOUNT, 0)
        while self.changes.differing(ACCOUNT) is None:
            await self.engine.parts.clock.sleep(31)
            await self.reads.within(ACCOUNT, 0)

    async def known(self) -> None:
        """Says that nothing in the account is foreign, which reads that are 30 s apart would show, and reads it."""
        await self.engine.parts.records.foreign.take_baseline(ACCOUNT, {}, self.engine.parts.clock.now())
        await self.reads.within(ACCOUNT, 0)

    # A trident

    async def view(self, entry: Entry, asked: ManualClose | None = None) -> TridentView:
        records = self.engine.parts.records
        trident = (await records.tridents.get(entry.id)).trident
        exits = (await records.exits.of_tridents([entry.id]))[entry.id]
        gone = tuple(one.gone for one in (await records.tridents.gone_of([entry.id]))[entry.id])
        agrees = self.changes.agrees(ACCOUNT, trident.units)
        return TridentView(trident, exits, gone, agrees, asked=asked)

    def moment(self, entry: Entry) -> Moment:
        now, calendar = self.engine.parts.clock.now(), self.engine.parts.calendar
        days = ExitDays(entry.expiration, calendar.between(entry.session_day, entry.expiration))
        return Moment(now, exchange_time(now).date(), calendar.today(now), days)

    async def due(self, entry: Entry) -> Action:
        """What comes next for the trident of this entry."""
        return next_action(await self.view(entry), self.moment(entry))

    async def do(self, entry: Entry, action: Action) -> Done:
        return await self.desk.do(await self.view(entry), action)

    async def follow(self, entry: Entry, *, tries: int = 40) -> Action:
        """Has done what is due until nothing is. Returns the last action."""
        for _ in range(tries):
            action = await self.due(entry)
            if isinstance(action, Wait):
                return action
            done = await self.do(entry, action)
            await self.engine.parts.clock.sleep(done.again_s or 0.0)
        raise AssertionError(f"not settled after {tries} actions: {action}, {done.why}")

    async def targets(self, entry: Entry) -> tuple[Exit, ...]:
        """Places the three targets."""
        action = await self.due(entry)
        assert isinstance(action, PlaceTargets), action
        assert await self.do(entry, action) == Done()
        exits = (await self.view(entry)).exits
        assert [one.state for one in exits] == [OrderState.WORKING] * 3
        return exits

    async def closing(self, entry: Entry) -> None:
        await self.do(entry, MarkClosing("the test says so"))

    async def place(
        self,
        entry: Entry,
        names: tuple[UnitName, ...] = tuple(UnitName),
        prices: ClosePrices | None = FAR,
        *,
        debit: str = "0.05",
        cap: str = "0.50",
        step: int = 0,
    ) -> Exit | Refusal:
        """Places a time exit of these units."""
        view = await self.view(entry)
        units = tuple(unit for unit in view.trident.units if unit.name in names)
        return await self.placing.place(view, time_exit(units, debit, cap, prices, step))

    async def cancelled(self, entry: Entry, *exits: Exit, why: CancelWhy = CancelWhy.CLOSING) -> Done:
        return await self.do(entry, Cancel(tuple(one.id for one in exits), why))

    async def proved(self, entry: Entry, *exits: Exit) -> Done:
        return await self.do(entry, Prove(tuple(one.id for one in exits)))

    async def fill(self, exit: Exit, packages: int | None = None) -> None:
        """Fills the exit's order at its own price once it is live: all that is left, or so many packages."""
        await self.engine.parts.clock.sleep(LIVE_AFTER_S)
        at = self.engine.parts.clock.now()
        self.exchange.back_office.fill(ACCOUNT, int(exit.order_id or ""), at, packages=packages)

    async def now(self, exit: Exit) -> Exit:
        return await self.engine.parts.records.exits.get(exit.id)

    async def units(self, entry: Entry) -> tuple[UnitState, ...]:
        return tuple(unit.state for unit in (await self.view(entry)).trident.units)


def time_exit(
    units: tuple[Unit, ...],
    debit: str = "0.05",
    cap: str = "0.50",
    prices: ClosePrices | None = FAR,
    step: int = 0,
) -> ExitPlan:
    return close_plan(ExitKind.TIME, units, Decimal(debit), Decimal(cap), prices, step)


async def with_a_trident(world: World) -> tuple[Entry, Room]:
    """This morning's entry, filled and known. From here on orders rest until the test says otherwise."""
    await world.start()
    await world.until("09:46")
    entry = await world.entry()
    assert entry.state is OrderState.FILLED
    world.exchange.fill_plan = "never"
    await world.records.tridents.adopt(entry.id, RULES, world.clock.now())
    room = room_of(world)
    await room.ready()
    return entry, room


def room_of(world: World) -> Room:
    """The parts on the engine that runs in this world now."""
    return Room(world.engine, world.exchange, lambda symbol: world.market.occ_to_streamer(symbol) or "")


def _login(account: str) -> str:
    return LOGIN
