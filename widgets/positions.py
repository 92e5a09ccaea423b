"""The panel of one trident, open or ended: days left, mark, P&L, break-evens, units and warnings (rules 7, 15); and all
open ones in a line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.domain.operation import amounts, times
from core.domain.orders.packages import total_risk
from core.domain.orders.way_out import SHORT_ID
from core.snapshot import EndedTrident, Freshness, open_together
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, beside, flow, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import STALE, profit_part, profit_tone

if TYPE_CHECKING:
    from core.snapshot import PositionsSlice, PositionView, TridentExits


_NARROW = 70
"""Below so many columns the account stands in the panel's title alone."""


class TridentPanel(LinePanel["PositionView | EndedTrident"]):
    NAME = "Trident"
    PLACEHOLDER = "no trident is chosen"

    def draw(self, value: PositionView | EndedTrident, width: int, height: int) -> Drawing:
        return Drawing(f"{self.NAME} of {value.account}", tuple(self.lines_of(value, width)))

    @staticmethod
    def lines_of(view: PositionView | EndedTrident, width: int) -> list[Line]:
        """What the panel shows of a trident at this width."""
        named = replace(view, account="") if width < _NARROW else view
        return _ended(named, width) if isinstance(named, EndedTrident) else _trident(named, width)


def summary(value: PositionsSlice) -> str:
    """All open tridents in one line; empty without any."""
    return "  ".join(text for text, _ in summary_parts(value))


def summary_parts(value: PositionsSlice, *, with_realized: bool = True) -> list[Part]:
    """The parts of that line. The amount after their number is what the strip tells of each account: what is open. What
    they earn `with_realized` has words of its own, where it is another amount."""
    if not value.open:
        return []
    now = open_together(value.open)
    parts: list[Part] = [(f"{now.tridents} open trident{'s' * (now.tridents > 1)}", Tone.ACCENT)]
    if now.unknown:
        parts.append((f"no mark of {now.unknown}", Tone.WARN))
    else:
        parts.append(profit_part(now.mid, after=STALE * now.stale, stale=now.stale))
        if now.is_part and with_realized:
            parts.append(profit_part(now.profit, before="with realized ", stale=now.stale))
    parts.append((amounts.open_risk(total_risk(view.max_risk for view in value.open)), Tone.ACCENT))
    warned = sum(1 for view in value.open if view.warnings or view.differs)
    if warned:
        parts.append((f"▲ {warned} to watch", Tone.WARN))
    return parts


def expires(view: PositionView) -> str:
    """When it expires, and in how many days."""
    days = "today" if view.dte == 0 else figures.counted(view.dte, "day")
    return f"{view.expiration:%b} {view.expiration.day}, {days}"


def _trident(view: PositionView, width: int) -> list[Line]:
    head: Line = ((f"{view.underlying} {view.strikes}  {expires(view)}  {view.account}", Tone.STRONG),)
    stale = view.freshness is Freshness.STALE
    worth = profit_part(view.profit_mid, before="P&L ", stale=stale)
    figure = Tone.STALE if stale else Tone.PLAIN
    is_part = view.part is not None
    lines = [beside(head, (worth,), width)]
    parts: list[Part] = [
        *packages_part(view),
        (f"credit {figures.price(view.credit)}", Tone.PLAIN),
        (f"{'what is left: ' if is_part else ''}mark {figures.price(view.mark_mid)}", figure),
        profit_part(
            view.profit_natural, before=f"to close {figures.price(view.mark_natural)} (P&L ", after=")", stale=stale
        ),
        mark_age(view),
        (amounts.open_risk(view.max_risk), Tone.PLAIN),
        (f"id {view.entry_id[:SHORT_ID]}", Tone.DIM),
        *(() if is_part else ((f"break-even {_between(view)}", Tone.PLAIN),)),
        (f"{view.underlying} {figures.price(view.price)}", Tone.DIM),
    ]
    lines += [(("  ", Tone.PLAIN), *line) for line in flow(parts, width - 2)]
    if view.exits is not None:
        lines += _exits(view.exits, width - 2)
    if view.differs:
        lines += [((f"  {line}", Tone.BAD),) for line in wrap(f"▲ {view.differs}", width - 2)]
    for warning in view.warnings:
        lines += [((f"  {line}", Tone.WARN),) for line in wrap(f"▲ {warning}", width - 2)]
    return lines


