"""Two consoles that do not know of each other, on one trident of one account: any order of events.

The second one lives on a copy of the records, as a backup that was put back on another machine. No lock keeps the two
apart: whatever they see of each other, they see at the broker. After each event the invariants of exits hold for each
of them; in the end, when one of them is gone for good, the other comes to agree with the broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar
from weakref import WeakSet

from core.domain.operation.commands import CommandKind
from core.guards.kill_files import halt_all_file
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest
from core.simulator.exchange.saved import decoded
from tests.proofs.exits.exit_money import is_waiting
from tests.proofs.exits.facts import ExitWorldFacts, Facts, is_exit
from tests.proofs.exits.invariants import violations
from tests.proofs.kill.exit_world import ExitWorld, Template
from tests.support.sqlite_on_the_loop import on_disk
from tests.support.world import ACCOUNT, SuspendableClock

T = TypeVar("T")
EVENTS = (
    "time",
    "target fills",
    "first: crash",
    "first: ends",
    "second: crash",
    "second: ends",
    "first: starts",
    "second: starts",
    "first: close",
    "second: close",
    "first: hold",
    "first: on",
    "second: hold",
    "first: HALT-ALL",
    "first: HALT-ALL gone",
    "hand closes",
    "hand cancels",
    "assigned",
    "alerts lost",
    "answer lost",
    "half the positions",
    "fills after cancel",
)
Name = Literal["first", "second"]
SETTLES_S = 5_400.0
HELD, HALTED = "its exits were held", "there was the file HALT-ALL"
SELLS, MORNING = "09:40:00", "08:29:50"
"""When the operator sells what is left of broken units, and when the broker's rows of the day before are read."""
READS_S = 150.0
"""By then two complete reads, and a read of the broker's rows, are done."""
_UNITS = ("put-1", "put-2", "call")
_owner: ContextVar[Console] = ContextVar("owner")


class Console(ExitWorld):
    """One console with its records, disk and broker connection. Its tasks are those that it has started."""

    def __init__(self, clock: SuspendableClock, folder: Path, template: Template, seed: int) -> None:
        super().__init__(clock, folder, template)
        self.ids = SeededIds(seed)
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()

    @property
    def is_up(self) -> bool:
        return self.running is not None and not self.running.done()

    def _process_tasks(self) -> set[asyncio.Task[Any]]:
        return {task for task in self.tasks if not task.done()}

    async def up(self) -> None:
        if self.is_up:
            return
        token = _owner.set(self)
        try:
            self.lives()
            engine = await self.build()
            self.running = asyncio.create_task(engine.run(), name="engine")
        finally:
            _owner.reset(token)

    async def down(self, *, crash: bool) -> None:
        if not self.is_up:
            return
        if crash:
            self._died()
        await self.end()

    def hold(self) -> None:
        self.ask(CommandKind.EXITS, "", "hold")
        self.stopped(HELD)

    def on(self) -> None:
        self.ask(CommandKind.EXITS, "", "on")
        self.goes_on(HELD)

    def halt_all(self) -> None:
        halt_all_file(self.kill_file).touch()
        self.stopped(HALTED)

    def halt_all_no_more(self) -> None:
        halt_all_file(self.kill_file).unlink(missing_ok=True)
        self.goes_on(HALTED)

    def ours(self) -> frozenset[str]:
        """The identifiers of the orders that this console sent."""
        return frozenset(post.request.identifier for post in self.broker.posted)


