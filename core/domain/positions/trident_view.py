"""All that is asked to tell what comes next for a trident: its exits, its prices, and the moment (rules 15.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from core.domain.market.sessions import Session
from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone, closed_by
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.timing import ExitDays
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import Unit, UnitName, left_of
from core.domain.positions.walk import ClosePrices

_STUCK = frozenset({OrderState.UNKNOWN, OrderState.INCIDENT})
_LEAVING = frozenset({OrderState.PREPARED, OrderState.SENT})


@dataclass(frozen=True, slots=True)
class ManualClose:
    """An operator's word to close units: at a limit, per share of the order's price, or by a walk where it is None."""

    units: tuple[UnitName, ...]
    limit: Decimal | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Dividend:
    """A dividend of the underlying: the first day without it, and its amount per share, None when nobody says."""

    ex_date: date
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, aware UTC, the exchange's date of it, and that day's session, None where there is none."""

    now: datetime
    today: date
    session: Session | None
    days: ExitDays


@dataclass(frozen=True)  # without slots: what its rules ask for again and again is kept
class TridentView:
    """A trident as it stands.

    `exits` are all it ever had, the oldest first, `gone` its contracts that left without one. `agrees`: the last
    complete read of positions agrees with the records. `put` and `call` are the prices of one spread by fresh quotes,
    None without; `short_put_mid` and `underlying_price` are fresh prices too. `refused_at` are the definite refusals of
    this session. `blocked` says why nothing may be sent, empty when it may. `opposed`: an entry of ours works on one of
    its strikes.
    """

    trident: ManagedTrident
    exits: tuple[Exit, ...] = ()
    gone: tuple[Gone, ...] = ()
    agrees: bool = True
    put: ClosePrices | None = None
    call: ClosePrices | None = None
    short_put_mid: Decimal | None = None
    underlying_price: Decimal | None = None
    dividend: Dividend | None = None
    refused_at: tuple[datetime, ...] = ()
    blocked: str = ""
    opposed: bool = False
    asked: ManualClose | None = None

    @cached_property
    def resting(self) -> tuple[Exit, ...]:
        """The exits that work at the broker, the oldest first."""
        return tuple(one for one in self._alive if one.state is OrderState.WORKING)

    @property
    def leaving(self) -> tuple[Exit, ...]:
        """The exits that are being sent."""
        return tuple(one for one in self._alive if one.state in _LEAVING)

    @cached_property
    def stuck(self) -> frozenset[UnitName]:
        """The units of exits of which nobody knows what they do: they get no order."""
        return frozenset(name for one in self._alive if one.state in _STUCK for name in one.units)

    @cached_property
    def claimed(self) -> frozenset[UnitName]:
        """The units that an exit holds."""
        return frozenset(name for one in self.exits if one.holds_units for name in one.units)

    @property
    def closable(self) -> tuple[Unit, ...]:
        """The whole units that may get an order, or have one that works."""
        return tuple(unit for unit in left_of(self.trident.units) if unit.name not in self.stuck)

    def rest_of(self, exit: Exit) -> tuple[UnitName, ...]:
        """The units that an exit claims and has not closed itself."""
        return closed_by(exit, self.trident.units).rest

    def sent_on(self, day: date, kinds: Iterable[ExitKind]) -> tuple[Exit, ...]:
        """The exits of these kinds that were sent on this day, the oldest first."""
        wanted = tuple(kinds)
        return tuple(
            one for one in self.exits if one.kind in wanted and one.session_day == day and one.sent_at is not None
        )

    def prices_of(self, units: Iterable[Unit], per: int) -> ClosePrices | None:
        """What closing these units costs, per share of an order whose price is for the whole divided by `per`."""
        mid = natural = Decimal(0)
        for unit in units:
            prices = self.put if unit.is_put else self.call
            if prices is None:
                return None
            mid += prices.mid
            natural += prices.natural
        return ClosePrices(mid / per, natural / per)

    @cached_property
    def _alive(self) -> tuple[Exit, ...]:
        return tuple(one for one in self.exits if one.released_at is None and one.may_fill)
