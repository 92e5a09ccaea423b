"""Decides whether entries may be made now, by the stops just asked, trading state, reconciliation, the files HALT and
HALT-ALL and the breakers (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from core.domain.operation import times
from core.domain.operation.breakers import Scope
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.guards.breakers import Breakers
from core.guards.foreign_tridents import ForeignTridents
from core.guards.kill_files import halted_by, halting_all, halting_entries, is_there
from core.guards.refused_orders import RefusedOrders
from core.guards.stops import Stops
from core.records.records import Records
from core.records.repositories.rows import AccountRecord, TradingState
from core.snapshot import Automation


def switched_off(account: AccountRecord, today: date) -> Refusal | None:
    """Why the account makes no entries by its own settings. `today` is the exchange's date."""
    if not account.enabled:
        return refuse(Reason.ACCOUNT_DISABLED)
    return refuse(Reason.SKIP_TODAY) if account.skip_day == today else None


@dataclass(eq=False, repr=False)
class TradingGate:
    """The trading state as last read, and what else bars entries in this process. Every method but `read` and
    `until_reconciled` answers without waiting.

    `foreign` are the tridents of others at the broker, as last seen: they hold their account's day. `refused` are our
    refused orders that may be there all the same. `stops` are asked first: they bar before they are recorded.
    `switched_off` says why the account with this number makes no entries by its own recorded settings, also in the
    middle of a cycle; None when it may. `clock_doubt` says why the machine's clock cannot be believed since it was set,
    `clock_refusal` why it is not proved to be right; None when it can, and when it is.
    """

    records: Records
    breakers: Breakers
    kill_file: Path
    foreign: ForeignTridents
    refused: RefusedOrders
    stops: Stops = field(default_factory=Stops)
    switched_off: Callable[[str], Refusal | None] = lambda _: None
    clock_doubt: Callable[[], Refusal | None] = lambda: None
    clock_refusal: Callable[[], Refusal | None] = lambda: None
    _trading: TradingState = field(init=False, default_factory=lambda: TradingState("active", "", None, ""))
    _kept: tuple[Refusal, ...] | None = field(init=False, default=None)
    _reconciling: str = field(init=False, default="starting")
    _clean_accounts: set[str] = field(init=False, default_factory=set)
    _some_clean: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _all_clean: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    @contextmanager
    def read_once(self) -> Iterator[None]:
        """Within it what bars all accounts is looked for once, files of stops and HALT among it, for a caller that asks
        many times and waits for nothing meanwhile. Whoever decides about an order asks outside of it."""
        with self.stops.read_once():
            self._kept = tuple(self._refusals())
            try:
                yield
            finally:
                self._kept = None

    async def read(self) -> None:
        """Reads the trading state again, because another process may have changed it. Raises RecordsError."""
        self._trading = await self.records.trading.read()

    def reconciling(self, cause: str) -> None:
        """Bars each account's entries until that account is reconciled. `cause` is shown."""
        self._reconciling = cause
        self._clean_accounts.clear()
        self._some_clean.clear()
        self._all_clean.clear()

    def account_reconciled(self, account: str) -> None:
        """Lets this account trade again. An account whose reads fail delays no other."""
        self._clean_accounts.add(account)
        self._some_clean.set()

    def reconciled(self) -> None:
        """Lets every account trade again."""
        self._reconciling = ""
        self._some_clean.set()
        self._all_clean.set()

    def not_reconciled(self, account: str = "") -> str:
        """Why this account is not reconciled yet, or without one why not every account is; empty once it is."""
        return "" if account in self._clean_accounts else self._reconciling

    def waits_for(self, account: str = "") -> str:
        """What this account waits for that ends by itself: a clock in doubt to be confirmed, its reconciliation.
        Without one, what any account waits for. Empty when there is nothing."""
        doubt = self.clock_doubt()
        return self.not_reconciled(account) if doubt is None else doubt.sentence()

    def wrong_clock(self) -> Refusal | None:
        """Why the machine's clock must not be believed: it is off the broker's, or was set and is not confirmed. None
        when neither is known."""
        refusal = self.clock_refusal()
        return refusal if refusal is not None and refusal.reason is Reason.CLOCK_OFF else self.clock_doubt()

    async def until_reconciled(self, all_within_s: float) -> None:
        """Waits up to `all_within_s` wall seconds for all accounts, then until at least one is reconciled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(all_within_s):
                await self._all_clean.wait()
        await self._some_clean.wait()

    @property
    def trading(self) -> TradingState:
        """The recorded trading state, as last read."""
        return self._trading

    @property
    def stopped_here(self) -> str:
        """Why this process alone stops every account's entries, empty when it does not."""
        return self.stops.words()

    @property
    def halting_file(self) -> str:
        """The path of the file that halts all entries, `HALT-ALL` before `HALT`; empty while there is none."""
        return halting_entries(self.kill_file)

    def refusal(self) -> Refusal | None:
        """What bars every account's entries now, None when nothing does."""
        return next(self._refusals(), None)

    def account_refusal(self, account: str, login: str) -> Refusal | None:
        """What bars entries of this account, reached by this login, or why it is switched off. None when nothing
        does."""
        barred = next(iter(self.account_refusals(account, login)), None)
        return barred or self.switched_off(account)

    def account_refusals(self, account: str, login: str) -> tuple[Refusal, ...]:
        """Everything that bars entries of this account, reached by this login, what bars all accounts first."""
        barred = [*(self._refusals() if self._kept is None else self._kept)]
        stopped = self.stops.refusal(account)
        if stopped is not None:
            barred.append(stopped)
        if self.not_reconciled(account):
            barred.append(refuse(Reason.RECONCILING))
        barred += self.breakers.refusals(account, login)
        barred += filter(None, (self.foreign.refusal(account), self.refused.refusal(account)))
        return tuple(one for index, one in enumerate(barred) if one not in barred[:index])

    def _refusals(self) -> Iterator[Refusal]:
        stopped = self.stops.refusal()
        if stopped is not None:
            yield stopped
        halting_exits_too = halting_all(self.kill_file)
        if halting_exits_too:
            yield refuse(Reason.HALT_ALL_FILE, path=halting_exits_too)
        if is_there(self.kill_file):
            yield refuse(Reason.KILL_FILE, path=str(self.kill_file))
        if self._trading.state == "paused":
            yield refuse(Reason.PAUSED)
        if self._trading.state == "halted":
            yield refuse(Reason.HALTED)
        for clock in (self.clock_refusal(), self.clock_doubt()):
            if clock is not None:
                yield clock
        if self._reconciling and not self._clean_accounts:
            yield refuse(Reason.RECONCILING)
        yield from self.breakers.refusals("", "")

    @property
    def automation(self) -> Automation:
        """The state to show. A stop that the operator chose comes before one that ends by itself."""
        if self._trading.state != "active":
            return Automation(self._trading.state)
        stopped = self.stops.refusal()
        if stopped is not None:
            return Automation.HALTED if stopped.reason is Reason.HALTED else Automation.PAUSED
        if self.halting_file or any(b.kind.scope is Scope.GLOBAL for b in self.breakers.open_now):
            return Automation.HALTED
        return Automation.RECONCILING if self.waits_for() else Automation.ACTIVE

    @property
    def automation_detail(self) -> str:
        """Who stopped entries, when and why, in a line. Empty while active."""
        trading = self._trading
        if trading.state != "active":
            since = "" if trading.at is None else f" since {times.minute(trading.at)} ET"
            reset = "; `senex reset halt` ends it" if trading.state == "halted" else ""
            return f"{trading.why} ({trading.who}{since}){reset}"
        if self.stopped_here:
            return self.stopped_here
        if self.halting_file:
            return f"{halted_by(self.halting_file)}; remove it to go on"
        stopping = next((b for b in self.breakers.open_now if b.kind.scope is Scope.GLOBAL), None)
        if stopping is not None:
            return f"{stopping.why}; {stopping.kind.reset}"
        return self.waits_for()
