"""Everything read from the broker except orders: accounts, market session, metrics, chain, marks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from pydantic import ValidationError
from tastytrade.account import Account
from tastytrade.instruments import NestedOptionChain
from tastytrade.market_data import MarketData, get_market_data_by_type
from tastytrade.market_sessions import ExchangeType, get_market_sessions
from tastytrade.metrics import MarketMetricInfo, get_market_metrics

from core.broker.port import AccountReads, BrokerAccount, BrokerError, BrokerFault, MarketState
from core.broker.tastytrade.chain import chain_from
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.faults import envelope_of, items_of, unreadable_words
from core.broker.tastytrade.mapping import account_reads, broker_account, market_state, metrics_of
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Metrics
from core.domain.market.underlying import SHIPPED
from core.runtime.clock import monotonic_at

INDEX_SYMBOLS = frozenset({symbol for symbol, u in SHIPPED.items() if u.is_index} | {"NDX", "RUT", "XSP", "VIX"})
"""Symbols that are requested as indices; all others are requested as equities (broker 2.2)."""


class Reads:
    """The reads of one login. Each raises BrokerError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def accounts(self) -> tuple[BrokerAccount, ...]:
        """All accounts of the login, closed ones included."""
        c = self._connection
        found = await c.read(lambda: Account.get(c.session, include_closed=True), "accounts")
        c.know_accounts(*(account.account_number for account in found))
        return tuple(broker_account(account) for account in found)

    async def account_reads(self, number: str) -> AccountReads:
        """Balances, positions and trading status, requested at the same time. When one of the three fails, all fail."""
        c, account = self._connection, self._connection.account(number)
        balance, positions, status = await asyncio.gather(
            c.read(lambda: account.get_balances(c.session), "balances"),
            c.read(lambda: account.get_positions(c.session, include_marks=True), "positions"),
            c.read(lambda: account.get_trading_status(c.session), "trading status"),
        )
        return account_reads(balance, positions, status)

    async def market_state(self) -> MarketState:
        c = self._connection
        sessions = await c.read(lambda: get_market_sessions(c.session, [ExchangeType.NYSE]), "market session")
        for session in sessions:
            if session.instrument_collection == ExchangeType.NYSE.value:
                return market_state(session)
        raise BrokerError(BrokerFault.UNREADABLE, "market session: the answer has none for equities")

    async def metrics(self, symbols: Sequence[str]) -> tuple[Metrics, ...]:
        """The metrics of these symbols. One that cannot be read is left out; raises BrokerError when none can be."""
        c, what = self._connection, "metrics"
        body = await c.read_body(lambda: get_market_metrics(c.session, symbols), what)
        found, failure = [], ""
        for item in items_of(envelope_of(body, what), what):
            try:
                found.append(metrics_of(MarketMetricInfo(**item), c.clock))
            except (ValidationError, TypeError) as error:
                failure = unreadable_words(error)
        if failure and not found:
            raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {failure}")
        return tuple(found)

    async def chain(self, symbol: str) -> OptionChain:
        """The option chain, parsed in a thread; see `core.broker.tastytrade.chain`."""
        c = self._connection
        body = await c.read_body(lambda: NestedOptionChain.get(c.session, symbol), "option chain")
        return await asyncio.to_thread(chain_from, body, symbol)

    async def marks(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """Marks in $ by symbol, none older than 10 s (rules 2). Older ones and symbols without one are left out."""
        if not symbols:
            return {}
        c = self._connection
        indices = [symbol for symbol in symbols if symbol in INDEX_SYMBOLS]
        equities = [symbol for symbol in symbols if symbol not in INDEX_SYMBOLS]
        found = await c.read(
            lambda: get_market_data_by_type(c.session, indices=indices or None, equities=equities or None), "marks"
        )
        return {data.symbol: data.mark for data in found if data.mark is not None and self._fresh(data)}

    def _fresh(self, data: MarketData) -> bool:
        clock = self._connection.clock
        updated: datetime = data.updated_at
        if updated.tzinfo is None:
            updated = updated.replace(tzinfo=UTC)
        return clock.monotonic() - monotonic_at(clock, updated) <= self._connection.timings.marks_age
