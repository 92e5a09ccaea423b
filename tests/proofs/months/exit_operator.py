"""What an operator, other people and the exchange do to tridents in simulated months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from core.domain.operation.account_settings import AccountField
from core.domain.operation.commands import CommandKind
from core.guards.kill_files import halt_all_file
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest
from tests.proofs.days.fault_injector import FaultInjector
from tests.proofs.days.rival import LOGIN
from tests.proofs.days.trouble import Trouble
from tests.proofs.days.world import DayWorld
from tests.proofs.exits.facts import is_exit
from tests.proofs.exits.invariants import Stop

AGAIN_S = 60.0
"""How long an operator waits whose console does not run."""


class ExitOperator:
    """Adds what troubles exits to the injector. `stops` are the times in which exits were stopped."""

    def __init__(self, world: DayWorld, injector: FaultInjector) -> None:
        self._world = world
        self._injector = injector
        self.stops: list[Stop] = []
        self._held: tuple[datetime, str] | None = None
        self._off: tuple[datetime, str] | None = None
        injector.others |= {
            "hold exits": self._hold,
            "HALT-ALL file": self._halt_all,
            "hand close": self._close_by_hand,
            "assign": self._assign,
            "retarget": lambda t: self._of_a_trident(CommandKind.RETARGET, t.count, ""),
            "close": lambda t: self._of_a_trident(CommandKind.CLOSE, t.count, "unit=" + t.word),
            "release": lambda t: self._of_a_trident(CommandKind.RELEASE, t.count, ""),
            "cancel exit": self._cancel_one,
            "cancel exits": lambda t: injector.command(CommandKind.EXITS, self._account(t), "cancel"),
            "exits off": self._switch_off,
        }

    def settle(self) -> None:
        """Ends what stops exits."""
        self._end_halt()
        self._end_hold()
        self._switch_on()

    # Stops

    def _hold(self, trouble: Trouble) -> bool:
        account = self._account(trouble) if trouble.word == "one" else ""
        if self._held is not None or not self._injector.command(CommandKind.EXITS, account, "hold because a proof"):
            return False
        self._held = self._world.exchange_clock.now(), account
        self._world.later(trouble.seconds, self._end_hold)
        return True

    def _end_hold(self) -> None:
        if self._held is None:
            return
        since, account = self._held
        if not self._injector.command(CommandKind.EXITS, account, "on"):
            self._world.later(AGAIN_S, self._end_hold)
            return
        self.stops.append(Stop(since=since, until=self._world.exchange_clock.now(), why="held", account=account))
        self._held = None

    def _account(self, trouble: Trouble) -> str:
        return self._world.accounts[trouble.count % len(self._world.accounts)]

    def _switch_off(self, trouble: Trouble) -> bool:
        """The exits of an account are switched off, or to its targets alone, for a while. Tridents keep what they were
        filled under, except that nothing is sent while exits are off."""
        account = self._account(trouble)
        if self._off is not None or not self._injector.command(CommandKind.SET_ACCOUNT, account, _exits(trouble.word)):
            return False
        self._off = self._world.exchange_clock.now(), account
        self._world.later(trouble.seconds, self._switch_on)
        return True

    def _switch_on(self) -> None:
        if self._off is None:
            return
        if not self._injector.command(CommandKind.SET_ACCOUNT, self._off[1], _exits("all")):
            self._world.later(AGAIN_S, self._switch_on)
            return
        self._off = None

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

    def _of_a_trident(self, kind: CommandKind, drawn: int, note: str) -> bool:
        """Asks it of one of the tridents that are held."""
        world = self._world
        if not world.is_up:
            return False
        held = [one.id for number in world.accounts for one in world.engine.exits.turns.standings(number)]
        return bool(held) and self._injector.command(kind, held[drawn % len(held)], note)

    def _cancel_one(self, trouble: Trouble) -> bool:
        """The operator cancels one of the closing orders that work."""
        world = self._world
        orders = [
            str(order.id)
            for number in world.accounts
            for order in world.exchange.orders(number)
            if is_exit(order) and not order.terminal
        ]
        return bool(orders) and self._injector.command(CommandKind.CANCEL, orders[trouble.count % len(orders)])


def _exits(mode: str) -> str:
    return f"{AccountField.EXITS.value} {mode}"
