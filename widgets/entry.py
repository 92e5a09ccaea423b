"""The panel of one entry as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing
from widgets.orders import order_lines

if TYPE_CHECKING:
    from core.snapshot import OrderView


class EntryPanel(DayPanel["OrderView"]):
    NAME = "Entry"

    def draw(self, value: OrderView, width: int, height: int) -> Drawing:
        return Drawing(self.NAME, tuple(order_lines(value, width, self.context)))
