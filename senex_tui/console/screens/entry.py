"""The page of one entry: above as it is now, below its story with price, risk, legs and states."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from core.views import lookups
from senex_tui.console.screens.page import AboutAnEntry
from senex_tui.console.screens.story import StoryPage
from widgets.base.day_panel import day_context
from widgets.entry import EntryPanel
from widgets.orders import order_lines

if TYPE_CHECKING:
    from core.snapshot import OrderView


class EntryPage(AboutAnEntry, StoryPage):
    """Reads the story again whenever the entry's state, its fills or the broker's word have changed."""

    UNSAID = StoryPage.UNSAID - {"cancel", "unknown"}
    DEFAULT_CSS = """
    EntryPage > EntryPanel { max-height: 50%; }
    """

    def __init__(self, order: OrderView) -> None:
        super().__init__(partial(lookups.entry_story, entry_id=order.entry_id), f"entry-{order.entry_id}")
        self._order = order
        self._seen = _recorded_fields(order)

    @property
    def entry_id(self) -> str:
        return self._order.entry_id

    def body(self) -> ComposeResult:
        yield EntryPanel(id="entry")
        yield from super().body()

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.orders, self._follow_entry)

    def _follow_entry(self, orders: tuple[OrderView, ...]) -> None:
        self._order = next((order for order in orders if order.entry_id == self.entry_id), self._order)
        self._show_entry()
        if _recorded_fields(self._order) != self._seen:
            self._seen = _recorded_fields(self._order)
            self._ask()

    async def _asked(self) -> None:
        await super()._asked()
        self._show_entry()

    def _show_entry(self) -> None:
        """Shows the entry; its fills only until the story is there, which tells them leg by leg."""
        order = replace(self._order, fills=()) if self.panel.whole else self._order
        panel = self.query_one(EntryPanel)
        context = day_context(self.console.shown)
        panel.styles.height = 1 + len(order_lines(order, max(20, self.app.size.width - 2), context))
        panel.show_context(context)
        panel.show(order)


def _recorded_fields(order: OrderView) -> tuple[object, ...]:
    """The fields of the entry that come from the records. Its age and its evidence's countdowns change on the screen
    alone."""
    return (order.state, order.broker_status, order.filled_contracts, order.order_id, order.detail, order.reentry)
