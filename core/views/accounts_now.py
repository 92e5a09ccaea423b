"""Each account as it stands now, for the first rows of the dashboard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.accounts.balances import Balance
from core.domain.operation.events import masked
from core.domain.orders.next_step import NextStep
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.exit_fate import KIND_WORDS
from core.domain.positions.exits import ExitKind
from core.domain.reporting.money import MoneyPart
from core.snapshot import AccountNow, ExitView, FateView, PositionView, open_together
from core.views.known_day import KnownDay

_TARGET = KIND_WORDS[ExitKind.TARGET]
_WORKS = OrderState.WORKING.value


@dataclass(frozen=True, slots=True)
class Book:
    """What the accounts hold and are worth. `account_of` has the account's number of each open trident, by its id:
    views have masked ones, which may be alike. `balance_of` takes an account's number, and so does `exits_stopped_of`,
    which says what holds or blocks the exits of that account."""

    open: Sequence[PositionView]
    orders: Sequence[ExitView]
    account_of: Mapping[str, str] = field(default_factory=dict)
    balance_of: Callable[[str], Balance | None] = lambda _: None
    exits_stopped_of: Callable[[str], str] = lambda _: ""


@dataclass(slots=True)
class _Own:
    """What one account has: its newest entry of today, its open tridents, and its closing orders that work."""

    entry: Entry | None = None
    held: list[PositionView] = field(default_factory=list)
    works: list[ExitView] = field(default_factory=list)


def accounts_now(steps: Iterable[tuple[str, NextStep]], known: KnownDay, book: Book) -> tuple[AccountNow, ...]:
    """One view an account, in the order of `steps`: account numbers with what comes next for each."""
    own = _by_account(known.records.entries, book)
    return tuple(_account(number, step, own[number], known, book) for number, step in steps)


def _by_account(entries: Iterable[Entry], book: Book) -> defaultdict[str, _Own]:
    """What each account has, by its number. All of it is gone through once, however many accounts there are: that is
    asked several times a second."""
    found: defaultdict[str, _Own] = defaultdict(_Own)
    for entry in entries:
        own = found[entry.account]
        if own.entry is None or _place(entry) > _place(own.entry):
            own.entry = entry
    for view in book.open:
        found[book.account_of.get(view.entry_id, "")].held.append(view)
    for order in book.orders:
        if order.state == _WORKS:
            found[book.account_of.get(order.trident_id, "")].works.append(order)
    return found


def _account(number: str, step: NextStep, own: _Own, known: KnownDay, book: Book) -> AccountNow:
    entry, held = own.entry, own.held
    targets = sum(order.name.startswith(_TARGET) for order in own.works)
    earned, balance = known.records.earned.get(number, MoneyPart()), book.balance_of(number)
    ended = sum(earned.units.values())
    together = open_together(held)
    return AccountNow(
        account=masked(number),
        step=step,
        fate=_fate(entry, known.views),
        packages=None if entry is None else known.fates[entry.id].packages,
        profit=None if entry is None else next((v.profit_mid for v in held if v.entry_id == entry.id), None),
        held=together.tridents,
        held_profit=together.mid,
        stale=together.stale,
        targets=targets,
        closes=len(own.works) - targets,
        ended=ended,
        realized=earned.realized if ended else None,
        estimated=earned.estimated,
        exits_stopped=book.exits_stopped_of(number) if held else "",
        net_liquidation=None if balance is None else balance.net_liquidation,
        buying_power=None if balance is None else balance.buying_power,
        balances_at=None if balance is None else balance.at,
    )


def _place(entry: Entry) -> tuple[datetime, str]:
    """Greater for a newer entry."""
    return entry.prepared_at, entry.id


def _fate(entry: Entry | None, views: Mapping[str, FateView]) -> FateView | None:
    return None if entry is None else views.get(entry.id)
