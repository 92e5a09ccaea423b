"""The panel of one closing order as it is now: what it closes, at which price, and what became of it (rules 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, flow, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import ExitView


class ExitOrderPanel(LinePanel["ExitView"]):
    NAME = "Closing order"

    def draw(self, value: ExitView, width: int, height: int) -> Drawing:
        return Drawing(f"{self.NAME}: {value.name}", tuple(exit_order_lines(value, width)))


def exit_order_lines(one: ExitView, width: int) -> list[Line]:
    """Its figures, then what became of it."""
    parts: list[Part] = [
        (f"{one.underlying} {one.strikes}", Tone.STRONG),
        (one.account, Tone.DIM),
        (f"{figures.price(one.debit)} debit", Tone.STRONG),
        (f"order {one.order_id or figures.NONE}", Tone.PLAIN),
        (f"sent {figures.clock(one.at)} ET", Tone.DIM),
    ]
    tone = Tone.BAD if one.state == "unknown" else Tone.PLAIN
    return [*flow(parts, width), *(((line, tone),) for line in wrap(one.told, width))]
