"""Rules 13.8 in the simulated days: after every change, at every start and at every day's end, all places tell the
truth."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.records.store.errors import RecordsError
from tests.proofs.truth.compare import changed_by_restart, lies
from tests.proofs.truth.oracle import at_the_exchange, read_truth
from tests.proofs.truth.panels import texts_of
from tests.proofs.truth.places import Told, facts_of, signature, told_now
from tests.proofs.truth.reader import Reader
from tests.proofs.truth.values import Kind

if TYPE_CHECKING:
    from tests.proofs.days.world import DayWorld

CLOSELY, WITH_SHELL, ALL_CLOSELY = 10, 20, 200
"""One seed of so many is looked at closely: the screen is asked after every change. One is asked with the shell at
starts and at the ends of days, and one with the shell after every change. In all others the screen is asked at starts
and at the ends of days. So the check costs a sixth of the soak's time."""
IN_TURN = 7
"""Which of them: none of those that `make test` lives."""
AFTER_S = 0.5
"""A record's age: so long a place may be behind."""
AFTER_START_S = 5.0
LONGEST_S = 60.0


class TruthWatch:
    """Asks the places of a running world. `add` takes an item of rules 13 and a sentence; `looks` counts."""

    def __init__(
        self,
        world: DayWorld,
        database: Callable[[], sqlite3.Connection],
        add: Callable[[str, str], None],
    ) -> None:
        self._world = world
        self._database = database
        self._add = add
        seed = world.plan.seed
        self._always = seed % CLOSELY == IN_TURN
        self._asks_shell = seed % WITH_SHELL == IN_TURN
        self._always_asks_shell = seed % ALL_CLOSELY == IN_TURN
        self._shell: Reader | None = None
        self._seen: tuple[object, ...] = ()
        self._texts: tuple[tuple[object, ...], int, dict[str, str]] = ((), 0, {})
        self._asked = False
        self.looks = 0

    def committed(self) -> None:
        """The engine has committed: asks the places a moment later when that changed what they tell of."""
        if not self._always or self._asked:
            return
        now = signature(self._database())
        if now != self._seen:
            self._seen = now
            self._later(AFTER_S, shell=self._always_asks_shell)

    def started(self) -> None:
        """An engine has started."""
        self._later(AFTER_START_S, shell=self._asks_shell)

    def records_lost(self) -> None:
        """Other records were put in place: the panels need not say what they said."""
        self._texts = ((), 0, {})

    async def end_of_day(self) -> None:
        """Asks every place, and the exchange, once nothing is broken any more."""
        await self._look(shell=self._asks_shell)
        if self._world.is_up:
            self._at_the_exchange()

    def close(self) -> None:
        if self._shell is not None:
            self._shell.close()

    def _later(self, seconds: float, *, shell: bool) -> None:
        self._asked = True
        self._world.later(seconds, lambda: self._world.own(self._look(shell=shell)))

    async def _look(self, *, shell: bool) -> None:
        self._asked = False
        world, process = self._world, self._world.process
        if not world.is_up:
            return
        if shell and self._shell is None:
            self._shell = Reader()
        await self._until_awake()
        try:
            async with asyncio.timeout(LONGEST_S):
                told = await told_now(world, self._database(), self._shell if shell else None)
        except (TimeoutError, RecordsError):
            return  # the process was killed, or its store is broken
        if told is None or process != world.process or not world.is_up:
            return
        self.looks += 1
        for lie in lies(told.said, told.day):
            self._add("8", lie)
        self._compare(told, process)

    async def _until_awake(self) -> None:
        """Whoever asks first after a suspend tells the engine of it: the records follow a moment later."""
        gate = self._world.engine.gate
        known = gate.not_reconciled()
        gate.clock_doubt()
        if gate.not_reconciled() != known:
            await self._world.exchange_clock.sleep(AFTER_S)

    def _compare(self, told: Told, process: int) -> None:
        """After a restart the panels say what they said before it, as long as the records are the same."""
        if told.snapshot is None or (told.snapshot.cycle is not None and told.snapshot.cycle.running):
            return
        recorded = (told.day.today, *signature(self._database()))
        texts = texts_of(told.snapshot)
        before, of_process, said = self._texts
        if before == recorded and of_process != process:
            for change in changed_by_restart(said, texts):
                self._add("8", f"restart: {change}")
        self._texts = (recorded, process, texts)

    def _at_the_exchange(self) -> None:
        """The records tell of each listed order what the exchange does."""
        world = self._world
        entries = read_truth(self._database(), facts_of(world)).entries
        truth = {entry.identifier: entry for entry in entries}
        for number in world.accounts:
            for order in world.exchange.orders(number):
                entry = truth.get(order.external_identifier or "")
                if entry is None or entry.kind is Kind.INCIDENT or not world.broker.is_listed(order.id):
                    continue
                kind = at_the_exchange(order.status, sum(fill.quantity for leg in order.legs for fill in leg.fills))
                if kind is not entry.kind:
                    self._add("8", f"order {order.id} is {kind} at the exchange, and {entry.kind} in the records")
