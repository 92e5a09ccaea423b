"""What an operator, other people and the exchange do to tridents in simulated months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from core.domain.operation.commands import Command, CommandKind
from core.guards.kill_files import halt_all_file
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest
from tests.proofs.days.fault_injector import FaultInjector
from tests.proofs.days.rival import LOGIN
from tests.proofs.days.trouble import Trouble
from tests.proofs.days.world import DayWorld
from tests.proofs.exits.invariants import Stop

AGAIN_S = 60.0
"""How long an operator waits whose console does not run."""


class ExitOperator:
    """Adds what troubles exits to the injector. `stops` are the times in which exits were stopped."""

    def __init__(self, world: DayWorld, injector: FaultInjector) -> None:
        self._world = world
        self._injector = injector
        self.stops: list[Stop] = []
        self._held_since: datetime | None = None
        injector.others |= {
            "hold exits": self._hold,
            "HALT-ALL file": self._halt_all,
            "hand close": self._close_by_hand,
            "assign": self._assign,
            "retarget": lambda t: self._of_a_trident(CommandKind.RETARGET, ""),
            "close": lambda t: self._of_a_trident(CommandKind.CLOSE, "unit=" + t.word),
        }

    def settle(self) -> None:
        """Ends what stops exits."""
        self._end_halt()
        self._end_hold()

    # Stops

    def _hold(self, trouble: Trouble) -> bool:
        if self._held_since is not None or not self._injector.command(CommandKind.EXITS, "", "hold because a proof"):
            return False
        self._held_since = self._world.exchange_clock.now()
        self._world.later(trouble.seconds, self._end_hold)
        return True

    def _end_hold(self) -> None:
        if self._held_since is None:
            return
        if not self._injector.command(CommandKind.EXITS, "", "on"):
            self._world.later(AGAIN_S, self._end_hold)
            return
        self.stops.append(Stop(since=self._held_since, until=self._world.exchange_clock.now(), why="held"))
        self._held_since = None

    def _halt_all(self, trouble: Trouble) -> None:
        file = halt_all_file(self._world.kill_file)
        if not file.exists():
            file.touch()
            self._halted_since = self._world.exchange_clock.now()
            self._world.later(trouble.seconds, self._end_halt)

    def _end_halt(self) -> None:
        file = halt_all_file(self._world.kill_file)
        if file.exists():
            file.unlink()
            self.stops.append(Stop(since=self._halted_since, until=self._world.exchange_clock.now(), why="HALT-ALL"))

    # At the broker

    def _whole_units(self) -> Iterator[tuple[str, str, str]]:
        """The account, the short and the long of every pair of contracts that is held, the nearest expiration first."""
        for number in self._world.accounts:
            held = self._world.exchange.back_office.ledgers[number].held()
            options = [self._world.market.option(symbol) for symbol in held]
            for short in sorted((one for one in options if one and held[one.occ] < 0), key=lambda one: one.expiration):
                for long in options:
                    like = (short.underlying, short.expiration, short.right)
                    if long and held[long.occ] > 0 and (long.underlying, long.expiration, long.right) == like:
                        yield number, short.occ, long.occ

    def _close_by_hand(self, trouble: Trouble) -> bool:
        """Somebody closes a vertical, or one of its legs, on the broker's own screen."""
        world = self._world
        for number, short, long in self._whole_units():
            sides = {"unit": (short, long), "short": (short,), "long": (long,)}[trouble.word]
            legs = tuple(
                OrderLeg("Equity Option", symbol, "Buy to Close" if symbol == short else "Sell to Close", Decimal(1))
                for symbol in sides
            )
            request = OrderRequest("Day", "Market", legs)
            try:
                now = world.exchange_clock.now()
                world.exchange.submit(number, request, now, by=LOGIN, handling=Handling(FillPlan.IMMEDIATE))
            except OrderRefused:
                continue
            world.broker.alerts.wake()
            return True
        return False

    def _assign(self, trouble: Trouble) -> bool:
        world = self._world
        for number, short, _ in self._whole_units():
            try:
                world.exchange.back_office.assign(number, short, 1, world.exchange_clock.now(), at_once=False)
            except OrderRefused:
                continue
            return True
        return False

    # Commands

    def _of_a_trident(self, kind: CommandKind, note: str) -> bool:
        world = self._world
        if not world.is_up:
            return False
        for number in world.accounts:
            for standing in world.engine.exits.turns.standings(number):
                command = Command(world.ids.new(), kind, "operator", world.clock.now(), None, standing.id, note)
                world.engine.accept(command)
                return True
        return False
