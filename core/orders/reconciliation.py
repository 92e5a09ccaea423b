"""When to reconcile: at a start, a reconnect, after a sleep and on demand. No entry is made until it is clean (rules
9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from core.domain.operation.events import Severity, masked
from core.guards.gate import TradingGate
from core.orders.reconciler import Reconciler
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 30.0


@dataclass(eq=False, repr=False)
class Reconciliation:
    """Runs the reconciler when it is wanted, and again until every read was complete. It waits for `until_believed`: a
    clock that was set may show another day."""

    reconciler: Reconciler
    gate: TradingGate
    bus: Bus
    accounts: Callable[[], Sequence[AccountRecord]]
    today: Callable[[], date]
    until_believed: Callable[[], Awaitable[object]]
    _wanted: str = field(init=False, default="")
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def want(self, cause: str) -> None:
        """Bars entries at once, and reconciles in the next turn of `run`. `cause` is shown to the operator."""
        self.gate.reconciling(cause)
        self._wanted = cause
        self._wake.set()

    async def run(self) -> None:
        """Reconciles whenever it is wanted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._until_clean(self._wanted)
            except BaseException:
                self._wake.set()  # whatever broke: entries stay barred, and the next run tries again
                raise

    async def _until_clean(self, cause: str) -> None:
        figures = (("cause", cause),)
        await self.bus.say("reconcile.started", f"reconciling with the broker ({cause})", figures=figures)
        await self.until_believed()
        accounts = [(account.number, account.is_closed) for account in self.accounts()]
        async with asyncio.TaskGroup() as group:
            for number, is_closed in accounts:
                group.create_task(self._account(number, is_closed=is_closed))
        if not self._wake.is_set():  # otherwise what was read may be older than the new cause
            self.gate.reconciled()
            await self.bus.say("reconcile.done", f"reconciled with the broker ({cause})")

    async def _account(self, number: str, *, is_closed: bool) -> None:
        """Until its reads are complete. One that is closed at the broker is read once: the broker may not answer for it
        any more, and it makes no entry before another start has seen it open."""
        retry, reported = FIRST_RETRY_S, ""
        while not self._wake.is_set():
            trouble = await self.reconciler.reconcile(number, self.today())
            if self._wake.is_set():
                return
            if not trouble:
                self.gate.account_reconciled(number)
                return
            if is_closed:
                text = f"{masked(number)} is closed at the broker and is left out: {trouble}"
                await self.bus.say("reconcile.closed", text, account=number)
                return
            if trouble != reported:
                reported = trouble
                text = f"not reconciled, no entries: {trouble}"
                await self.bus.say("reconcile.waiting", text, Severity.WARNING, account=number)
            with suppress(TimeoutError):
                async with asyncio.timeout(retry):
                    await self._wake.wait()
            retry = min(retry * 2, LONGEST_RETRY_S)
