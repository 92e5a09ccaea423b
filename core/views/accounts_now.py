"""Each account as it stands now, for the first rows of the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.accounts.balances import Balance
from core.domain.operation.events import masked
from core.domain.orders.next_step import NextStep
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.exit_fate import KIND_WORDS
from core.domain.positions.exits import ExitKind
from core.domain.reporting.money import MoneyPart
from core.snapshot import AccountNow, ExitView, FateView, Freshness, PositionView
from core.views.known_day import KnownDay

_TARGET = KIND_WORDS[ExitKind.TARGET]
_WORKS = OrderState.WORKING.value


@dataclass(frozen=True, slots=True)
class Book:
    """What the accounts hold and are worth. `account_of` has the account's number of each open trident, by its id:
    views have masked ones, which may be alike. `balance_of` takes an account's number, and so
    does `exits_stopped_of`, which says what holds or blocks the exits of that account."""

    open: Sequence[PositionView]
    orders: Sequence[ExitView]
    account_of: Mapping[str, str] = field(default_factory=dict)
    balance_of: Callable[[str], Balance | None] = lambda _: None
    exits_stopped_of: Callable[[str], str] = lambda _: ""


def accounts_now(steps: Iterable[tuple[str, NextStep]], known: KnownDay, book: Book) -> tuple[AccountNow, ...]:
    """One view an account, in the order of `steps`: account numbers with what comes next for each."""
    return tuple(_account(number, step, known, book) for number, step in steps)


def _account(number: str, step: NextStep, known: KnownDay, book: Book) -> AccountNow:
    entry = _newest(entry for entry in known.records.entries if entry.account == number)
    held = [view for view in book.open if book.account_of.get(view.entry_id) == number]
    works = [order for order in book.orders if order.state == _WORKS]
    orders = [order for order in works if book.account_of.get(order.trident_id) == number]
    targets = sum(order.name.startswith(_TARGET) for order in orders)
    earned, balance = known.records.earned.get(number, MoneyPart()), book.balance_of(number)
    ended = sum(earned.units.values())
    profits = [view.open_mid for view in held if view.open_mid is not None]
    return AccountNow(
        account=masked(number),
        step=step,
        fate=_fate(entry, known.views),
        packages=None if entry is None else known.fates[entry.id].packages,
        profit=None if entry is None else next((v.profit_mid for v in held if v.entry_id == entry.id), None),
        held=len(held),
        held_profit=sum(profits, Decimal(0)) if held and len(profits) == len(held) else None,
        stale=any(view.freshness is Freshness.STALE for view in held),
        targets=targets,
        closes=len(orders) - targets,
        ended=ended,
        realized=earned.realized if ended else None,
        estimated=earned.estimated,
        exits_stopped=book.exits_stopped_of(number) if held else "",
        net_liquidation=None if balance is None else balance.net_liquidation,
        buying_power=None if balance is None else balance.buying_power,
        balances_at=None if balance is None else balance.at,
    )


def _newest(entries: Iterable[Entry]) -> Entry | None:
    return max(entries, key=lambda entry: (entry.prepared_at, entry.id), default=None)


def _fate(entry: Entry | None, views: Mapping[str, FateView]) -> FateView | None:
    return None if entry is None else views.get(entry.id)
