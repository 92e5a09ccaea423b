"""Amounts as text, in the one format of the product (rules 12).

Credits and prices are dollars per share: to the cent, with a third place only for half a cent. Amounts of an account or
a package are dollars with two places. Signs stand on P&L and cash alone: any other amount has one only when it is below
zero. Zero has no sign. A missing value is `--`. All rounding is half to even, but a score and its points are cut.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

NONE = "--"
"""Stands for a missing value."""
ESTIMATED = "~"
"""Stands before an amount of which a part is an estimate."""

_CENT, _MILL, _TENTH = Decimal("0.01"), Decimal("0.001"), Decimal("0.1")
_HALF_CENTS = 200
"""How many half-cents a dollar has."""


def credit(value: Decimal | None) -> str:
    """Dollars per share: 4.1 is `4.10`, 6.825 is `6.825`, 4.08333 is `4.08`. Thousands are separated.

    A value that is not a number is shown as it is.
    """
    if value is None:
        return NONE
    return _grouped(_to_half_cent(value), "") if value.is_finite() else str(value)


price = credit
"""A price per share has the format of a credit."""


def signed(value: Decimal | None) -> str:
    """Dollars per share with their sign: `+0.05`, `-0.005`; zero is `0.00`."""
    if value is None:
        return NONE
    return _grouped(_to_half_cent(value), "+") if value.is_finite() else str(value)


def mean(value: Decimal | None) -> str:
    """A mean of dollars per share to the nearest half-cent, with its sign."""
    if value is None or not value.is_finite():
        return signed(value)
    return signed((value * _HALF_CENTS).quantize(Decimal(1), ROUND_HALF_EVEN) / _HALF_CENTS)


def money(value: Decimal | None) -> str:
    """Dollars of a package or an account, without the unit: `326.50`, `1,204.00`."""
    return _to(value, _CENT, "")


def dollars(value: Decimal | None) -> str:
    """Dollars of a package or an account with the unit: `326.50 $`."""
    return NONE if value is None else f"{money(value)} $"


def risk(value: Decimal | None) -> str:
    """A max risk with its name: `max risk 326.50 $`; `max risk unknown` when nobody can tell it."""
    return "max risk unknown" if value is None else f"max risk {dollars(value)}"


def open_risk(value: Decimal | None) -> str:
    """What is open and can be lost, with its name: `open risk 326.50 $`."""
    return "open risk unknown" if value is None else f"open risk {dollars(value)}"


def signed_money(value: Decimal | None) -> str:
    """P&L or cash without the unit: `+12.00`, `-3.50`; zero is `0.00`."""
    return _to(value, _CENT, "+")


def signed_dollars(value: Decimal | None) -> str:
    """P&L or cash with the unit: `+12.00 $`, `-3.50 $`; zero is `0.00 $`."""
    return NONE if value is None else f"{signed_money(value)} $"


def realized_money(value: Decimal | None, *, estimated: bool) -> str:
    """What was realized, after all fees so far, without the unit: `~+44.00`, where a part of it is an estimate."""
    return f"{ESTIMATED if estimated and value is not None else ''}{signed_money(value)}"


def realized(value: Decimal | None, *, estimated: bool) -> str:
    """What was realized, after all fees so far, with the unit: `~+44.00 $`. No other amount is called so."""
    return NONE if value is None else f"{realized_money(value, estimated=estimated)} $"


def percent(value: Decimal | None) -> str:
    """A change in percent with its sign and two places; 1 is 1 %. Zero is `0.00%`."""
    return NONE if value is None else f"{_to(value, _CENT, '+')}%"


def score(value: Decimal | None) -> str:
    """A score with one place, cut and not rounded: 39.96 is `39.9`, so that a failed one never reads as passed."""
    return _to(value, _TENTH, "", ROUND_FLOOR)


def signed_score(value: Decimal | None) -> str:
    """What is added to a score or taken from it, with its sign and one place; zero is `0.0`.

    It is cut as the score is, so that what is shown adds up: of the factors one alone has further places (rules 5).
    """
    return _to(value, _TENTH, "+", ROUND_FLOOR)


def plain(value: Decimal | None) -> str:
    """A number without needless zeros: 622, 6702.5, 0.0187."""
    if value is None:
        return NONE
    return f"{_unsigned_zero(value).normalize():f}" if value.is_finite() else str(value)


strike = plain
quantity = plain
"""A strike and a number of contracts have no needless zeros."""


def counted(number: int, thing: str) -> str:
    """A number of things: `1 day`, `2 days`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def ratio(value: Decimal | None) -> str:
    """A ratio of two amounts with two places: `0.79`."""
    return _to(value, _CENT, "")


def seconds(milliseconds: int | None) -> str:
    """A duration in seconds with one place: 1240 is `1.2 s`."""
    return NONE if milliseconds is None else f"{_to(Decimal(milliseconds) / 1000, _TENTH, '')} s"


def _to_half_cent(value: Decimal) -> Decimal:
    """The value to the cent; to the mill where that is an odd number of half-cents."""
    to_the_mill = value.quantize(_MILL, ROUND_HALF_EVEN)
    is_half = (to_the_mill * 1000) % 10 in (5, -5)
    return to_the_mill if is_half else value.quantize(_CENT, ROUND_HALF_EVEN)


def _to(value: Decimal | None, place: Decimal, sign: str, rounding: str = ROUND_HALF_EVEN) -> str:
    if value is None:
        return NONE
    return _grouped(value.quantize(place, rounding), sign) if value.is_finite() else str(value)


def _grouped(value: Decimal, sign: str) -> str:
    shown = _unsigned_zero(value)
    return f"{sign if shown else ''}{shown:,}" if shown >= 0 else f"{shown:,}"


def _unsigned_zero(value: Decimal) -> Decimal:
    """The value, with the sign of a zero taken off: `-0.00` is no amount."""
    return value if value else abs(value)
