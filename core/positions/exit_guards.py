"""The last guards of an exit, which ask the broker (rules 15.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState, state_for
from core.domain.positions.attribution import closing_legs
from core.domain.positions.exit_fate import exit_name
from core.domain.positions.exits import Exit
from core.domain.positions.holdings import closable, working
from core.domain.positions.order_rules import against_the_rules
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Dividend
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import legs_of
from core.domain.trident.sides import LegSide, closed_side
from core.market.calendar import SessionCalendar
from core.orders.attribution import intent_of
from core.orders.entry_sending import preflight
from core.orders.target_checks import NO_POSITION
from core.positions.changes import Changes
from core.positions.complete_reads import FRESH_S, CompleteRead, CompleteReads
from core.positions.quotes import CloseQuotes
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time

_NONE = Decimal(0)
_BACK = timedelta(days=14)


@dataclass(eq=False, repr=False, kw_only=True)
class ExitGuards:
    """Says why an exit that is prepared must not leave.

    `login_of` names the login that reaches an account; `streamer_of` has the streamer symbol of an OCC symbol, empty
    when nobody knows it: then its quote is read; `dividend_of` has what is known of an underlying's next dividend. With
    `preflight` the broker's dry run is asked first.
    """

    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    pace: Pace
    reads: CompleteReads
    changes: Changes
    quotes: CloseQuotes
    login_of: Callable[[str], str]
    streamer_of: Callable[[str], str]
    dividend_of: Callable[[str], Dividend | None]
    preflight: bool
    # When the broker was asked, at the second of `Clock.boottime`, whose newest answer said that its session is open,
    # and that it is not.
    _open_s: float = field(init=False, default=float("-inf"))
    _closed_s: float = field(init=False, default=float("-inf"))

    async def refusal(self, exit: Exit, work: Work, *, walks: bool) -> Refusal | None:
        """The first thing that keeps the exit from leaving; None when nothing does. What changes fastest is asked last:
        the order is looked at by the units and by the rules of this moment. An exit that `walks` needs fresh quotes.
        Raises RecordsError."""
        # The order itself is counted here too: no request waits between the guards and the wire.
        requests = 1 + self.preflight + (not self._is_known_open())
        await self.pace.take(Turn(self.login_of(exit.account), exit.account, work, requests))
        if self.preflight:
            refused = await self._dry_run(exit)
            if refused is not None:
                return refused
        return (
            await self._session()
            or await self._at_broker(exit, work)
            or (await self._by_quotes(exit, work) if walks else None)
            or await self._session()  # the same answer, unless the reads and quotes waited too long in the line
            or await self._order(exit)
        )

    async def _dry_run(self, exit: Exit) -> Refusal | None:
        answer = await preflight(self.broker, exit.account, exit.request)
        if isinstance(answer, Refusal):
            return answer
        if any(code == NO_POSITION for code, _ in answer.warnings):
            return refuse(Reason.CLOSES_NOTHING)
        if answer.warnings:
            await self._warned(exit, answer.warnings)
        return None

    async def _warned(self, exit: Exit, warnings: tuple[tuple[str, str], ...]) -> None:
        """Records what the dry run warned of. It stops no exit; an alert tells of it."""
        at = self.clock.now()
        detail = {"dry_run": [[code, words] for code, words in warnings]}
        await self.records.exits.add_evidence(exit.id, "answer", who="engine", complete=True, detail=detail, at=at)
        told = "; ".join(f"{code}: {words}" for code, words in warnings)
        await self.bus.say(
            "exit.warning",
            f"{exit.underlying} {masked(exit.account)}: {exit_name(exit.kind, exit.units)}: the broker warns: {told}",
            Severity.INFO,
            account=exit.account,
            underlying=exit.underlying,
            figures=(("exit", exit.id), ("trident", exit.trident_id)),
        )

    def _is_known_open(self) -> bool:
        """Whether the broker was asked for the session as lately as for the positions, and said that it is open: many
        orders that leave together share its answer, as they share a complete read. Its word that it is closed ends
        that."""
        return self._open_s > self._closed_s and self.clock.boottime() - self._open_s <= FRESH_S

    async def _session(self) -> Refusal | None:
        if self._is_known_open():
            return None
        asked_s = self.clock.boottime()
        try:
            market = await self.broker.market_state()
        except BrokerError:
            return refuse(Reason.SESSION_UNREADABLE)
        if market.is_open:
            self._open_s = max(self._open_s, asked_s)
        else:
            self._closed_s = max(self._closed_s, asked_s)
        return None if self._open_s > self._closed_s else refuse(Reason.MARKET_CLOSED)

    async def _at_broker(self, exit: Exit, work: Work) -> Refusal | None:
        """What a complete read that is fresh shows of the exit's legs. One that shows a reason against the exit may be
        of before the last fill or cancel: it is read once more."""
        now_s = self.clock.boottime()
        refused = None
        for began_s in (now_s - FRESH_S, now_s):
            try:
                read = await self.reads.since(exit.account, began_s, work=work)
            except BrokerError as error:
                return refuse(
                    Reason.ACCOUNT_UNREADABLE, what="the positions and live orders", detail=error.detail
                )  # fmt: skip
            refused = await self._by_read(exit, read)
            if refused is None:
                return None
        return refused

    async def _by_read(self, exit: Exit, read: CompleteRead) -> Refusal | None:
        trident = await self._trident(exit)
        foreign = await self.records.foreign.positions(exit.account)
        claimed = [unit for unit in trident.units if unit.name in exit.units]
        if foreign is None or not self.changes.agrees(exit.account, claimed):
            return refuse(Reason.HOLDINGS_DIFFER)
        ordered = {(leg.symbol, closed_side(leg.action)): leg.quantity for leg in exit.request.legs}
        for report in read.orders:
            if state_for(report.status) in (OrderState.WORKING, None) and closing_legs(report) & ordered.keys():
                owner = await intent_of(self.records.intents, report)
                if not isinstance(owner, Exit) or not owner.may_fill:
                    return refuse(Reason.CLOSED_ELSEWHERE, order_id=report.order_id)
        left, in_orders = await self._of_account(exit)
        seen = read.options()
        for leg, quantity in ordered.items():
            may = closable(
                left.get(leg, _NONE), seen.get(leg, _NONE), foreign.get(leg, _NONE), in_orders.get(leg, _NONE)
            )
            if quantity > may:
                return refuse(Reason.NOT_CLOSABLE_NOW, ordered=quantity, symbol=leg[0], closable=may)
        return None

    async def _of_account(self, exit: Exit) -> tuple[dict[LegSide, Decimal], dict[LegSide, Decimal]]:
        """By leg, over all tridents of the account: the contracts left, and those that other closing orders may still
        take."""
        tridents = await self.records.tridents.held_of(exit.account)
        exits = await self.records.exits.of_tridents([one.id for one in tridents])
        left: dict[LegSide, Decimal] = {}
        in_orders: dict[LegSide, Decimal] = {}
        for one in tridents:
            for leg, count in legs_of(one.trident.units).items():
                left[leg] = left.get(leg, _NONE) + count
            others = [other for other in exits[one.id] if other.id != exit.id]
            for leg, takes in working(one.trident.units, others).items():
                in_orders[leg] = in_orders.get(leg, _NONE) + takes
        return left, in_orders

    async def _by_quotes(self, exit: Exit, work: Work) -> Refusal | None:
        if self.quotes.halted(exit.underlying):
            return refuse(Reason.TRADING_HALTED, symbol=exit.underlying)
        legs = {leg.symbol: self.streamer_of(leg.symbol) for leg in exit.request.legs}
        found = await self.quotes.of(exit.account, legs, work)
        if found.missing:
            return refuse(Reason.LEGS_UNQUOTED, missing=found.missing)
        return await self._at_broker(exit, work)  # the same read, unless the quotes took too long

    async def _order(self, exit: Exit) -> Refusal | None:
        trident, today = await self._trident(exit), exchange_time(self.clock.now()).date()
        self.calendar.on(trident.expiration)  # the calendar reaches as far
        days = ExitDays(trident.expiration, self.calendar.between(today - _BACK, trident.expiration))
        why = against_the_rules(exit, trident, days, today, self.dividend_of(trident.underlying))
        return refuse(Reason.EXIT_NOT_BY_RULE, why=why) if why else None

    async def _trident(self, exit: Exit) -> ManagedTrident:
        return (await self.records.tridents.get(exit.trident_id)).trident
