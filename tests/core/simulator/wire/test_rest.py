"""Every REST call of the reference's table, by the unmodified SDK over real sockets."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from tastytrade import Account
from tastytrade.instruments import Equity, NestedOptionChain, Option, get_option_chain
from tastytrade.market_data import get_market_data, get_market_data_by_type
from tastytrade.market_sessions import ExchangeType, MarketStatus, get_market_holidays, get_market_sessions
from tastytrade.metrics import get_market_metrics
from tastytrade.order import InstrumentType
from tastytrade.utils import TastytradeError

from core.runtime.clock import EXCHANGE_ZONE
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.wire.settings import DEFAULT_ACCOUNT, DEFAULT_LOGIN, Login
from tests.core.simulator.wire.simulated_server import ACCOUNT, MONDAY_TEN, broker, only_account

OTHER = Login("secret-two", "refresh-two", "second")
TWO_LOGINS: dict[str, Any] = {
    "logins": (DEFAULT_LOGIN, OTHER),
    "accounts": (DEFAULT_ACCOUNT, AccountSetup("5WT00002", "Other", "second", Decimal(60_000))),
}


async def test_the_account_is_read_whole() -> None:
    async with broker() as server, server.session() as session:
        assert not await session.validate()
        await session.refresh()
        assert await session.validate()
        account = await only_account(session)
        assert account.account_number == ACCOUNT
        assert (await Account.get(session, ACCOUNT)).nickname == "Demo"
        balances = await account.get_balances(session)
        assert balances.cash_balance == Decimal(25_000)
        assert balances.derivative_buying_power == Decimal(25_000)
        assert balances.pending_cash == 0
        assert await account.get_positions(session) == []
        status = await account.get_trading_status(session)
        assert status.options_level == "No Restrictions"
        assert not status.is_closing_only
        assert await account.get_live_orders(session) == []
        assert await account.get_order_history(session, start_date=MONDAY_TEN.date()) == []


async def test_a_closed_account_is_listed_as_closed() -> None:
    closed = AccountSetup("5WT00009", "Old", "main", Decimal(0), is_closed=True)
    async with broker(accounts=(DEFAULT_ACCOUNT, closed)) as server, server.session() as session:
        assert [each.account_number for each in await Account.get(session)] == [ACCOUNT]
        assert len(await Account.get(session, include_closed=True)) == 2


async def test_the_chains_name_the_same_options() -> None:
    async with broker() as server, server.session() as session:
        (nested,) = await NestedOptionChain.get(session, "QQQ")
        assert nested.tick_sizes[-1].value == Decimal("0.01")
        flat = await get_option_chain(session, "QQQ")
        assert sorted(flat) == [entry.expiration_date for entry in nested.expirations]
        expiration = nested.expirations[0]
        strike = expiration.strikes[0]
        by_symbol = {option.symbol: option for option in flat[expiration.expiration_date]}
        assert by_symbol[strike.put].streamer_symbol == strike.put_streamer_symbol
        option = await Option.get(session, strike.call)
        assert option.streamer_symbol == strike.call_streamer_symbol
        assert option.option_type == "C"
        assert option.days_to_expiration == (expiration.expiration_date - MONDAY_TEN.date()).days


async def test_spx_has_two_roots_with_their_own_streamer_symbols() -> None:
    async with broker() as server, server.session() as session:
        roots = {item.root_symbol: item for item in await NestedOptionChain.get(session, "SPX")}
        assert set(roots) == {"SPX", "SPXW"}
        assert {entry.settlement_type for entry in roots["SPX"].expirations} == {"AM"}
        weekly = roots["SPXW"].expirations[0]
        assert weekly.settlement_type == "PM"
        assert weekly.strikes[0].put_streamer_symbol.startswith(".SPXW")
        assert [tick.threshold for tick in roots["SPXW"].tick_sizes] == [Decimal("3.0"), None]


async def test_an_option_says_when_it_stops_trading() -> None:
    """QQQ's trade until 16:15 on their last day, SPXW until 16:00."""
    async with broker() as server, server.session() as session:
        for underlying, stops in (("QQQ", time(16, 15)), ("SPX", time(16, 0))):
            roots = {item.root_symbol: item for item in await NestedOptionChain.get(session, underlying)}
            listed = roots["SPXW" if underlying == "SPX" else "QQQ"].expirations[0]
            option = await Option.get(session, listed.strikes[0].put)
            last = option.stops_trading_at.astimezone(EXCHANGE_ZONE)
            assert (last.date(), last.time()) == (option.expiration_date, stops)


