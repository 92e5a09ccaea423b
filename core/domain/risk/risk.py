"""The risk gates of an account (rules 7). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.trident.sides import Direction, side_of
from core.domain.trident.trident import Trident

DEFAULT_TOLERANCE = Decimal("0.40")
DEFAULT_POSITION_LIMIT = 10


@dataclass(frozen=True, slots=True)
class HeldLeg:
    """An option by OCC symbol that the account holds, or works in an order. `quantity` is in contracts, positive."""

    symbol: str
    direction: Direction
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class RiskInputs:
    """The inputs of the gates.

    None is an input that could not be read; an amount that is not a number counts as unread.
    """

    buying_power: Decimal | None
    open_risk: Decimal | None
    open_tridents: int | None
    held: tuple[HeldLeg, ...] | None
    tolerance: Decimal = DEFAULT_TOLERANCE
    position_limit: int = DEFAULT_POSITION_LIMIT


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """The figures that the gates used, in $, and the refusal of each gate that refused, in their order."""

    max_risk: Decimal
    buying_power: Decimal | None = None
    open_risk: Decimal | None = None
    capital: Decimal | None = None
    budget: Decimal | None = None
    utilization: Decimal | None = None
    open_tridents: int | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of the first gate that refused."""
        return next(iter(self.refusals), None)


def capital(buying_power: Decimal, open_risk: Decimal) -> Decimal:
    """The account's capital: derivative buying power plus the risk already open."""
    return buying_power + open_risk


def assess_risk(trident: Trident, max_risk: Decimal, inputs: RiskInputs) -> RiskAssessment:
    """Applies every gate of rules 7 in order; equality passes.

    `max_risk` is at the natural credit (sell at bid, buy at ask).
    """
    if inputs.buying_power is None or not inputs.buying_power.is_finite():
        return _missing(max_risk, "the buying power")
    if inputs.open_risk is None or not inputs.open_risk.is_finite() or inputs.open_tridents is None:
        return _missing(max_risk, "the open risk")
    if inputs.held is None:
        return _missing(max_risk, "the list of positions and working orders")
    base = capital(inputs.buying_power, inputs.open_risk)
    allowed = base * inputs.tolerance
    budget = allowed - inputs.open_risk
    return RiskAssessment(
        max_risk=max_risk,
        buying_power=inputs.buying_power,
        open_risk=inputs.open_risk,
        capital=base,
        budget=budget,
        utilization=(inputs.open_risk + max_risk) / allowed if allowed > 0 else None,
        open_tridents=inputs.open_tridents,
        refusals=tuple(_refused(trident, max_risk, budget, inputs.buying_power, inputs.open_tridents, inputs)),
    )


def _missing(max_risk: Decimal, what: str) -> RiskAssessment:
    return RiskAssessment(max_risk=max_risk, refusals=(refuse(Reason.RISK_INPUT_MISSING, what=what),))


def _refused(
    trident: Trident, max_risk: Decimal, budget: Decimal, buying_power: Decimal, open_tridents: int, inputs: RiskInputs
) -> Iterator[Refusal]:
    if max_risk <= 0:
        yield refuse(Reason.RISK_NOT_POSITIVE, max_risk=max_risk)
    if max_risk > budget:
        yield refuse(Reason.RISK_ABOVE_BUDGET, max_risk=max_risk, budget=budget)
    if max_risk > buying_power:
        yield refuse(Reason.RISK_ABOVE_BUYING_POWER, max_risk=max_risk, buying_power=buying_power)
    if open_tridents + 1 > inputs.position_limit:
        yield refuse(Reason.POSITION_LIMIT, open=open_tridents, limit=inputs.position_limit)
    symbol = opposite_side(trident, inputs.held or ())
    if symbol is not None:
        yield refuse(Reason.OPPOSITE_SIDE, symbol=symbol)


def opposite_side(trident: Trident, held: Iterable[HeldLeg]) -> str | None:
    """The first leg of which the account holds or works the opposite side, by OCC symbol. The same side is allowed."""
    ours = {leg.symbols.occ: side_of(leg.action) for leg in trident.legs}
    return next((h.symbol for h in held if h.symbol in ours and ours[h.symbol] is not h.direction), None)
