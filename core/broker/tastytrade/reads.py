"""Everything read from the broker except orders: accounts, transactions, market session, metrics, chain, marks, option
quotes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from tastytrade.account import Account
from tastytrade.instruments import NestedOptionChain
from tastytrade.market_data import get_market_data_by_type
from tastytrade.market_sessions import ExchangeType, get_market_sessions
from tastytrade.metrics import get_market_metrics

from core.broker.port import AccountReads, BrokerAccount, BrokerError, BrokerFault, MarketState, Position
from core.broker.tastytrade.chain import chain_from
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.faults import data_of, envelope_of, items_of, unreadable_words
from core.broker.tastytrade.fields import JsonObject, Unreadable, json_object, readable, short_name
from core.broker.tastytrade.mapping import (
    account_reads,
    broker_account,
    mark,
    market_state,
    may_be_ours,
    metrics_of,
    option_quote,
    position,
)
from core.broker.tastytrade.pages import all_pages
from core.broker.tastytrade.transaction_mapping import transaction
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Quote, event_age_s
from core.domain.market.underlying import SHIPPED
from core.domain.operation.events import masked
from core.domain.orders.transactions import Transaction
from core.runtime.clock import exchange_time

T = TypeVar("T")

TRANSACTIONS_PAGE = 250
"""Rows of a page of transactions: the broker's own default; it serves up to 2000 (broker 2.7)."""

MAX_BY_TYPE = 100
"""The most symbols of one request of market data, of all types together (broker 2.2)."""

INDEX_SYMBOLS = frozenset({symbol for symbol, u in SHIPPED.items() if u.is_index} | {"NDX", "RUT", "XSP", "VIX"})
"""Symbols that are requested as indices; all others are requested as equities (broker 2.2)."""