async def test_unlisted_symbols_are_not_found() -> None:
    async with broker() as server, server.session() as session:
        for read in (
            NestedOptionChain.get(session, "ZZZ"),
            Option.get(session, "QQQ   261127P00490500"),
            Equity.get(session, "ZZZ"),
            get_market_data(session, "ZZZ", InstrumentType.EQUITY),
        ):
            with pytest.raises(TastytradeError, match="record_not_found"):
                await read


async def test_equities_one_or_several() -> None:
    async with broker() as server, server.session() as session:
        qqq = await Equity.get(session, "QQQ")
        assert qqq.is_etf
        assert qqq.option_tick_sizes is not None
        listed = await Equity.get(session, ["QQQ", "SPX"])
        assert {each.symbol: each.is_index for each in listed} == {"QQQ": False, "SPX": True}


async def test_metrics_are_fractions_with_a_time() -> None:
    async with broker() as server, server.session() as session:
        metrics = await get_market_metrics(session, ["QQQ", "SPX"])
        assert [each.symbol for each in metrics] == ["QQQ", "SPX"]
        for each in metrics:
            assert each.tos_implied_volatility_index_rank is not None
            assert 0 <= each.tos_implied_volatility_index_rank <= 1
            assert each.implied_volatility_index_rank is not None
            assert each.implied_volatility_30_day is not None
            assert each.implied_volatility_30_day > 2
            assert abs((each.updated_at - MONDAY_TEN).total_seconds()) < 300
            assert each.option_expiration_implied_volatilities
        qqq, spx = metrics
        assert qqq.dividend_ex_date == qqq.dividend_next_date == date(2026, 12, 21)
        assert (qqq.dividend_pay_date, qqq.dividend_rate_per_share) == (date(2026, 12, 31), Decimal("0.7941"))
        assert (spx.dividend_ex_date, spx.dividend_pay_date, spx.dividend_rate_per_share) == (None, None, None)


async def test_market_data_by_type_and_single() -> None:
    async with broker() as server, server.session() as session:
        (chain,) = await NestedOptionChain.get(session, "QQQ")
        option = chain.expirations[3].strikes[60].put
        rows = await get_market_data_by_type(session, equities=["QQQ"], indices=["SPX"], options=[option, "ZZZ"])
        by_symbol = {row.symbol: row for row in rows}
        assert set(by_symbol) == {"QQQ", "SPX", option}
        qqq, spx = by_symbol["QQQ"], by_symbol["SPX"]
        assert qqq.bid is not None
        assert qqq.ask is not None
        assert qqq.bid < qqq.ask
        assert spx.bid is None
        assert spx.mark == spx.last
        assert qqq.trading_halted is False
        single = await get_market_data(session, option, InstrumentType.EQUITY_OPTION)
        assert single.instrument_type is InstrumentType.EQUITY_OPTION


