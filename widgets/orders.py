"""The panel of the day's entries: our state, the broker's word, and the fills (rules 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.snapshot import Reentry
from widgets.base import format as figures
from widgets.base.key_names import key_for
from widgets.base.lines import Drawing, Line, Tone, beside, fit, wrap
from widgets.base.panel import LinePanel
from widgets.positions import summary

if TYPE_CHECKING:
    from core.snapshot import OrderView, PositionsSlice

STATE_TONES = {
    "filled": Tone.GOOD,
    "working": Tone.ACCENT,
    "sent": Tone.ACCENT,
    "prepared": Tone.ACCENT,
    "rejected": Tone.BAD,
    "unknown": Tone.BAD,
    "incident": Tone.BAD,
    "cancelled": Tone.WARN,
    "expired": Tone.WARN,
    "absent": Tone.WARN,
    "not_sent": Tone.WARN,
}
REENTRY = {
    Reentry.CLOSED: "cancelled by the operator: the day is closed. Press {key} to allow another entry today.",
    Reentry.ALLOWED: "re-entry allowed: the day is free when two complete reads show no fill.",
}


class OrdersPanel(LinePanel["tuple[OrderView, ...]"]):
    NAME = "Orders"
    PLACEHOLDER = "no order"

    _positions = ""

    def show_positions(self, value: PositionsSlice) -> None:
        """Shows a line about the open tridents above the entries of the day."""
        positions_line = summary(value)
        if positions_line != self._positions:
            self._positions = positions_line
            self.redraw()

    def draw(self, value: tuple[OrderView, ...], width: int, height: int) -> Drawing:
        lines: list[Line] = []
        if self._positions:
            lines.append(
                beside(
                    ((self._positions, Tone.ACCENT),), ((f"{key_for('positions', 't')} shows them", Tone.DIM),), width
                )
            )
        if not value:
            return Drawing(self.NAME, (*lines, ((self.PLACEHOLDER, Tone.DIM),)))
        for order in value:
            lines += order_lines(order, width)
        return Drawing(f"{self.NAME}  {len(value)}", tuple(lines))


def state_word(state: str) -> str:
    """The screen's word for one of our states: NOT SENT for not_sent."""
    return state.replace("_", " ").upper()


def order_lines(order: OrderView, width: int) -> list[Line]:
    """The lines of one entry: state, the broker's word, what the operator should do, and the fills."""
    state = state_word(order.state)
    day = f"{order.expiration:%b} {order.expiration.day}"
    lines: list[Line] = [
        beside(
            (
                (fit(state, 10), STATE_TONES.get(order.state, Tone.PLAIN)),
                (f"{order.underlying} {order.strikes}  {day}", Tone.PLAIN),
            ),
            ((f"limit {figures.price(order.limit)}", Tone.STRONG),),
            width,
        ),
        beside(
            ((f"  {order.filled_contracts} of {order.total_contracts} contracts filled", Tone.PLAIN),)
            + (((f" at {figures.price(order.fill_credit)}", Tone.STRONG),) if order.fill_credit is not None else ()),
            ((f"{figures.clock(order.at)}  {figures.age(order.age_s):>4}", Tone.DIM),),
            width,
        ),
    ]
    about = f"broker {order.broker_status or 'not heard'}  order {order.order_id or '--'}  account {order.account}"
    lines += [((f"  {line}", Tone.DIM),) for line in wrap(about, width - 2)]
    if order.state == "unknown":
        key = key_for("unknown", "u")
        loud = f"the broker may have it or not; nothing is sent again. Press {key} to look again or say what you saw."
        lines += [((f"  {line}", Tone.BAD),) for line in wrap(loud, width - 2)]
        lines += [((f"  {line}", Tone.WARN),) for line in wrap(order.evidence, width - 2) if line]
    if order.reentry in REENTRY:
        lines += [
            ((f"  {line}", Tone.WARN),)
            for line in wrap(REENTRY[order.reentry].format(key=key_for("reentry", "r")), width - 2)
        ]
    if order.detail:
        lines += [((f"  {line}", Tone.WARN),) for line in wrap(order.detail, width - 2)]
    for fill in order.fills:
        text = f"  fill {figures.clock(fill.at)}  {figures.quantity(fill.quantity)} {fill.leg}"
        lines.append(beside(((text, Tone.DIM),), ((f"at {figures.price(fill.price)}", Tone.PLAIN),), width))
    return lines
