"""The checks of a trident's risk (rules 7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation.reasons import Reason
from core.domain.risk.risk import HeldLeg, RiskInputs, assess_risk, capital
from core.domain.trident.sides import Direction
from tests.support.domain_builders import D, trident

SEED = trident()
ROOMY = RiskInputs(buying_power=D(10_000), open_risk=D(0), open_tridents=0, held=())


def reason(max_risk: str | Decimal, inputs: RiskInputs) -> Reason | None:
    refusal = assess_risk(SEED, D(max_risk), inputs).refusal
    return None if refusal is None else refusal.reason


def test_the_figures_of_a_passing_assessment() -> None:
    inputs = replace(ROOMY, buying_power=D(9_000), open_risk=D(1_000), open_tridents=4)
    result = assess_risk(SEED, D(214), inputs)
    assert result.refusal is None
    assert (result.capital, result.budget) == (D(10_000), D(3_000))
    assert result.utilization == D("1214") / D("4000")
    assert (result.max_risk, result.buying_power, result.open_risk, result.open_tridents) == (
        D(214),
        D(9_000),
        D(1_000),
        4,
    )
    assert capital(D(9_000), D(1_000)) == 10_000


def test_the_shipped_limits() -> None:
    assert ROOMY.tolerance == D("0.40")
    assert ROOMY.position_limit == 10


@pytest.mark.parametrize("missing", ["buying_power", "open_risk", "open_tridents", "held"])
def test_an_unavailable_input_is_transient(missing: str) -> None:
    unread: dict[str, Any] = {missing: None}
    result = assess_risk(SEED, D(214), replace(ROOMY, **unread))
    assert result.refusal is not None
    assert result.refusal.reason is Reason.RISK_INPUT_MISSING
    assert result.refusal.transient
    assert "?" not in result.refusal.sentence()


@pytest.mark.parametrize("name", ["buying_power", "open_risk"])
@pytest.mark.parametrize("value", [D("NaN"), D("sNaN"), D("Infinity")])
def test_an_amount_that_is_no_number_is_unavailable(name: str, value: Decimal) -> None:
    odd: dict[str, Any] = {name: value}
    assert reason("214", replace(ROOMY, **odd)) is Reason.RISK_INPUT_MISSING


@pytest.mark.parametrize(("max_risk", "expected"), [("0", Reason.RISK_NOT_POSITIVE), ("-1", Reason.RISK_NOT_POSITIVE)])
def test_a_trade_that_risks_nothing_is_a_mistake(max_risk: str, expected: Reason) -> None:
    assert reason(max_risk, ROOMY) is expected


@pytest.mark.parametrize(("max_risk", "expected"), [("4000", None), ("4000.01", Reason.RISK_ABOVE_BUDGET)])
def test_equality_with_the_budget_passes(max_risk: str, expected: Reason | None) -> None:
    assert reason(max_risk, ROOMY) is expected


def test_open_risk_uses_up_the_budget() -> None:
    inputs = replace(ROOMY, buying_power=D(6_000), open_risk=D(4_000))  # capital 10,000, allowed 4,000
    assert reason("1", inputs) is Reason.RISK_ABOVE_BUDGET
    assert reason("100", replace(inputs, open_risk=D(3_900), buying_power=D(6_100))) is None


@pytest.mark.parametrize(("max_risk", "expected"), [("500", None), ("500.01", Reason.RISK_ABOVE_BUYING_POWER)])
def test_equality_with_the_buying_power_passes(max_risk: str, expected: Reason | None) -> None:
    inputs = replace(ROOMY, buying_power=D(500), open_risk=D(1_000), tolerance=D(1))
    assert assess_risk(SEED, D(1), inputs).budget == 500
    assert reason(max_risk, replace(inputs, tolerance=D(2))) is expected


@pytest.mark.parametrize(
    ("open_tridents", "expected"), [(9, None), (10, Reason.POSITION_LIMIT), (11, Reason.POSITION_LIMIT)]
)
def test_the_tenth_trident_is_the_last(open_tridents: int, expected: Reason | None) -> None:
    assert reason("214", replace(ROOMY, open_tridents=open_tridents)) is expected


@pytest.mark.parametrize("index", range(4))
def test_the_opposite_side_of_any_leg_refuses_and_the_same_side_is_allowed(index: int) -> None:
    symbol = SEED.legs[index].symbols.occ
    ours = Direction.SHORT if index in (0, 2) else Direction.LONG
    other = Direction.LONG if ours is Direction.SHORT else Direction.SHORT
    assert reason("214", replace(ROOMY, held=(HeldLeg(symbol, ours),))) is None
    result = assess_risk(SEED, D(214), replace(ROOMY, held=(HeldLeg("SPY", ours), HeldLeg(symbol, other))))
    assert result.refusal is not None
    assert result.refusal.reason is Reason.OPPOSITE_SIDE
    assert result.refusal.sentence() == f"the account holds or works the opposite side of {symbol}"


def test_foreign_legs_do_not_matter() -> None:
    held = tuple(HeldLeg(s, d) for s in ("AAPL", "QQQ   251219P00500000") for d in Direction)
    assert reason("214", replace(ROOMY, held=held)) is None


@pytest.mark.parametrize("buying_power", ["0", "-250"])
def test_an_account_without_capital_has_no_utilization_and_no_trade(buying_power: str) -> None:
    result = assess_risk(SEED, D(214), replace(ROOMY, buying_power=D(buying_power)))
    assert result.utilization is None
    assert result.refusal is not None
    assert result.refusal.reason is Reason.RISK_ABOVE_BUDGET


def test_refusals_by_a_rule_are_terminal() -> None:
    inputs = (replace(ROOMY, buying_power=D(1)), replace(ROOMY, open_tridents=10))
    for refusal in (assess_risk(SEED, D(214), i).refusal for i in inputs):
        assert refusal is not None
        assert not refusal.transient


amount = st.integers(0, 40_000_00).map(lambda n: D(n) / 100)


@given(
    buying_power=amount,
    open_risk=amount,
    max_risk=st.integers(-10_00, 5_000_00).map(lambda n: D(n) / 100),
    open_tridents=st.integers(0, 12),
    tolerance=st.integers(5, 100).map(lambda n: D(n) / 100),
)
def test_passing_means_every_gate_is_open(
    buying_power: Decimal, open_risk: Decimal, max_risk: Decimal, open_tridents: int, tolerance: Decimal
) -> None:
    inputs = RiskInputs(buying_power, open_risk, open_tridents, (), tolerance)
    result = assess_risk(SEED, max_risk, inputs)
    allowed = (buying_power + open_risk) * tolerance
    passes = 0 < max_risk <= min(allowed - open_risk, buying_power) and open_tridents < 10
    assert (result.refusal is None) == passes
    if passes:
        assert result.utilization is not None
        assert result.utilization <= 1
        assert reason(max_risk / 2, inputs) is None, "less risk never closes a gate"
