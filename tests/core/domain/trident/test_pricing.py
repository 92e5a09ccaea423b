"""Pricing a trident from its four quotes (rules 6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation.reasons import Reason
from core.domain.trident.pricing import LegQuote, Pricing, PricingRefusal, price_trident
from tests.support.domain_builders import EXAMPLE_PRICES, NOW, D, aged, priced, quotes_for, trident

SEED = trident()
Prices = list[tuple[Decimal | str | None, Decimal | str | None]]


def refused(prices: Prices | tuple[tuple[str, str], ...], reason: Reason) -> PricingRefusal:
    result = price_trident(SEED, quotes_for(SEED, prices), NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.reason is reason
    assert result.refusal.transient, "bad pricing is transient (rules 4.2)"
    return result


def with_leg(index: int, bid: Decimal | str | None, ask: Decimal | str | None) -> Prices:
    prices: Prices = list(EXAMPLE_PRICES)
    prices[index] = (bid, ask)
    return prices


def test_the_seeds_credits_and_risks() -> None:
    pricing = priced(SEED)
    assert (pricing.natural_put, pricing.natural_call, pricing.natural) == (D("1.30"), D("1.26"), D("3.86"))
    assert (pricing.mid_put, pricing.mid_call, pricing.mid) == (D("1.38"), D("1.34"), D("4.10"))
    assert (pricing.max_risk_natural, pricing.max_risk_mid) == (D(214), D(190))


@pytest.mark.parametrize("index", range(4))
def test_a_leg_without_a_quote(index: int) -> None:
    quotes = quotes_for(SEED)
    symbol = SEED.legs[index].symbols.streamer
    del quotes[symbol]
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.reason is Reason.LEG_MISSING
    assert result.refusal.sentence() == f"{symbol} has no quote"


@pytest.mark.parametrize("index", range(4))
def test_a_quote_dated_ahead_has_no_age_and_is_no_price(index: int) -> None:
    quotes = quotes_for(SEED)
    symbol = SEED.legs[index].symbols.streamer
    quotes[symbol] = replace(quotes[symbol], as_of=quotes[symbol].received + 180)
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.sentence() == f"{symbol} quote is dated 180.0 s ahead of the broker's clock"
    assert result.refusal.transient
    assert result.legs[index].age_s is None
    quotes[symbol] = replace(quotes[symbol], as_of=quotes[symbol].received + 2)
    assert isinstance(price_trident(SEED, quotes, NOW), Pricing), "2 s may be the clocks' own difference"


@pytest.mark.parametrize("index", range(4))
def test_an_ask_of_zero_is_a_missing_ask(index: int) -> None:
    quotes = quotes_for(SEED)
    symbol = SEED.legs[index].symbols.streamer
    quotes[symbol] = replace(quotes[symbol], bid=D(0), ask=D(0))
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.reason is Reason.LEG_UNUSABLE


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("bad", [None, D("NaN"), D("sNaN"), D("Infinity"), D("-0.01")])
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_side_that_is_missing_no_number_or_negative(index: int, bad: Decimal | None, side: str) -> None:
    bid, ask = EXAMPLE_PRICES[index]
    result = refused(with_leg(index, bad if side == "bid" else bid, bad if side == "ask" else ask), Reason.LEG_UNUSABLE)
    assert dict(result.refusal.figures)["side"] == side


def test_two_infinite_sides_are_a_refusal_not_a_crash() -> None:
    prices = with_leg(0, D("Infinity"), D("Infinity"))
    prices[1] = (D("1"), D("Infinity"))
    assert "= ?" in refused(prices, Reason.LEG_UNUSABLE).subtraction


@pytest.mark.parametrize("index", range(4))
def test_a_crossed_leg_is_refused_and_a_locked_one_is_not(index: int) -> None:
    _, ask = EXAMPLE_PRICES[index]
    refused(with_leg(index, D(ask) + D("0.01"), ask), Reason.LEG_CROSSED)
    bid, _ = EXAMPLE_PRICES[index]
    assert isinstance(price_trident(SEED, quotes_for(SEED, with_leg(index, bid, bid)), NOW), Pricing)


@pytest.mark.parametrize("index", range(4))
def test_a_crossed_leg_has_no_mid(index: int) -> None:
    legs = refused(with_leg(index, "5.00", "4.99"), Reason.LEG_CROSSED).legs
    assert [leg.mid is None for leg in legs] == [leg.is_crossed for leg in legs] == [n == index for n in range(4)]


def test_a_zero_bid_is_a_price() -> None:
    prices: Prices = [("1.30", "1.40"), ("0", "0.05"), ("1.30", "1.40"), ("0", "0.05")]
    pricing = price_trident(SEED, quotes_for(SEED, prices), NOW)
    assert isinstance(pricing, Pricing)
    assert (pricing.natural_put, pricing.mid_put) == (D("1.25"), D("1.325"))


def test_each_leg_shows_its_midpoint() -> None:
    legs = priced(SEED).legs
    assert [q.mid for q in legs] == [D("9.00"), D("7.62"), D("8.50"), D("7.16")]
    assert LegQuote(SEED.short_put, None, D(1), 0.0).mid is None
    assert LegQuote(SEED.short_put, D(1), None, 0.0).mid is None


@pytest.mark.parametrize("index", range(4))
def test_the_oldest_leg_decides_the_age(index: int) -> None:
    symbol = SEED.legs[index].symbols.streamer
    assert isinstance(price_trident(SEED, aged(quotes_for(SEED), symbol, 30.0), NOW), Pricing)
    result = price_trident(SEED, aged(quotes_for(SEED), symbol, 30.1), NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.reason is Reason.LEG_STALE
    assert result.refusal.transient
    assert result.refusal.sentence() == f"{symbol} quote is 30.1 s old; at most 30 s"


def test_a_quote_received_lately_with_an_old_side_is_old() -> None:
    quotes = quotes_for(SEED)
    symbol = SEED.short_put.symbols.streamer
    quotes[symbol] = replace(quotes[symbol], received=NOW, as_of=NOW - 7200)
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal)
    assert result.refusal.reason is Reason.LEG_STALE


@pytest.mark.parametrize("long_put_ask", ["8.96", "9.10"])
def test_a_put_credit_of_nothing_or_less(long_put_ask: str) -> None:
    refused(with_leg(1, "7.58", long_put_ask), Reason.PUT_CREDIT_NOT_POSITIVE)


@pytest.mark.parametrize("long_call_ask", ["8.46", "9.00"])
def test_a_call_credit_of_nothing_or_less(long_call_ask: str) -> None:
    refused(with_leg(3, "7.12", long_call_ask), Reason.CALL_CREDIT_NOT_POSITIVE)


def test_a_good_call_does_not_pay_for_a_bad_put() -> None:
    refused([("1.00", "1.02"), ("1.00", "1.01"), ("3.00", "3.02"), ("0.50", "0.52")], Reason.PUT_CREDIT_NOT_POSITIVE)


@pytest.mark.parametrize(
    ("prices", "spread", "which"),
    [
        ([("5.00", "5.00"), ("2.00", "2.00"), ("3", "3"), ("2", "2")], "put", "natural"),
        ([("3", "3"), ("2", "2"), ("5.00", "5.00"), ("2.00", "2.00")], "call", "natural"),
        ([("4.90", "5.10"), ("1.98", "2.02"), ("3", "3"), ("2", "2")], "put", "mid"),
        ([("3", "3"), ("2", "2"), ("4.90", "5.10"), ("1.98", "2.02")], "call", "mid"),
    ],
)
def test_a_spread_credit_at_its_width(prices: Prices, spread: str, which: str) -> None:
    figures = dict(refused(prices, Reason.CREDIT_ABOVE_WIDTH).refusal.figures)
    assert (figures["spread"], figures["which"], figures["credit"]) == (spread, which, 3)


def test_a_credit_a_cent_below_the_width_passes() -> None:
    prices: Prices = [("4.99", "4.99"), ("2.00", "2.00"), ("3", "3"), ("2", "2")]
    assert isinstance(price_trident(SEED, quotes_for(SEED, prices), NOW), Pricing)


def test_a_refusal_carries_every_leg_and_the_subtraction() -> None:
    quotes = quotes_for(SEED, with_leg(1, "7.58", "10.49"), age_s=2.5)
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal)
    assert [q.leg for q in result.legs] == list(SEED.legs)
    assert [(q.bid, q.ask, q.age_s) for q in result.legs][1] == (D("7.58"), D("10.49"), 2.5)
    assert result.subtraction == "put 8.96 - 10.49 = -1.53; call 8.46 - 7.20 = 1.26"
    assert result.refusal.sentence() == "the put spread's natural credit is -1.53"


def test_a_missing_leg_leaves_a_question_mark_in_the_subtraction() -> None:
    result = refused(with_leg(1, None, None), Reason.LEG_UNUSABLE)
    assert result.subtraction == "put 8.96 - ? = ?; call 8.46 - 7.20 = 1.26"


def test_quotes_are_found_by_the_streamer_symbol() -> None:
    quotes = quotes_for(SEED)
    by_occ = {leg.symbols.occ: quotes[leg.symbols.streamer] for leg in SEED.legs}
    assert isinstance(price_trident(SEED, by_occ, NOW), PricingRefusal)


side = st.one_of(
    st.integers(-20, 900).map(lambda n: D(n) / 100),
    st.integers(300, 600).map(lambda n: D(n) / 100),
    st.sampled_from([None, D("NaN")]),
)
tight = st.tuples(st.integers(0, 600), st.integers(0, 20)).map(lambda t: (D(t[0]) / 100, D(t[0] + t[1]) / 100))
pair = st.one_of(tight, tight, tight, st.tuples(side, side))
leg_quote = st.tuples(pair, st.sampled_from([0.0, 1.0, 29.9, 30.0, 30.5, 3600.0]))


@given(
    legs=st.lists(leg_quote, min_size=4, max_size=4),
    missing=st.sampled_from([None, None, None, 0, 3]),
    mostly_fresh=st.booleans(),
)
def test_refused_exactly_when_a_listed_condition_holds(
    legs: list[tuple[tuple[Decimal | None, Decimal | None], float]], missing: int | None, mostly_fresh: bool
) -> None:
    quotes = quotes_for(SEED, [prices for prices, _ in legs])
    ages = [0.0 if mostly_fresh else age for _, age in legs]
    for leg, age in zip(SEED.legs, ages, strict=True):
        quotes = aged(quotes, leg.symbols.streamer, age)
    if missing is not None:
        del quotes[SEED.legs[missing].symbols.streamer]
    result = price_trident(SEED, quotes, NOW)
    assert isinstance(result, PricingRefusal) == listed_condition([p for p, _ in legs], ages, missing)
    if isinstance(result, Pricing):
        assert 0 < result.natural <= result.mid
        assert result.natural == 2 * result.natural_put + result.natural_call
        assert result.mid == 2 * result.mid_put + result.mid_call
        assert result.max_risk_mid <= result.max_risk_natural
        assert max(result.mid_put, result.mid_call) < SEED.width


def listed_condition(
    prices: list[tuple[Decimal | None, Decimal | None]], ages: list[float], missing: int | None
) -> bool:
    """The condition of rules 6, written a second way to compare with."""
    if missing is not None or max(ages) > 30:
        return True
    usable: list[tuple[Decimal, Decimal]] = []
    for bid, ask in prices:
        # An ask of 0 is a missing one: nobody sells an option for nothing.
        if bid is None or ask is None or bid.is_nan() or ask.is_nan() or bid < 0 or ask <= 0 or bid > ask:
            return True
        usable.append((bid, ask))
    sp, lp, sc, lc = usable
    natural_put, natural_call = sp[0] - lp[1], sc[0] - lc[1]
    mid_put, mid_call = (sp[0] + sp[1] - lp[0] - lp[1]) / 2, (sc[0] + sc[1] - lc[0] - lc[1]) / 2
    if natural_put <= 0 or natural_call <= 0 or 2 * natural_put + natural_call <= 0:
        return True
    return any(credit >= SEED.width for credit in (natural_put, natural_call, mid_put, mid_call))
