"""Injects the troubles of a plan at their times (tests.proofs.days.plan), and counts them by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from core.domain.operation.commands import Command, CommandKind
from core.simulator.exchange.faults import CONDITION_KINDS, DURATION_KINDS, Fault, FaultKind, FaultMatch
from core.simulator.exchange.orders import OrderRefused
from tests.proofs.days.mail import MAIL_KINDS, start_mail_trouble
from tests.proofs.days.rival import place_trident
from tests.proofs.days.trouble import Trouble
from tests.proofs.days.world import DayWorld

SESSION_KINDS = frozenset(kind for kind in FaultKind if kind.name.startswith("SESSION_"))
ATTENTIVE_S = 1800.0
"""How long the operator waits for an unknown entry to attest to, in seconds."""
LOOKS_EVERY_S = 7.0
ATTENTION_S = 90.0
_WIRE = {kind.value: kind for kind in FaultKind}


class FaultInjector:
    """Injects troubles; `done` counts those that took effect. `others` are the kinds that are no faults of the
    exchange: each returns False when it had no effect."""

    def __init__(self, world: DayWorld, unknown: Callable[[], list[tuple[str, str, str]]]) -> None:
        """`unknown` returns the entries that are unknown now: id, account and identifier."""
        self._world = world
        self._unknown = unknown
        self.done: Counter[str] = Counter()
        self._rivals = 0
        self.others: dict[str, Callable[[Trouble], object]] = {
            "refuse orders": self._refuse_orders,
            "fail after accept": self._fail_after_accept,
            "no connection": self._no_connection,
            "fill plan": self._fill_plan,
            "disk full": self._disk_full,
            "slow store": self._slow_store,
            "suspend": lambda t: world.clock.suspend(t.seconds),
            "clock set": self._clock_set,
            "unreachable": self._unreachable,
            "closure": lambda t: self._arm(FaultKind.SESSION_CLOSED, t, None),
            "kill at commit": self._kill_at_commit,
            "pause": self._pause,
            "halt": self._halt,
            "HALT file": self._halt_file,
            "force": self._force,
            "cancel": lambda t: self.command(CommandKind.CANCEL),
            "reconcile": lambda t: self.command(CommandKind.RECONCILE),
            "cancel at broker": self._cancel_at_broker,
            "rival": self._rival,
            "rival at our order": self._rival_at_our_order,
            "wipe": self._wipe,
            "attest absent": self._attest,
            "attest order": self._attest,
            "reset breakers": self._reset_breakers,
            **dict.fromkeys(MAIL_KINDS, lambda t: start_mail_trouble(world.mail_server, t, world.later)),
        }

    async def inject_all(self, troubles: tuple[Trouble, ...]) -> None:
        """Waits for each trouble's time and injects it, until none is left."""
        for trouble in troubles:
            await self._world.sleep_until(trouble.at)
            await self.inject(trouble)

    async def inject(self, trouble: Trouble) -> None:
        """Injects one trouble now; one that needs a running engine is left out while there is none."""
        kind, world = trouble.kind, self._world
        if kind in ("restart", "kill"):
            if not world.is_up:
                return
            await (world.quit() if kind == "restart" else world.kill())
            world.own(world.come_back(trouble.seconds))
        elif kind in ("records older", "records gone"):
            await world.lose_records(older=kind == "records older")
            world.own(world.come_back(trouble.seconds))
        elif kind in self.others:
            if self.others[kind](trouble) is False:
                return
        else:
            self._arm(_WIRE[kind], trouble, trouble.count)
        self.done[kind] += 1

    # On the wire and in the market

    def _arm(self, kind: FaultKind, trouble: Trouble, count: int | None) -> None:
        method, _, path = trouble.word.partition(" ")
        match = FaultMatch()
        if kind in CONDITION_KINDS:
            match, count = FaultMatch(symbol=trouble.word or None), None  # a condition of orders has no symbol
        elif kind in SESSION_KINDS:
            count = None
        elif method in ("GET", "POST"):
            match = FaultMatch(method=method, path=path or None)
        seconds = trouble.seconds if trouble.seconds and (kind in DURATION_KINDS or method != "POST") else None
        clock = self._world.exchange_clock
        self._world.broker.faults.arm(Fault(kind, count, seconds, match=match), clock.now(), clock.monotonic())

    def _refuse_orders(self, trouble: Trouble) -> None:
        self._world.broker.refuse_orders = trouble.count

    def _fail_after_accept(self, trouble: Trouble) -> None:
        self._world.broker.fail_after_accept = 1

    def _no_connection(self, trouble: Trouble) -> None:
        self._world.broker.no_connection = trouble.count

    def _unreachable(self, trouble: Trouble) -> None:
        broker = self._world.broker
        broker.unreachable = True
        self._world.later(trouble.seconds, lambda: setattr(broker, "unreachable", False))

    def _fill_plan(self, trouble: Trouble) -> None:
        number = self._world.accounts[trouble.count % len(self._world.accounts)]
        self._world.exchange.set_fill_plan(number, trouble.word)

    def _cancel_at_broker(self, trouble: Trouble) -> bool:
        """Somebody cancels our order on the broker's own screen."""
        world = self._world
        now, cancelled = world.exchange_clock.now(), False
        for number in world.accounts:
            for order in world.exchange.live_orders(number, now):
                if order.cancellable and not order.terminal:
                    try:
                        world.exchange.cancel(number, order.id, now, by=trouble.word)
                    except OrderRefused:
                        continue
                    cancelled = True
        if cancelled:
            world.broker.alerts.wake()
        return cancelled

    def _rival(self, trouble: Trouble) -> bool:
        """Another trader enters in each account."""
        placed = [place_trident(self._world, number, self._rivals_name(trouble)) for number in self._world.accounts]
        return any(order is not None for order in placed)

    def _rival_at_our_order(self, trouble: Trouble) -> None:
        """Another trader enters in the moment in which our next order is on its way: no guard can see it."""
        self._world.at_next_order = lambda number: place_trident(self._world, number, self._rivals_name(trouble))

    def _rivals_name(self, trouble: Trouble) -> str:
        self._rivals += 1
        return f"{trouble.word}-{self._rivals}" if trouble.word else ""

    def _wipe(self, trouble: Trouble) -> None:
        for number in self._world.accounts:
            self._world.exchange.back_office.wipe(number, self._world.exchange_clock.now())

    # The box

    def _disk_full(self, trouble: Trouble) -> None:
        self._world.fill_disk(True)
        self._world.later(trouble.seconds, lambda: self._world.fill_disk(False))

    def _slow_store(self, trouble: Trouble) -> None:
        self._world.slow_disk(float(trouble.count))
        self._world.later(trouble.seconds, lambda: self._world.slow_disk(0.0))

    def _clock_set(self, trouble: Trouble) -> None:
        self._world.clock.set_off(timedelta(seconds=trouble.seconds))
        self._world.later(float(trouble.count), lambda: self._world.clock.set_off(timedelta()))

    def _kill_at_commit(self, trouble: Trouble) -> bool:
        world = self._world
        if not world.is_up:
            return False
        world.disk.die_after = trouble.word == "after"
        world.disk.die_at_commit = trouble.count
        world.back_after_s = trouble.seconds
        return True

    # The operator

    def command(self, kind: CommandKind, target: str = "", note: str = "") -> bool:
        world = self._world
        if not world.is_up:
            return False
        command = Command(world.ids.new(), kind, "operator", world.clock.now(), None, target, note)
        if kind in (CommandKind.PAUSE, CommandKind.HALT):
            world.stops_asked.append((world.process, command))
        world.engine.accept(command)
        return True

    def _pause(self, trouble: Trouble) -> bool:
        self._world.later(trouble.seconds, lambda: self.command(CommandKind.RESUME))
        return self.command(CommandKind.PAUSE)

    def _halt(self, trouble: Trouble) -> bool:
        self._world.later(trouble.seconds, lambda: self.command(CommandKind.RESET, "halt"))
        self._world.later(trouble.seconds + 1.0, lambda: self.command(CommandKind.RESUME))
        return self.command(CommandKind.HALT)

    def _reset_breakers(self, trouble: Trouble) -> bool:
        open_now = self._world.engine.breakers.open_now if self._world.is_up else ()
        return any([self.command(CommandKind.RESET, breaker.kind.code) for breaker in open_now])

    def _halt_file(self, trouble: Trouble) -> None:
        self._world.kill_file.touch()
        self._world.later(trouble.seconds, lambda: self._world.kill_file.unlink(missing_ok=True))

    def _force(self, trouble: Trouble) -> bool:
        self._world.attention_until = self._world.exchange_clock.monotonic() + ATTENTION_S
        return self.command(CommandKind.FORCE)

    def _attest(self, trouble: Trouble, waited_s: float = 0.0) -> bool:
        """The operator attests what they saw at the broker, rightly or wrongly: of the entries unknown now, or of the
        next one."""
        if self._attests(trouble):
            if waited_s:
                self.done[trouble.kind] += 1
            return True
        if waited_s < ATTENTIVE_S:
            self._world.later(LOOKS_EVERY_S, lambda: self._attest(trouble, waited_s + LOOKS_EVERY_S))
        return False

    def _attests(self, trouble: Trouble) -> bool:
        world, said = self._world, False
        for entry_id, number, identifier in self._unknown():
            found = [o for o in world.exchange.orders(number) if o.external_identifier == identifier]
            seen = str(found[0].id) if found and trouble.kind == "attest order" else "absent"
            said = self.command(CommandKind.ATTEST, entry_id, seen) or said
        return said
