"""The broker's JSON of market data, metrics, sessions and holidays (broker 2.2, 12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.runtime.clock import exchange_time
from core.simulator.exchange.market_view import MarketView
from core.simulator.market.market_data import MarketMetricsRow, TradingSession
from core.simulator.market.sessions import next_session, previous_session, session_on, sessions_of
from core.simulator.wire.payloads import Json, Payload, epoch_ms, iso, maybe_money, money, omit_none

NEVER = -1
"""The `halt-start-time` and `halt-end-time` of a symbol that is not halted."""

BEFORE_OPEN = timedelta(minutes=75)
AFTER_CLOSE = timedelta(hours=4)
"""Lengths of the pre-market and of the extended session."""


def market_data(view: MarketView, symbol: str, streamer: str, instrument_type: str, at: datetime) -> Payload:
    """One MarketData object. An index has neither bid nor ask, and its mark is its last value."""
    quote, trade, summary = view.quote(streamer, at), view.trade(streamer, at), view.summary(streamer, at)
    bid = quote.bid if quote is not None else None
    ask = quote.ask if quote is not None else None
    last = trade.price if trade is not None else None
    mid = (bid + ask) / 2 if bid is not None and ask is not None else None
    mark = mid if mid is not None else last
    halted = view.halted(streamer, at)
    return omit_none(
        symbol=symbol,
        instrument_type=instrument_type,
        updated_at=iso(view.updated_at(quote, trade, at)),
        bid=maybe_money(bid),
        bid_size=f"{quote.bid_size if quote is not None and bid is not None else 0}.0",
        ask=maybe_money(ask),
        ask_size=f"{quote.ask_size if quote is not None and ask is not None else 0}.0",
        mid=maybe_money(mid),
        mark=maybe_money(mark),
        last=maybe_money(last),
        last_mkt=maybe_money(last),
        last_trade_time=epoch_ms(trade.time) if trade is not None else None,
        open=maybe_money(summary.day_open),
        day_open=maybe_money(summary.day_open),
        day_high_price=maybe_money(summary.day_high),
        day_low_price=maybe_money(summary.day_low),
        close_price_type="Regular",
        prev_close=maybe_money(summary.previous_close),
        prev_close_price_type="Final",
        summary_date=summary.day.isoformat(),
        prev_close_date=summary.previous_day.isoformat(),
        is_trading_halted=halted,
        trading_halted=halted,
        trading_halted_reason="Trading halted" if halted else None,
        halt_start_time=epoch_ms(at) if halted else NEVER,
        halt_end_time=NEVER,
        volume=money(trade.day_volume) if trade is not None else None,
        open_interest=str(summary.open_interest) if streamer.startswith(".") else None,
    )


def metrics(row: MarketMetricsRow) -> Payload:
    updated, dividend = iso(row.updated_at), row.dividend
    by_expiration: list[Json] = [
        {
            "expiration-date": entry.day.isoformat(),
            "option-chain-type": "Standard",
            "settlement-type": entry.settlement_type,
            "implied-volatility": money(entry.implied_volatility),
        }
        for entry in row.expirations
    ]
    return omit_none(
        symbol=row.symbol,
        implied_volatility_index=money(row.implied_volatility_index),
        implied_volatility_index_5_day_change=money(row.implied_volatility_index_5_day_change),
        implied_volatility_index_rank=money(row.implied_volatility_index_rank),
        tos_implied_volatility_index_rank=money(row.tos_implied_volatility_index_rank),
        tw_implied_volatility_index_rank=money(row.tw_implied_volatility_index_rank),
        tos_implied_volatility_index_rank_updated_at=updated,
        implied_volatility_index_rank_source="tos",
        implied_volatility_percentile=money(row.implied_volatility_percentile),
        implied_volatility_updated_at=updated,
        liquidity_rating=row.liquidity_rating,
        updated_at=updated,
        option_expiration_implied_volatilities=by_expiration,
        beta=money(row.beta),
        corr_spy_3month=money(row.corr_spy_3month),
        market_cap=money(row.market_cap),
        implied_volatility_30_day=money(row.implied_volatility_30_day),
        historical_volatility_30_day=money(row.historical_volatility_30_day),
        historical_volatility_60_day=money(row.historical_volatility_60_day),
        historical_volatility_90_day=money(row.historical_volatility_90_day),
        iv_hv_30_day_difference=money(row.iv_hv_30_day_difference),
        dividend_ex_date=dividend.ex.isoformat() if dividend is not None else None,
        dividend_next_date=dividend.ex.isoformat() if dividend is not None else None,
        dividend_pay_date=dividend.pay.isoformat() if dividend is not None else None,
        dividend_rate_per_share=money(dividend.amount) if dividend is not None else None,
        listed_market=row.listed_market,
        lendability="Easy To Borrow",
        borrow_rate="0.0",
    )


def market_session(view: MarketView, at: datetime, collection: str = "Equity") -> Payload:
    """One item of GET /market-time/sessions/current. On a day without a session it has no open and no close."""
    day = exchange_time(at).date()
    today = session_on(day)
    past_close, without_close = view.session_past_close(), view.session_without_close()
    if past_close:
        today = today if today is not None and today.close <= at else previous_session(day)
    payload: Payload = {"instrument-collection": collection}
    if today is not None:
        payload.update(
            {
                "open-at": iso(today.open),
                "start-at": iso(today.open - BEFORE_OPEN),
                "close-at": iso(today.close),
                "close-at-ext": iso(today.close + AFTER_CLOSE),
            }
        )
    if without_close:
        payload.pop("close-at", None)
        payload.pop("close-at-ext", None)
    payload["next-session"] = _session_snapshot(next_session(day + timedelta(days=1)), collection)
    payload["previous-session"] = _session_snapshot(previous_session(day), collection)
    if view.session_unreadable():
        return payload
    payload["state"] = "Closed" if view.session_closed() else session_state(today, at)
    if past_close or without_close:
        payload["state"] = "Open"
    return payload


def session_state(session: TradingSession | None, at: datetime) -> str:
    """The state of a session at an instant: Open, Pre-market, Extended or Closed."""
    if session is None or at < session.open - BEFORE_OPEN or at >= session.close + AFTER_CLOSE:
        return "Closed"
    if at < session.open:
        return "Pre-market"
    return "Open" if at < session.close else "Extended"


def holidays(at: datetime) -> Payload:
    """The data of GET /market-time/equities/holidays: holidays and half days of this year and the next."""
    year = exchange_time(at).year
    closed: list[Json] = []
    half: list[Json] = []
    day = date(year, 1, 1)
    sessions = {session.day: session for each in (year, year + 1) for session in sessions_of(each)}
    while day.year <= year + 1:
        session = sessions.get(day)
        if session is None and day.weekday() < 5:
            closed.append(day.isoformat())
        elif session is not None and session.half_day:
            half.append(day.isoformat())
        day += timedelta(days=1)
    return {"market-holidays": closed, "market-half-days": half}


def _session_snapshot(session: TradingSession, collection: str) -> Payload:
    return {
        "instrument-collection": collection,
        "session-date": session.day.isoformat(),
        "open-at": iso(session.open),
        "start-at": iso(session.open - BEFORE_OPEN),
        "close-at": iso(session.close),
        "close-at-ext": iso(session.close + AFTER_CLOSE),
    }
