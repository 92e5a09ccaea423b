"""The trident: 2 bull put spreads and 1 bear call spread that share the body, their short strike (rules 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from enum import Enum

from core.domain.market.chain import Expiration, OptionSymbols, Right
from core.domain.market.underlying import Underlying
from core.domain.operation.reasons import Reason, Refusal, refuse

SHARES_PER_CONTRACT = 100
PUT_SPREADS = 2
CALL_SPREADS = 1

# (capital below, width); rules 2. Capital in $, width in dollars per share.
_WIDTH_BANDS = (
    (Decimal(16_000), Decimal(3)),
    (Decimal(36_000), Decimal(5)),
    (Decimal(64_000), Decimal(7)),
    (Decimal(100_000), Decimal(9)),
    (Decimal(144_000), Decimal(11)),
)
_WIDEST = Decimal(13)


class Action(Enum):
    """The action of a leg. The value is the broker's word."""

    SELL_TO_OPEN = "Sell to Open"
    BUY_TO_OPEN = "Buy to Open"
    BUY_TO_CLOSE = "Buy to Close"
    SELL_TO_CLOSE = "Sell to Close"

    @property
    def opens(self) -> bool:
        return self in OPENING


OPENING = (Action.SELL_TO_OPEN, Action.BUY_TO_OPEN)
"""The actions of an entry's legs."""


class LegRole(Enum):
    """The part that a leg plays in the trident."""

    SHORT_PUT = "short put"
    LONG_PUT = "long put"
    SHORT_CALL = "short call"
    LONG_CALL = "long call"


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a trident. `strike` is in dollars, `quantity` in contracts."""

    role: LegRole
    right: Right
    strike: Decimal
    action: Action
    quantity: int
    symbols: OptionSymbols


@dataclass(frozen=True, slots=True)
class Trident:
    """A trident whose four strikes are all listed. Legs are in the order of rules 2.

    `body` is the strike that both short options share; `width` is its distance to each long strike. Both are in
    dollars.
    """

    underlying: str
    root: str
    expiration: date
    body: Decimal
    width: Decimal
    legs: tuple[Leg, Leg, Leg, Leg]

    @property
    def short_put(self) -> Leg:
        return self.legs[0]

    @property
    def long_put(self) -> Leg:
        return self.legs[1]

    @property
    def short_call(self) -> Leg:
        return self.legs[2]

    @property
    def long_call(self) -> Leg:
        return self.legs[3]

    def strikes(self) -> str:
        """The four strikes as text for the operator: 622P/619P/622C/625C."""
        return "/".join(f"{leg.strike.normalize():f}{leg.right.value}" for leg in self.legs)


def body_for(price: Decimal, step: Decimal) -> Decimal:
    """The body for this price: the price rounded to a multiple of `step`, a tie to the even multiple (rules 2)."""
    return (price / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * step


def width_for(capital: Decimal, multiple: Decimal, fixed: Decimal | None = None) -> Decimal:
    """The width for this capital in $, or the fixed one, rounded up to the underlying's multiple (rules 2)."""
    width = fixed if fixed is not None else next((w for limit, w in _WIDTH_BANDS if capital < limit), _WIDEST)
    return (width / multiple).to_integral_value(rounding=ROUND_CEILING) * multiple


def build_trident(underlying: Underlying, expiration: Expiration, body: Decimal, width: Decimal) -> Trident | Refusal:
    """The trident on this body, or a refusal that names the first strike that is not listed.

    A strike is never replaced by a neighbour (rules 2).
    """
    symbols: list[OptionSymbols] = []
    for _, right, strike, _, _ in _plan(body, width):
        listed = expiration.strikes.get(strike)
        if listed is None:
            return refuse(
                Reason.STRIKE_NOT_LISTED,
                symbol=underlying.symbol,
                expiration=expiration.day,
                strike=f"{strike.normalize():f}{right.value}",
            )
        symbols.append(listed.put if right is Right.PUT else listed.call)
    return trident_with(underlying.symbol, expiration.root, expiration.day, body, width, symbols)


def trident_with(
    underlying: str, root: str, expiration: date, body: Decimal, width: Decimal, symbols: Sequence[OptionSymbols]
) -> Trident:
    """The trident whose legs have these symbols, in the order of rules 2."""
    put, wing, call, call_wing = (
        Leg(role, right, strike, action, quantity, symbol)
        for (role, right, strike, action, quantity), symbol in zip(_plan(body, width), symbols, strict=True)
    )
    return Trident(underlying, root, expiration, body, width, (put, wing, call, call_wing))


def _plan(body: Decimal, width: Decimal) -> tuple[tuple[LegRole, Right, Decimal, Action, int], ...]:
    """The legs in the order of rules 2: role, right, strike, action and contracts."""
    return (
        (LegRole.SHORT_PUT, Right.PUT, body, Action.SELL_TO_OPEN, PUT_SPREADS),
        (LegRole.LONG_PUT, Right.PUT, body - width, Action.BUY_TO_OPEN, PUT_SPREADS),
        (LegRole.SHORT_CALL, Right.CALL, body, Action.SELL_TO_OPEN, CALL_SPREADS),
        (LegRole.LONG_CALL, Right.CALL, body + width, Action.BUY_TO_OPEN, CALL_SPREADS),
    )


def profit_at_expiry(body: Decimal, width: Decimal, credit: Decimal, settle: Decimal) -> Decimal:
    """The P&L in $ per package at this settlement (rules 2)."""
    put_loss = min(max(body - settle, Decimal(0)), width)
    call_loss = min(max(settle - body, Decimal(0)), width)
    return SHARES_PER_CONTRACT * (credit - PUT_SPREADS * put_loss - CALL_SPREADS * call_loss)


def max_risk(width: Decimal, credit: Decimal) -> Decimal:
    """The most a package can lose, in $: 100 * (2W - credit) (rules 2)."""
    return SHARES_PER_CONTRACT * (PUT_SPREADS * width - credit)


def max_profit(credit: Decimal) -> Decimal:
    """The most a package can gain, in $: at a settlement on the body."""
    return SHARES_PER_CONTRACT * credit


def break_evens(body: Decimal, width: Decimal, credit: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """The settlements below and above the body at which P&L is zero; None where there is none."""
    below = body - credit / PUT_SPREADS if credit < PUT_SPREADS * width else None
    above = body + credit / CALL_SPREADS if credit < CALL_SPREADS * width else None
    return below, above
