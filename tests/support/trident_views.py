"""Tridents as they stand at moments of their life, for the tests of what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from core.domain.market.chain import TickTable
from core.domain.market.sessions import Session
from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.timing import ExitDays
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, ExitRules, ManagedTrident, Phase
from core.domain.positions.units import Ended, Unit, UnitName
from core.domain.positions.walk import ClosePrices
from tests.support.tridents import CALL, PUT_1, PUT_2, D, exit, units
from tests.support.world import et

CENT = TickTable((), D("0.01"))
DAYS = (
    "2025-11-28",
    "2025-12-01",
    "2025-12-11",
    "2025-12-12",
    "2025-12-15",
    "2025-12-16",
    "2025-12-17",
    "2025-12-18",
    "2025-12-19",
)
SESSIONS = tuple(Session(et(day).date(), et(day, "09:30"), et(day, "16:00")) for day in DAYS)
EXPIRATION = SESSIONS[-1].day
RULES = ExitRules(ExitMode.ALL, {PUT_1: 40, PUT_2: 60, CALL: 40})
B = ManagedTrident("T1", "QQQ", EXPIRATION, D("622"), D("3"), units(), RULES, CENT, filled_at=et("2025-11-28", "10:20"))
PUT, CALLS = ClosePrices(D("1.15"), D("1.22")), ClosePrices(D("1.30"), D("1.40"))
"""Of the package: mid 3.60, natural 3.84."""
VIEW = TridentView(B, put=PUT, call=CALLS)


def at(day: str, time: str) -> Moment:
    now = et(day, time)
    session = next((one for one in SESSIONS if one.day == et(day).date()), None)
    return Moment(now, et(day).date(), session, ExitDays(EXPIRATION, SESSIONS))


def of(view: TridentView = VIEW, **changes: Any) -> TridentView:
    """The view with these changes; those that are the trident's change it."""
    own = {name: value for name, value in changes.items() if name in ManagedTrident.__slots__}
    return replace(view, trident=replace(view.trident, **own), **{n: v for n, v in changes.items() if n not in own})


def target(name: UnitName, **changes: Any) -> Exit:
    return replace(exit([name], kind=ExitKind.TARGET, id=f"t-{name}", order_id=f"7-{name}"), **changes)


TARGETS = tuple(target(name) for name in UnitName)
ALL_CLOSED = units_after(units(), [exit(UnitName, state=OrderState.FILLED)], [])
ENTRY_DAY = at("2025-11-28", "10:30")
FIRST = at("2025-12-12", "10:00")
LAST = "2025-12-18"


def closing(**changes: Any) -> TridentView:
    return of(phase=Phase.CLOSING, **changes)


def works(names: Iterable[UnitName], debit: str, when: Moment, **changes: Any) -> Exit:
    """A time exit that works since this moment."""
    one = exit(names, kind=ExitKind.TIME, debit=debit)
    changes = {"session_day": when.today, "prepared_at": when.now, "sent_at": when.now, **changes}
    return replace(one, **changes)


def gone(name: UnitName, *symbols: str) -> tuple[Unit, ...]:
    return units_after(units(), [], [Gone(name, symbol, Ended.ASSIGNED, ENTRY_DAY.now) for symbol in symbols])
