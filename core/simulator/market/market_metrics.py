"""The broker's volatility metrics of an underlying, computed from the simulated history (broker 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from core.simulator.market.market_data import ExpirationVolatility, MarketMetricsRow
from core.simulator.market.paths import SESSIONS_PER_YEAR
from core.simulator.market.sessions import next_session, session_on
from core.simulator.market.surface import SHAPES, YEAR_SECONDS, at_the_money

FIRST_EX_DATE_AFTER = timedelta(days=38)
DIVIDEND_INTERVAL = timedelta(days=91)
_FACTS = {
    # market cap, beta, correlation to SPY, quarterly dividend per share
    "QQQ": (Decimal("395000000000"), Decimal("1.164210000"), Decimal("0.958000000"), Decimal("0.735")),
    "SPX": (Decimal("0"), Decimal("1.000000000"), Decimal("0.998000000"), None),
}


def _fraction(value: float) -> Decimal:
    return Decimal(f"{value:.9f}")


def _percent(value: float) -> Decimal:
    return Decimal(f"{100 * value:.2f}")


def ex_dividend_date(started: date, today: date) -> date:
    """The next ex-dividend date, today included.

    The first is 38 days after the start of the simulation, then one every 91 days. Each moves to the next session.
    """
    ex_date = started + FIRST_EX_DATE_AFTER
    while next_session(ex_date).day < today:
        ex_date += DIVIDEND_INTERVAL
    return next_session(ex_date).day


def historical_volatility(closes: Sequence[float], days: int) -> float:
    """The annualized standard deviation, as a fraction, of the last `days` daily log returns."""
    returns = np.diff(np.log(np.asarray(closes[-(days + 1) :])))
    return float(returns.std(ddof=1) * np.sqrt(SESSIONS_PER_YEAR))


def metrics_row(
    symbol: str,
    *,
    updated_at: datetime,
    implied: float,
    implied_history: Sequence[float],
    closes: Sequence[float],
    expirations: Sequence[tuple[date, str, datetime]],
    started: date,
) -> MarketMetricsRow:
    """The metrics as of `updated_at`.

    `implied_history` holds one 30-day implied volatility (a fraction) a session, up to the session before; it needs
    five. `closes` holds one close a session and ends with the live price. `expirations` holds the date, the settlement
    type and the settlement instant of each expiration. `started` is the date of the simulation's first session.
    """
    year = [*implied_history[-SESSIONS_PER_YEAR:], implied]
    low, high = min(year), max(year)
    rank = (implied - low) / (high - low) if high > low else 0.0
    percentile = sum(1 for value in year[:-1] if value < implied) / max(1, len(year) - 1)
    market_cap, beta, correlation, dividend = _FACTS[symbol]
    today = updated_at.date()
    ex_date = ex_dividend_date(started, today) if dividend is not None else None
    hv_30_day = historical_volatility(closes, 30)
    return MarketMetricsRow(
        symbol=symbol,
        updated_at=updated_at,
        market_cap=market_cap,
        implied_volatility_index=_fraction(implied),
        implied_volatility_index_5_day_change=_fraction(implied - implied_history[-5]),
        implied_volatility_index_rank=_fraction(rank),
        tos_implied_volatility_index_rank=_fraction(rank),
        tw_implied_volatility_index_rank=_fraction(0.9 * rank + 0.1 * percentile),
        implied_volatility_percentile=_fraction(percentile),
        implied_volatility_30_day=_percent(implied),
        historical_volatility_30_day=_percent(hv_30_day),
        historical_volatility_60_day=_percent(historical_volatility(closes, 60)),
        historical_volatility_90_day=_percent(historical_volatility(closes, 90)),
        iv_hv_30_day_difference=_percent(implied - hv_30_day),
        beta=beta,
        corr_spy_3month=correlation,
        liquidity_rating=5 if dividend is not None else 4,
        dividend_ex_date=ex_date,
        dividend_pay_date=ex_date + timedelta(days=4) if ex_date is not None else None,
        dividend_rate_per_share=dividend,
        listed_market="XNAS" if dividend is not None else "OTC",
        expirations=tuple(
            ExpirationVolatility(
                day,
                settlement,
                _fraction(at_the_money(SHAPES[symbol], implied, (expires - updated_at).total_seconds() / YEAR_SECONDS)),
            )
            for day, settlement, expires in expirations
            if session_on(day) is not None and expires > updated_at
        ),
    )
