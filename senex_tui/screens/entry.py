"""One entry told whole: as it is now, its price and risk, its legs, and its way through the states."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from senex_tui.screens.asking import AsksRecords
from widgets.entry import EntryPanel, EntryTold

if TYPE_CHECKING:
    from core.records.records import Records
    from core.show.story import Story
    from core.snapshot import OrderView


async def _story(entry_id: str, records: Records) -> Story | None:
    from core.show.lookups import entry_story

    return await entry_story(records, entry_id)


class EntryPage(AsksRecords):
    """Follows the entry: what the records tell is read again whenever its state, fills or the broker's word change."""

    AUTO_FOCUS = "EntryPanel"

    def __init__(self, order: OrderView) -> None:
        super().__init__()
        self._order = order
        self._told = EntryTold(order)
        self._seen: tuple[object, ...] = ()

    @property
    def entry_id(self) -> str:
        return self._order.entry_id

    def body(self) -> ComposeResult:
        yield EntryPanel(id="entry")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "orders", self._follow)

    def _follow(self, orders: tuple[OrderView, ...]) -> None:
        self._order = next((order for order in orders if order.entry_id == self.entry_id), self._order)
        self._show(self._told.story, self._told.trouble)
        order = self._order
        seen = (order.state, order.broker_status, order.filled_contracts, order.order_id, order.detail, order.reentry)
        if seen != self._seen:
            self._seen = seen
            self.ask_records("story", partial(_story, self.entry_id), self._found)

    def _found(self, story: Story | None) -> None:
        self._show(story, "" if story is not None else "the records do not have this entry yet")

    def not_answered(self, about: str, why: str) -> None:
        self._show(self._told.story, why)

    def _show(self, story: Story | None, trouble: str) -> None:
        self._told = EntryTold(self._order, story, trouble)
        self.query_one(EntryPanel).show(self._told)
