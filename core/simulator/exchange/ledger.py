"""The money and the positions of one account: as they are, and as the broker shows them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.book import Book, Holding
from core.simulator.exchange.instruments import (
    DELIVERABLE_TYPE,
    DELIVERED,
    Instrument,
    Share,
    multiplier_of,
    streamer_of,
    symbol_of,
    type_of,
    underlying_of,
)
from core.simulator.exchange.margin import SHARE_INITIAL, margin_requirement
from core.simulator.exchange.orders import SimBalances, SimPosition
from core.simulator.exchange.session_hours import adjustment_of
from core.simulator.exchange.transactions import (
    Move,
    Posting,
    SimTransaction,
    TransactionIds,
    TransactionLog,
    cash_of,
)
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedOption


class Ledger:
    """One account. `true` holds the positions as they are: cash, margin and the check of orders rest on them. `shown`
    holds those that the broker tells of, which follow a fill by up to a few seconds.

    Fills change the true positions and the cash at once; the postings that tell of them are due later. Every other
    posting changes all of it when it is due.
    """

    def __init__(self, setup: AccountSetup, market: Market, ids: TransactionIds) -> None:
        self.setup = setup
        self.market = market
        self.cash = setup.cash
        self.true = Book()
        self.shown = Book()
        self.log = TransactionLog(ids)
        self.postings: list[Posting] = []
        """What is to be posted, by its instant."""
        self.call_by_hand = setup.is_in_margin_call
        """Whether a margin call of the account was set or lifted by hand: then no night changes it."""
        self._year_closes: dict[tuple[str, int], Decimal] = {}
        """The last closes of years, by symbol and year."""

    def instrument(self, symbol: str) -> Instrument:
        """What a symbol of positions names. Raises KeyError for one that names nothing an account can hold."""
        option = self.market.option(symbol)
        if option is not None and option.occ == symbol:
            return option
        if symbol not in DELIVERED:
            raise KeyError(symbol)
        return Share(symbol)

    def held(self) -> dict[str, int]:
        """The true positions: symbol to contracts or shares, negative when short."""
        return self.true.held()

    def options(self) -> dict[str, ListedOption]:
        """The contracts among the true positions, by OCC symbol."""
        return self.true.options()

    # Changes

    def settle(self, moves: Sequence[Move], rows: Sequence[SimTransaction], at: datetime) -> None:
        """Changes the true positions and the cash at once. What tells of it is posted apart."""
        for move in moves:
            self._change(self.true, move, at)
        self.cash += cash_of(rows)

    def expect(self, posting: Posting) -> None:
        """Has something posted at its instant, after what is due then already."""
        insort(self.postings, posting, key=lambda each: each.at)

    def next_posting_at(self) -> datetime | None:
        """When the next posting is due, or None."""
        return self.postings[0].at if self.postings else None

    def last_shown_at(self, at: datetime) -> datetime:
        """The instant by which all fills so far are shown, at the earliest `at`: a later fill is shown no earlier."""
        return max((p.at for p in self.postings if p.moves and p.order_id is not None), default=at)

    def post_next(self) -> Posting:
        """Posts what is due next, and returns it. Raises IndexError when there is nothing."""
        posting = self.postings.pop(0)
        self.post(posting)
        return posting

    def post(self, posting: Posting) -> None:
        """Posts at once: adds the rows and shows the positions they change."""
        if not posting.settled:
            self.settle(posting.moves, posting.rows, posting.at)
        for move in posting.moves:
            self._change(self.shown, move, posting.at)
        self.log.add(posting.rows, posting.at)

    def unsettled(self) -> bool:
        """Whether a night may change it: it holds something, waits for a posting, or has a fee that is an estimate."""
        return bool(self.postings or self.log.estimated) or not self.true.is_flat()

    def drop_closed(self, before: date) -> None:
        """Forgets the positions that were closed before this exchange date."""
        self.true.drop_closed(before)
        self.shown.drop_closed(before)

    def forget_order(self, order_id: int, moves: Sequence[Move], at: datetime) -> None:
        """Takes the fills of an order back, as if they had never been. `moves` are those that undo them."""
        for posting in [p for p in self.postings if p.order_id == order_id]:
            self.postings.remove(posting)
            self.post(posting)
        for move in moves:
            self._change(self.true, move, at)
            self._change(self.shown, move, at)
        self.cash -= cash_of([row for row in self.log.posted.values() if row.order_id == order_id])
        self.log.drop_order(order_id)

    def move_in(self, move: Move, at: datetime) -> None:
        """Adds contracts or shares without paying for them: a transfer."""
        self._change(self.true, move, at)
        self._change(self.shown, move, at)

    def _change(self, book: Book, move: Move, at: datetime) -> None:
        instrument = self.instrument(move.symbol)
        if move.converts:
            book.convert(instrument, move.change, move.price, at)
            return
        book.change(instrument, move.change, move.price, at, lambda: self._previous_close(instrument, at))

    # Prices

    def price(self, symbol: str, at: datetime) -> Decimal:
        """The mark of a contract, or the last price of an underlying, in $ per share.

        An expired contract is worth what it settles for. From the morning of a split until the open the price is
        that of before, told in the new shares, as positions are.
        """
        option = self.market.option(symbol)
        if option is None:
            trade = self.market.trade(symbol, at)
            return trade.price / self._untold_split(symbol, at) if trade is not None else Decimal(0)
        if option.expires_at <= at:
            return intrinsic(option, self.market.settlement_price(option))
        quote = self.market.quote(option.streamer, at)
        known = quote is not None and quote.bid is not None and quote.ask is not None
        return (quote.bid + quote.ask) / 2 if known else Decimal(0)  # type: ignore[union-attr,operator]

    def spot(self, option: ListedOption, at: datetime) -> Decimal:
        """The price of what a contract delivers for each of its shares, in $."""
        return self.price(option.underlying, at) * option.deliverable

    def _previous_close(self, instrument: Instrument, at: datetime) -> Decimal:
        close = self.market.summary(streamer_of(instrument), at).previous_close
        if close is None:
            return self.price(symbol_of(instrument), at)
        return close / self._untold_split(symbol_of(instrument), at)

    def _untold_split(self, symbol: str, at: datetime) -> Decimal:
        """How many shares of an account each one has become of which the market, still closed, tells the price."""
        day, ratio = self.market.splits.get(symbol, (None, Decimal(1)))
        waits = day is not None and adjustment_of(day) <= at and self.market.session_day(at) < day
        return ratio if waits else Decimal(1)

    # What the broker shows

    def maintenance(self, at: datetime) -> Decimal:
        """The margin of the true positions in $."""
        return margin_requirement(self.held(), self.options(), lambda symbol: self.price(symbol, at))

    def shares_value(self, at: datetime) -> Decimal:
        """The value of the shares held, negative when short."""
        held = [h for h in self.true.holdings.values() if h.quantity and isinstance(h.instrument, Share)]
        return sum((h.quantity * self.price(h.instrument.symbol, at) for h in held), Decimal(0))  # type: ignore[union-attr]

    def maintenance_excess(self, at: datetime) -> Decimal:
        """By how many $ cash and shares exceed the margin. Below zero the account is in a margin call."""
        return self.cash + self.shares_value(at) - self.maintenance(at)

    def free_cash(self, at: datetime) -> Decimal:
        """The buying power in $ that positions leave. Below zero when they take more than there is."""
        taken = margin_requirement(self.held(), self.options(), lambda symbol: self.price(symbol, at), SHARE_INITIAL)
        return self.cash + self.shares_value(at) - taken

    def net_liquidating_value(self, at: datetime) -> Decimal:
        """What the account is worth in $: its cash, and its positions at their marks."""
        return self.balances(at, Decimal(0)).net_liquidating_value

    def position(self, symbol: str, now: datetime) -> SimPosition:
        """One position as the broker shows it, with direction Zero once it is closed.

        Raises KeyError for what the account has not held today.
        """
        holding = self.shown.holdings[symbol]
        instrument, count, today = holding.instrument, holding.quantity, exchange_time(now).date()
        mark = self.price(symbol, now)
        option = instrument if isinstance(instrument, ListedOption) else None
        current = holding.realized_on == today
        return SimPosition(
            account_number=self.setup.number,
            symbol=symbol,
            streamer_symbol=streamer_of(instrument),
            instrument_type=type_of(instrument),
            underlying_symbol=underlying_of(instrument),
            quantity=abs(count),
            quantity_direction="Long" if count > 0 else "Short" if count < 0 else "Zero",
            close_price=self._previous_close(instrument, now) or mark,
            average_open_price=holding.average_open_price.quantize(Decimal("0.0001")),
            average_yearly_close=self._yearly_close(holding, today),
            multiplier=multiplier_of(instrument),
            cost_effect="Credit" if count > 0 else "Debit" if count < 0 else "None",
            mark_price=mark,
            realized_day_gain=holding.realized_day if current else Decimal(0),
            realized_today=holding.realized_today if current else Decimal(0),
            realized_on=today,
            expires_at=None if option is None else option.expires_at,
            deliverable_type=None if option is None or option.deliverable == 1 else DELIVERABLE_TYPE,
            created_at=holding.created_at,
            updated_at=holding.updated_at,
        )

    def _yearly_close(self, holding: Holding, today: date) -> Decimal:
        if holding.opened_on.year == today.year:
            return holding.average_open_price.quantize(Decimal("0.0001"))
        key = symbol_of(holding.instrument), today.year - 1
        if key not in self._year_closes:
            new_year = datetime.combine(date(today.year, 1, 1), time(), EXCHANGE_ZONE)
            self._year_closes[key] = self.price(key[0], self.market.sessions_around(new_year)[0].close)
        return self._year_closes[key]

    def balances(self, now: datetime, reserved: Decimal) -> SimBalances:
        """The balances of the account. `reserved` is the buying power in $ that working orders hold."""
        values = {True: Decimal(0), False: Decimal(0)}
        held = self.held()
        for symbol, option in self.options().items():
            count = held.get(symbol, 0)
            values[count > 0] += abs(count) * multiplier_of(option) * self.price(symbol, now) if count else 0
        shares, margin = self.shares_value(now), self.maintenance(now)
        buying_power = max(Decimal(0), self.free_cash(now) - reserved)
        leverage = 2 if self.setup.margin_or_cash == "Margin" else 1
        net = self.cash + values[True] - values[False] + shares
        return SimBalances(
            account_number=self.setup.number,
            cash_balance=self.cash,
            long_equity_value=max(Decimal(0), shares),
            short_equity_value=max(Decimal(0), -shares),
            long_derivative_value=values[True],
            short_derivative_value=values[False],
            margin_equity=net,
            equity_buying_power=buying_power * leverage,
            derivative_buying_power=buying_power,
            day_trading_buying_power=buying_power * leverage,
            available_trading_funds=buying_power,
            maintenance_requirement=margin,
            maintenance_excess=max(Decimal(0), self.cash + shares - margin),
            reg_t_margin_requirement=margin,
            net_liquidating_value=net,
            cash_available_to_withdraw=buying_power,
            used_derivative_buying_power=margin + reserved,
            snapshot_date=self.market.session_day(now),
            updated_at=now,
        )


def intrinsic(option: ListedOption, price: Decimal) -> Decimal:
    """What a contract is worth per share when its underlying settles at this price."""
    distance = price - option.strike if option.right == "C" else option.strike - price
    return max(Decimal(0), distance)
