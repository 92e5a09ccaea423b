"""What the alerts about exits are worked out from, gathered from the turns of all accounts (rules 15.10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from core.domain.operation.events import Event
from core.domain.positions.actions import Prove
from core.domain.positions.blocks import blocks
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Moment
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitState
from core.domain.reporting.alerts import DueAlert
from core.domain.reporting.exit_alerts import AccountFacts, ExitFacts, TridentFacts, due_exit_alerts
from core.market.calendar import SessionCalendar
from core.positions.proofs import CancelProofs
from core.positions.transactions import TransactionReads
from core.positions.turns import TridentTurns
from core.positions.views_of import Standing, TridentViews
from core.records.records import AccountRecord, Records
from core.runtime.clock import Clock, exchange_time

RESULTS_FOR = timedelta(days=60)
"""For how long after its end a difference with the broker's rows is told."""


@dataclass(eq=False, repr=False)
class ExitAlerts:
    """Works out which alerts should be open, without waiting. `accounts` are those that the logins reach."""

    turns: TridentTurns
    views: TridentViews
    proofs: CancelProofs
    history: TransactionReads
    records: Records
    clock: Clock
    calendar: SessionCalendar
    accounts: Callable[[], Sequence[AccountRecord]]
    # What the broker's dry run warned of today, by trident.
    _warned: dict[str, tuple[date, str]] = field(init=False, default_factory=dict)
    _results: dict[str, tuple[tuple[Standing, tuple[Decimal, Decimal]], ...]] = field(init=False, default_factory=dict)

    def heard(self, event: Event) -> None:
        """Listens on the bus: a warning is of the day on which it was said."""
        if event.kind == "exit.warning":
            trident = str(dict(event.figures).get("trident"))
            self._warned[trident] = exchange_time(event.at).date(), event.text

    async def read_results(self) -> None:
        """Reads what the broker's rows tell otherwise of tridents that have ended. Raises RecordsError."""
        since = self.clock.now() - RESULTS_FOR
        for account in self.accounts():
            found = await self.records.pnl_rows.results(account.number, since)
            self._results[account.number] = tuple(
                [(await self.views.one(trident_id), both) for trident_id, both in found.items()]
            )

    def due(self) -> tuple[DueAlert, ...] | None:
        """None while not every account has had a turn."""
        if not self.turns.all_known():
            return None
        today = exchange_time(self.clock.now()).date()
        tridents, accounts = [], []
        for account in self.accounts():
            number = account.number
            held = self.turns.standings(number)
            tridents += [self._facts(number, one, today) for one in held]
            ended = self._results.get(number, ())
            tridents += [self._facts(number, one, today, both) for one, both in ended]
            accounts.append(
                AccountFacts(
                    number,
                    self._moment(today),
                    account.exits_first_wait,
                    self.history.unknown_kinds(number) if held or ended else (),
                )
            )
        return due_exit_alerts(ExitFacts(tuple(tridents), tuple(accounts)))

    def _facts(
        self, account: str, one: Standing, today: date, results: tuple[Decimal, Decimal] | None = None
    ) -> TridentFacts:
        proving = one.action.exit_ids if isinstance(one.action, Prove) else ()
        is_off = one.view.trident.rules.mode is ExitMode.OFF
        warned_on, warning = self._warned.get(one.id, (None, ""))
        is_of_today = one.moment.today == today  # its newest turn may have been minutes ago
        moment = replace(one.moment, now=self.clock.now()) if is_of_today else one.moment
        # Of one of which nothing is to be sent no alert tells what bars that.
        barring = () if is_off else blocks(one.view, replace(one.facts, moment=moment))
        return TridentFacts(
            account,
            one.view,
            moment,
            one.action,
            barring,
            one.is_managed,
            proof_waits_s=self.proofs.waits_s(proving),
            quotes_stale_s=one.quotes_stale_s,
            gone_sessions=self._gone_sessions(one, today),
            results=results,
            warnings=(warning,) if warned_on == today else (),
        )

    def _gone_sessions(self, one: Standing, today: date) -> int:
        """The sessions since a unit left that nothing explains."""
        unexplained = {unit.name for unit in one.record.trident.units if unit.state is UnitState.GONE and not unit.how}
        found = [exchange_time(left.gone.found_at).date() for left in one.gone if left.gone.unit in unexplained]
        return len(self.calendar.between(min(found) + timedelta(days=1), today)) if found else 0

    def _moment(self, today: date) -> Moment:
        session = self.calendar.on(today)
        return Moment(self.clock.now(), today, session, ExitDays(today, () if session is None else (session,)))
