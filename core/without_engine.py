"""Pause, halt, reset and accounts' settings while no trader runs: done at once, under its own lock (SPEC 9, 10)."""

from __future__ import annotations

from collections.abc import Mapping

from core.account_settings import set_account
from core.breakers import Breakers
from core.bus import Bus
from core.clock import Clock
from core.commands import CommandDesk, Done, Handler
from core.domain.breakers import BreakerKind
from core.domain.commands import Command, CommandKind
from core.domain.reasons import Reason, Refusal, refuse
from core.records.records import CommandRecord, Records

POSSIBLE = frozenset({CommandKind.PAUSE, CommandKind.HALT, CommandKind.RESET, CommandKind.SET_ACCOUNT})
"""What stops entries, lets the next start try again (it reconciles before any entry, whatever was reset), or is only
kept for the next cycle."""
HALT = "halt"


async def carry_out_without_engine(records: Records, command: Command, clock: Clock) -> CommandRecord:
    """Posts the command, carries it out and returns its record. The caller has the data folder's lock and opened the
    records as their trader. Raises KeyError for a kind that is not in POSSIBLE, RecordsError."""
    bus = Bus(records.journal.append)
    breakers = Breakers(records, bus, clock)
    await breakers.load()
    desk = CommandDesk(records, bus, clock, _Alone(records, breakers, clock).handlers)
    await records.inbox.post(command)
    await desk.carry_out(command)
    record = await records.inbox.get(command.id)
    if record is None:
        raise RuntimeError(f"command {command.id} was posted and is not there")
    return record


class _Alone:
    """The handlers of the commands that need no broker."""

    def __init__(self, records: Records, breakers: Breakers, clock: Clock) -> None:
        self._records = records
        self._breakers = breakers
        self._clock = clock

    @property
    def handlers(self) -> Mapping[CommandKind, Handler]:
        return {
            CommandKind.PAUSE: self._pause,
            CommandKind.HALT: self._halt,
            CommandKind.RESET: self._reset,
            CommandKind.SET_ACCOUNT: self._set_account,
        }

    async def _pause(self, command: Command) -> Done | Refusal:
        why = command.note or "paused by the operator"
        state = await self._records.trading.pause(command.who, why, self._clock.now())
        if state.state == "halted":
            return refuse(Reason.HALTED)
        return Done("no console is running; the next one starts paused")

    async def _halt(self, command: Command) -> Done | Refusal:
        await self._records.trading.halt(command.who, command.note or "halted by the operator", self._clock.now())
        return Done("no console is running; the next one starts halted, `senex reset halt` ends it")

    async def _set_account(self, command: Command) -> Done | Refusal:
        return await set_account(self._records, self._clock, command)

    async def _reset(self, command: Command) -> Done | Refusal:
        code, _, whom = command.target.partition(":")
        why = command.note or "reset by the operator"
        if code == HALT:
            await self._records.trading.resolve_halt(command.who, why, self._clock.now())
            return Done("the halt is over; entries stay paused until resumed")
        found = [b for b in self._breakers.open_now if b.kind.code == code and b.subject.endswith(whom)]
        if not found:
            return refuse(Reason.NO_SUCH_TARGET, target=f"an open breaker {command.target!r}")
        for breaker in found:
            await self._breakers.close(breaker.kind, breaker.subject, command.who, why)
        again = " and tries the login once more" if found[0].kind is BreakerKind.LOGIN else ""
        return Done(f"{code} reset; the next console reconciles first{again}")
