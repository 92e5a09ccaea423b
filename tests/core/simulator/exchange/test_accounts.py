"""The simulated exchange: preflight, buying power, fees, positions, settlement, separate accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest, SimPosition
from core.simulator.exchange.saved import restored_market, saved_market
from core.simulator.market.market import Market
from tests.core.simulator.exchange.placed_orders import (
    CLOSE,
    ONE,
    OTHER,
    START,
    TEN,
    TWO,
    at_mid,
    credit,
    exchange,
    leg,
    net_of,
    occ,
    trident_legs,
)

LATER = TEN + timedelta(seconds=30)
FEES = fees_for("QQQ", [("Sell to Open", 2), ("Buy to Open", 2), ("Sell to Open", 1), ("Buy to Open", 1)]).total_fees


def codes(request: OrderRequest, cash: str = "25000") -> list[str]:
    return [error.code for error in exchange(cash).validate(ONE, request, TEN)]


def with_leg(index: int, **changed: object) -> OrderRequest:
    legs = list(trident_legs())
    legs[index] = replace(legs[index], **changed)  # type: ignore[arg-type]
    return credit(legs, "4.10")


def test_a_sound_order_has_no_errors() -> None:
    assert codes(at_mid()) == []


@pytest.mark.parametrize(
    "request_",
    [
        credit([], "4.10"),
        credit([*trident_legs(), leg("Buy to Open", occ("P", 600))], "4.10"),
        with_leg(1, symbol=occ("P", 622)),
        with_leg(1, symbol="QQQ   270109P00619000"),
        with_leg(1, symbol=".QQQ270108P619"),
        with_leg(1, symbol=occ("P", 619, expiry="261120")),
        with_leg(1, symbol=occ("P", 1200)),
        with_leg(1, symbol=occ("P", 6800, root="SPXW")),
        with_leg(1, quantity=Decimal("1.5")),
        with_leg(1, quantity=Decimal(0)),
        with_leg(1, quantity=Decimal(-2)),
        with_leg(1, action="Buy"),
        with_leg(1, instrument_type="Equity"),
        replace(at_mid(), price=None),
        replace(at_mid(), price_effect=None),
        replace(at_mid(), price=Decimal("-4.1")),
        replace(at_mid(), time_in_force="IOC"),
        replace(at_mid(), order_type="Stop"),
    ],
)
def test_invalid_orders_are_validation_errors(request_: OrderRequest) -> None:
    assert set(codes(request_)) == {"validation_error"}
    with pytest.raises(OrderRefused) as refused:
        exchange().submit(ONE, request_, TEN)
    assert refused.value.code == "validation_error"
    assert refused.value.errors


def bull_put(action_short: str, action_long: str) -> tuple[OrderLeg, ...]:
    return leg(action_short, occ("P", 622)), leg(action_long, occ("P", 619))


def test_price_signs_are_checked() -> None:
    assert codes(credit(bull_put("Buy to Open", "Sell to Open"), "1.20")) == ["cant_buy_for_credit"]
    sold = replace(credit(bull_put("Sell to Open", "Buy to Open"), "1.20"), price_effect="Debit")
    assert codes(sold) == ["cant_sell_for_debit"]
    assert codes(replace(at_mid(), price_effect="Debit")) == ["cant_sell_for_debit"]
    assert codes(replace(credit(bull_put("Buy to Open", "Sell to Open"), "1.20"), price_effect="Debit")) == []


def test_order_types_and_prices() -> None:
    assert codes(replace(at_mid(), order_type="Market")) == ["order_must_omit_price"]
    good_till_cancelled = replace(at_mid(), order_type="Market", price=None, time_in_force="GTC")
    assert codes(good_till_cancelled) == ["gtc_market_orders_not_supported"]


@pytest.mark.parametrize("restriction", ["is_closed", "is_frozen", "is_closing_only", "is_in_margin_call"])
def test_restricted_accounts_may_not_open(restriction: str) -> None:
    broker = exchange()
    broker.restrict(ONE, **{restriction: True})
    assert [error.code for error in broker.validate(ONE, at_mid(), TEN)] == ["not_permitted"]
    assert broker.validate(TWO, at_mid(), TEN) == []
    assert getattr(broker.trading_status(ONE), restriction) is True


def test_a_closing_only_account_may_close() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    broker.submit(ONE, credit(bull_put("Sell to Open", "Buy to Open"), "1.30"), TEN)
    broker.advance(LATER)
    broker.restrict(ONE, is_closing_only=True)
    close = replace(credit(bull_put("Buy to Close", "Sell to Close"), "1.40"), price_effect="Debit")
    assert broker.validate(ONE, close, LATER) == []
    broker.submit(ONE, close, LATER)
    broker.advance(LATER + timedelta(seconds=30))
    assert broker.positions(ONE, LATER + timedelta(seconds=30)) == []


def test_what_only_closes_is_taken_without_any_buying_power() -> None:
    broker = exchange(cash="2000")
    broker.fill_plan = "immediate"
    broker.submit(ONE, at_mid(), TEN)
    broker.advance(LATER)
    broker.back_office.assign(ONE, occ("P", 622), 1, LATER)
    assert broker.balances(ONE, LATER).derivative_buying_power == 0
    calls = (leg("Buy to Close", occ("C", 622)), leg("Sell to Close", occ("C", 625)))  # the puts need the margin alone
    assert broker.validate(ONE, replace(credit(calls, "1.00"), price_effect="Debit"), LATER) == []
    again = credit(bull_put("Sell to Open", "Buy to Open"), "1.30")
    assert [error.code for error in broker.validate(ONE, again, LATER)] == ["margin_check_failed"]


def test_margin_is_checked_against_buying_power_to_the_cent() -> None:
    price = at_mid().price
    assert price is not None
    needed = (2 * 3 - price) * 100 + FEES
    assert codes(at_mid(), cash=str(needed)) == []
    assert codes(at_mid(), cash=str(needed - Decimal("0.01"))) == ["margin_check_failed"]


def test_uncovered_calls_are_refused() -> None:
    assert codes(credit([leg("Sell to Open", occ("C", 640))], "8.00")) == ["margin_check_failed"]


def test_dry_run_reports_the_effect_and_changes_nothing() -> None:
    broker = exchange()
    request = at_mid()
    assert request.price is not None
    dry = broker.dry_run(ONE, request, TEN)
    assert dry.order is not None
    assert (dry.order.id, dry.order.status) == (0, "Received")
    effect = dry.buying_power_effect
    assert effect.change_in_margin_requirement == -600
    assert effect.isolated_order_margin_requirement == -600
    assert effect.change_in_buying_power == request.price * 100 - 600 - FEES
    assert effect.new_buying_power == effect.current_buying_power + effect.change_in_buying_power
    assert (effect.is_spread, effect.effect) == (True, "Debit")
    assert dry.fees.total_fees == FEES
    assert broker.live_orders(ONE, TEN) == []
    assert broker.dry_run(ONE, request, CLOSE + timedelta(hours=1)).warnings[0].code == "tif_next_valid_sesssion"


def test_a_dry_run_lists_errors_instead_of_raising() -> None:
    dry = exchange(cash="10").dry_run(ONE, at_mid(), TEN)
    assert [error.code for error in dry.errors] == ["margin_check_failed"]
    with pytest.raises(OrderRefused) as refused:
        exchange(cash="10").submit(ONE, at_mid(), TEN)
    assert refused.value.code == "preflight_check_failure"


def test_buying_power_is_reserved_while_working_and_released_by_a_cancel() -> None:
    broker = exchange()
    broker.fill_plan = "never"
    request = at_mid()
    assert request.price is not None
    order = broker.submit(ONE, request, TEN)
    held = (6 - request.price) * 100 + FEES
    balances = broker.balances(ONE, TEN)
    assert balances.derivative_buying_power == 25000 - held
    assert balances.cash_balance == 25000
    broker.cancel(ONE, order.id, LATER)
    broker.advance(LATER + timedelta(seconds=5))
    assert broker.balances(ONE, LATER + timedelta(seconds=5)).derivative_buying_power == 25000


def test_a_fill_turns_the_reservation_into_margin() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    order = broker.submit(ONE, at_mid(), TEN)
    broker.advance(LATER)
    received = net_of(broker.order(ONE, order.id)) * 100
    balances = broker.balances(ONE, LATER)
    assert balances.cash_balance == 25000 + received - FEES
    assert balances.maintenance_requirement == 600
    assert balances.derivative_buying_power == balances.cash_balance - 600
    assert abs(balances.net_liquidating_value - 25000) < 60
    positions = {p.symbol: p for p in broker.positions(ONE, LATER)}
    assert positions[occ("P", 622)].quantity == 2
    assert positions[occ("P", 622)].quantity_direction == "Short"
    assert positions[occ("C", 625)].quantity_direction == "Long"


def test_two_working_orders_cannot_spend_the_same_money() -> None:
    broker = exchange(cash="300")
    broker.fill_plan = "never"
    broker.submit(ONE, at_mid(), TEN)
    assert [e.code for e in broker.validate(ONE, at_mid(), TEN)] == ["margin_check_failed"]


def test_closing_realizes_and_frees_the_margin() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    opening = broker.submit(ONE, credit(bull_put("Sell to Open", "Buy to Open"), "1.30"), TEN)
    broker.advance(LATER)
    close = replace(credit(bull_put("Buy to Close", "Sell to Close"), "1.45"), price_effect="Debit")
    order = broker.submit(ONE, close, LATER)
    done_at = LATER + timedelta(seconds=30)
    notices = broker.advance(done_at)
    assert broker.order(ONE, order.id).price == Decimal("-1.45")
    assert net_of(broker.order(ONE, order.id)) >= Decimal("-1.45")
    assert broker.balances(ONE, done_at).maintenance_requirement == 0
    gone = [n.obj for n in notices if isinstance(n.obj, SimPosition)]
    assert {p.quantity_direction for p in gone} == {"Zero"}
    result = net_of(broker.order(ONE, opening.id)) + net_of(broker.order(ONE, order.id))
    assert sum((p.realized_today for p in gone), Decimal(0)) == result * 100


def test_accounts_and_logins_are_apart() -> None:
    broker = exchange()
    broker.fill_plan = "immediate"
    assert [a.number for a in broker.accounts_of("main")] == [ONE, TWO]
    assert [a.number for a in broker.accounts_of("spouse")] == [OTHER]
    assert broker.accounts_of("nobody") == []
    order = broker.submit(ONE, at_mid(), TEN)
    notices = broker.advance(LATER)
    assert {n.account_number for n in notices} == {ONE}
    for number in (TWO, OTHER):
        assert broker.balances(number, LATER).derivative_buying_power == 25000
        assert broker.positions(number, LATER) == []
        assert broker.live_orders(number, LATER) == []
        with pytest.raises(OrderRefused, match="record_not_found"):
            broker.order(number, order.id)


def test_unknown_accounts_and_orders_are_not_found() -> None:
    broker = exchange()
    for ask in (
        lambda: broker.submit("5WT99999", at_mid(), TEN),
        lambda: broker.balances("5WT99999", TEN),
        lambda: broker.trading_status("5WT99999"),
        lambda: broker.cancel(ONE, 1, TEN),
    ):
        with pytest.raises(OrderRefused, match="record_not_found"):
            ask()


def test_fees_follow_the_schedule() -> None:
    qqq = fees_for("QQQ", [("Sell to Open", 2), ("Buy to Open", 12)])
    assert qqq.commission == Decimal("12.00")
    assert qqq.clearing_fees == Decimal("1.40")
    assert qqq.proprietary_index_option_fees == 0
    spx = fees_for("SPX", [("Buy to Close", 2)])
    assert spx.commission == 0
    assert spx.proprietary_index_option_fees == Decimal("1.30")
    assert spx.total_fees == spx.clearing_fees + spx.regulatory_fees + Decimal("1.30")


def test_what_working_orders_hold_is_the_same_when_it_is_computed_anew() -> None:
    """Over fills, cancels, and an order of shares, whose margin moves with their price. A broker restored from its
    state has computed nothing before."""
    market = Market(7, START)
    broker = exchange("400000", market)
    broker.habits = Habits(position_lag_s=(0, 0), desk=False)
    shares = OrderRequest(
        "GTC", "Limit", (OrderLeg("Equity", "QQQ", "Buy to Open", Decimal(100)),), Decimal(500), "Debit"
    )
    seen = set()
    for step in range(24):
        at = TEN + step * timedelta(minutes=7)
        if step % 3 == 0:
            broker.submit(ONE, credit(trident_legs(620 + step % 5), "40.00", "GTC"), at)
        if step == 9:
            broker.submit(ONE, shares, at)
        if step == 7:
            broker.back_office.give(ONE, {"QQQ": 100}, at)
        if step in (11, 15):
            working = [o for o in broker.live_orders(ONE, at) if o.status == "Live"]
            broker.back_office.fill(ONE, working[-1].id, at, None)
            broker.cancel(ONE, working[1].id, at)
        anew = Exchange.restored(broker.saved(at), restored_market(saved_market(market)))
        assert broker.balances(ONE, at) == anew.balances(ONE, at)
        seen.add(broker.balances(ONE, at).derivative_buying_power)
    assert len(seen) > 12
