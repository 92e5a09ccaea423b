"""When to reconcile, and that no entry is made until it is clean (SPEC 9): start, reconnect, suspend, on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date

from core.domain.operation.events import Event, Severity
from core.guards.gate import TradingGate
from core.orders.reconciler import Reconciler
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus
from core.runtime.clock import Clock

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 30.0


class Reconciliation:
    """Runs the reconciler whenever it is wanted, again and again until every read was complete."""

    def __init__(
        self,
        reconciler: Reconciler,
        gate: TradingGate,
        bus: Bus,
        clock: Clock,
        accounts: Callable[[], Sequence[AccountRecord]],
        today: Callable[[], date],
    ) -> None:
        self.reconciler = reconciler
        self._gate = gate
        self._bus = bus
        self._clock = clock
        self._accounts = accounts
        self._today = today
        self._wanted: str = ""
        self._wake = asyncio.Event()

    def want(self, cause: str) -> None:
        """Bars entries at once and reconciles at the next turn."""
        self._gate.reconciling(cause)
        self._wanted = cause
        self._wake.set()

    async def run(self) -> None:
        """Reconciles when wanted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._until_clean(self._wanted)
            except BaseException:
                self._wake.set()  # whatever broke, entries stay barred and it is tried again
                raise

    async def _until_clean(self, cause: str) -> None:
        await self._say("started", f"reconciling with the broker ({cause})", Severity.INFO)
        accounts = [account.number for account in self._accounts()]
        async with asyncio.TaskGroup() as group:
            for number in accounts:
                group.create_task(self._account(number))
        if not self._wake.is_set():  # else: what was read may be older than the new cause
            self._gate.reconciled()
            await self._say("done", f"reconciled with the broker ({cause})", Severity.INFO)

    async def _account(self, number: str) -> None:
        retry, told = FIRST_RETRY_S, ""
        while not self._wake.is_set():
            trouble = await self.reconciler.reconcile(number, self._today())
            if self._wake.is_set():
                return
            if not trouble:
                self._gate.account_reconciled(number)
                return
            if trouble != told:
                told = trouble
                await self._say("waiting", f"not reconciled, no entries: {trouble}", Severity.WARNING)
            with suppress(TimeoutError):
                async with asyncio.timeout(retry):
                    await self._wake.wait()
            retry = min(retry * 2, LONGEST_RETRY_S)

    async def _say(self, what: str, text: str, severity: Severity) -> None:
        await self._bus.publish(Event(self._clock.now(), f"reconcile.{what}", text, severity))
