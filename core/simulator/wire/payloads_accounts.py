"""The broker's JSON of accounts, balances, positions and trading status (broker 2.2, 12)."""

from __future__ import annotations

import zlib
from decimal import Decimal

from core.simulator.exchange.accounts import SimAccount, SimTradingStatus
from core.simulator.exchange.orders import SimBalances, SimPosition
from core.simulator.wire.payloads import Payload, iso, money, signed

ZERO = "0.0"

ABSENT = (
    "long-futures-value",
    "short-futures-value",
    "long-futures-derivative-value",
    "short-futures-derivative-value",
    "long-margineable-value",
    "short-margineable-value",
    "futures-margin-requirement",
    "maintenance-call-value",
    "reg-t-call-value",
    "day-trading-call-value",
    "day-equity-call-value",
    "day-trade-excess",
    "long-cryptocurrency-value",
    "short-cryptocurrency-value",
    "cryptocurrency-margin-requirement",
    "closed-loop-available-balance",
    "equity-offering-margin-requirement",
    "long-bond-value",
    "bond-margin-requirement",
    "futures-overnight-margin-requirement",
    "futures-intraday-margin-requirement",
    "pending-margin-interest",
    "effective-cryptocurrency-buying-power",
    "long-index-derivative-value",
    "short-index-derivative-value",
    "intraday-equities-cash-amount",
    "special-memorandum-account-value",
)
"""Balances that an options account does not have. They are zero."""


def account(item: SimAccount, options_level: str) -> Payload:
    return {
        "account-number": item.number,
        "external-id": f"A{zlib.crc32(item.number.encode()):010d}",
        "opened-at": iso(item.opened_at),
        "nickname": item.nickname,
        "account-type-name": "Individual",
        "day-trader-status": False,
        "is-closed": item.is_closed,
        "is-firm-error": False,
        "is-firm-proprietary": False,
        "is-futures-approved": False,
        "is-test-drive": False,
        "margin-or-cash": item.margin_or_cash,
        "is-foreign": False,
        "funding-date": item.opened_at.date().isoformat(),
        "investment-objective": "SPECULATION",
        "suitable-options-level": options_level,
        "created-at": iso(item.opened_at),
    }


def trading_status(item: SimTradingStatus) -> Payload:
    return {
        "account-number": item.account_number,
        "autotrade-account-type": "NONE",
        "clearing-account-number": item.account_number,
        "clearing-aggregation-identifier": f"{item.account_number}XX",
        "day-trade-count": 0,
        "equities-margin-calculation-type": "Reg T",
        "fee-schedule-name": "default",
        "futures-margin-rate-multiplier": "0.0",
        "has-intraday-equities-margin": False,
        "id": zlib.crc32(item.account_number.encode()) % 1_000_000,
        "is-aggregated-at-clearing": False,
        "is-closed": item.is_closed,
        "is-closing-only": item.is_closing_only,
        "is-cryptocurrency-closing-only": False,
        "is-cryptocurrency-enabled": False,
        "is-frozen": item.is_frozen,
        "is-full-equity-margin-required": False,
        "is-futures-closing-only": False,
        "is-futures-enabled": False,
        "is-futures-intra-day-enabled": False,
        "is-in-day-trade-equity-maintenance-call": False,
        "is-in-margin-call": item.is_in_margin_call,
        "is-pattern-day-trader": False,
        "is-portfolio-margin-enabled": False,
        "is-risk-reducing-only": False,
        "is-roll-the-day-forward-enabled": True,
        "is-small-notional-futures-intra-day-enabled": False,
        "are-far-otm-net-options-restricted": True,
        "options-level": item.options_level,
        "short-calls-enabled": item.options_level == "No Restrictions",
        "small-notional-futures-margin-rate-multiplier": "0.0",
        "is-equity-offering-enabled": False,
        "is-equity-offering-closing-only": False,
        "updated-at": iso(item.updated_at),
    }


def balances(item: SimBalances) -> Payload:
    """An AccountBalance with its 44 mandatory keys. Those that an options account does not have are zero."""
    return {
        "account-number": item.account_number,
        "currency": "USD",
        **{key: ZERO for key in ABSENT},
        "cash-balance": money(item.cash_balance),
        "long-equity-value": money(item.long_equity_value),
        "short-equity-value": money(item.short_equity_value),
        "long-derivative-value": money(item.long_derivative_value),
        "short-derivative-value": money(item.short_derivative_value),
        "margin-equity": money(item.margin_equity),
        "equity-buying-power": money(item.equity_buying_power),
        "derivative-buying-power": money(item.derivative_buying_power),
        "day-trading-buying-power": money(item.day_trading_buying_power),
        "available-trading-funds": money(item.available_trading_funds),
        "maintenance-requirement": money(item.maintenance_requirement),
        "maintenance-excess": money(item.maintenance_excess),
        "reg-t-margin-requirement": money(item.reg_t_margin_requirement),
        "net-liquidating-value": money(item.net_liquidating_value),
        "cash-available-to-withdraw": money(item.cash_available_to_withdraw),
        "used-derivative-buying-power": money(item.used_derivative_buying_power),
        **signed("pending-cash", Decimal(0)),
        "unsettled-cryptocurrency-fiat-amount": ZERO,
        "unsettled-cryptocurrency-fiat-effect": "None",
        **signed("buying-power-adjustment", Decimal(0)),
        "apex-starting-day-margin-equity": money(item.margin_equity),
        "snapshot-date": item.snapshot_date.isoformat(),
        "time-of-day": "EOD",
        "updated-at": iso(item.updated_at),
    }


def position(item: SimPosition, *, restricted: int = 0, marks: bool = False) -> Payload:
    """A CurrentPosition. `restricted` is how much of it working orders close.

    With `marks` it has `mark`, the value of the whole position in $, and `mark-price` in $ per share.
    """
    marked = {
        "mark": money(item.mark_price * item.quantity * item.multiplier),
        "mark-price": money(item.mark_price),
    }
    return {
        "account-number": item.account_number,
        "symbol": item.symbol,
        "streamer-symbol": item.streamer_symbol,
        "instrument-type": item.instrument_type,
        "underlying-symbol": item.underlying_symbol,
        "quantity": item.quantity,
        "quantity-direction": item.quantity_direction,
        "close-price": money(item.close_price),
        "average-open-price": money(item.average_open_price),
        "average-yearly-market-close-price": money(item.average_yearly_close),
        "average-daily-market-close-price": money(item.close_price),
        "multiplier": item.multiplier,
        "cost-effect": item.cost_effect,
        "is-suppressed": False,
        "is-frozen": False,
        "restricted-quantity": money(restricted),
        **(marked if marks else {}),
        **signed("realized-day-gain", item.realized_day_gain),
        "realized-day-gain-date": item.realized_on.isoformat(),
        **signed("realized-today", item.realized_today),
        "realized-today-date": item.realized_on.isoformat(),
        **({} if item.expires_at is None else {"expires-at": iso(item.expires_at)}),
        **({} if item.deliverable_type is None else {"deliverable-type": item.deliverable_type}),
        "created-at": iso(item.created_at),
        "updated-at": iso(item.updated_at),
    }
