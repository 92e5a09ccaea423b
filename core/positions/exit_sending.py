"""An exit on its way to the broker: its intent claims its units, and its last guards are those of closing (rules
15.4)."""

from __future__ import annotations

from dataclasses import dataclass

from core.broker.pace import Work
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.exits import Exit
from core.guards.exit_gate import ExitGate
from core.market.calendar import SessionCalendar
from core.positions.exit_guards import ExitGuards
from core.records.records import Records
from core.records.repositories.rows import Claimed
from core.runtime.clock import Clock


@dataclass(eq=False, repr=False, kw_only=True)
class ExitSending:
    """Sends one exit (`core.orders.sending.Sending`). `login` reaches its account, and `work` says how urgent it is. An
    exit that `walks` needs fresh quotes."""

    records: Records
    clock: Clock
    calendar: SessionCalendar
    gate: ExitGate
    last_guards: ExitGuards
    exit: Exit
    login: str
    work: Work
    walks: bool
    sender = "the room of exits"

    @property
    def intent_id(self) -> str:
        return self.exit.id

    async def prepare(self) -> Exit | Refusal:
        prepared = await self.records.exits.prepare(self.exit)
        return refuse(Reason.NOT_CLAIMED, why=prepared.why) if isinstance(prepared, Claimed) else prepared

    async def guards(self, intent: Exit) -> Refusal | None:
        return await self.last_guards.refusal(intent, self.work, walks=self.walks)

    def barred(self) -> Refusal | None:
        return self.gate.refusal(self.exit.account, self.login)

    async def mark_sent(self, intent: Exit) -> bool:
        session = self.calendar.on(intent.session_day)
        if session is None:
            return False
        return await self.records.exits.mark_sent(
            intent.id, self.clock.now(), epoch=self.records.epoch, closes=session.close
        )

    async def why_not_sent(self, intent: Exit) -> Refusal:
        """A hold or a breaker meanwhile, another console's epoch, or a cancel."""
        await self.gate.read()
        return self.barred() or refuse(
            Reason.RECORD_FAILED, detail="another console or a cancel took this exit over, or its session is over"
        )
