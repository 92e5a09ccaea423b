"""The page of the entries, newest first: today's as they are now, older ones from the records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from senex_tui.console.screens.asking import AsksRecords
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.screens.page import AboutAnEntry
from widgets.base.list_panel import ListPanel, Row
from widgets.order_list import order_listing

if TYPE_CHECKING:
    from core.records.records import Records
    from core.records.search.history_rows import Mark
    from core.snapshot import ExitView, OrderView
    from core.views.lookups import OrdersFound

AT_A_TIME = 100
"""Entries read at a time."""
MOST = 3000
"""How many entries the page keeps at most; `senex history --kind orders` finds older ones."""


async def _page(after: Mark | None, records: Records) -> OrdersFound:
    from core.views.lookups import orders_page

    return await orders_page(records, AT_A_TIME, after)


class OrdersPage(ListPage, AsksRecords, AboutAnEntry):
    """Reads older entries when the last row is chosen, and while a filter finds nothing."""

    NAME = "orders"
    UNSAID = ListPage.UNSAID - {"cancel", "unknown"}

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._orders: dict[str, OrderView] = {}
        self._exits: tuple[ExitView, ...] = ()
        self._end: Mark | None = None
        self._reading = False
        self._trouble = ""

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.orders, self._follow)
        self.watch_slice(lambda shown: shown.exits, self._follow_exits)
        self._read(None)

    @property
    def entry_id(self) -> str | None:
        row = self.list.chosen
        return None if row is None else row.key

    def open(self, row: Row) -> None:
        # These import the records; the first paint does not wait for them.
        from senex_tui.console.screens.entry import EntryPage
        from senex_tui.console.screens.trident import ExitPage

        closing = next((one for one in self._exits if one.exit_id == row.key), None)
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

    def _read(self, after: Mark | None) -> None:
        self._reading = True
        self.ask_records("older", partial(_page, after), self._found)

    def _found(self, found: OrdersFound) -> None:
        self._reading, self._trouble, self._end = False, "", found.end
        for order in found.orders:
            self._orders.setdefault(order.entry_id, order)
        self._show()
        self._read_on()

    def not_answered(self, about: str, why: str) -> None:
        self._reading, self._trouble = False, why
        self._show()

    def _show(self) -> None:
        now = self.console.status_view.status.now if self.console.status_view is not None else None
        self.show(
            order_listing(
                tuple(self._orders.values()), now, self._trouble, is_more=self._end is not None, exits=self._exits
            )
        )

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        self._read_on()

    def _read_on(self) -> None:
        rows = self.list.rows
        at_end = not rows or self.list.chosen is rows[-1]
        if at_end and self._end is not None and not self._reading and len(self._orders) < MOST:
            self._read(self._end)
