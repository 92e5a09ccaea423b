"""How each account stands, from what the engine has in memory (rules 9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from core.accounts.logins import Logins
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.domain.operation.reasons import Reason
from core.domain.orders.next_step import NextStep, Standing, next_step
from core.engine.day_book import DayBook
from core.engine.parts import EngineParts
from core.guards.breakers import Breakers
from core.guards.gate import TradingGate
from core.records.search.standings import AccountsToday, ConsoleNow, HeldDay, standings_of
from core.views.standing_reads import read_standings


@dataclass(eq=False, repr=False, slots=True)
class Standings:
    """Asks the parts how each account stands now. It waits for nothing."""

    slots: SlotBook
    runner: CycleRunner
    gate: TradingGate
    breakers: Breakers
    logins: Logins
    sends: bool

    def of(self, held: Mapping[str, HeldDay], validated: Collection[str], book: DayBook) -> tuple[Standing, ...]:
        """One standing an account, in the runner's order.

        `held` has the entries that hold today, by account number; `validated` the accounts whose suggestion of today is
        validated. `book` says how far the records are read that both come from.
        """
        gate, accounts = self.gate, self.runner.accounts
        waiting = {a.number: cause for a in accounts if (cause := gate.waits_for(a.number))}
        standings = standings_of(
            AccountsToday(
                accounts=accounts,
                logins=self.logins.known,
                trading=gate.trading,
                breakers=self.breakers.open_now,
                held=held,
                validated=validated,
                running=self.runner.runs or book.waits_for_end(in_cycle=self.runner.in_cycle),
            ),
            self.slots.ahead(),
            ConsoleNow(
                sends=self.sends,
                kill_file=gate.halting_file,
                reconciling=next(iter(waiting.values()), ""),
                reconciled=[a.number for a in accounts if a.number not in waiting],
                at_broker={a.number: orders[0] for a in accounts if (orders := gate.foreign.of(a.number))},
            ),
        )
        return tuple(
            replace(
                standing,
                stopped_here=gate.stops.words(standing.number),
                unread=book.unread,
                barred=self._barred(standing),
            )
            for standing in standings
        )

    def _barred(self, standing: Standing) -> str:
        """What the gate says against an entry now. Outside of the session a broker that does not tell its time is no
        news."""
        session = standing.session
        if session is None or not session.is_open(self.slots.clock.now()):
            return ""
        refusals = self.gate.account_refusals(standing.number, standing.login)
        ends_at = self.gate.refused.ends_at(standing.number)
        if standing.slot is not None and ends_at is not None and ends_at <= standing.slot:
            refusals = tuple(one for one in refusals if one.reason is not Reason.REFUSED_UNHEARD)
        refusal = next(iter(refusals), None) or self.gate.switched_off(standing.number)
        return "" if refusal is None else refusal.sentence()


async def recorded_next_steps(parts: EngineParts, kill_file: str) -> Mapping[str, NextStep]:
    """What comes next for each account, by its number, as the records say it. Raises RecordsError."""
    standings = await read_standings(
        parts.records,
        parts.settings.schedule.slot_times,
        parts.calendar,
        parts.clock.now(),
        console=True,
        kill_file=kill_file,
        sends=parts.sends,
        speed=parts.clock.speed,
        settle=parts.settle,
    )
    return {standing.number: next_step(standing) for standing in standings}