class Machine:
    """The two consoles, and what happens to them."""

    def __init__(self, first: Console, second: Console) -> None:
        self.consoles: dict[Name, Console] = {"first": first, "second": second}
        self.clock = first.clock
        self.exchange = first.exchange

    async def run(self, events: Sequence[tuple[str, int]]) -> list[str]:
        """Lives through the events; returns what was wrong after one of them, or in the end."""
        await self.consoles["first"].up()
        await self.clock.sleep(2)
        for number, (event, drawn) in enumerate(events):
            await self._do(event, drawn)
            await self.clock.sleep(1 + drawn % 4)
            wrong = [f"after {number} ({event}): {sentence}" for sentence in self._violations()]
            if wrong:
                return wrong
        return [*await self._end_well(), *self._violations(), *await self._balance()]

    def _violations(self) -> list[str]:
        return [f"{name}: {wrong}" for name in self.consoles for wrong in violations(self._facts(name))]

    def _facts(self, name: Name) -> ExitWorldFacts:
        one, other = self.consoles[name], self.consoles["second" if name == "first" else "first"]
        return replace(one.facts(), others=other.ours() - one.ours())

    # Events

    async def _do(self, event: str, drawn: int) -> None:
        name, _, what = event.rpartition(": ")
        if name in self.consoles:
            await self._to_console(self.consoles[name], what)
            return
        match event:
            case "time":
                await self.clock.sleep((3, 20, 40, 130, 900)[drawn % 5])
            case "target fills":
                self._each_until(
                    drawn, lambda order: self.exchange.back_office.fill(ACCOUNT, order.id, self._now(), None)
                )
            case "hand cancels":
                self._each_until(drawn, lambda order: self.exchange.cancel(ACCOUNT, order.id, self._now(), by="hand"))
            case "hand closes":
                self._hand_closes(_UNITS[drawn % 3])
            case "assigned":
                short = self._legs("put-1" if drawn % 2 else "call")[0]
                self._try(lambda: self.exchange.back_office.assign(ACCOUNT, short, 1, self._now(), at_once=True))
            case "alerts lost":
                self._arm(Fault(FaultKind.ALERTS_LOST, count=3))
            case "answer lost":
                self._arm(Fault(FaultKind.REST_DROP_RESPONSE, 1, match=FaultMatch(method="POST", path="/accounts/")))
            case "half the positions":
                self._arm(Fault(FaultKind.POSITIONS_INCOMPLETE, count=1 + drawn % 3, match=FaultMatch(account=ACCOUNT)))
            case "fills after cancel":
                self._arm(Fault(FaultKind.ORDERS_FILL_AFTER_CANCEL, count=1, match=FaultMatch(account=ACCOUNT)))

    async def _to_console(self, console: Console, what: str) -> None:
        match what:
            case "crash" | "ends":
                await console.down(crash=what == "crash")
            case "starts":
                await console.up()
            case "close" if console.is_up and console.engine.ready.is_set():
                console.ask(CommandKind.CLOSE, console.trident(), "unit=puts limit=0.05")
            case "hold" if console.is_up and console.engine.ready.is_set():
                console.hold()
            case "on" if console.is_up and console.engine.ready.is_set():
                console.on()
            case "HALT-ALL":
                console.halt_all()
            case "HALT-ALL gone":
                console.halt_all_no_more()

    def _hand_closes(self, unit: str) -> None:
        """The operator closes a spread in the broker's own program, if it is there."""
        short, long = self._legs(unit)
        legs = (
            OrderLeg("Equity Option", short, "Buy to Close", Decimal(1)),
            OrderLeg("Equity Option", long, "Sell to Close", Decimal(1)),
        )
        self._by_hand(legs)

    def _by_hand(self, legs: tuple[OrderLeg, ...]) -> None:
        order, plan = OrderRequest("Day", "Market", legs, strict=True), Handling(plan=FillPlan.IMMEDIATE)
        self._try(lambda: self.exchange.submit(ACCOUNT, order, self._now(), by="hand", handling=plan))

    def _each_until(self, drawn: int, act: Any) -> None:
        """Does it to one of the closing orders that work."""
        alive = [order for order in self.exchange.orders(ACCOUNT) if is_exit(order) and not order.terminal]
        if alive:
            self._try(lambda: act(alive[drawn % len(alive)]))

    def _try(self, act: Any) -> None:
        try:
            act()
        except OrderRefused:  # there is nothing to do it to
            return

    def _arm(self, fault: Fault) -> None:
        for console in self.consoles.values():
            console.arm(fault)

    def _legs(self, unit: str) -> tuple[str, str]:
        rows = self.consoles["first"].sql(f"SELECT short_symbol, long_symbol FROM units WHERE unit = '{unit}'")
        short, long = rows[0]
        return short, long

    def _now(self) -> Any:
        return self.clock.now()

    # The end

    async def _end_well(self) -> list[str]:
        """One console is gone for good, and nothing goes wrong any more: the other comes to agree with the broker."""
        first, second = self.consoles["first"], self.consoles["second"]
        await second.down(crash=True)
        for console in (first, second):
            console.broker.faults.clear()
        await first.up()
        await first.engine.ready.wait()
        first.halt_all_no_more()
        first.on()
        first.is_ready()
        lived, wrong = 0.0, ["nothing was looked at"]
        while lived < SETTLES_S and wrong:
            await self.clock.sleep(30)
            lived += 30
            wrong = list(self._unsettled(first))
            if self._others_close(first):
                first.is_left_alone()
        return [f"in the end: {one}" for one in wrong]

    async def _balance(self) -> list[str]:
        """The cash, to the cent, once the broker has posted everything and the operator has sold what is left of broken
        units."""
        first = self.consoles["first"]
        await first.down(crash=False)
        if first.sql("SELECT 1 FROM units WHERE state = 'broken' AND remainder IS NOT NULL"):
            await self._next_session(first, SELLS)
            await first.up()
            self._sell_remains(first)
            await self.clock.sleep(READS_S)
            await first.down(crash=False)
        await self._next_session(first, MORNING)
        await first.up()
        await self.clock.sleep(READS_S)
        facts = replace(self._facts("first"), at_rest=True)
        wrong = violations(facts)
        # What nobody bids for cannot be sold: a unit that stays broken is not judged before it expires.
        is_broken = first.sql("SELECT 1 FROM units WHERE state = 'broken'")
        if not is_broken and is_waiting(Facts(facts), ACCOUNT):
            wrong.append("fees or rows are still to come, and the cash cannot be judged")
        await first.down(crash=False)
        return [f"the morning after: {one}" for one in wrong]

    async def _next_session(self, console: Console, at: str) -> None:
        day = console.day + timedelta(days=1)
        while console.market.session(day) is None:
            day += timedelta(days=1)
        await console.until(at, day.isoformat())
        self.exchange.live_orders(ACCOUNT, self._now())

    def _sell_remains(self, console: Console) -> None:
        for remainder, short in console.sql("SELECT remainder, short_symbol FROM units WHERE state = 'broken'"):
            action = "Buy to Close" if remainder == short else "Sell to Close"
            self._by_hand((OrderLeg("Equity Option", remainder, action, Decimal(1)),))

    def _others_close(self, console: Console) -> bool:
        """Whether an order that is not this console's works on the account, or the trident is in other hands, as for
        the rest of a day on which another user closed legs of it: that stops its exits."""
        if console.sql("SELECT 1 FROM tridents WHERE hands_off != ''"):
            return True
        own = {identifier for (identifier,) in console.sql("SELECT identifier FROM exits")}
        orders = self.exchange.live_orders(ACCOUNT, self._now())
        return any(not order.terminal and order.external_identifier not in own for order in orders)

    def _unsettled(self, first: Console) -> Iterator[str]:
        self.exchange.live_orders(ACCOUNT, self._now())
        for units, state, asked, released in first.sql("SELECT units, state, cancel_asked_at, released_at FROM exits"):
            if state in ("prepared", "sent", "unknown"):
                yield f"{units} is {state}"
            if released is None and state in ("working", "cancelled", "expired", "rejected") and asked is not None:
                yield f"{units} ({state}) is not released"
        left: dict[str, int] = {}
        for short, long, state, remainder in first.sql("SELECT short_symbol, long_symbol, state, remainder FROM units"):
            for symbol in (short, long) if state == "whole" else (remainder,) if state == "broken" else ():
                left[symbol] = left.get(symbol, 0) + 1
        held = self.exchange.back_office.ledgers[ACCOUNT].held()
        options = {symbol: abs(count) for symbol, count in held.items() if self._is_option(symbol) and count}
        if options != left:
            yield f"the account holds {options}, and {left} is on record"

    def _is_option(self, symbol: str) -> bool:
        return self.consoles["first"].market.option(symbol) is not None


def wrong_in(events: Sequence[tuple[str, int]], template: Template) -> list[str]:
    """What is wrong when these events happen to the two consoles."""
    consoles: list[Console] = []

    async def main(clock: VirtualClock) -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_new_task)
        with TemporaryDirectory(prefix="senex-two-") as name:
            suspendable = SuspendableClock(clock.now(), loop)
            for number, console in enumerate(("first", "second")):
                folder = Path(name) / console
                folder.mkdir()
                consoles.append(Console(suspendable, folder, template, 11 + number))
            consoles[1].connect(consoles[0].exchange, consoles[0].market)
            machine = Machine(*consoles)
            try:
                return await machine.run(events)
            finally:
                for each in consoles:
                    await each.down(crash=True)

    with on_disk(lambda: _owner.get().disk):
        return run_virtual(main, decoded(template.exchange.read_bytes()).at, lambda: 0)


def _new_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **more: Any
) -> asyncio.Task[T]:
    """A task of the console that starts it."""
    task = asyncio.Task(work, loop=loop, **more)
    owner = _owner.get(None)
    if owner is not None:
        owner.tasks.add(task)
    return task
