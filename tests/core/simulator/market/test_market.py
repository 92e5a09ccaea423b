"""The simulated market: determinism, quotes, candles, sessions, metrics, and the default seed's judgement."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.market.judgement import Judgement, Metrics, judge
from core.domain.market.quotes import Candle
from core.simulator.market.market import Market
from core.simulator.market.market_data import Dividend, MarketQuote
from core.simulator.market.sessions import sessions_between
from core.simulator.market.surface import RATE, SHAPES, black_scholes, implied_volatility

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
WATCHED = ("QQQ", "SPX", ".QQQ270108P622", ".QQQ270108C650", ".SPXW270108P6800", ".SPX270115C7000")


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(7, START)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    questions=st.lists(
        st.tuples(st.sampled_from(WATCHED), st.integers(-200_000, 900_000)), min_size=5, max_size=25, unique=True
    ),
    order=st.randoms(use_true_random=False),
)
def test_same_seed_answers_alike_in_any_order(seed: int, questions: list[tuple[str, int]], order: Random) -> None:
    def answers(market: Market, asked: list[tuple[str, int]]) -> dict[tuple[str, int], object]:
        return {
            (symbol, second): (
                market.quote(symbol, START + timedelta(seconds=second)),
                market.trade(symbol, START + timedelta(seconds=second)),
                market.summary(symbol, START + timedelta(seconds=second)),
            )
            for symbol, second in asked
        }

    shuffled = list(questions)
    order.shuffle(shuffled)
    assert answers(Market(seed, START), questions) == answers(Market(seed, START), shuffled)


def test_other_seeds_are_other_markets(market: Market) -> None:
    at = OPEN + timedelta(hours=1)
    other = Market(8, START)
    assert market.quote("QQQ", at) != other.quote("QQQ", at)
    assert [c.close for c in market.candles("SPX", OPEN - timedelta(days=90), at)] != [
        c.close for c in other.candles("SPX", OPEN - timedelta(days=90), at)
    ]


def test_start_must_have_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Market(7, datetime(2026, 11, 23, 14, 0))  # noqa: DTZ001 - the zone is what is missing


def two_sided(quote: MarketQuote | None) -> tuple[Decimal, Decimal]:
    assert quote is not None
    assert quote.bid is not None
    assert quote.ask is not None
    return quote.bid, quote.ask


def test_no_quote_of_the_day_is_crossed_negative_or_off_tick(market: Market) -> None:
    symbols = ["QQQ"]
    for root in [*market.chain("QQQ", OPEN.date()), *market.chain("SPX", OPEN.date())]:
        for expiration in root.expirations[::5]:
            for strike in expiration.strikes[::23]:
                symbols += [strike.call_streamer, strike.put_streamer]
    for minute in range(0, 391, 39):
        at = OPEN + timedelta(minutes=minute, seconds=7)
        for symbol in symbols:
            bid, ask = two_sided(market.quote(symbol, at))
            assert 0 <= bid < ask, (symbol, at)
            if symbol.startswith(".SPX"):
                assert bid % (Decimal("0.05") if bid < 3 else Decimal("0.1")) == 0, (symbol, bid)


def test_quotes_change_often_and_carry_their_time(market: Market) -> None:
    noon = OPEN + timedelta(hours=2)
    for symbol in ("QQQ", ".QQQ270108P622", ".SPXW270108C6850", ".QQQ270108P560"):
        seen = [market.quote(symbol, noon + timedelta(seconds=s)) for s in range(60)]
        assert len({(q.bid, q.ask) for q in seen if q}) > 4, symbol
        assert len({q.bid_time for q in seen if q}) > 15, symbol
        for second, quote in enumerate(seen):
            assert quote is not None
            assert timedelta(0) <= noon + timedelta(seconds=second) - quote.bid_time <= timedelta(seconds=4)


def test_index_has_trades_but_no_quote(market: Market) -> None:
    quote = market.quote("SPX", OPEN + timedelta(hours=1))
    assert quote is not None
    assert (quote.bid, quote.ask) == (None, None)
    trade = market.trade("SPX", OPEN + timedelta(hours=1))
    assert trade is not None
    assert 6600 < trade.price < 7100


def test_spreads_are_wide_at_the_open_and_tight_at_midday(market: Market) -> None:
    def average(at: datetime, symbol: str) -> float:
        sides = [two_sided(market.quote(symbol, at + timedelta(seconds=s))) for s in range(0, 60, 2)]
        return float(sum(ask - bid for bid, ask in sides)) / len(sides)

    for symbol, low, high in ((".QQQ270108P622", 0.02, 0.08), (".SPXW270108P6850", 0.2, 0.6)):
        midday = average(OPEN + timedelta(hours=3), symbol)
        assert low <= midday <= high
        assert average(OPEN + timedelta(seconds=5), symbol) > 2.5 * midday
        assert average(OPEN + timedelta(minutes=15), symbol) < 1.4 * midday


def test_intraday_volatility_is_u_shaped() -> None:
    moves = {"open": 0.0, "noon": 0.0, "close": 0.0}
    market = Market(3, START)
    day = START.date()
    for _ in range(25):
        session = market.sessions_around(datetime(day.year, day.month, day.day, 5, tzinfo=UTC))[2]
        middle = session.open + (session.close - session.open) / 2
        for name, begin in (
            ("open", session.open),
            ("noon", middle),
            ("close", session.close - timedelta(minutes=20)),
        ):
            for step in range(4):
                at = begin + timedelta(minutes=5 * step)
                first, second = (two_sided(market.quote("QQQ", t))[0] for t in (at, at + timedelta(minutes=5)))
                moves[name] += float(second / first - 1) ** 2
        day = session.day + timedelta(days=1)
    assert moves["open"] > 2 * moves["noon"]
    assert moves["close"] > 1.1 * moves["noon"]


def test_underlyings_move_together(market: Market) -> None:
    pairs = []
    for minute in range(0, 385, 5):
        at, later = OPEN + timedelta(minutes=minute), OPEN + timedelta(minutes=minute + 5)
        q = [two_sided(market.quote("QQQ", t))[0] for t in (at, later)]
        s = [trade.price for t in (at, later) if (trade := market.trade("SPX", t)) is not None]
        pairs.append((float(q[1] / q[0] - 1), float(s[1] / s[0] - 1)))
    product = sum(a * b for a, b in pairs)
    norm = (sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) ** 0.5
    assert product / norm > 0.8


def test_put_call_parity(market: Market) -> None:
    at = OPEN + timedelta(hours=2)
    for root, name, underlying, strikes in (
        ("QQQ", "QQQ", "QQQ", (600, 622, 640)),
        ("SPXW", "SPXW", "SPX", (6700, 6850, 7000)),
    ):
        years = (market.option(f".{root}270108C{strikes[0]}").expires_at - at).total_seconds() / (365 * 86400)  # type: ignore[union-attr]
        trade = market.trade(underlying, at)
        assert trade is not None
        for strike in strikes:
            call = two_sided(market.quote(f".{name}270108C{strike}", at))
            put = two_sided(market.quote(f".{name}270108P{strike}", at))
            paid = sum(float(d.amount) for d in market.dividends(underlying, date(2026, 11, 24), date(2027, 1, 8)))
            clean = float(trade.price) * exp(-SHAPES[underlying].dividend_yield * years) - paid
            forward = clean - strike * exp(-RATE * years)
            slack = float(call[1] - call[0] + put[1] - put[0]) + 0.001 * float(trade.price)
            assert abs(float(sum(call) - sum(put)) / 2 - forward) < slack


def test_prices_fall_with_distance_and_rise_with_time(market: Market) -> None:
    at = OPEN + timedelta(hours=2)

    def mid(symbol: str) -> Decimal:
        return sum(two_sided(market.quote(symbol, at)), Decimal(0)) / 2

    puts = [mid(f".QQQ270108P{strike}") for strike in range(580, 661, 10)]
    calls = [mid(f".QQQ270108C{strike}") for strike in range(580, 661, 10)]
    assert puts == sorted(puts)
    assert calls == sorted(calls, reverse=True)
    assert mid(".QQQ261211P622") < mid(".QQQ270108P622") < mid(".QQQ270219P622")


@pytest.mark.parametrize(("name", "spot", "step"), [("QQQ", 622.0, 1), ("SPX", 6850.0, 5)])
@pytest.mark.parametrize("days", [0.2, 1, 8, 45, 180])
@pytest.mark.parametrize("implied", [0.14, 0.35])
def test_the_surface_has_no_free_spreads(name: str, spot: float, step: int, days: float, implied: float) -> None:
    shape = SHAPES[name]
    strikes = range(int(spot * 0.65), int(spot * 1.35), step)
    for call in (False, True):
        values = [
            black_scholes(
                spot,
                k,
                days / 365,
                implied_volatility(shape, shape.long_run, implied, spot, k, days / 365),
                shape.dividend_yield,
                call,
            )
            for k in strikes
        ]
        for nearer, farther in pairwise(reversed(values) if not call else values):
            assert farther <= nearer + 1e-9
            assert nearer - farther <= step


def test_greeks_are_those_of_the_contract(market: Market) -> None:
    at = OPEN + timedelta(hours=2)
    put, call = market.greeks(".QQQ270108P622", at), market.greeks(".QQQ270108C622", at)
    assert put is not None
    assert call is not None
    assert -0.6 < put.delta < -0.4 < 0.4 < call.delta < 0.65
    assert call.delta - put.delta == pytest.approx(1.0, abs=0.01)
    assert put.gamma == pytest.approx(call.gamma, rel=0.02)
    assert put.theta < 0
    assert put.vega > 0
    assert 0.10 < put.volatility < 0.30
    assert market.greeks("QQQ", at) is None


def test_candles_are_a_year_of_sessions_ending_in_the_forming_one(market: Market) -> None:
    at = OPEN + timedelta(hours=2)
    bars = market.candles("QQQ", OPEN - timedelta(days=500), at)
    assert len(bars) >= 261
    assert [bar.day for bar in bars] == sorted({bar.day for bar in bars})
    assert all(market.session(bar.day) is not None for bar in bars)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert bars[-1].day == OPEN.date()
    assert bars[-1].time == datetime(2026, 11, 23, tzinfo=UTC)
    summary = market.summary("QQQ", at)
    assert (bars[-1].open, bars[-1].high, bars[-1].low) == (summary.day_open, summary.day_high, summary.day_low)
    assert bars[-2].close == summary.previous_close
    assert (
        market.candles("QQQ", OPEN - timedelta(days=10), at)
        == bars[-len(market.candles("QQQ", OPEN - timedelta(days=10), at)) :]
    )


def test_a_finished_session_becomes_the_candle_it_formed(market: Market) -> None:
    formed = market.candles("SPX", OPEN - timedelta(days=3), CLOSE)[-1]
    next_day = market.candles("SPX", OPEN - timedelta(days=3), CLOSE + timedelta(hours=20))
    recorded = next(bar for bar in next_day if bar.day == formed.day)
    assert (recorded.open, recorded.high, recorded.low, recorded.close) == (
        formed.open,
        formed.high,
        formed.low,
        formed.close,
    )


def test_outside_the_session_the_last_values_stand(market: Market) -> None:
    evening = market.quote("QQQ", CLOSE + timedelta(hours=3))
    assert evening == market.quote("QQQ", CLOSE + timedelta(hours=10))
    assert evening is not None
    assert evening.bid_time == CLOSE + timedelta(minutes=15), "quotes go on while options trade"
    index = market.trade("SPX", CLOSE + timedelta(hours=3))
    assert index is not None
    assert (index.price, index.time) == (market.official_close("SPX", OPEN.date()), CLOSE)


def test_half_day_closes_at_one(market: Market) -> None:
    session = market.session(date(2026, 11, 27))
    assert session is not None
    assert session.half_day
    assert session.close == datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    quote = market.quote("QQQ", datetime(2026, 11, 27, 20, 0, tzinfo=UTC))
    assert quote is not None
    assert quote.bid_time == session.options_close == datetime(2026, 11, 27, 18, 15, tzinfo=UTC)
    assert market.session(date(2026, 11, 26)) is None
    previous, current, following = market.sessions_around(datetime(2026, 11, 26, 16, 0, tzinfo=UTC))
    assert (previous.day, current, following.day) == (date(2026, 11, 25), None, date(2026, 11, 27))


def test_halt_is_in_force_between_its_instants() -> None:
    market = Market(7, START)
    market.halt("QQQ", OPEN, OPEN + timedelta(minutes=5))
    assert not market.halted("QQQ", OPEN - timedelta(seconds=1))
    assert market.halted("QQQ", OPEN)
    assert not market.halted("QQQ", OPEN + timedelta(minutes=5))
    assert not market.halted("SPX", OPEN)


def test_expired_contract_has_no_quote(market: Market) -> None:
    assert market.quote(".QQQ261123P622", CLOSE - timedelta(hours=1)) is not None
    assert market.quote(".QQQ261123P622", CLOSE + timedelta(days=1)) is None


def test_metrics_are_fractions_and_percents_of_one_history(market: Market) -> None:
    at = OPEN + timedelta(hours=1)
    row = market.metrics("QQQ", at)
    assert 0 <= row.implied_volatility_percentile <= 1
    assert 0 <= row.tos_implied_volatility_index_rank <= 1
    assert row.implied_volatility_30_day == (row.implied_volatility_index * 100).quantize(Decimal("0.01"))
    assert 8 < row.historical_volatility_30_day < 30
    assert row.dividend == Dividend(date(2026, 12, 21), date(2026, 12, 31), Decimal("0.7941"))
    assert market.metrics("SPX", at).dividend is None
    assert at - row.updated_at < timedelta(minutes=1)
    assert {e.settlement_type for e in market.metrics("SPX", at).expirations} == {"AM", "PM"}


def judged(market: Market, symbol: str, at: datetime) -> Judgement:
    row = market.metrics(symbol, at)
    price = sum(two_sided(market.quote(symbol, at)), Decimal(0)) / 2
    return judge(
        symbol,
        price=price,
        price_age_s=0.5,
        halted=False,
        metrics=Metrics(
            symbol=symbol,
            iv_rank=row.tos_implied_volatility_index_rank * 100,
            iv30=row.implied_volatility_30_day / 100,
            iv_percentile=row.implied_volatility_percentile * 100,
            ex_dividend=row.dividend.ex if row.dividend is not None else None,
            dividend=row.dividend.amount if row.dividend is not None else None,
            earnings=None,
            beta=row.beta,
            age_s=1.0,
        ),
        candles=[
            Candle(c.day, float(c.open), float(c.high), float(c.low), float(c.close))
            for c in market.candles(symbol, at - timedelta(days=500), at)[:-1][-250:]
        ],
        sessions=[s.day for s in sessions_between(at.date() - timedelta(days=372), at.date() - timedelta(days=1))],
        today=market.session_day(at),
    )


@pytest.mark.parametrize(
    "start",
    [
        START,
        datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
        datetime(2026, 6, 4, 13, 0, tzinfo=UTC),
        datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
    ],
)
def test_default_seed_passes_the_judgement_all_through_its_first_day(start: datetime) -> None:
    market = Market(7, start)
    session = market.sessions_around(start)[2]
    at = session.open + timedelta(minutes=15)
    while at <= session.close - timedelta(minutes=15):
        verdict = judged(market, "QQQ", at)
        assert verdict.passed
        assert verdict.score is not None
        assert verdict.score >= 55, at
        at += timedelta(minutes=15)


def test_default_seed_prices_a_trident_with_credit_to_spare(market: Market) -> None:
    for minute in range(15, 331, 15):
        at = OPEN + timedelta(minutes=minute)
        body = 2 * round(sum(two_sided(market.quote("QQQ", at)), Decimal(0)) / 4)
        for width in (3, 5):
            short_put, long_put, short_call, long_call = (
                two_sided(market.quote(f".QQQ270108{leg}", at))
                for leg in (f"P{body}", f"P{body - width}", f"C{body}", f"C{body + width}")
            )
            put, call = short_put[0] - long_put[1], short_call[0] - long_call[1]
            assert 0 < put < width
            assert 0 < call < width
            assert Decimal("1.1") * width < 2 * put + call < Decimal("1.6") * width
