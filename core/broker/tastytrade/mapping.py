"""Turns the SDK's objects into ours: accounts, positions, sessions, metrics, orders (broker 2, 12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError
from tastytrade.account import Account, AccountBalance, CurrentPosition, TradingStatus
from tastytrade.market_sessions import MarketSession, MarketStatus
from tastytrade.metrics import MarketMetricInfo
from tastytrade.order import Leg, OrderStatus, PlacedOrder, PlacedOrderResponse, UnplacedOrder

from core.broker.port import AccountReads, BrokerAccount, DryRunAnswer, MarketState, Position
from core.domain.market.judgement import Metrics
from core.domain.orders.orders import Fill, OrderReport, ReportedLeg
from core.runtime.clock import Clock, monotonic_at

HUNDRED = Decimal(100)


def broker_account(account: Account) -> BrokerAccount:
    return BrokerAccount(account.account_number, account.nickname, account.margin_or_cash, account.is_closed)


def account_reads(balance: AccountBalance, positions: list[CurrentPosition], status: TradingStatus) -> AccountReads:
    return AccountReads(
        number=balance.account_number,
        derivative_buying_power=balance.derivative_buying_power,
        net_liquidating_value=balance.net_liquidating_value,
        positions=tuple(_position(position) for position in positions),
        restriction=_restriction(status),
        options_level=status.options_level,
    )


def market_state(session: MarketSession) -> MarketState:
    return MarketState(
        is_open=session.status is MarketStatus.OPEN,
        word=session.status.value,
        open_at=_utc(session.open_at),
        close_at=_utc(session.close_at),
    )


def metrics_of(info: MarketMetricInfo, clock: Clock) -> Metrics:
    """Our metrics from the broker's. `age_s` is in wall seconds, as the ages of quotes are.

    IV rank and percentile arrive as fractions and become 0..100; 30-day IV arrives in percent and becomes a fraction.
    The IV rank is the `tos-` one, else the general one (rules 5).
    """
    rank = info.tos_implied_volatility_index_rank
    if rank is None:
        rank = _number(info.implied_volatility_index_rank)
    iv30 = info.implied_volatility_30_day
    updated = _utc(info.updated_at)
    return Metrics(
        symbol=info.symbol,
        iv_rank=_scaled(rank),
        iv30=iv30 / HUNDRED if iv30 is not None and iv30.is_finite() else None,
        iv_percentile=_scaled(_number(info.implied_volatility_percentile)),
        ex_dividend=info.dividend_ex_date,
        earnings=info.earnings.expected_report_date if info.earnings is not None else None,
        beta=info.beta,
        age_s=max(0.0, clock.monotonic() - monotonic_at(clock, updated)) if updated is not None else None,
    )


def dry_run_answer(answer: PlacedOrderResponse[UnplacedOrder]) -> DryRunAnswer:
    """The broker's answer to a dry run.

    Its fees are signed, a debit negative; ours are a cost, so a debit is positive.
    """
    effect, fees = answer.buying_power_effect, answer.fee_calculation
    return DryRunAnswer(
        buying_power_change=effect.change_in_buying_power,
        new_buying_power=effect.new_buying_power,
        fees=-fees.total_fees if fees is not None else None,
        warnings=tuple((warning.code, warning.message) for warning in answer.warnings or ()),
    )


def order_report(order: PlacedOrder, status: str | None = None) -> OrderReport:
    """The report of an order. A credit is positive, a debit negative (broker 2.3).

    `status` is used instead of the SDK's word.
    """
    return OrderReport(
        order_id=str(order.id),
        account=order.account_number,
        status=status or order.status.value,
        identifier=order.external_identifier,
        underlying=order.underlying_symbol,
        credit=order.price,
        legs=tuple(_leg(leg) for leg in order.legs),
        received_at=_utc(order.received_at),
        terminal_at=_utc(order.terminal_at),
        updated_at=_utc(order.updated_at),
        reject_reason=order.reject_reason,
    )


def order_report_from(item: Mapping[str, Any]) -> OrderReport:
    """The report of an order in a listing. Raises pydantic.ValidationError when the order cannot be read.

    A status that the SDK does not know is kept as the broker's own word: otherwise the order, and the whole listing,
    would be lost (rules 9).
    """
    known = dict(item)
    try:
        return order_report(PlacedOrder(**known))
    except ValidationError as error:
        unknown = known.get("status")
        if not isinstance(unknown, str) or any(item["loc"] != ("status",) for item in error.errors()):
            raise
    return order_report(PlacedOrder(**{**dict(item), "status": OrderStatus.LIVE}), status=unknown)


def _leg(leg: Leg) -> ReportedLeg:
    fills = tuple(
        Fill(fill.fill_id, leg.symbol, fill.quantity, fill.fill_price, _aware(fill.filled_at))
        for fill in leg.fills or ()
    )
    return ReportedLeg(leg.symbol, leg.action.value, Decimal(leg.quantity or 0), leg.remaining_quantity, fills)


def _position(position: CurrentPosition) -> Position:
    return Position(
        symbol=position.symbol,
        underlying=position.underlying_symbol,
        quantity=position.quantity,
        direction=position.quantity_direction,
        average_open_price=position.average_open_price,
        # `mark_price` is per share, like the open price; `mark` is the value of the whole position.
        mark=position.mark_price,
    )


def _restriction(status: TradingStatus) -> str | None:
    """Why the broker bars entries, in words; None when it does not."""
    barred = (
        (status.is_closed, "closed"),
        (status.is_frozen, "frozen"),
        (status.is_closing_only, "closing only"),
        (status.is_in_margin_call, "margin call"),
        (bool(status.is_risk_reducing_only), "risk reducing only"),
    )
    return next((word for holds, word in barred if holds), None)


def _number(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _scaled(fraction: Decimal | None) -> Decimal | None:
    return fraction * HUNDRED if fraction is not None and fraction.is_finite() else None


def _aware(instant: datetime) -> datetime:
    """The instant in UTC. The broker's times without an offset are UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else _aware(instant)
