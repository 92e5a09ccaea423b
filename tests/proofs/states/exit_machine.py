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
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar
from weakref import WeakSet

from core.domain.operation.commands import CommandKind
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest
from core.simulator.exchange.saved import decoded
from tests.proofs.exits.facts import ExitWorldFacts, is_exit
from tests.proofs.exits.invariants import violations
from tests.proofs.kill.exit_world import ExitWorld, Template
from tests.support.sqlite_on_the_loop import Disk, on_disk
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
            self.disk = Disk()
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
        return [*await self._end_well(), *self._violations()]

    def _violations(self) -> list[str]:
        return [f"{name}: {wrong}" for name in self.consoles for wrong in violations(self._facts(name))]

    def _facts(self, name: Name) -> ExitWorldFacts:
        one, other = self.consoles[name], self.consoles["second" if name == "first" else "first"]
        return replace(one.facts(), others=other.ours() - one.ours(), first_cash={})

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
            case "hold" | "on" if console.is_up and console.engine.ready.is_set():
                console.ask(CommandKind.EXITS, "", what)

    def _hand_closes(self, unit: str) -> None:
        """The operator closes a spread in the broker's own program, if it is there."""
        short, long = self._legs(unit)
        legs = (
            OrderLeg("Equity Option", short, "Buy to Close", Decimal(1)),
            OrderLeg("Equity Option", long, "Sell to Close", Decimal(1)),
        )
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
        lived, wrong = 0.0, ["nothing was looked at"]
        while lived < SETTLES_S and wrong:
            await self.clock.sleep(30)
            lived += 30
            wrong = list(self._unsettled(first))
        await first.down(crash=False)
        return [f"in the end: {one}" for one in wrong]

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
