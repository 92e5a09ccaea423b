"""What each command does, once the inbox hands it over (SPEC 9, 10)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from core.account_settings import set_account
from core.breakers import Breakers
from core.broker.port import Broker, BrokerError, BrokerFault
from core.clock import Clock
from core.commands import Done, Handler
from core.cycle_runner import CycleRunner
from core.domain.account_settings import AccountField
from core.domain.commands import Command, CommandKind
from core.domain.events import masked
from core.domain.order_states import EntryState
from core.domain.orders import Entry
from core.domain.reasons import Reason, Refusal, refuse
from core.gate import TradingGate
from core.logins import Logins
from core.reconciliation import Reconciliation
from core.records.errors import StateConflict
from core.records.records import Records
from core.watch import EntryWatch

HALT = "halt"
ATTESTED_ABSENT = "absent"


class Operator:
    """Carries out commands. Pausing and halting are acknowledged after their own commit."""

    def __init__(
        self,
        *,
        records: Records,
        broker: Broker,
        gate: TradingGate,
        breakers: Breakers,
        watch: EntryWatch,
        reconciliation: Reconciliation,
        runner: CycleRunner,
        logins: Logins,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._records = records
        self._broker = broker
        self._gate = gate
        self._breakers = breakers
        self._watch = watch
        self._reconciliation = reconciliation
        self._runner = runner
        self._logins = logins
        self._clock = clock
        self._spawn = spawn

    @property
    def handlers(self) -> Mapping[CommandKind, Handler]:
        return {
            CommandKind.PAUSE: self._pause,
            CommandKind.RESUME: self._resume,
            CommandKind.FORCE: self._force,
            CommandKind.HALT: self._halt,
            CommandKind.RESET: self._reset,
            CommandKind.CANCEL: self._cancel,
            CommandKind.RECONCILE: self._reconcile,
            CommandKind.ATTEST: self._attest,
            CommandKind.SET_ACCOUNT: self._set_account,
        }

    async def _pause(self, command: Command) -> Done | Refusal:
        why = command.note or "paused by the operator"
        state = await self._records.trading.pause(command.who, why, self._clock.now())
        await self._gate.read()
        return refuse(Reason.HALTED) if state.state == "halted" else Done("automation paused; no entries")

    async def _resume(self, command: Command) -> Done | Refusal:
        why = command.note or "resumed by the operator"
        try:
            await self._records.trading.resume(command.who, why, self._clock.now())
        except StateConflict:
            return refuse(Reason.HALTED)
        self._gate.resume_here()
        await self._gate.read()
        return Done("automation resumed")

    async def _halt(self, command: Command) -> Done | Refusal:
        why = command.note or "halted by the operator"
        await self._records.trading.halt(command.who, why, self._clock.now())
        await self._gate.read()
        return Done("entries halted; `senex reset halt` ends it")

    async def _force(self, command: Command) -> Done | Refusal:
        if command.saw_cycle is not None and command.saw_cycle != self._runner.newest:
            return refuse(Reason.COMMAND_OUTDATED)
        refusal = await self._runner.force_refusal()
        if refusal is not None:
            return refusal
        self._spawn(self._forced())
        return Done("a cycle starts now")

    async def _forced(self) -> None:
        await self._runner.force()

    async def _reset(self, command: Command) -> Done | Refusal:
        code, _, whom = command.target.partition(":")
        if code == HALT:
            await self._records.trading.resolve_halt(command.who, command.note or "reset", self._clock.now())
            await self._gate.read()
            return Done("the halt is over; entries stay paused until resumed")
        why = command.note or "reset by the operator"
        found = [b for b in self._breakers.open_now if b.kind.code == code and b.subject.endswith(whom)]
        for breaker in found:
            await self._breakers.close(breaker.kind, breaker.subject, command.who, why)
        if not found:
            return refuse(Reason.NO_SUCH_TARGET, target=f"an open breaker {command.target!r}")
        self._reconciliation.want("a breaker was reset")
        return Done(f"{code} reset")

    async def _reconcile(self, command: Command) -> Done | Refusal:
        self._reconciliation.want(f"asked by {command.who}")
        return Done("reconciliation starts; entries wait for it")

    async def _set_account(self, command: Command) -> Done | Refusal:
        answer = await set_account(self._records, self._clock, command)
        await self._runner.refresh_accounts()
        if command.note.partition(" ")[0] == AccountField.PRIMARY:
            await self._logins.prefer_primary()
        return answer

    async def _cancel(self, command: Command) -> Done | Refusal:
        entry = await self._find(command.target, EntryState.WORKING)
        if entry is None:
            return refuse(Reason.NO_SUCH_TARGET, target="a working entry" if not command.target else command.target)
        if entry.state is not EntryState.WORKING or entry.order_id is None:
            return refuse(Reason.NOT_CANCELLABLE, state=entry.state.value)
        # Recorded first: a day closed by the operator is never opened again by the machine (SPEC 9).
        await self._records.entries.note_cancel_request(entry.id, command.who, self._clock.now())
        try:
            await self._broker.cancel(entry.account, entry.order_id)
        except BrokerError as error:
            self._watch.poll_soon()
            if error.fault is BrokerFault.REFUSED:
                return refuse(Reason.CANCEL_REFUSED, detail=error.detail)
            return Done(
                f"the answer to the cancel was lost ({error.detail}); it works until the broker shows otherwise"
            )
        self._watch.poll_soon()
        return Done(f"cancel of order {entry.order_id} asked; it works until the broker confirms")

    async def _attest(self, command: Command) -> Done | Refusal:
        """What the operator saw at the broker: evidence that can close the day, never reopen it (SPEC 9)."""
        entry = await self._find(command.target, EntryState.UNKNOWN)
        if entry is None:
            return refuse(Reason.NO_SUCH_TARGET, target="an unknown entry" if not command.target else command.target)
        if entry.state is not EntryState.UNKNOWN:
            return refuse(Reason.NOT_UNKNOWN, state=entry.state.value)
        await self._records.entries.add_evidence(
            entry.id, "attestation", who=command.who, complete=True, detail={"seen": command.note}, at=self._clock.now()
        )
        if command.note == ATTESTED_ABSENT:
            await self._watch.absent(entry, f"{command.who} saw no such order at the broker")
            return Done(f"{masked(entry.account)}: the entry is closed as absent; the day stays closed")
        return await self._adopt(entry, command.note)

    async def _adopt(self, entry: Entry, order_id: str) -> Done | Refusal:
        """The operator named the order: the broker's own answer about it is the evidence."""
        try:
            report = await self._broker.order(entry.account, order_id)
        except BrokerError as error:
            return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id}: {error.detail}")
        if report.identifier != entry.identifier:
            return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id} does not carry this entry's identifier")
        current = await self._watch.apply(entry.id, report)
        return Done(f"order {order_id} is this entry; it is {current.state.value}")

    async def _find(self, target: str, state: EntryState) -> Entry | None:
        """The entry named, by id or order id, or the only one in this state when none is named."""
        found = [e for e in await self._records.entries.open() if not target or target in (e.id, e.order_id)]
        if target and not found:
            today = await self._records.entries.of_day(self._runner.today())
            found = [e for e in today if target in (e.id, e.order_id)]
        fitting = found if target else [e for e in found if e.state is state]
        return fitting[0] if len(fitting) == 1 else None
