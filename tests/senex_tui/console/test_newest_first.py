"""Every list that has times shows what is newest first, in whatever order it is given its rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest

from core.snapshot import EndedTrident, PositionsSlice
from senex_tui.console.screens.account import AccountPage
from senex_tui.console.screens.accounts import AccountsPage
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.history import HistoryPage
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.positions import PositionsPage
from senex_tui.console.screens.settings import SettingsPage
from tests.support.console import parts
from widgets.alert_list import alert_listing
from widgets.base.list_panel import Listing
from widgets.order_list import order_listing
from widgets.trident_list import trident_listing

COUNT = 5
NOW = parts.order().at
NEWEST_FIRST = [f"row{number}" for number in range(COUNT)]


def times() -> list[tuple[str, datetime]]:
    """Rows with their times, the newest named first, in an order that chance makes."""
    rows = [(name, NOW - timedelta(days=number)) for number, name in enumerate(NEWEST_FIRST)]
    return random.sample(rows, len(rows))


def orders() -> Listing:
    return order_listing([replace(parts.order(), entry_id=name, at=at) for name, at in times()], NOW)


def open_alerts() -> Listing:
    rows = [parts.alert(id=int(name[-1]), since=at) for name, at in times()]
    return alert_listing(rows, [])


def closed_alerts() -> Listing:
    rows = [parts.alert(id=int(name[-1]), closed=at) for name, at in times()]
    return alert_listing([], rows)


def open_tridents() -> Listing:
    rows = tuple(parts.position(entry_id=name, opened_at=at) for name, at in times())
    return trident_listing(PositionsSlice(rows), (), NOW)


def ended_tridents() -> Listing:
    view = parts.position()
    rows = [
        EndedTrident(name, view.account, "QQQ", view.strikes, view.expiration, view.credit, at, "target", D(1), False)
        for name, at in times()
    ]
    return trident_listing(PositionsSlice(), rows, NOW)


LISTS: dict[type[ListPage], tuple[Callable[[], Listing], ...]] = {
    OrdersPage: (orders,),
    AlertsPage: (open_alerts, closed_alerts),
    PositionsPage: (open_tridents, ended_tridents),
}
ELSEWHERE = {
    HistoryPage: "the records give its rows page by page; the tests of the search have their order",
    AccountPage: "settings have no time; the records give their changes newest first",
    SettingsPage: "settings have no time",
    AccountsPage: "accounts have no time; they stand as the broker names them",
}


@pytest.mark.parametrize("listing", [one for some in LISTS.values() for one in some], ids=lambda one: one.__name__)
def test_the_newest_row_is_first(listing: Callable[[], Listing]) -> None:
    assert [row.key for row in listing().rows] in (NEWEST_FIRST, [name[-1] for name in NEWEST_FIRST])


def test_no_list_is_left_out() -> None:
    def pages(of: type[ListPage]) -> set[type[ListPage]]:
        return {page for one in of.__subclasses__() for page in ({one} | pages(one))}

    ours = {page for page in pages(ListPage) if page.__module__.startswith("senex_tui.")}
    assert ours == {*LISTS, *ELSEWHERE}
