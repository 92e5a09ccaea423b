"""Converts the simulator's values to the engine's, as the adapter converts those of the wire (broker 2, 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from core.broker.port import AccountReads, BrokerAccount, DryRunAnswer, Position
from core.domain.market.chain import Expiration, ListedStrike, OptionChain, OptionSymbols, TickTable
from core.domain.market.judgement import Metrics
from core.domain.market.quotes import Candle, DaySummary, Quote, Trade, event_age_s
from core.domain.orders.orders import Fill, OrderReport, OrderRequest, ReportedLeg
from core.domain.orders.transactions import Transaction
from core.runtime.clock import Clock, monotonic_at
from core.simulator.exchange import orders as sim
from core.simulator.exchange.accounts import SimAccount, SimTradingStatus
from core.simulator.exchange.faults import FOREIGN_ID
from core.simulator.exchange.transactions import SimTransaction
from core.simulator.market import market_data as sim_market
from core.simulator.market.market_data import (
    ListedRoot,
    ListedStrikes,
    MarketCandle,
    MarketMetricsRow,
    MarketQuote,
    MarketSummary,
    MarketTrade,
    TickSize,
)

HUNDRED = Decimal(100)


def broker_account(account: SimAccount) -> BrokerAccount:
    return BrokerAccount(account.number, account.nickname, account.margin_or_cash, account.is_closed)


def account_reads(
    balances: sim.SimBalances, positions: list[sim.SimPosition], status: SimTradingStatus
) -> AccountReads:
    barred = (
        (status.is_closed, "closed"),
        (status.is_frozen, "frozen"),
        (status.is_closing_only, "closing only"),
        (status.is_in_margin_call, "margin call"),
    )
    words = [word for holds, word in barred if holds]
    return AccountReads(
        number=balances.account_number,
        derivative_buying_power=balances.derivative_buying_power,
        net_liquidating_value=balances.net_liquidating_value,
        positions=held(positions),
        restriction=next(iter(words), None),
        options_level=status.options_level,
        exits_barred=next((word for word in words if word in ("closed", "frozen")), ""),
    )


def held(positions: Iterable[sim.SimPosition]) -> tuple[Position, ...]:
    return tuple(
        Position(
            symbol=p.symbol,
            underlying=p.underlying_symbol,
            quantity=Decimal(p.quantity),
            direction=p.quantity_direction,
            average_open_price=p.average_open_price,
            mark=p.mark_price,
            instrument_type=p.instrument_type,
            realized_today=p.realized_today,
        )
        for p in positions
    )


def metrics(row: MarketMetricsRow, clock: Clock) -> Metrics:
    """Converts metrics. Ranks become 0 to 100, the 30-day volatility a fraction, the time an age in seconds by the
    broker's clock."""
    now = clock.monotonic()
    return Metrics(
        symbol=row.symbol,
        iv_rank=row.tos_implied_volatility_index_rank * HUNDRED,
        iv30=row.implied_volatility_30_day / HUNDRED,
        iv_percentile=row.implied_volatility_percentile * HUNDRED,
        ex_dividend=row.dividend.ex if row.dividend is not None else None,
        dividend=row.dividend.amount if row.dividend is not None else None,
        earnings=None,
        beta=row.beta,
        age_s=event_age_s(now, monotonic_at(clock, row.updated_at), now),
    )


def option_chain(symbol: str, roots: list[ListedRoot]) -> OptionChain:
    return OptionChain(symbol, tuple(expiration for root in roots for expiration in _expirations(root)))


@dataclass(frozen=True, slots=True, eq=False)
class _Strikes(Mapping[Decimal, ListedStrike]):
    """The strikes of an expiration by their price, converted when they are asked for."""

    listed: ListedStrikes

    def __getitem__(self, price: Decimal) -> ListedStrike:
        found = self.listed.at(price)
        if found is None:
            raise KeyError(price)
        return _strike(found)

    def __iter__(self) -> Iterator[Decimal]:
        return (strike.strike for strike in self.listed)

    def __len__(self) -> int:
        return len(self.listed)


@lru_cache(maxsize=65_536)
def _strike(listed: sim_market.ListedStrike) -> ListedStrike:
    put, call = (listed.put_occ, listed.put_streamer), (listed.call_occ, listed.call_streamer)
    return ListedStrike(listed.strike, OptionSymbols(*put), OptionSymbols(*call))


def _expirations(root: ListedRoot) -> list[Expiration]:
    ticks = tick_table(root.tick_sizes)
    return [
        Expiration(
            underlying=root.underlying,
            root=root.root,
            day=listed.day,
            pm_settled=listed.settlement_type == "PM",
            standard=root.option_chain_type == "Standard",
            shares_per_contract=root.shares_per_contract,
            strikes=_Strikes(listed.strikes),
            ticks=ticks,
        )
        for listed in root.expirations
    ]


def tick_table(sizes: tuple[TickSize, ...]) -> TickTable:
    bands = sorted((size.threshold, size.value) for size in sizes if size.threshold is not None)
    return TickTable(tuple(bands), next((size.value for size in sizes if size.threshold is None), None))


