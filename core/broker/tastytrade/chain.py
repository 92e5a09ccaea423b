"""The nested option chain as our value, read off the engine's loop.

An SPX-size answer is 5 MB. The SDK would parse it on the loop and block it for 65-130 ms; its models hold the
interpreter for a whole root at once even in a thread. So the body is taken from the response hook and read in a
thread, one expiration at a time: the loop waits for the longest single step only, the JSON itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from tastytrade.instruments import NestedOptionChainExpiration, TickSize

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.faults import envelope_of, items_of, unreadable_words
from core.domain.chain import Expiration, ListedStrike, OptionChain, OptionSymbols, TickTable

WHAT = "option chain"


def chain_from(body: bytes, underlying: str) -> OptionChain:
    """The chain in the body of GET /option-chains/{symbol}/nested. Raises BrokerError(UNREADABLE)."""
    expirations: list[Expiration] = []
    try:
        for root in items_of(envelope_of(body, WHAT), WHAT):
            expirations.extend(_root(root))
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise BrokerError(BrokerFault.UNREADABLE, f"{WHAT}: {unreadable_words(error)}") from None
    return OptionChain(underlying, tuple(sorted(expirations, key=lambda e: (e.day, e.root))))


def tick_table(sizes: list[TickSize]) -> TickTable:
    """Bands by ascending threshold; the size without one is the fallback (reference 9). Sizes of single symbols
    are not the chain's."""
    general = [size for size in sizes if size.symbol is None]
    bands = sorted((size.threshold, size.value) for size in general if size.threshold is not None)
    fallback = next((size.value for size in general if size.threshold is None), None)
    return TickTable(tuple(bands), fallback)


def _root(root: dict[str, Any]) -> list[Expiration]:
    ticks = tick_table([TickSize(**size) for size in root["tick-sizes"]])
    standard = root["option-chain-type"] == "Standard"
    shares = int(root["shares-per-contract"])
    found = []
    for item in root["expirations"]:
        listed = NestedOptionChainExpiration(**item)
        strikes: dict[Decimal, ListedStrike] = {
            strike.strike_price: ListedStrike(
                strike.strike_price,
                OptionSymbols(strike.put, strike.put_streamer_symbol),
                OptionSymbols(strike.call, strike.call_streamer_symbol),
            )
            for strike in listed.strikes
        }
        found.append(
            Expiration(
                underlying=root["underlying-symbol"],
                root=root["root-symbol"],
                day=listed.expiration_date,
                pm_settled=listed.settlement_type == "PM",
                standard=standard,
                shares_per_contract=shares,
                strikes=strikes,
                ticks=ticks,
            )
        )
    return found
