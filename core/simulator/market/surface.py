"""The volatility surface and the Black-Scholes value of an option, in floats: these figures move no money.

Volatilities, rates and yields are annual fractions; times to expiration are in years; prices are in $ per share.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt

RATE = 0.039
YEAR_SECONDS = 365.0 * 86400.0
MIN_YEARS = 60.0 / YEAR_SECONDS
THIRTY_DAYS = 30.0 / 365.0
LOW_WING, HIGH_WING = -4.0, 2.5
ROOT_HALF = sqrt(0.5)
_ROOT_TWO_PI = sqrt(2.0 * pi)


@dataclass(frozen=True, slots=True)
class SurfaceShape:
    """The shape of one underlying's volatility surface.

    `skew` and `smile` act on the moneyness in standard deviations. `long_run` is the usual volatility that options with
    a long time to expiration approach. A yield stands for the many dividends of an index; those of an ETF are few and
    known, and are taken off its price one by one.
    """

    long_run: float
    skew: float
    smile: float
    dividend_yield: float


SHAPES = {
    "QQQ": SurfaceShape(long_run=0.205, skew=-0.100, smile=0.018, dividend_yield=0.0),
    "SPX": SurfaceShape(long_run=0.168, skew=-0.125, smile=0.022, dividend_yield=0.012),
}


def at_the_money(long_run: float, implied_30_day: float, years: float) -> float:
    """The implied volatility at the forward price, nearer to `long_run` the longer the time to expiration."""
    weight = min(1.5, (THIRTY_DAYS / max(years, MIN_YEARS)) ** 0.3)
    return long_run + (implied_30_day - long_run) * float(weight)


def implied_volatility(
    shape: SurfaceShape, long_run: float, implied_30_day: float, spot: float, strike: float, years: float
) -> float:
    """The implied volatility of one strike and time to expiration, `long_run` being that of the day."""
    years = max(years, MIN_YEARS)
    base = at_the_money(long_run, implied_30_day, years)
    z = (log(strike / spot) - (RATE - shape.dividend_yield) * years) / (base * sqrt(years))
    near = min(HIGH_WING, max(LOW_WING, z))
    sigma = base * (1.0 + shape.skew * near + shape.smile * near * near)
    # Below the low wing variance grows in proportion to distance. Faster, and far puts would cost more than near ones.
    return sigma if z >= LOW_WING else sigma * sqrt(z / LOW_WING)


def _normal(x: float) -> float:
    return 0.5 * (1.0 + erf(x * ROOT_HALF))


def black_scholes(spot: float, strike: float, years: float, sigma: float, dividend_yield: float, call: bool) -> float:
    """The value of a European option, per share."""
    years = max(years, MIN_YEARS)
    deviation = sigma * sqrt(years)
    d1 = (log(spot / strike) + (RATE - dividend_yield) * years) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    forward = spot * exp(-dividend_yield * years)
    bond = strike * exp(-RATE * years)
    if call:
        return forward * _normal(d1) - bond * _normal(d2)
    return bond * _normal(-d2) - forward * _normal(-d1)


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """The greeks of an option. Theta is per calendar day, vega and rho are per percentage point."""

    delta: float
    gamma: float
    theta: float
    rho: float
    vega: float


def sensitivities(
    spot: float, strike: float, years: float, sigma: float, dividend_yield: float, call: bool
) -> Sensitivities:
    """The greeks of a European option."""
    years = max(years, MIN_YEARS)
    root = sqrt(years)
    deviation = sigma * root
    d1 = (log(spot / strike) + (RATE - dividend_yield) * years) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    carry = exp(-dividend_yield * years)
    bond = strike * exp(-RATE * years)
    density = exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    side = 1.0 if call else -1.0
    yearly = (
        -spot * carry * density * sigma / (2.0 * root)
        - side * RATE * bond * _normal(side * d2)
        + side * dividend_yield * spot * carry * _normal(side * d1)
    )
    return Sensitivities(
        delta=side * carry * _normal(side * d1),
        gamma=carry * density / (spot * deviation),
        theta=yearly / 365.0,
        rho=side * bond * years * _normal(side * d2) / 100.0,
        vega=spot * carry * density * root / 100.0,
    )