def order_body(request: OrderRequest) -> sim.OrderRequest:
    """The request as it would be sent on the wire: a limit order for a credit or a debit."""
    legs = tuple(
        sim.OrderLeg("Equity Option", leg.symbol, leg.action.value, Decimal(leg.quantity)) for leg in request.legs
    )
    return sim.OrderRequest(
        request.time_in_force.value,
        "Limit",
        legs,
        abs(request.credit),
        "Credit" if request.credit >= 0 else "Debit",
        external_identifier=request.identifier,
        strict=request.strict,
    )


def dry_run_answer(run: sim.DryRun) -> DryRunAnswer:
    effect = run.buying_power_effect
    return DryRunAnswer(
        buying_power_change=effect.change_in_buying_power,
        new_buying_power=effect.new_buying_power,
        fees=run.fees.total_fees,
        warnings=tuple((warning.code, warning.message) for warning in run.warnings),
    )


def order_report(order: sim.SimOrder) -> OrderReport:
    return OrderReport(
        order_id=str(order.id),
        account=order.account_number,
        status=order.status,
        identifier=order.external_identifier,
        underlying=order.underlying_symbol,
        credit=order.price,
        legs=tuple(_leg(leg) for leg in order.legs),
        received_at=order.received_at,
        terminal_at=order.terminal_at,
        updated_at=order.updated_at,
        reject_reason=order.reject_reason,
        replaces=_id_text(order.replaces_order_id),
        replaced_by=_id_text(order.replacing_order_id),
        cancelled_by=_other_user(order),
        time_in_force=order.time_in_force,
        order_type=order.order_type,
        user=order.username or "",
    )


def foreign_transaction(last: Transaction) -> Transaction:
    """A row of a kind that nobody knows, at the time of the last one (rest-foreign-item)."""
    return Transaction(
        id=str(FOREIGN_ID),
        account=last.account,
        kind="Barter",
        sub_kind="Goat",
        instrument_type="",
        symbol="",
        underlying="",
        action="",
        quantity=None,
        price=None,
        value=Decimal(0),
        net_value=Decimal(0),
        fees_estimated=False,
        executed_at=last.executed_at,
        day=last.day,
        order_id="",
        reverses="",
        text="7",
    )


def foreign_order(account: str) -> OrderReport:
    """An order of a kind that nobody knows, as it is read where nothing depends on its kind (rest-foreign-item)."""
    return OrderReport(
        order_id=str(FOREIGN_ID),
        account=account,
        status="Live",
        identifier=None,
        underlying="BTC/USD",
        credit=None,
        legs=(ReportedLeg("BTC/USD", "Allocate", Decimal(0), None, ()),),
        received_at=None,
        terminal_at=None,
        updated_at=None,
        time_in_force="Until Full Moon",
        order_type="Iceberg",
    )


def transaction(row: SimTransaction) -> Transaction:
    return Transaction(
        id=str(row.id),
        account=row.account,
        kind=row.kind,
        sub_kind=row.sub_kind,
        instrument_type=row.instrument_type or "",
        symbol=row.symbol or "",
        underlying=row.underlying or "",
        action=row.action or "",
        quantity=row.quantity,
        price=row.price,
        value=row.value,
        net_value=row.net_value,
        fees_estimated=row.estimated,
        executed_at=row.executed_at,
        day=row.day,
        order_id=_id_text(row.order_id),
        reverses=_id_text(row.reverses),
        text=row.description,
    )


def _other_user(order: sim.SimOrder) -> str:
    """Who cancelled the order, where that was another user than the order's own."""
    return "" if order.cancel_username in (None, order.username) else str(order.cancel_username)


def _id_text(order_id: int | None) -> str:
    return "" if order_id is None else str(order_id)


def _leg(leg: sim.SimLeg) -> ReportedLeg:
    fills = tuple(Fill(f.fill_id, leg.symbol, Decimal(f.quantity), f.fill_price, f.filled_at) for f in leg.fills)
    return ReportedLeg(leg.symbol, leg.action, Decimal(leg.quantity), Decimal(leg.remaining_quantity), fills)


def quote(shown: MarketQuote, clock: Clock) -> Quote:
    received = clock.monotonic()
    return Quote(
        symbol=shown.symbol,
        bid=shown.bid,
        ask=shown.ask,
        received=received,
        as_of=monotonic_at(clock, min(shown.bid_time, shown.ask_time)),
        bid_size=Decimal(shown.bid_size),
        ask_size=Decimal(shown.ask_size),
    )


def option_quote(symbol: str, shown: MarketQuote, updated_at: datetime, clock: Clock) -> Quote:
    """The quote of an OCC symbol as market data have it, dated by the broker's clock."""
    return Quote(symbol, shown.bid, shown.ask, clock.monotonic(), monotonic_at(clock, updated_at))


def trade(shown: MarketTrade, clock: Clock) -> Trade:
    return Trade(
        symbol=shown.symbol,
        price=shown.price,
        received=clock.monotonic(),
        as_of=monotonic_at(clock, shown.time),
        day_volume=Decimal(shown.day_volume),
    )


def day_summary(shown: MarketSummary, clock: Clock) -> DaySummary:
    return DaySummary(
        shown.symbol,
        shown.previous_close,
        shown.day_open,
        shown.day_high,
        shown.day_low,
        clock.monotonic(),
        shown.day,
    )


def candle(shown: MarketCandle) -> Candle:
    return Candle(shown.day, float(shown.open), float(shown.high), float(shown.low), float(shown.close))
