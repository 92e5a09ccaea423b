"""How each account stands, from what the engine has in memory. What comes next is computed from it, once for each
snapshot (rules 9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from core.accounts.logins import Logins
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.domain.operation.events import masked
from core.domain.orders.fate import Fate
from core.domain.orders.next_step import NextStep, Standing, TradingWords, next_step, overall
from core.domain.orders.settling import Settling
from core.guards.breakers import Breakers
from core.guards.gate import TradingGate
from core.snapshot import NextStepView
from core.views.moment import Moment


@dataclass(frozen=True, slots=True)
class HeldDay:
    """The entry that holds an account's day: its fate, and where the proof about it stands."""

    fate: Fate
    settling: Settling | None
    reentry_allowed: bool


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What comes next, for each account and for the console."""

    accounts: tuple[NextStepView, ...]
    overall: NextStep


@dataclass(eq=False, repr=False, slots=True)
class Standings:
    """Asks the parts how each account stands now. It waits for nothing."""

    slots: SlotBook
    runner: CycleRunner
    gate: TradingGate
    breakers: Breakers
    logins: Logins
    sends: bool

    def of(self, moment: Moment, held: Mapping[str, HeldDay], validated: Collection[str]) -> tuple[Standing, ...]:
        """One standing an account, in the runner's order.

        `held` has the entries that hold today, by account number; `validated` the accounts whose suggestion of today is
        validated.
        """
        next_slot = self.slots.next()
        session = moment.session
        slot = next_slot if session is not None and next_slot < session.close else None
        following = self.slots.following()
        valid = {login.name: login.is_valid for login in self.logins.known}
        trading = self.gate.trading
        common = Standing(
            today=moment.today,
            session=session,
            slot=slot,
            next_open=following.open,
            next_day=following.first_slot,
            number="",
            login="",
            trading=TradingWords(trading.state, trading.who, trading.at, trading.why),
            stopped_here=self.gate.stopped_here,
            kill_file=self.gate.halting_file,
            breakers=self.breakers.open_now,
            running=self.runner.runs,
            sends=self.sends,
        )
        return tuple(
            replace(
                common,
                number=account.number,
                login=account.login,
                enabled=account.enabled,
                is_closed=account.is_closed,
                login_valid=valid.get(account.login, True),
                skips_today=account.skip_day == moment.today,
                reconciling=self.gate.not_reconciled(account.number),
                fate=None if (day := held.get(account.number)) is None else day.fate,
                settling=None if day is None else day.settling,
                reentry_allowed=day is not None and day.reentry_allowed,
                validated=account.number in validated,
            )
            for account in self.runner.accounts
        )


def next_steps(standings: tuple[Standing, ...]) -> NextSteps:
    """What comes next for each of these accounts, and for the console."""
    steps = [next_step(standing) for standing in standings]
    views = (NextStepView(masked(s.number), step) for s, step in zip(standings, steps, strict=True))
    return NextSteps(tuple(views), overall(steps))
