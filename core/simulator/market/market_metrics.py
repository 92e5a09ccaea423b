"""The broker's volatility metrics of an underlying, computed from the simulated history (broker 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from core.simulator.market.market_data import Dividend, ExpirationVolatility, MarketMetricsRow
from core.simulator.market.paths import SESSIONS_PER_YEAR
from core.simulator.market.sessions import session_on
from core.simulator.market.surface import YEAR_SECONDS, at_the_money

_FACTS = {
    # market cap, beta, correlation to SPY, liquidity rating, market
    "QQQ": (Decimal("395000000000"), Decimal("1.164210000"), Decimal("0.958000000"), 5, "XNAS"),
    "SPX": (Decimal("0"), Decimal("1.000000000"), Decimal("0.998000000"), 4, "OTC"),
}


def _fraction(value: float) -> Decimal:
    return Decimal(f"{value:.9f}")


def _percent(value: float) -> Decimal:
    return Decimal(f"{100 * value:.2f}")


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
    long_run: float,
    dividend: Dividend | None,
) -> MarketMetricsRow:
    """The metrics as of `updated_at`.

    `implied_history` holds one 30-day implied volatility (a fraction) a session, up to the session before; it needs
    five. `closes` holds one close a session and ends with the live price. `expirations` holds the date, the settlement
    type and the settlement instant of each expiration. `long_run` is the volatility that long terms approach.
    """
    year = [*implied_history[-SESSIONS_PER_YEAR:], implied]
    low, high = min(year), max(year)
    rank = (implied - low) / (high - low) if high > low else 0.0
    percentile = sum(1 for value in year[:-1] if value < implied) / max(1, len(year) - 1)
    market_cap, beta, correlation, liquidity, listed_market = _FACTS[symbol]
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
        liquidity_rating=liquidity,
        dividend=dividend,
        listed_market=listed_market,
        expirations=tuple(
            ExpirationVolatility(
                day,
                settlement,
                _fraction(at_the_money(long_run, implied, (expires - updated_at).total_seconds() / YEAR_SECONDS)),
            )
            for day, settlement, expires in expirations
            if session_on(day) is not None and expires > updated_at
        ),
    )
