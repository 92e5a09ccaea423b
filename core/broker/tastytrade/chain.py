"""Turns the nested option chain into our value without blocking the engine's loop.

The SPX answer is 5 MB with 27,000 strikes. The SDK would parse it on the loop and block it for 65-130 ms
(broker 2.4), so the body is taken from the response hook and read in a thread.

A thread alone is not enough. The SDK's models hold the interpreter for a whole root, and so many new objects trigger
full garbage collections, which stop every thread for longer than the parsing takes. So the thread checks every strike,
and the values are made later, for an expiration that somebody looks into.

Measured on 60 x 450 strikes: 60 ms in the thread and at most 15-18 ms of delay on the loop (the JSON decoder works in
one step), against 105-120 ms on the loop.
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
    """The bands by ascending threshold; the size without a threshold is the fallback (broker 9).

    Sizes for single symbols are left out: they are not the chain's.
    """
    general = [size for size in sizes if size.symbol is None]
    bands = sorted((size.threshold, size.value) for size in general if size.threshold is not None)
    fallback = next((size.value for size in general if size.threshold is None), None)
    return TickTable(tuple(bands), fallback)


def _root(root: dict[str, Any]) -> list[Expiration]:
    """The expirations of one root."""
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
    """The strikes of one expiration. They are checked already; the values are made at the first access."""

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
    """The same items. Raises what `_strike` raises when one of them is no strike."""
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
