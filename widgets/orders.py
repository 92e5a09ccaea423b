"""The panel of the entries, newest first: fate, what it means for the day, the broker's word, and fills (rules 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from core.domain.operation import amounts
from core.domain.orders.fate import FateKind
from core.snapshot import Reentry
from widgets.base import format as figures
from widgets.base.day_panel import DayContext, DayPanel
from widgets.base.fates import order_kind, order_words, tone_of
from widgets.base.key_names import key_for
from widgets.base.lines import Drawing, Line, Part, Tone, beside, fit, flow, width_of, wrap
from widgets.positions import summary_parts

if TYPE_CHECKING:
    from core.snapshot import FillView, OrderView, PositionsSlice

_NAMES_ITSELF = frozenset({FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY})
"""Kinds whose words are all in the figures beside them."""


class OrdersPanel(DayPanel["tuple[OrderView, ...]"]):
    NAME = "Orders"
    EMPTY = "no order today"

    _positions: tuple[tuple[Part, ...], ...] = ()
    """The line about the open tridents, in shorter and shorter forms."""

    def show_positions(self, value: PositionsSlice) -> None:
        """Shows a line about the open tridents above the entries."""
        positions = tuple(tuple(summary_parts(value, with_realized=told)) for told in (True, False) if value.open)
        if positions != self._positions:
            self._positions = positions
            self.redraw()

    def draw(self, value: tuple[OrderView, ...], width: int, height: int) -> Drawing:
        newest_first = sorted(value, key=lambda order: (order.at, order.entry_id), reverse=True)
        today = [order for order in newest_first if not self.day_words(order.day)]
        earlier = [order for order in newest_first if self.day_words(order.day)]
        lines = self._open_tridents(width)
        if not today:
            lines += self.nothing(width).lines
        for order in today:
            lines += order_lines(order, width, self.context)
        for day, orders in groupby(earlier, lambda o: self.day_words(o.day)):
            lines.append(((f"of {day}", Tone.DIM),))
            for order in orders:
                lines += order_lines(order, width, self.context)
        counts = ", ".join([f"{len(today)} today"] * bool(today) + [f"{len(earlier)} earlier"] * bool(earlier))
        return Drawing(f"{self.NAME}  {counts}".rstrip(), tuple(lines))

    def _open_tridents(self, width: int) -> list[Line]:
        if not self._positions:
            return []
        where = f"{key_for('positions', 't')} shows them"
        forms = [flow(form, width) for form in self._positions]
        *above, last = next((form for form in forms if len(form) == 1), forms[-1])
        far = ((where, Tone.DIM),) if width_of(last) + 1 + len(where) <= width else ()
        return [*above, beside(last, far, width)]


def order_lines(order: OrderView, width: int, context: DayContext) -> list[Line]:
    """The lines of one entry: its fate, what has filled, what that means and needs, the broker's word, the fills."""
    tone = tone_of(order_kind(order))
    expiration = f"{order.expiration:%b} {order.expiration.day}"
    lead, sent = _fate(order), f"{figures.clock(order.at)}  {figures.age(order.age_s):>4}"
    lines: list[Line] = [
        beside(
            (
                (fit(lead, max(10, len(lead) + 2)), tone),
                (f"{order.underlying} {order.strikes}  {expiration}", Tone.PLAIN),
            ),
            ((f"limit {figures.price(order.limit)}", Tone.STRONG),),
            width,
        ),
        beside(_filled(order, width - len(sent) - 1), ((sent, Tone.DIM),), width),
    ]
    lines += _below(_why(order), Tone.BAD if tone is Tone.BAD else Tone.WARN, width)
    if order.fate is not None and order.day == context.today:
        lines += _below(order.fate.day_words, Tone.DIM, width)
    if order_kind(order) is FateKind.UNKNOWN:
        key = key_for("unknown", "u")
        lines += _below(f"nothing is sent again. Press {key} to look again or say what you saw.", Tone.BAD, width)
    lines += _below(_needs(order), Tone.WARN, width)
    about = f"broker {order.broker_status or 'not heard'}  order {order.order_id or '--'}  account {order.account}"
    lines += _below(about, Tone.DIM, width)
    return lines + _fills(order.fills, width)


def _fills(fills: Sequence[FillView], width: int) -> list[Line]:
    """Every leg's fills with their prices, those of one second side by side."""
    lines: list[Line] = []
    for at, together in groupby(_by_price(fills), lambda fill: fill.at):
        parts = [(f"{figures.quantity(fill.quantity)} {fill.leg} at {figures.price(fill.price)}") for fill in together]
        told = flow([(f"fills {figures.clock(at)}", Tone.DIM), *((part, Tone.PLAIN) for part in parts)], width - 2)
        lines += [(("  ", Tone.PLAIN), *line) for line in told]
    return lines


def _by_price(fills: Sequence[FillView]) -> list[FillView]:
    """The fills with those of one leg at one price together, as of the last of them."""
    found: dict[tuple[str, Decimal], FillView] = {}
    for fill in fills:
        before = found.get((fill.leg, fill.price))
        quantity = fill.quantity + (0 if before is None else before.quantity)
        found[fill.leg, fill.price] = replace(fill, quantity=quantity)
    return [*found.values()]


def _fate(order: OrderView) -> str:
    """The fate in a word, with the credit of a fill."""
    word = order_kind(order).value.upper()
    credit = order.fill_credit if order.fate is None else order.fate.credit
    return f"{word} {figures.price(credit)}" if credit is not None else word


def _filled(order: OrderView, width: int) -> Line:
    """How much is filled, the most it can lose, and the slippage where there is room for it."""
    text = f"  {order.filled_contracts} of {order.total_contracts} filled"
    if order.fate is None:
        return ((text, Tone.PLAIN),)
    risk = f"{text}, {amounts.risk(order.fate.max_risk)}"
    slipped = f"{risk}, slippage {figures.signed(order.fate.slippage)}"
    return ((risk if order.fate.slippage is None or len(slipped) > width else slipped, Tone.PLAIN),)


def _why(order: OrderView) -> str:
    """What the fate's words say after its kind: why, or by whom; empty for what goes well."""
    kind = order_kind(order)
    if kind in _NAMES_ITSELF or (kind is FateKind.FILLED and order.fill_credit is not None):
        return ""
    said = order_words(order).removeprefix(kind.value.upper()).lstrip(" :,")
    why = "" if order.fate is None or order.fate.why in said else order.fate.why
    return ": ".join(part for part in (said, why) if part)


def _needs(order: OrderView) -> str:
    """What frees the day: the operator's word, or how far the proof has come."""
    if order.reentry is Reentry.CLOSED:
        return f"the cancel closed the day. Press {key_for('reentry', 'r')} to allow another entry."
    return order.evidence


def _below(text: str, tone: Tone, width: int) -> list[Line]:
    return [((f"  {row}", tone),) for row in wrap(text, width - 2) if row]
