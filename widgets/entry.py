"""One entry as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.lines import Drawing
from widgets.orders import order_lines
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import OrderView


class EntryPanel(LinePanel["OrderView"]):
    NAME = "Entry"

    def draw(self, value: OrderView, width: int, height: int) -> Drawing:
        return Drawing(self.NAME, tuple(order_lines(value, width)))
