"""The REST paths of the market: chains, instruments, metrics, quotes, sessions, holidays and the quote token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from core.runtime.clock import Clock, exchange_time
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.market_view import MarketView
from core.simulator.market.market_data import ListedRoot
from core.simulator.wire.oauth import TokenIssuer
from core.simulator.wire.payloads import Payload, iso, items
from core.simulator.wire.payloads_instruments import equity, find_option, flat_chain, nested_chain
from core.simulator.wire.payloads_market import holidays, market_data, market_session, metrics
from core.simulator.wire.rest import Answer, Call, Refusal, Route, not_found

MAX_BY_TYPE = 100
"""The most symbols in one by-type request, summed over all types (broker 2.2)."""

COLLECTIONS = frozenset({"Equity"})
INSTRUMENT_TYPES = {"equity": "Equity", "equity-option": "Equity Option", "index": "Index"}


class MarketApi:
    """The handlers of the market paths. `feed_address` returns the URL of the quote feed."""

    def __init__(
        self,
        view: MarketView,
        tokens: TokenIssuer,
        faults: ArmedFaults,
        clock: Clock,
        feed_address: Callable[[], str],
    ) -> None:
        self._view = view
        self._tokens = tokens
        self._faults = faults
        self._clock = clock
        self._feed_address = feed_address
        self._chains: dict[tuple[str, str, date], list[Payload]] = {}

    def routes(self) -> list[Route]:
        return [
            ("GET", "/api-quote-tokens", self.quote_token),
            ("GET", "/option-chains/{symbol}/nested", self.nested_chain),
            ("GET", "/option-chains/{symbol}", self.flat_chain),
            ("GET", "/instruments/equity-options/{symbol}", self.option),
            ("GET", "/instruments/equity-options", self.options),
            ("GET", "/instruments/equities/{symbol}", self.equity),
            ("GET", "/instruments/equities", self.equities),
            ("GET", "/market-metrics", self.metrics),
            ("GET", "/market-data/by-type", self.by_type),
            ("GET", "/market-data/{type}/{symbol}", self.market_data),
            ("GET", "/market-time/sessions/current", self.sessions),
            ("GET", "/market-time/equities/holidays", self.holidays),
        ]

    def quote_token(self, call: Call) -> Answer:
        monotonic = self._clock.monotonic()
        if self._faults.take(FaultKind.QUOTE_TOKEN_REFUSED, monotonic, path="/api-quote-tokens") is not None:
            raise Refusal(401, "token_invalid", "This token is invalid or has expired")
        delayed = self._faults.take(FaultKind.QUOTE_TOKEN_DELAYED, monotonic, path="/api-quote-tokens") is not None
        return Answer(
            {
                "token": self._tokens.quote_token(call.login, monotonic),
                "dxlink-url": self._feed_address(),
                "level": "delayed" if delayed else "api",
            }
        )

    def nested_chain(self, call: Call) -> Answer:
        return Answer(items(self._chain(call, "nested")))

    def flat_chain(self, call: Call) -> Answer:
        return Answer(items(self._chain(call, "flat")))

    def option(self, call: Call) -> Answer:
        found = self._option(call, call.names["symbol"])
        if found is None:
            raise not_found(f"equity option with symbol {call.names['symbol']}")
        return Answer(found)

    def options(self, call: Call) -> Answer:
        found = [self._option(call, symbol) for symbol in call.values("symbol")]
        return Answer(items([option for option in found if option is not None]))

    def equity(self, call: Call) -> Answer:
        found = self._equity(call, call.names["symbol"])
        if found is None:
            raise not_found(f"equity with symbol {call.names['symbol']}")
        return Answer(found)

    def equities(self, call: Call) -> Answer:
        found = [self._equity(call, symbol) for symbol in call.values("symbol")]
        return Answer(items([entry for entry in found if entry is not None]))

    def metrics(self, call: Call) -> Answer:
        known = [symbol for symbol in call.values("symbols") if symbol in self._view.market.symbols]
        return Answer(items([metrics(self._view.metrics(symbol, call.now)) for symbol in known]))

    def by_type(self, call: Call) -> Answer:
        asked = [(symbol, kind) for kind in INSTRUMENT_TYPES for symbol in call.values(kind)]
        if not asked or len(asked) > MAX_BY_TYPE:
            raise Refusal(400, "validation_error", f"{len(asked)} symbols asked for; give 1 to {MAX_BY_TYPE}")
        found = [self._market_data(call, symbol, INSTRUMENT_TYPES[kind]) for symbol, kind in asked]
        return Answer(items([row for row in found if row is not None]))

    def market_data(self, call: Call) -> Answer:
        row = self._market_data(call, call.names["symbol"], call.names["type"])
        if row is None:
            raise not_found(f"market data for {call.names['symbol']}")
        return Answer(row)

    def sessions(self, call: Call) -> Answer:
        asked = call.values("instrument-collections")
        if not asked or not COLLECTIONS.issuperset(asked):
            raise Refusal(400, "validation_error", f"instrument-collections {asked!r} does not have a valid value")
        return Answer(items([market_session(self._view, call.now, collection) for collection in asked]))

    def holidays(self, call: Call) -> Answer:
        return Answer(holidays(call.now))

    def _chain(self, call: Call, form: str) -> list[Payload]:
        symbol = call.names["symbol"]
        shown = self._view.chain_day(symbol, call.now)
        key = (form, symbol, shown)
        if key not in self._chains:
            roots = self._roots(symbol, shown)
            if not roots:
                raise not_found(f"option chain for {symbol}")
            # Chains of earlier days are hardly ever read again.
            self._chains = {kept: chain for kept, chain in self._chains.items() if kept[2] == shown}
            self._chains[key] = nested_chain(roots) if form == "nested" else flat_chain(roots, shown)
        return self._chains[key]

    def _roots(self, symbol: str, today: date) -> list[ListedRoot]:
        return self._view.market.chain(symbol, today)

    def _option(self, call: Call, symbol: str) -> Payload | None:
        contract = self._view.market.option(symbol)
        if contract is None or contract.occ != symbol:
            return None
        today = exchange_time(call.now).date()
        return find_option(self._roots(contract.underlying, today), symbol, today)

    def _equity(self, call: Call, symbol: str) -> Payload | None:
        roots = self._roots(symbol, exchange_time(call.now).date())
        if not roots:
            return None
        halted_at = iso(call.now) if self._view.halted(symbol, call.now) else None
        return equity(symbol, roots[0], halted_at)

    def _market_data(self, call: Call, symbol: str, instrument_type: str) -> Payload | None:
        if instrument_type == "Equity Option":
            streamer = self._view.market.occ_to_streamer(symbol)
        else:
            streamer = symbol if symbol in self._view.market.symbols else None
        if streamer is None:
            return None
        return market_data(self._view, symbol, streamer, instrument_type, call.now)
