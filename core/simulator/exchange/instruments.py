"""What an account can hold: options, and the shares that their exercise delivers."""

from __future__ import annotations

from dataclasses import dataclass

from core.simulator.market.market_data import ListedOption

SHARES_PER_CONTRACT = 100
DELIVERED = frozenset({"QQQ"})
"""The underlyings whose options are exercised for shares. Those of the others settle in cash."""
DELIVERABLE_TYPE = "Shares"
"""The broker's word for what a contract delivers."""


@dataclass(frozen=True, slots=True)
class Share:
    """The shares of an ETF."""

    symbol: str


Instrument = ListedOption | Share


def symbol_of(instrument: Instrument) -> str:
    """The symbol under which the broker lists it: an OCC symbol, or that of the shares."""
    return instrument.occ if isinstance(instrument, ListedOption) else instrument.symbol


def underlying_of(instrument: Instrument) -> str:
    """The underlying of a contract; of shares their own symbol."""
    return instrument.underlying if isinstance(instrument, ListedOption) else instrument.symbol


def streamer_of(instrument: Instrument) -> str:
    """The symbol under which the feed quotes it."""
    return instrument.streamer if isinstance(instrument, ListedOption) else instrument.symbol


def multiplier_of(instrument: Instrument) -> int:
    """How many shares one unit of it stands for: its value in $ is its price times this."""
    return SHARES_PER_CONTRACT if isinstance(instrument, ListedOption) else 1


def type_of(instrument: Instrument) -> str:
    """The broker's word for its kind: Equity Option or Equity."""
    return "Equity Option" if isinstance(instrument, ListedOption) else "Equity"
