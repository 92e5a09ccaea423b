"""The commands that need no broker, from pause to acknowledge. They are done the same way with and without an
engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from core.commands.account_settings import set_account
from core.commands.exit_commands import switch_exits
from core.commands.inbox import Done, Handler
from core.commands.intent_targets import find_entries
from core.commands.position_attestations import attest_position
from core.domain.operation.accounts import resolve_account
from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.commands import HALT, Command, CommandKind
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.fate import needs_operators_word
from core.domain.positions.exit_rules import default_mode
from core.guards.breakers import Breakers
from core.records.records import Records
from core.records.repositories.entry_rows import FREED_BY_PROOF
from core.runtime.clock import Clock, exchange_time


@dataclass(eq=False, repr=False)
class LocalHandlers:
    """Handlers that only change the records; each is acknowledged after its own commit. `running` says whether an
    engine runs and obeys at once; the words of the answer depend on it. `live`: the records are those of real money."""

    records: Records
    breakers: Breakers
    clock: Clock
    _: KW_ONLY
    running: bool
    live: bool

    @property
    def handlers(self) -> Mapping[CommandKind, Handler]:
        return {
            CommandKind.PAUSE: self._pause,
            CommandKind.HALT: self._halt,
            CommandKind.RESET: self._reset,
            CommandKind.ALLOW_REENTRY: self._allow_reentry,
            CommandKind.ACKNOWLEDGE: self._acknowledge,
            CommandKind.SET_ACCOUNT: self._set_account,
            CommandKind.EXITS: self._exits,
            CommandKind.ATTEST: self._attest,
        }

    async def _pause(self, command: Command) -> Done | Refusal:
        why = command.note or "paused by the operator"
        state = await self.records.trading.pause(command.who, why, self.clock.now())
        if state.state == "halted":
            return refuse(Reason.HALTED)
        return self._done("automation paused; no entries", "no console is running; the next one starts paused")

    async def _halt(self, command: Command) -> Done | Refusal:
        await self.records.trading.halt(command.who, command.note or "halted by the operator", self.clock.now())
        return self._done(
            "entries halted; `senex reset halt` ends it",
            "no console is running; the next one starts halted, `senex reset halt` ends it",
        )

    async def _reset(self, command: Command) -> Done | Refusal:
        code, _, whom = command.target.partition(":")
        why = command.note or "reset by the operator"
        if code == HALT:
            if (await self.records.trading.read()).state != "halted":
                return refuse(Reason.NO_SUCH_TARGET, target="halt")
            await self.records.trading.resolve_halt(command.who, why, self.clock.now())
            return Done("the halt is over; entries stay paused until resumed")
        found = [b for b in self.breakers.open_now if b.kind.code == code]
        named = repr(command.target)
        if whom and found and found[0].kind.scope is Scope.ACCOUNT:
            number = resolve_account(whom, [account.number for account in await self.records.accounts.all()])
            if isinstance(number, Refusal):
                return number
            whom, named = number, f"{code!r} of {masked(number)}"
        found = [b for b in found if whom in ("", b.subject)]
        if not found:
            return refuse(Reason.NO_SUCH_TARGET, target=f"open breaker {named}")
        for breaker in found:
            await self.breakers.close(breaker.kind, breaker.subject, command.who, why)
        again = " and tries the login once more" if found[0].kind is BreakerKind.LOGIN else ""
        return self._done(f"{code} reset", f"{code} reset; the next console reconciles first{again}")

    async def _allow_reentry(self, command: Command) -> Done | Refusal:
        """Records that the operator allows another entry after a cancel that frees no day by itself. It lifts that bar
        only: the proof that nothing filled is still needed (rules 9)."""
        today = exchange_time(self.clock.now()).date()
        found = [e for e in await find_entries(self.records, command.target) if e.session_day == today]
        if len(found) != 1:
            return refuse(Reason.NO_SUCH_TARGET, target=f"entry of today {command.target!r}")
        entry = found[0]
        closed = entry.state in FREED_BY_PROOF and entry.holds_day and not entry.fills
        if not closed or not needs_operators_word(entry):
            held = "" if entry.holds_day else " and does not hold the day"
            return refuse(Reason.NOT_CLOSED_BY_CANCEL, state=f"{entry.state.words}{held}")
        await self.records.entries.allow_reentry(entry.id, command.who, self.clock.now())
        proof = f"{masked(entry.account)}: re-entry allowed; the day is free when two complete reads show no fill"
        return self._done(proof, f"{proof}. No console is running; the next one reads")

    async def _acknowledge(self, command: Command) -> Done | Refusal:
        target, alerts = command.target, self.records.alerts
        if target not in {str(alert.id) for alert in await alerts.open_now()}:
            return refuse(Reason.NO_SUCH_TARGET, target=f"open alert {target!r}")
        await alerts.acknowledge(int(target), command.who, self.clock.now())
        return Done(f"alert {target} acknowledged; it closes by itself when its cause is gone")

    async def _set_account(self, command: Command) -> Done | Refusal:
        return await set_account(self.records, self.clock, command, live=self.live)

    async def _exits(self, command: Command) -> Done | Refusal:
        default = self.records.tridents.default_rules.mode if self.running else default_mode(None, live=self.live)
        return await switch_exits(self.records, self.clock, command, default, live=self.live)

    async def _attest(self, command: Command) -> Done | Refusal:
        answer = await attest_position(self.records, command, self.clock.now())
        # One about an order is asked of the broker: only a running console takes it (`offline.is_possible`).
        return refuse(Reason.NO_SUCH_TARGET, target="running console") if answer is None else answer

    def _done(self, running: str, alone: str) -> Done:
        return Done(running if self.running else alone)
