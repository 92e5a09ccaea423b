"""Whether entries may be made now: trading state, reconciliation, the file HALT, breakers (SPEC 9)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from core.domain.operation.breakers import Scope
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.guards.breakers import Breakers
from core.records.records import Records
from core.records.repositories.rows import TradingState
from core.runtime.clock import exchange_time
from core.snapshot import Automation


class TradingGate:
    """The trading state as last read, and what bars entries in this process. Every question but `read` is immediate."""

    def __init__(self, records: Records, breakers: Breakers, kill_file: Path) -> None:
        self._records = records
        self._breakers = breakers
        self._kill_file = kill_file
        self._trading = TradingState("active", "", None, "")
        self._reconciling = "starting"
        self._stopped_here = ""
        self._clean_accounts: set[str] = set()
        self._some_clean = asyncio.Event()
        self._all_clean = asyncio.Event()

    async def read(self) -> None:
        """Reads the trading state again: another process may have changed it. Raises RecordsError."""
        self._trading = await self._records.trading.read()
        if self._trading.state != "active":
            self._stopped_here = ""

    def stop_here(self, why: str) -> None:
        """Bars entries for the life of this process: a stop that could not be recorded, or its end; `why` is what is
        shown. A later pause or halt that is recorded takes its place."""
        self._stopped_here = why

    def resume_here(self) -> None:
        """Ends `stop_here`: the operator has resumed."""
        self._stopped_here = ""

    def reconciling(self, cause: str) -> None:
        """Bars every account's entries until it is reconciled; `cause` is for the operator."""
        self._reconciling = cause
        self._clean_accounts.clear()
        self._some_clean.clear()
        self._all_clean.clear()

    def account_reconciled(self, account: str) -> None:
        """This account may trade again; one whose reads fail delays no other."""
        self._clean_accounts.add(account)
        self._some_clean.set()

    def reconciled(self) -> None:
        """Every account may trade again."""
        self._reconciling = ""
        self._some_clean.set()
        self._all_clean.set()

    def not_reconciled(self, account: str = "") -> str:
        """Why this account is not reconciled yet, or without one why not every account is; empty once it is."""
        return "" if account in self._clean_accounts else self._reconciling

    async def until_reconciled(self, all_within_s: float) -> None:
        """Waits, wall seconds, for all accounts; then only for the first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(all_within_s):
                await self._all_clean.wait()
        await self._some_clean.wait()

    def refusal(self) -> Refusal | None:
        """What bars every account's entries now."""
        if self._kill_file.exists():
            return refuse(Reason.KILL_FILE, path=str(self._kill_file))
        if self._trading.state == "paused" or self._stopped_here:
            return refuse(Reason.PAUSED)
        if self._trading.state == "halted":
            return refuse(Reason.HALTED)
        if self._reconciling and not self._clean_accounts:
            return refuse(Reason.RECONCILING)
        return self._breakers.refusal("", "")

    def account_refusal(self, account: str, login: str) -> Refusal | None:
        """What bars entries of one account, reached by this login."""
        barred = self.refusal()
        if barred is None and self.not_reconciled(account):
            return refuse(Reason.RECONCILING)
        return barred or self._breakers.refusal(account, login)

    @property
    def automation(self) -> Automation:
        """The state to show: what the operator chose is stronger than what passes by itself."""
        if self._trading.state != "active":
            return Automation(self._trading.state)
        if self._stopped_here:
            return Automation.PAUSED
        if self._kill_file.exists() or any(b.kind.scope is Scope.GLOBAL for b in self._breakers.open_now):
            return Automation.HALTED
        return Automation.RECONCILING if self._reconciling else Automation.ACTIVE

    @property
    def automation_detail(self) -> str:
        """Who, when and why, in a line; empty while active."""
        trading = self._trading
        if trading.state != "active":
            since = "" if trading.at is None else f" since {exchange_time(trading.at):%H:%M} ET"
            reset = "; `senex reset halt` ends it" if trading.state == "halted" else ""
            return f"{trading.why} ({trading.who}{since}){reset}"
        if self._stopped_here:
            return self._stopped_here
        if self._kill_file.exists():
            return f"the file {self._kill_file} halts all entries; remove it to go on"
        stopping = next((b for b in self._breakers.open_now if b.kind.scope is Scope.GLOBAL), None)
        if stopping is not None:
            return f"{stopping.why}; {stopping.kind.reset}"
        return self._reconciling