async def test_more_than_a_hundred_symbols_are_refused() -> None:
    async with broker() as server, server.session() as session:
        with pytest.raises(TastytradeError, match="validation_error"):
            await get_market_data_by_type(session, equities=["QQQ"] * 101)


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (MONDAY_TEN, MarketStatus.OPEN),
        (datetime(2026, 11, 23, 14, 0, tzinfo=UTC), MarketStatus.PRE_MARKET),
        (datetime(2026, 11, 23, 21, 30, tzinfo=UTC), MarketStatus.EXTENDED),
        (datetime(2026, 11, 24, 3, 0, tzinfo=UTC), MarketStatus.CLOSED),
        (datetime(2026, 11, 26, 16, 0, tzinfo=UTC), MarketStatus.CLOSED),  # Thanksgiving
        (datetime(2026, 11, 27, 17, 59, tzinfo=UTC), MarketStatus.OPEN),  # half day
        (datetime(2026, 11, 27, 18, 1, tzinfo=UTC), MarketStatus.EXTENDED),
    ],
)
async def test_the_session_follows_the_exchange_calendar(at: datetime, status: MarketStatus) -> None:
    async with broker(at=at) as server, server.session() as session:
        (current,) = await get_market_sessions(session, [ExchangeType.NYSE])
        assert current.status is status
        assert current.next_session is not None
        assert current.previous_session is not None
        assert (current.open_at is None) == (at.date() == date(2026, 11, 26))


async def test_holidays_and_half_days() -> None:
    async with broker() as server, server.session() as session:
        calendar = await get_market_holidays(session)
        assert date(2026, 11, 26) in calendar.holidays
        assert date(2026, 11, 27) in calendar.half_days
        assert date(2026, 11, 28) not in calendar.holidays  # a Saturday


async def test_a_login_sees_its_own_accounts_only() -> None:
    async with broker(**TWO_LOGINS) as server, server.session() as first, server.session(OTHER) as second:
        mine, theirs = await only_account(first), await only_account(second)
        assert (mine.account_number, theirs.account_number) == (ACCOUNT, "5WT00002")
        for read in (theirs.get_balances(first), theirs.get_positions(first), theirs.get_live_orders(first)):
            with pytest.raises(TastytradeError, match="not_permitted"):
                await read
        with pytest.raises(TastytradeError, match="record_not_found"):
            await Account.get(first, "5WT99999")


async def test_errors_carry_the_broker_s_statuses() -> None:
    async with broker(**TWO_LOGINS) as server:
        token = await server.token()
        assert (await server.get("/accounts/5WT00002/positions", token))[0] == 403
        assert (await server.get("/accounts/5WT99999/positions", token))[0] == 404
        assert (await server.get("/nowhere", token))[0] == 404
        status, body, _ = await server.get("/customers/me/accounts", "wrong")
        assert status == 401
        assert body["error"]["code"] == "token_invalid"


@pytest.mark.parametrize(("agent", "status"), [("tastytrade-sdk-js", 200), ("curl", 200), ("", 401), (" ", 401)])
async def test_a_user_agent_without_version(agent: str, status: int) -> None:
    """The broker's JavaScript client names itself without a version; only a request without a name is refused."""
    async with broker() as server:
        token = await server.token()
        answered, _, _ = await server.get("/customers/me/accounts", token, **{"User-Agent": agent})
        assert answered == status


async def test_what_the_javascript_client_asks_by_rest() -> None:
    """Its login has a scope and its lists have brackets (broker 2.1)."""
    async with broker() as server:
        login = {
            "grant_type": "refresh_token",
            "client_secret": DEFAULT_LOGIN.client_secret,
            "refresh_token": DEFAULT_LOGIN.refresh_token,
            "scope": "read trade",
        }
        status, granted = await server.post("/oauth/token", login)
        assert status == 200
        _, body, _ = await server.get("/market-metrics?symbols%5B%5D=QQQ&symbols%5B%5D=SPX", granted["access_token"])
        assert [item["symbol"] for item in body["data"]["items"]] == ["QQQ", "SPX"]


async def test_answers_have_the_envelope_and_market_time() -> None:
    async with broker() as server:
        status, body, headers = await server.get("/customers/me/accounts", await server.token())
        assert status == 200
        assert body["context"] == "/customers/me/accounts"
        assert body["data"]["items"][0]["authority-level"] == "owner"
        dated = parsedate_to_datetime(headers["Date"])
        assert 0 <= (dated - MONDAY_TEN).total_seconds() < 30
