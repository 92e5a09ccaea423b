"""Starts cycles at slots and on demand: one at a time, each recorded from its start to its end (rules 3, 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.cycle.account_cycle import AccountResult, run_cycle
from core.cycle.parts import CycleParts
from core.cycle.preview import Preview, Previews
from core.cycle.progress import CycleProgress
from core.cycle.slots import SlotBook
from core.cycle.unrecorded import CycleEnding, Unrecorded
from core.domain.market.sessions import may_force
from core.domain.operation import times
from core.domain.operation.accounts import own_or_default
from core.domain.operation.amounts import counted, credit
from core.domain.operation.events import Severity, masked
from core.domain.operation.failures import failure_words
from core.domain.operation.outcomes import RANKED, Outcome, outcome_for, worst
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.operation.runs import AccountRun
from core.domain.orders.fate import fate_of
from core.domain.reporting.told import CycleEnd, Told, told_accounts, told_cycle, told_totals
from core.guards.gate import TradingGate
from core.records.repositories.rows import AccountRecord
from core.records.store.errors import FencedOff, RecordsError, StateConflict
from core.runtime.bus import Bus
from core.runtime.redaction import redact

ALL_RECONCILED_WITHIN_S = 5.0
_SEVERITY = {Outcome.FAILED: Severity.WARNING, Outcome.UNKNOWN: Severity.CRITICAL}


@dataclass(eq=False, repr=False)
class CycleRunner:
    """Starts cycles when the rules allow it. `accounts` are those the logins reach; `progresses`, one for each account
    that was asked, and `newest` belong to the newest cycle. `not_recorded` is given a sentence when the records fail,
    and has `unrecorded` tried again."""

    parts: CycleParts
    slots: SlotBook
    gate: TradingGate
    bus: Bus
    after_cycle: Callable[[], Awaitable[None]]
    previews: Previews
    not_recorded: Callable[[str], None]
    unrecorded: Unrecorded = field(init=False)
    _cycle: asyncio.Task[Any] | None = field(init=False, default=None)
    _forced_for: str | None = field(init=False, default=None)
    _closing: bool = field(init=False, default=False)
    accounts: tuple[AccountRecord, ...] = field(init=False, default=())
    progresses: tuple[CycleProgress, ...] = field(init=False, default=())
    newest: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.unrecorded = Unrecorded(self.slots, self.bus, lambda: self.in_cycle)

    @property
    def progress(self) -> CycleProgress | None:
        """The progress of the first account of the newest cycle; None before the first cycle of this process."""
        return next(iter(self.progresses), None)

    @property
    def in_cycle(self) -> bool:
        """Whether a cycle runs now."""
        return self._cycle is not None

    def today(self) -> date:
        """The exchange's date now."""
        return self.parts.study.today()

    async def on_slot(self, slot: datetime) -> None:
        """Runs the slot's cycle, or records why it was missed. Does nothing on a day that has no such slot, nor while
        the clock is in doubt: `take_up_passed` comes back to the slot once it is confirmed."""
        if not self.slots.is_slot(slot) or self.gate.clock_doubt() is not None:
            return
        refusal = self.slots.lateness(slot)
        if refusal is None:
            await self._wait_for_reconciliation(slot)
            refusal = await self._slot_refusal(slot)
        if refusal is None:
            ran = await self._run(slot)
            if not isinstance(ran, Refusal):
                return
            refusal = ran
        if self.gate.clock_doubt() is not None:
            return
        self.unrecorded.missed(slot, refusal)
        try:
            await self.unrecorded.record()
        except FencedOff:
            raise
        except RecordsError as error:
            self.not_recorded(
                f"slot {times.minute(slot)} is missed; it is recorded as soon as that is possible: {error}"
            )

    async def _slot_refusal(self, slot: datetime) -> Refusal | None:
        """Why the slot's cycle may not start now. Records that cannot be read are a reason too."""
        try:
            return await self.refusal() or self.slots.lateness(slot)
        except FencedOff:
            raise
        except RecordsError as error:
            return refuse(Reason.NOT_RECORDED, detail=str(error))

    async def take_up_passed(self) -> None:
        """Runs a slot that passed just before the start, and records older ones as missed (rules 3)."""
        for slot in await self.slots.passed_unrecorded():
            await self.on_slot(slot)

    async def refusal(self) -> Refusal | None:
        """Why no cycle may start now: what the gate says, or another cycle that runs (rules 3). None when one may."""
        if self._closing:
            return refuse(Reason.PROCESS_DOWN)
        await self.gate.read()
        barred = self.gate.refusal()
        if barred is None and self.in_cycle:
            return refuse(Reason.CYCLE_RUNNING)
        return barred

    async def force_refusal(self, only: str | None = None) -> Refusal | None:
        """Why no forced cycle may start now. A forced cycle skips only the waiting for a slot (rules 3). It needs an
        account that is switched on: `only` is the number of the one that it is for."""
        session = self.slots.session()
        too_early_or_late = may_force(self.parts.clock.now(), session, self.slots.times)
        if too_early_or_late is not None:  # by a clock that is wrong this would be untrue
            return self.gate.wrong_clock() or too_early_or_late
        barred = await self.refusal()
        if barred is not None:
            return barred
        await self.refresh_accounts()
        if any(a.enabled and only in (None, a.number) for a in self.accounts):
            return None
        return refuse(Reason.NO_ACCOUNTS if only is None else Reason.ACCOUNT_DISABLED)

    async def force(
        self, only: str | None = None, began: Callable[[int], None] | None = None
    ) -> tuple[AccountResult, ...] | Refusal:
        """Runs one cycle now, outside the schedule, to its end.

        `only` is the number of the one account it is for; without, it is for all that are enabled. `began` is called
        with the cycle's number when it has begun.
        """
        refusal = await self.force_refusal(only)
        if refusal is not None:
            return refusal
        return await self._run(None, only, began)

    async def preview(self, only: str | None = None) -> tuple[Preview, ...] | Refusal:
        """What a cycle would do now, by account, without one. It sends, claims and records nothing.

        `only` is the number of the one account asked about, which may be switched off; without, it is about those that
        are enabled, or all when none is. Refused while a cycle runs, and given up when one starts.
        """
        await self.gate.read()
        await self.refresh_accounts()
        if self._closing:
            return refuse(Reason.PROCESS_DOWN)
        if self.in_cycle:
            return refuse(Reason.CYCLE_RUNNING)
        asked = [a for a in self.accounts if a.number == only] if only else self._chosen() or self.accounts
        made = await self.previews.of(asked)
        return refuse(Reason.PREVIEW_GIVEN_UP) if made is None else made

    async def close(self) -> None:
        """Lets no further cycle start and ends a running one. An order under way first gets its outcome recorded."""
        self._closing = True
        await self.previews.give_up()
        if self._cycle is not None and self._cycle is not asyncio.current_task():
            self._cycle.cancel()
            await asyncio.wait({self._cycle})

    async def _wait_for_reconciliation(self, slot: datetime) -> None:
        """Waits for a reconciliation that is under way, for as long as the slot may still start."""
        left = (slot + self.slots.grace() - self.parts.clock.now()).total_seconds() / self.parts.clock.speed
        if left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.gate.until_reconciled(ALL_RECONCILED_WITHIN_S)

    async def _run(
        self, slot: datetime | None, only: str | None = None, began: Callable[[int], None] | None = None
    ) -> tuple[AccountResult, ...] | Refusal:
        """Runs a cycle to its end and records it. Refused when another one runs or the slot was taken meanwhile, and
        for a slot also when the records fail before it has begun; a forced cycle then raises RecordsError."""
        if self.in_cycle or self._closing:
            return refuse(Reason.CYCLE_RUNNING)
        self._cycle, self._forced_for = asyncio.current_task(), only
        try:
            await self.previews.give_up()
            return await self._recorded(slot, began)
        finally:
            self._cycle = self._forced_for = None

    async def _recorded(
        self, slot: datetime | None, began: Callable[[int], None] | None
    ) -> tuple[AccountResult, ...] | Refusal:
        records, clock = self.parts.records, self.parts.clock
        try:
            number = await records.cycles.begin(self.today(), slot, slot is None, clock.now())
        except FencedOff:
            raise
        except RecordsError as error:
            if slot is None:
                raise
            return refuse(Reason.NOT_RECORDED, detail=str(error))
        if number is None:
            return refuse(Reason.CYCLE_RUNNING)
        self.newest = number
        if began is not None:
            began(number)
        named = "forced cycle" if slot is None else f"cycle {times.minute(slot)}"
        started = CycleProgress(number, slot, slot is None, clock.monotonic(), day=self.today())
        self.progresses = (started,)
        try:
            results = await self._through(number, named, slot)
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            refusal = (
                refuse(Reason.INTERRUPTED)
                if cancelled
                else refuse(Reason.INTERNAL, detail=redact(failure_words(error)))
            )
            await self._end(number, named, Outcome.FAILED, refusal, self._broken(refusal))
            raise
        outcome, total = _total(results)
        if not results:
            started.ended_with(outcome, total, clock.monotonic())
        await self._end(number, named, outcome, total, results)
        await self.after_cycle()
        return results

    async def _through(self, number: int, named: str, slot: datetime | None) -> tuple[AccountResult, ...]:
        """Runs the chosen accounts side by side."""
        await self.refresh_accounts()
        chosen = self._chosen()
        await self.bus.say("cycle.started", f"{named}, {self._whom(chosen)}", cycle=number)
        started = self.parts.clock.monotonic()
        day = self.today()
        progress = tuple(CycleProgress(number, slot, slot is None, started, a.number, day=day) for a in chosen)
        if progress:
            self.progresses = progress
        return await run_cycle(self.parts, chosen, progress)

    def _broken(self, refusal: Refusal) -> tuple[AccountResult, ...]:
        """The results of a cycle that was broken off: an account that had ended keeps its own."""
        for progress in self.progresses:
            if progress.ended is None:
                progress.ended_with(Outcome.FAILED, refusal, self.parts.clock.monotonic())
        known = {progress.account: progress for progress in self.progresses}
        first = self.progresses[0]
        return tuple(
            AccountResult(a.number, seen.outcome or Outcome.FAILED, seen.refusal, seen)
            for a in self._chosen()
            for seen in (known.get(a.number, first),)
        )

    async def _end(
        self, number: int, named: str, outcome: Outcome, refusal: Refusal | None, results: tuple[AccountResult, ...]
    ) -> None:
        """Records the end of a cycle. Where the records fail, they are written when they are back."""
        day, at = self.today(), self.parts.clock.now()
        left_out = self._left_out(number, day)

        async def record() -> None:
            await self._record_end(number, named, outcome, refusal, results, day, at, left_out)

        try:
            await record()
        except FencedOff:
            raise
        except RecordsError as error:
            code, text = ("", "") if refusal is None else (refusal.code, refusal.sentence())
            told = told_cycle(CycleEnd(True, outcome.value, code, text), {})
            self.unrecorded.ended(CycleEnding(number, at, told, record))
            self.not_recorded(f"the end of {named} is recorded as soon as that is possible: {error}")

    async def _record_end(
        self,
        number: int,
        named: str,
        outcome: Outcome,
        refusal: Refusal | None,
        results: tuple[AccountResult, ...],
        day: date,
        at: datetime,
        left_out: Sequence[AccountRun],
    ) -> None:
        totals = {"processed": len(results)} | {o.value: sum(r.outcome is o for r in results) for o in RANKED}
        code, text = (refusal.code, refusal.sentence()) if refusal is not None else ("", "")
        runs = (*(result.run(day) for result in results), *left_out)
        with suppress(StateConflict):  # an earlier try wrote it, and only what comes after failed
            await self.parts.records.cycles.end(number, outcome.value, code, text, totals, at, runs)
        accounts = await self._told(number, day, results)
        told = told_cycle(CycleEnd(True, outcome.value, code, text), accounts)
        await self.bus.say(
            "cycle.ended",
            f"{named}: {_ended_words(told, _counts(accounts.values()))}",
            Severity.INFO if told.outcome is None else _SEVERITY.get(told.outcome, Severity.INFO),
            cycle=number,
            reason=Reason.of(told.reason) if told.reason else None,
        )

    async def _told(self, number: int, day: date, results: tuple[AccountResult, ...]) -> Mapping[str, Told]:
        """What each account that was asked has come to by now, by account."""
        entries = await self.parts.records.entries.of_day(day)
        return told_accounts(
            [result.run(day) for result in results],
            {e.account: fate_of(e) for e in entries if e.cycle == number},
            validated={result.account for result in results if result.is_validated},
            held_by={e.account: fate_of(e) for e in entries if e.cycle != number and e.holds_day},
        )

    def _whom(self, chosen: Sequence[AccountRecord]) -> str:
        """The accounts that are asked and their offsets below the mid, per share."""
        default = self.parts.settings.trading.entry_offset_cents
        offsets = {a.number: credit(Decimal(own_or_default(a.offset_cents, default)) / 100) for a in chosen}
        if len(set(offsets.values())) > 1:
            offset = ", ".join(f"{each} for {masked(number)}" for number, each in offsets.items())
        else:
            offset = next(iter(offsets.values()), "")
        return counted(len(chosen), "account") + (f", offset {offset}" if offset else "")

    def _chosen(self) -> list[AccountRecord]:
        return [a for a in self.accounts if a.enabled and self._is_asked(a)]

    def _is_asked(self, account: AccountRecord) -> bool:
        """Whether the cycle is for this account: a cycle may be for one alone."""
        return self._forced_for in (None, account.number)

    def _left_out(self, number: int, day: date) -> list[AccountRun]:
        """The runs of the accounts that the cycle left out: not asked where it was for another account, switched off or
        not; skipped where the operator switched them off (rules 4)."""
        why = {a.number: Reason.ACCOUNT_DISABLED for a in self.accounts if not a.enabled}
        why |= {a.number: Reason.NOT_ASKED for a in self.accounts if not self._is_asked(a)}
        return [
            AccountRun(number, account, day, outcome_for(reason), reason.code, reason.sentence, 0, False, 0)
            for account, reason in why.items()
        ]

    @property
    def runs(self) -> bool:
        """Whether a cycle is under way."""
        return any(progress.ended is None for progress in self.progresses)

    async def refresh_accounts(self) -> None:
        """Reads the accounts' settings again, because the operator may have changed them. Raises RecordsError."""
        reached = {account.number for account in self.accounts}
        self.accounts = tuple(a for a in await self.parts.records.accounts.all() if a.number in reached)


def _counts(told: Iterable[Told]) -> str:
    """How many accounts were processed, and how many of them came to what (rules 4.4)."""
    totals = told_totals(told)
    words = [f"{totals[o]} {o.value}" for o in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SKIPPED)]
    unknown = totals[Outcome.UNKNOWN]
    if unknown:
        words.append(f"{unknown} {Outcome.UNKNOWN.value}")
    return ", ".join((f"{sum(totals.values())} processed", *words))


def _ended_words(told: Told, counts: str) -> str:
    """What the cycle came to, first what became of it where that says more than its outcome, then the counts."""
    return counts if told.words in RANKED else f"{told.words} ({counts})"


def _total(results: tuple[AccountResult, ...]) -> tuple[Outcome, Refusal | None]:
    """The outcome of the whole cycle, and the refusal of the account that decided it."""
    if not results:
        return Outcome.SKIPPED, refuse(Reason.NO_ACCOUNTS)
    outcome = worst(r.outcome for r in results)
    return outcome, next(r.refusal for r in results if r.outcome is outcome)
