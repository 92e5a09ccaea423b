"""The nested option chain as our value, read off the engine's loop.

An SPX-size answer is 5 MB with 27,000 strikes; the SDK would parse it on the loop and block it for 65-130 ms (reference
2.4). So the body is taken from the response hook and read in a thread. A thread alone would not do: the SDK's models
hold the interpreter for a whole root, and so many new objects set off full garbage collections that stop every thread
for longer than the parsing. Hence every strike is checked in the thread and made a value only in the expirations
somebody looks into. Measured on 60 x 450 strikes: 60 ms in the thread, the loop late by at most 15-18 ms (the JSON
decoder's one step), against 105-120 ms on the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError
from tastytrade.instruments import TickSize

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.faults import envelope_of, items_of, unreadable_words
from core.domain.market.chain import Expiration, ListedStrike, OptionChain, OptionSymbols, TickTable

WHAT = "option chain"


def chain_from(body: bytes, underlying: str) -> OptionChain:
    """The chain in the body of GET /option-chains/{symbol}/nested. Raises BrokerError(UNREADABLE)."""
    expirations: list[Expiration] = []
    try:
        for root in items_of(envelope_of(body, WHAT), WHAT):
            expirations.extend(_root(root))
    except (ValidationError, KeyError, TypeError, AttributeError, ValueError, InvalidOperation) as error:
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
    return [
        Expiration(
            underlying=_text(root, "underlying-symbol"),
            root=_text(root, "root-symbol"),
            day=date.fromisoformat(item["expiration-date"]),
            pm_settled=_text(item, "settlement-type") == "PM",
            standard=standard,
            shares_per_contract=shares,
            strikes=_ListedStrikes(_checked(item["strikes"])),
            ticks=ticks,
        )
        for item in root["expirations"]
    ]


class _ListedStrikes(Mapping[Decimal, ListedStrike]):
    """The strikes of one expiration, already checked, made into values when the expiration is first looked into."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._items = items
        self._listed: dict[Decimal, ListedStrike] | None = None

    def __getitem__(self, strike: Decimal) -> ListedStrike:
        return self._made()[strike]

    def __iter__(self) -> Iterator[Decimal]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def _made(self) -> dict[Decimal, ListedStrike]:
        if self._listed is None:
            self._listed = {listed.strike: listed for listed in map(_strike, self._items)}
            self._items = []
        return self._listed


def _checked(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for item in items:
        _strike(item)
    return items


def _strike(item: dict[str, Any]) -> ListedStrike:
    return ListedStrike(
        Decimal(item["strike-price"]),
        OptionSymbols(_text(item, "put"), _text(item, "put-streamer-symbol")),
        OptionSymbols(_text(item, "call"), _text(item, "call-streamer-symbol")),
    )


def _text(item: dict[str, Any], key: str) -> str:
    value = item[key]
    if not isinstance(value, str) or not value:
        raise KeyError(key)
    return value