class Reads:
    """The reads of one login. Each raises BrokerError.

    The bodies of the answers are read here, not by the SDK: its models fail on a field that nobody needs (broker 5).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """All accounts of the login, closed ones included. One that cannot be read is left out, unless none can be."""
        c, what = self._connection, "accounts"
        body = await c.read_body(lambda: Account.get(c.session, include_closed=True), what)
        items = [item.get("account") if isinstance(item, dict) else item for item in _items(body, what)]
        numbers = (item.get("account-number") for item in items if isinstance(item, dict))
        c.know_accounts(*(number for number in numbers if isinstance(number, str) and number))
        return tuple(self._readable(items, broker_account, _named_account, what))

    async def account_reads(self, number: str) -> AccountReads:
        """Balances, positions and trading status, requested at the same time. When one of the three fails, all fail."""
        c, account = self._connection, self._connection.account(number)
        balance, positions, status = await asyncio.gather(
            c.read_body(lambda: account.get_balances(c.session), "balances"),
            c.read_body(lambda: account.get_positions(c.session, include_marks=True), "positions"),
            c.read_body(lambda: account.get_trading_status(c.session), "trading status"),
        )
        balances, restrictions = data_of(balance, "balances"), data_of(status, "trading status")
        held = self._positions(positions)
        return _read(lambda: account_reads(number, balances, held, restrictions), "account")

    async def positions(self, number: str) -> tuple[Position, ...]:
        """The positions alone, as `account_reads` has them."""
        c, account = self._connection, self._connection.account(number)
        body = await c.read_body(lambda: account.get_positions(c.session, include_marks=True), "positions")
        return tuple(self._positions(body))

    def _positions(self, body: bytes) -> list[Position]:
        """The positions. One that may be in options or shares must be readable; another may be left out."""
        items = _items(body, "positions")
        ours = [item for item in items if may_be_ours(item)]
        others = [item for item in items if not may_be_ours(item)]
        found = _read(lambda: [position(json_object(item, "items")) for item in ours], "positions")
        held, left_out = readable(others, position, lambda o: f"a position in {_symbol(o)}")
        self._connection.remark(*left_out)
        return [each for each in (*found, *held) if each is not None]

    async def transactions(self, number: str, since: date) -> tuple[Transaction, ...]:
        """The transactions executed from the exchange date `since` on, of all types, ascending by id.

        All pages are read. Raises BrokerError; UNREADABLE when the listing is incomplete or a row cannot be read: what
        a row moves belongs to the sum of its trident.
        """
        c, account, what = self._connection, self._connection.account(number), "transactions"
        items = await all_pages(
            lambda offset: c.read_body(
                lambda: account.get_history(
                    c.session,
                    per_page=TRANSACTIONS_PAGE,
                    page_offset=offset,
                    sort="Asc",  # a row that arrives while the pages are read moves none of the others
                    start_date=since,
                    # It is not documented whether the end is included; one more day does no harm.
                    end_date=exchange_time(c.clock.now()).date() + timedelta(days=1),
                ),
                what,
            ),
            what,
        )
        rows = _read(lambda: [transaction(json_object(item, "items"), number) for item in items], what)
        return tuple(sorted(rows, key=lambda row: (len(row.id), row.id)))

    async def market_state(self) -> MarketState:
        c, what = self._connection, "market session"
        body = await c.read_body(lambda: get_market_sessions(c.session, [ExchangeType.NYSE]), what)
        equities = (
            item
            for item in _items(body, what)
            if isinstance(item, dict) and item.get("instrument-collection") == ExchangeType.NYSE.value
        )
        session = next(equities, None)
        if session is None:
            raise BrokerError(BrokerFault.UNREADABLE, f"{what}: the answer has none for equities")
        return _read(lambda: market_state(session, c.dates.now()), what)

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        """The metrics of these symbols. One that cannot be read is left out; raises BrokerError when none can be."""
        c, what = self._connection, "metrics"
        body = await c.read_body(lambda: get_market_metrics(c.session, symbols), what)
        found = self._readable(
            _items(body, what), lambda o: metrics_of(o, c.dates), lambda o: f"{_symbol(o)} in the metrics", what
        )
        return tuple(found)

    async def chain(self, symbol: str) -> OptionChain:
        """The option chain, parsed in a thread; see `core.broker.tastytrade.chain`."""
        c = self._connection
        body = await c.read_body(lambda: NestedOptionChain.get(c.session, symbol), "option chain")
        chain, left_out = await asyncio.to_thread(chain_from, body, symbol)
        c.remark(*left_out)
        return chain

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """Marks in $ by symbol, none older than 10 s (rules 2). Older ones and symbols without one are left out."""
        if not symbols:
            return {}
        c, what = self._connection, "marks"
        indices = [symbol for symbol in symbols if symbol in INDEX_SYMBOLS]
        equities = [symbol for symbol in symbols if symbol not in INDEX_SYMBOLS]
        body = await c.read_body(
            lambda: get_market_data_by_type(c.session, indices=indices or None, equities=equities or None), what
        )
        now, limit = c.clock.monotonic(), c.timings.marks_age
        found = self._readable(_items(body, what), mark, lambda o: f"{_symbol(o)} in the marks", what)
        marks = (each for each in found if each is not None)
        aged = ((symbol, price, event_age_s(now, c.dates.second_of(at), now)) for symbol, price, at in marks)
        return {symbol: price for symbol, price, age_s in aged if age_s is not None and age_s <= limit}

    async def option_quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Bid and ask of options by OCC symbol, of whatever age; symbols without any are left out."""
        found: dict[str, Quote] = {}
        wanted = list(dict.fromkeys(symbols))
        for first in range(0, len(wanted), MAX_BY_TYPE):
            found.update(await self._option_quotes(wanted[first : first + MAX_BY_TYPE]))
        return found

    async def _option_quotes(self, asked: Sequence[str]) -> dict[str, Quote]:
        c, what = self._connection, "option quotes"
        body = await c.read_body(lambda: get_market_data_by_type(c.session, options=asked), what)
        found = self._readable(
            _items(body, what), lambda o: option_quote(o, c.dates), lambda o: f"{_symbol(o)} in the {what}", what
        )
        return {quote.symbol: quote for quote in found if quote is not None and quote.symbol in asked}

    def _readable(
        self, items: Sequence[object], read: Callable[[JsonObject], T], name: Callable[[JsonObject], str], what: str
    ) -> list[T]:
        """What can be read of the items; the rest is remarked. Raises BrokerError when there are items and none can
        be."""
        found, left_out = readable(items, read, name)
        if left_out and not found:
            raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {left_out[0]}")
        self._connection.remark(*left_out)
        return found


def _items(body: bytes, what: str) -> list[Any]:
    return items_of(envelope_of(body, what), what)


def _read(read: Callable[[], T], what: str) -> T:
    """What `read` makes of an answer. Raises BrokerError(UNREADABLE) where it is Unreadable."""
    try:
        return read()
    except Unreadable as error:
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {unreadable_words(error)}") from None


def _named_account(o: JsonObject) -> str:
    number = short_name(o, "account-number", "")
    return f"account {masked(number)}" if number else "an account"


def _symbol(o: JsonObject) -> str:
    return short_name(o, "symbol", "an unnamed symbol")
