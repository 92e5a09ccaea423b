"""The steps of one account around the attempts: guard, market, account, risk, limit (rules 4). They record nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

from core.broker.port import AccountReads, BrokerError, BrokerFault, MarketState
from core.cycle.parts import CycleParts
from core.domain.market.chain import Expiration
from core.domain.operation.accounts import own_or_default
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.opposing import opposed, was_opposed
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import IntentKind, OrderReport
from core.domain.risk.eligibility import restriction_by_level
from core.domain.risk.exposure import Exposure, exposure
from core.domain.risk.risk import RiskAssessment, RiskInputs, assess_risk
from core.domain.trident.entry_price import EntryPrice, entry_price
from core.domain.trident.pricing import Pricing
from core.domain.trident.trident import Trident
from core.orders.attribution import kind_of
from core.orders.positions import held_legs
from core.records.repositories.rows import AccountRecord


@dataclass(eq=False, repr=False)
class AccountSteps:
    """The steps of an account on the session day on which it was made."""

    parts: CycleParts
    account: AccountRecord
    day: date = field(init=False)

    def __post_init__(self) -> None:
        self.day = self.parts.study.today()

    async def guard(self) -> Refusal | None:
        """What forbids an entry of this account now; None when nothing does. Raises RecordsError."""
        async with aclosing(self.guard_refusals()) as refusals:
            async for refusal in refusals:
                return refusal
        return None

    async def guard_refusals(self) -> AsyncGenerator[Refusal, None]:
        """Everything that forbids an entry of this account now, what decides first. Raises RecordsError.

        A closed account is not asked about: the broker may not answer for it, and that would be no failure.
        """
        if self.account.is_closed:
            yield refuse(Reason.ACCOUNT_RESTRICTED, restriction="closed")
        if self.account.skip_day == self.day:
            yield refuse(Reason.SKIP_TODAY)
        for barred in self.parts.gate.account_refusals(self.account.number, self.account.login):
            yield barred
        held = await self.parts.records.entries.holding(self.account.number, self.day)
        if held is not None:
            yield refuse(Reason.ENTRY_TODAY, state=held.state.words)
        if await self.parts.records.journal.validated_on(self.account.number, self.day):
            yield refuse(Reason.VALIDATED_TODAY)

    async def market(self) -> MarketState | Refusal:
        """The broker's session, or why it does not let an entry be made."""
        if not self.parts.calendar.is_open(self.parts.clock.now()):
            return refuse(Reason.MARKET_CLOSED)
        try:
            market = await self.parts.broker.market_state()
        except BrokerError:
            return refuse(Reason.SESSION_UNREADABLE)
        return market if market.is_open else refuse(Reason.MARKET_CLOSED)

    async def read_account(self) -> tuple[AccountReads, Exposure] | Refusal:
        """The account at the broker with its exposure, or why it may not trade."""
        read = await self.reads()
        if isinstance(read, Refusal):
            return read
        reads, orders = read
        exposed = await self.exposed(reads, orders)
        refusal = next(chain(account_refusals(reads), exposure_refusals(exposed)), None)
        return refusal or (reads, exposed)

    async def reads(self) -> tuple[AccountReads, tuple[OrderReport, ...]] | Refusal:
        """The account and its orders of today at the broker, or why they cannot be read."""
        try:
            read = await asyncio.gather(
                self.parts.broker.account_reads(self.account.number),
                self.parts.broker.orders_since(self.account.number, self.day),
            )
        except BrokerError as error:
            if error.fault is BrokerFault.LOGIN_REFUSED:
                return refuse(Reason.TOKEN_INVALID)
            return refuse(Reason.ACCOUNT_UNREADABLE, what="balances, positions and orders", detail=error.detail)
        self.parts.note_reads(read[0])
        return read

    async def exposed(self, reads: AccountReads, orders: Sequence[OrderReport]) -> Exposure:
        """What the account has at risk, by the records and by these reads. Raises RecordsError."""
        number, records = self.account.number, self.parts.records
        since = self.parts.calendar.sessions_back(self.day, self.parts.settings.trading.follow_sessions)
        own_open = [e for e in await records.entries.open_or_followed(since) if e.account == number]
        filled = await records.entries.filled_open(number, self.day)
        judged = self.parts.judges(number)
        found = await records.tridents.these([entry.id for entry in filled])
        if judged:  # one that has expired is at risk until the broker's rows have ended it
            settling = [one for one in await records.tridents.held_of(number) if one.trident.expiration < self.day]
            filled = (*filled, *await records.entries.these([one.id for one in settling]))
            found = (*found, *settling)
        return exposure(
            filled,
            own_open,
            held_legs(reads.positions),
            await self._working(orders),
            {one.id: one.trident for one in found},
            judged=judged,
        )

    async def _working(self, orders: Sequence[OrderReport]) -> list[OrderReport]:
        """The orders that may still fill, without our own closing ones: they lead to no position."""
        working = [order for order in orders if state_for(order.status) in (OrderState.WORKING, None)]
        kinds = [await kind_of(self.parts.records.intents, order) for order in working]
        return [order for order, kind in zip(working, kinds, strict=True) if kind is not IntentKind.EXIT]

    async def opposed(self) -> dict[str, Refusal]:
        """The underlyings on which the broker has refused an order of this account today beside a closing order of
        ours: the close goes on, and no other order is tried there before tomorrow. Raises RecordsError."""
        own = [
            entry for entry in await self.parts.records.entries.of_day(self.day) if entry.account == self.account.number
        ]
        return {entry.underlying: opposed(entry.underlying, entry.detail) for entry in own if was_opposed(entry)}

    @property
    def fixed_width(self) -> Decimal | None:
        """The width that the operator has fixed; None when it goes by the capital (rules 2)."""
        return own_or_default(self.account.width, self.parts.settings.trading.width)

    @property
    def opened(self) -> datetime | None:
        """When the session of the day opened (UTC); None without one."""
        session = self.parts.calendar.on(self.day)
        return None if session is None else session.open

    def risk(self, trident: Trident, pricing: Pricing, reads: AccountReads, exposed: Exposure) -> RiskAssessment:
        """What the risk gates say of the trident (rules 7)."""
        trading = self.parts.settings.trading
        return assess_risk(
            trident,
            pricing.max_risk_natural,
            RiskInputs(
                buying_power=reads.derivative_buying_power,
                open_risk=exposed.open_risk,
                open_tridents=exposed.open_tridents,
                held=exposed.held,
                tolerance=own_or_default(self.account.tolerance, trading.tolerance),
                position_limit=own_or_default(self.account.position_limit, trading.position_limit),
            ),
        )

    def limit(self, pricing: Pricing, expiration: Expiration) -> EntryPrice | Refusal:
        """The limit of the order, or why there is none (rules 8)."""
        offset = own_or_default(self.account.offset_cents, self.parts.settings.trading.entry_offset_cents)
        return entry_price(pricing.mid, pricing.natural, offset, expiration.ticks)


def account_refusals(reads: AccountReads) -> Iterator[Refusal]:
    """Why the account may not trade, by what was read of it, what decides first."""
    restriction = reads.restriction or restriction_by_level(reads.options_level)
    if restriction is not None:
        yield refuse(Reason.ACCOUNT_RESTRICTED, restriction=restriction)
    if not reads.derivative_buying_power.is_finite():  # the width needs it, before the risk step
        yield refuse(Reason.RISK_INPUT_MISSING, what="the buying power")


def exposure_refusals(exposed: Exposure) -> Iterator[Refusal]:
    """Why the account may not trade by what it has at risk: what nobody can tell lets no entry through."""
    if exposed.unknown:
        entries = ", ".join(f"the {entry.underlying} entry of {entry.session_day}" for entry in exposed.unknown)
        yield refuse(Reason.OPEN_RISK_UNKNOWN, entries=entries)
