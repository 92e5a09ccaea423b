"""Places an exit that is due: its order is built, claimed, guarded and sent, once (rules 15.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.broker.pace import Work
from core.broker.port import BrokerError
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import IntentKind
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.plans import ExitPlan, request_of
from core.domain.positions.timing import DEADLINE
from core.domain.positions.trident_view import TridentView
from core.guards.exit_gate import ExitGate
from core.market.calendar import SessionCalendar
from core.orders.desk import OrderDesk
from core.positions.complete_reads import CompleteReads
from core.positions.exit_guards import ExitGuards
from core.positions.exit_sending import ExitSending
from core.records.records import Records
from core.records.repositories.trident_rows import TridentRecord
from core.runtime.clock import Clock, exchange_time
from core.runtime.ids import Ids


@dataclass(eq=False, repr=False, kw_only=True)
class Placing:
    """Takes planned exits to the broker. Without `sends` nothing is ever sent: a dry run holds no trident.

    `login_of` names the login that reaches an account.
    """

    desk: OrderDesk
    records: Records
    clock: Clock
    calendar: SessionCalendar
    ids: Ids
    gate: ExitGate
    reads: CompleteReads
    guards: ExitGuards
    login_of: Callable[[str], str]
    sends: bool

    async def place(self, view: TridentView, plan: ExitPlan) -> Exit | Refusal:
        """Takes one exit to the broker, once (`OrderDesk.place`). A returned exit is acknowledged: it works, or has got
        further.

        What bars every exit of the account, and a broker that does not tell of it, are seen before anything is
        recorded: an outage leaves no intents behind. Raises RecordsError, and then nothing was sent unless the exit is
        recorded as sent.
        """
        if not self.sends:
            return refuse(Reason.NOT_SENT, detail="a dry run sends nothing")
        record = await self.records.tridents.get(view.trident.id)
        login, today = self.login_of(record.account), exchange_time(self.clock.now()).date()
        work = self._work(plan, record, today)
        refused = await self._before(record.account, login, work)
        if refused is not None:
            return refused
        return await self.desk.place(
            ExitSending(
                records=self.records,
                clock=self.clock,
                calendar=self.calendar,
                gate=self.gate,
                last_guards=self.guards,
                exit=self._prepared(record, plan, today),
                login=login,
                work=work,
                walks=self._walks(view, plan, record),
            )
        )

    async def _before(self, account: str, login: str, work: Work) -> Refusal | None:
        barred = self.gate.refusal(account, login)
        if barred is not None:
            return barred
        if not self.calendar.is_open(self.clock.now()):
            return refuse(Reason.MARKET_CLOSED)
        try:
            await self.reads.within(account, work=work)
        except BrokerError as error:
            return refuse(Reason.ACCOUNT_UNREADABLE, what="the positions and live orders", detail=error.detail)
        return None

    def _prepared(self, record: TridentRecord, plan: ExitPlan, today: date) -> Exit:
        exit_id = self.ids.new()
        identifier = identifier_for(exit_id, IntentKind.EXIT)
        prices = plan.prices
        return Exit(
            id=exit_id,
            account=record.account,
            session_day=today,
            underlying=record.trident.underlying,
            identifier=identifier,
            request=request_of(plan, record.trident.underlying, identifier),
            state=OrderState.PREPARED,
            prepared_at=self.clock.now(),
            sent_at=None,
            order_id=None,
            broker_status=None,
            terminal_at=None,
            detail="",
            trident_id=record.id,
            kind=plan.kind,
            units=plan.units,
            cap=plan.cap,
            basis=plan.basis,
            mid=None if prices is None else prices.mid,
            natural=None if prices is None else prices.natural,
            step=plan.step,
        )

    def _walks(self, view: TridentView, plan: ExitPlan, record: TridentRecord) -> bool:
        """Whether its price was taken from quotes, which have to be fresh when it leaves. A close by the limit of an
        operator was not, nor one without any quote at the deadline of what must be closed."""
        if plan.kind is ExitKind.TARGET:
            return False
        if plan.kind is ExitKind.MANUAL:
            return view.asked is None or view.asked.limit is None
        last = self.calendar.on(self.calendar.sessions_back(record.trident.expiration, 1))
        is_late = last is not None and self.clock.now() >= last.close - DEADLINE
        return plan.prices is not None or not is_late

    def _work(self, plan: ExitPlan, record: TridentRecord, today: date) -> Work:
        if plan.kind is ExitKind.MANUAL:
            return Work.HAND_CLOSE
        if plan.kind is ExitKind.TARGET:
            return Work.TARGET
        trident = record.trident
        if not trident.cash_settled and today >= self.calendar.sessions_back(trident.expiration, 1):
            return Work.MUST_CLOSE
        return Work.STEP if plan.step else Work.FIRST_SEND
