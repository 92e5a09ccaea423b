"""Turns the nested option chain into our value without blocking the engine's loop.

The SPX answer is 5 MB with 27,000 strikes. The SDK would parse it on the loop and block it for 65-130 ms
(broker 2.4), so the body is taken from the response hook and read in a thread.

A thread alone is not enough. The SDK's models hold the interpreter for a whole root, and so many new objects trigger
full garbage collections, which stop every thread for longer than the parsing takes. So the thread checks every strike,
and the values are made later, for an expiration that somebody looks into.

A strike, an expiration or a root that cannot be read is left out, so that it loses nothing but itself.

Measured on 60 x 450 strikes: 60 ms in the thread and at most 15-18 ms of delay on the loop (the JSON decoder works in
one step), against 105-120 ms on the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.faults import envelope_of, items_of
from core.broker.tastytrade.fields import (
    JsonObject,
    Unreadable,
    a_date,
    json_object,
    number,
    optional_number,
    readable,
    required_list,
    short_name,
    text,
)
from core.domain.market.chain import Expiration, ListedStrike, OptionChain, OptionSymbols, TickTable
from core.domain.operation.amounts import counted

WHAT = "option chain"


def chain_from(body: bytes, underlying: str) -> tuple[OptionChain, tuple[str, ...]]:
    """The chain in the body of GET /option-chains/{symbol}/nested, and a sentence for each part that is left out of it.

    Raises BrokerError(UNREADABLE), also when nothing is left.
    """
    left_out: list[str] = []
    items = items_of(envelope_of(body, WHAT), WHAT)
    roots, unread = readable(items, lambda o: _root(o, left_out), lambda o: _named(o, "root-symbol", underlying))
    left_out.extend(unread)
    expirations = sorted((e for root in roots for e in root), key=lambda e: (e.day, e.root))
    if left_out and not expirations:
        raise BrokerError(BrokerFault.UNREADABLE, f"{WHAT}: {left_out[0]}")
    return OptionChain(underlying, tuple(expirations)), tuple(left_out)


def tick_table(sizes: list[Any]) -> TickTable:
    """The bands by ascending threshold; the size without a threshold is the fallback (broker 9).

    Sizes for single symbols are left out: they are not the chain's. Raises Unreadable.
    """
    bands: list[tuple[Decimal, Decimal]] = []
    fallback: Decimal | None = None
    for size in sizes:
        item = json_object(size, "tick-sizes")
        if item.get("symbol") is not None:
            text(item, "symbol")
            continue
        tick, threshold = number(item, "value"), optional_number(item, "threshold")
        if threshold is not None:
            bands.append((threshold, tick))
        elif fallback is None:
            fallback = tick
    return TickTable(tuple(sorted(bands)), fallback)


def _root(root: JsonObject, left_out: list[str]) -> list[Expiration]:
    """The expirations of one root. What is left out is added to `left_out`. Raises Unreadable."""
    ticks = tick_table(required_list(root, "tick-sizes"))
    standard = text(root, "option-chain-type") == "Standard"
    shares = number(root, "shares-per-contract")
    if shares != int(shares):
        raise Unreadable("shares-per-contract")
    underlying, name = text(root, "underlying-symbol"), text(root, "root-symbol")
    odd = _OddStrikes(name)

    def expiration(item: JsonObject) -> Expiration:
        day = a_date(item, "expiration-date")
        return Expiration(
            underlying=underlying,
            root=name,
            day=day,
            pm_settled=text(item, "settlement-type") == "PM",
            standard=standard,
            shares_per_contract=int(shares),
            strikes=_ListedStrikes(_checked(required_list(item, "strikes"), day, odd)),
            ticks=ticks,
        )

    found, unread = readable(
        required_list(root, "expirations"), expiration, lambda o: _named(o, "expiration-date", name)
    )
    left_out.extend(odd.sentences())
    left_out.extend(unread)
    return found


@dataclass
class _OddStrikes:
    """The strikes of one root that are left out: by the keys that could not be read, for each expiration how many and
    of how many. The same far strikes may be odd in each expiration: that is one sentence."""

    root: str
    by_keys: dict[tuple[str, ...], dict[date, tuple[int, int]]] = field(default_factory=dict)

    def add(self, keys: Iterable[str], day: date, lacking: int, of: int) -> None:
        self.by_keys.setdefault(tuple(keys), {})[day] = lacking, of

    def sentences(self) -> Iterator[str]:
        for keys, days in self.by_keys.items():
            lacking, of = (sum(counts) for counts in zip(*days.values(), strict=True))
            where = f"{self.root} {next(iter(days))}" if len(days) == 1 else f"{self.root}, {len(days)} expirations"
            verb = "is" if lacking == 1 else "are"
            yield f"{where}: {lacking} of {counted(of, 'strike')} {verb} left out ({', '.join(keys)})"


class _ListedStrikes(Mapping[Decimal, ListedStrike]):
    """The strikes of one expiration. They are checked already; the values are made at the first access."""

    def __init__(self, items: list[JsonObject]) -> None:
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


def _checked(items: list[Any], day: date, odd: _OddStrikes) -> list[JsonObject]:
    """The items that are strikes. The others are added to `odd`.

    Raises Unreadable when there are items and none of them is a strike.
    """
    found: list[JsonObject] = []
    keys: dict[str, None] = {}
    for item in items:
        try:
            _strike(json_object(item, "strikes"))
        except Unreadable as error:
            keys[error.key] = None
        else:
            found.append(item)
    if keys and not found:
        raise Unreadable(next(iter(keys)))
    if keys:
        odd.add(keys, day, len(items) - len(found), len(items))
    return found


def _strike(item: JsonObject) -> ListedStrike:
    return ListedStrike(
        number(item, "strike-price"),
        OptionSymbols(text(item, "put"), text(item, "put-streamer-symbol")),
        OptionSymbols(text(item, "call"), text(item, "call-streamer-symbol")),
    )


def _named(o: JsonObject, key: str, of: str) -> str:
    """What part of the chain this is, as far as it says."""
    return f"{short_name(o, key, 'a part')} of the {of} chain"
