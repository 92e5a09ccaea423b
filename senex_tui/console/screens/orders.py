"""The page of the orders: what is unknown and what works, closing orders that ended today, then the other entries, each
newest first; today's entries as they are now, older ones from the records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from senex_tui.console.screens.asking import AsksRecords, exits_recorded
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.screens.page import AboutAnEntry
from widgets.base.list_panel import ListPanel, Row
from widgets.order_list import order_listing

if TYPE_CHECKING:
    from datetime import date

    from core.records.records import Records
    from core.records.search.history_rows import Mark
    from core.snapshot import ExitView, OrderView
    from core.views.lookups import OrdersFound

_OLDER, _ENDED = "older ones", "closing orders that ended today"
AT_A_TIME = 100
"""Entries read at a time."""
MOST = 3000
"""How many entries the page keeps at most; `senex history --kind orders` finds older ones."""


async def _page(after: Mark | None, records: Records) -> OrdersFound:
    from core.views.lookups import orders_page

    return await orders_page(records, AT_A_TIME, after)


async def _ended(day: date, records: Records) -> tuple[ExitView, ...]:
    from core.views.lookups import exits_ended_on

    return await exits_ended_on(records, day)


class OrdersPage(ListPage, AsksRecords, AboutAnEntry):
    """Reads older entries when the last row is chosen, and while a filter finds nothing."""

    NAME = "orders"
    UNSAID = ListPage.UNSAID - {"cancel", "unknown"}

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._orders: dict[str, OrderView] = {}
        self._exits: tuple[ExitView, ...] = ()
        self._ended: tuple[ExitView, ...] = ()
        self._end: Mark | None = None
        self._reading = False
        self._waits_for = {_OLDER, _ENDED}
        self._troubles: dict[str, str] = {}

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.orders, self._follow)
        self.watch_slice(lambda shown: shown.exits, self._follow_exits)
        self.watch_slice(exits_recorded, lambda _: self._read_ended())
        self._read(None)

    @property
    def entry_id(self) -> str | None:
        row = self.list.chosen
        return None if row is None else row.key

    @property
    def closing_order(self) -> ExitView | None:
        return next((one for one in (*self._exits, *self._ended) if one.exit_id == self.entry_id), None)

    def open(self, row: Row) -> None:
        # These import the records; the first paint does not wait for them.
        from senex_tui.console.screens.entry import EntryPage
        from senex_tui.console.screens.trident import ExitPage

        closing = self.closing_order
        if closing is not None:
            self.app.push_screen(ExitPage(closing))
        elif row.key in self._orders:
            self.app.push_screen(EntryPage(self._orders[row.key]))

    def _follow(self, orders: tuple[OrderView, ...]) -> None:
        self._orders.update((order.entry_id, order) for order in orders)
        self._show()

    def _follow_exits(self, exits: tuple[ExitView, ...]) -> None:
        self._exits = exits
        self._show()

    def _read_ended(self) -> None:
        day = self.console.shown.day
        if day is not None:
            self.ask_records(_ENDED, partial(_ended, day), self._found_ended)

    def _found_ended(self, found: tuple[ExitView, ...]) -> None:
        self._ended = found
        self._waits_for.discard(_ENDED)
        self._troubles.pop(_ENDED, None)
        self._show()

    def _read(self, after: Mark | None) -> None:
        self._reading = True
        self.ask_records(_OLDER, partial(_page, after), self._found)

    def _found(self, found: OrdersFound) -> None:
        self._reading, self._end = False, found.end
        self._waits_for.discard(_OLDER)
        self._troubles.pop(_OLDER, None)
        for order in found.orders:
            self._orders.setdefault(order.entry_id, order)
        self._show()
        self._read_on()

    def not_answered(self, about: str, why: str) -> None:
        if about == _OLDER:
            self._reading = False
        self._waits_for.discard(about)
        self._troubles[about] = why
        self._show()

    def _show(self) -> None:
        now = self.console.status_view.status.now if self.console.status_view is not None else None
        troubles = [f"{about} not read: {why}" for about, why in sorted(self._troubles.items(), reverse=True)]
        holding = {one.exit_id for one in self._exits}
        self.show(
            order_listing(
                tuple(self._orders.values()),
                now,
                next(iter(troubles), ""),
                is_more=self._end is not None,
                exits=(*self._exits, *(one for one in self._ended if one.exit_id not in holding)),
            ),
            is_whole=not self._waits_for,
        )

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        self._read_on()

    def _read_on(self) -> None:
        rows = self.list.rows
        at_end = not rows or self.list.chosen is rows[-1]
        if at_end and self._end is not None and not self._reading and len(self._orders) < MOST:
            self._read(self._end)