def _ended(one: EndedTrident, width: int) -> list[Line]:
    """One that has ended: what it earned, how it ended, and the id that commands take."""
    expired = f"expires {one.expiration:%b} {one.expiration.day}"
    head: Line = ((f"{one.underlying} {one.strikes}  {expired}  {one.account}".rstrip(), Tone.STRONG),)
    realized = f"realized {amounts.realized(one.realized, estimated=one.estimated)}"
    parts: list[Part] = [
        (f"credit {figures.price(one.credit)}", Tone.PLAIN),
        (f"opened {times.moment(one.opened_at)}", Tone.DIM),
        (f"id {one.trident_id[:SHORT_ID]}", Tone.DIM),
    ]
    lines = [beside(head, ((realized, profit_tone(one.realized)),), width)]
    lines += [(("  ", Tone.PLAIN), *line) for line in flow(parts, width - 2)]
    lines += [((f"  {line}", Tone.PLAIN),) for line in wrap(f"ended: {one.how}", width - 2)]
    return lines + [((f"  {line}", Tone.WARN),) for line in wrap(one.besides, width - 2) if line]


def _exits(exits: TridentExits, width: int) -> list[Line]:
    """How it is taken to its end: each unit, what its exits brought and may bring, and what comes next."""
    lines: list[Line] = []
    for unit in exits.units:
        lines += [((f"  {line}", Tone.PLAIN),) for line in wrap(f"{unit.name:<6} {unit.told}", width)]
    parts: list[Part] = [
        (exits.state.upper(), STATE_TONES.get(exits.state, Tone.STRONG)),
        profit_part(exits.realized, before="gross "),
        (f"realized {_realized(exits)}", profit_tone(exits.realized_net)),
        profit_part(exits.unrealized_mid, before="unrealized "),
        profit_part(exits.unrealized_natural, before="at natural "),
        profit_part(exits.worst_case, before="worst case "),
    ]
    lines += [(("  ", Tone.PLAIN), *line) for line in flow(parts, width)]
    return lines + [((f"  {line}", Tone.STRONG),) for line in wrap(f"next: {exits.next}", width)]


def _realized(exits: TridentExits) -> str:
    """What its exits brought after all fees so far: the gross is before them."""
    return amounts.realized(exits.realized_net, estimated=exits.net_estimated)


STATE_TONES = {"broken": Tone.BAD, "foreign close": Tone.BAD, "adjusted": Tone.BAD, "not managed": Tone.WARN}


def packages_part(view: PositionView) -> list[Part]:
    """How many packages it is of, where that is not one: its credit and marks are those of one."""
    if view.packages is None:
        return [("other legs than a trident's", Tone.BAD)]
    return [(f"{view.packages} packages", Tone.PLAIN)] if view.packages > 1 else []


def mark_age(view: PositionView) -> Part:
    """The age of the mark, in words and never by colour alone (rules 14)."""
    match view.freshness:
        case Freshness.STALE:
            return f"STALE {figures.age(view.age_s)}", Tone.BAD
        case Freshness.NONE:
            return "no quotes", Tone.DIM
        case Freshness.QUIET:
            return f"quiet {figures.age(view.age_s)}", Tone.DIM
    return f"live {figures.age(view.age_s)}", Tone.DIM


def _between(view: PositionView) -> str:
    below, above = view.break_even_below, view.break_even_above
    if view.credit is None:
        return figures.NONE
    if above is None:
        return f"{figures.price(below)}, none above" if below is not None else "none"
    return f"{'none' if below is None else figures.price(below)} to {figures.price(above)}"
