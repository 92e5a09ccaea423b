"""The broker's JSON of option chains, options and underlyings (broker 2.4, 12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from core.simulator.exchange.instruments import DELIVERABLE_TYPE
from core.simulator.market.market_data import ListedExpiration, ListedOption, ListedRoot, ListedStrike, TickSize
from core.simulator.wire.payloads import Json, Payload, iso, money

EQUITY_TICKS = (TickSize(Decimal("0.0001"), Decimal("1.0")), TickSize(Decimal("0.01")))
"""The tick table of shares (broker 9)."""

DESCRIPTIONS = {"QQQ": "Invesco QQQ Trust - Series 1", "SPX": "S&P 500 Index"}
INDEXES = frozenset({"SPX"})
IDENTIFIERS = {"QQQ": 15, "SPX": 1009}


def nested_chain(roots: Sequence[ListedRoot]) -> list[Payload]:
    """The items of GET /option-chains/{symbol}/nested: one for each root."""
    return [
        {
            "underlying-symbol": root.underlying,
            "root-symbol": root.root,
            "option-chain-type": root.option_chain_type,
            "shares-per-contract": root.shares_per_contract,
            "tick-sizes": tick_sizes(root.tick_sizes),
            "deliverables": [_deliverable(root)],
            "expirations": [_expiration(entry) for entry in root.expirations],
        }
        for root in roots
    ]


def flat_chain(roots: Sequence[ListedRoot], today: date) -> list[Payload]:
    """The items of GET /option-chains/{symbol}: one for each option."""
    found = []
    for root in roots:
        for expiration in root.expirations:
            for strike in expiration.strikes:
                for right in ("C", "P"):
                    listed = _listed(root, expiration, strike, right)
                    found.append(option(listed, root, expiration, today))
    return found


def find_option(roots: Sequence[ListedRoot], occ: str, today: date) -> Payload | None:
    """The data of GET /instruments/equity-options/{occ}. None when the option is not listed."""
    for root in roots:
        for expiration in root.expirations:
            for strike in expiration.strikes:
                if occ in (strike.call_occ, strike.put_occ):
                    right = "C" if occ == strike.call_occ else "P"
                    return option(_listed(root, expiration, strike, right), root, expiration, today)
    return None


def option(item: ListedOption, root: ListedRoot, expiration: ListedExpiration, today: date) -> Payload:
    return {
        "instrument-type": "Equity Option",
        "symbol": item.occ,
        "active": True,
        "strike-price": money(item.strike),
        "root-symbol": item.root,
        "underlying-symbol": item.underlying,
        "expiration-date": item.expiration.isoformat(),
        "exercise-style": "European" if item.underlying in INDEXES else "American",
        "shares-per-contract": root.shares_per_contract,
        "option-type": item.right,
        "option-chain-type": root.option_chain_type,
        "expiration-type": expiration.expiration_type,
        "settlement-type": item.settlement_type,
        "stops-trading-at": iso(item.stops_trading_at),
        "expires-at": iso(item.expires_at),
        "market-time-instrument-collection": "Cash Settled Equity Option"
        if item.underlying in INDEXES
        else "Equity Option",
        "days-to-expiration": (item.expiration - today).days,
        "is-closing-only": False,
        "streamer-symbol": item.streamer,
    }


def equity(symbol: str, root: ListedRoot, halted_at: str | None) -> Payload:
    """The data of GET /instruments/equities/{symbol}, which has indexes too. `halted_at` is None without a halt."""
    is_index = symbol in INDEXES
    payload: Payload = {
        "id": IDENTIFIERS.get(symbol, 1),
        "symbol": symbol,
        "instrument-type": "Index" if is_index else "Equity",
        "short-description": symbol,
        "is-index": is_index,
        "listed-market": "XNAS" if not is_index else "OTC",
        "description": DESCRIPTIONS.get(symbol, symbol),
        "lendability": "Easy To Borrow" if not is_index else "Locate Required",
        "market-time-instrument-collection": "Equity" if not is_index else "Index",
        "is-closing-only": False,
        "is-options-closing-only": False,
        "active": True,
        "is-fractional-quantity-eligible": not is_index,
        "is-illiquid": False,
        "is-etf": not is_index,
        "streamer-symbol": symbol,
        "tick-sizes": tick_sizes(EQUITY_TICKS),
        "option-tick-sizes": tick_sizes(root.tick_sizes),
    }
    if halted_at is not None:
        payload["halted-at"] = halted_at
    return payload


def tick_sizes(bands: Sequence[TickSize]) -> list[Json]:
    listed: list[Json] = []
    for band in bands:
        entry: Payload = {"value": money(band.value)}
        if band.threshold is not None:
            entry = {"threshold": money(band.threshold), **entry}
        listed.append(entry)
    return listed


def _expiration(item: ListedExpiration) -> Payload:
    return {
        "expiration-type": item.expiration_type,
        "expiration-date": item.day.isoformat(),
        "days-to-expiration": item.days_to_expiration,
        "settlement-type": item.settlement_type,
        "strikes": [
            {
                "strike-price": money(strike.strike),
                "call": strike.call_occ,
                "call-streamer-symbol": strike.call_streamer,
                "put": strike.put_occ,
                "put-streamer-symbol": strike.put_streamer,
            }
            for strike in item.strikes
        ],
    }


def _deliverable(root: ListedRoot) -> Payload:
    return {
        "id": IDENTIFIERS.get(root.underlying, 1),
        "root-symbol": root.root,
        "deliverable-type": DELIVERABLE_TYPE,
        "description": f"{root.shares_per_contract} shares of {root.underlying}",
        "amount": f"{root.shares_per_contract}.0",
        "symbol": root.underlying,
        "instrument-type": "Index" if root.underlying in INDEXES else "Equity",
        "percent": "100",
    }


def _listed(root: ListedRoot, expiration: ListedExpiration, strike: ListedStrike, right: str) -> ListedOption:
    call = right == "C"
    return ListedOption(
        occ=strike.call_occ if call else strike.put_occ,
        streamer=strike.call_streamer if call else strike.put_streamer,
        underlying=root.underlying,
        root=root.root,
        expiration=expiration.day,
        strike=strike.strike,
        right=right,
        settlement_type=expiration.settlement_type,
        stops_trading_at=expiration.stops_trading_at,
        expires_at=expiration.expires_at,
    )
