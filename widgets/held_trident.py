"""One trident that is held, as the dashboard has it: P&L, legs, cost to close, break-evens, exits (rules 7, 15)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from core.domain.operation import amounts
from core.domain.operation.times import EXCHANGE_ZONE, when
from core.snapshot import Freshness
from widgets.base import format as figures
from widgets.base.lines import Line, Part, Tone, beside, flow, wrap
from widgets.base.profit import profit_part
from widgets.legs import leg_rows
from widgets.positions import STATE_TONES, mark_age, packages_part

if TYPE_CHECKING:
    from core.snapshot import PositionView, TridentExits, UnitView

_TARGET = "target"
_USUAL = frozenset({"open", "targets resting"})
"""States of which the row of what comes next says enough."""


def held_lines(
    view: PositionView, width: int, height: int, today: date | None, used: Decimal | None = None
) -> list[Line]:
    """What the operator needs of it, the most urgent first. Where not all fits, in fewer rows, and the rest below.
    `used` is the share of the risk budget that was in use once it had filled, None where that is not known."""
    risk = amounts.risk(view.max_risk).removeprefix("max ") + ("" if used is None else f", {used:.0%} used")
    whole = _lines(view, width, today, risk, is_short=False)
    return whole if len(whole) <= height else _lines(view, width, today, risk, is_short=True)


def _lines(view: PositionView, width: int, today: date | None, risk: str, *, is_short: bool) -> list[Line]:
    lines = [_profit(view, width), *_warnings(view, width)]
    lines += leg_rows([leg for leg in view.legs if leg.quantity], width, live=True)
    lines += flow(_figures(view, risk, is_short=is_short), width)
    exits = view.exits
    if exits is not None:
        lines += flow(_short_units(exits.units), width) if is_short else _unit_rows(exits.units, width)
        lines += [((row, Tone.STRONG),) for row in wrap(f"next: {exits.next}", width)]
        lines += flow(_results(exits), width) if exits.is_part else []
    if is_short:
        lines += flow([(risk, Tone.PLAIN), *_break_evens(view)], width)
    if view.opened_at is not None:
        lines.append(((_opened(view, today), Tone.DIM),))
    return lines


def _profit(view: PositionView, width: int) -> Line:
    """The P&L at the mid and at natural, its state where that is news, and how old the quotes are."""
    stale = view.freshness is Freshness.STALE
    parts: list[Part] = [
        profit_part(view.profit_mid, before="P&L ", stale=stale),
        ("  natural ", Tone.DIM),
        profit_part(view.profit_natural, stale=stale),
    ]
    if view.exits is not None and view.exits.state not in _USUAL:
        parts.append((f"  {view.exits.state.upper()}", STATE_TONES.get(view.exits.state, Tone.STRONG)))
    return beside(tuple(parts), (mark_age(view),), width)


def _warnings(view: PositionView, width: int) -> list[Line]:
    told = [(view.differs, Tone.BAD)] if view.differs else []
    told += [(warning, Tone.WARN) for warning in view.warnings]
    return [((row, tone),) for text, tone in told for row in wrap(f"▲ {text}", width)]


def _figures(view: PositionView, risk: str, *, is_short: bool) -> list[Part]:
    """Credit and cost to close, and how far the break-evens are: in short the nearest of them alone."""
    is_part = view.part is not None
    parts: list[Part] = [
        *packages_part(view),
        (f"credit {figures.price(view.credit)}", Tone.PLAIN),
        (f"{'left: ' if is_part else ''}mark {figures.price(view.mark_mid)}", Tone.PLAIN),
        (f"close {figures.price(view.mark_natural)}", Tone.PLAIN),
    ]
    if not is_short:
        return [*parts, (risk, Tone.PLAIN), *_break_evens(view)]
    nearest = [] if is_part else sorted(_ends(view))[:1]
    return [*parts, *((words, Tone.PLAIN) for _, words in nearest)]


def _break_evens(view: PositionView) -> list[Part]:
    """How far the price is from each break-even: `QQQ 600.66  4.39 above 596.27  11.84 below 612.50`."""
    ends, price = _ends(view), view.price
    if not ends or price is None:
        return []
    below, above = view.break_even_below, view.break_even_above
    outside = (below is not None and price < below) or (above is not None and price > above)
    named = f"{view.underlying} {figures.price(price)}{' outside' if outside else ''}"
    return [(named, Tone.PLAIN), *((words, Tone.PLAIN) for _, words in ends)]


def _ends(view: PositionView) -> list[tuple[Decimal, str]]:
    """How far each break-even is, with the words for it; none without a price."""
    price, found = view.price, []
    for end in (view.break_even_below, view.break_even_above):
        if price is not None and end is not None:
            far = abs(price - end)
            words = f"{figures.price(far)} {'above' if price >= end else 'below'} {figures.price(end)}"
            found.append((far, words))
    return found


def _units(units: tuple[UnitView, ...]) -> list[tuple[str, str]]:
    """What is told of each unit, those that one thing is told of together, with their names."""
    told = [(unit.name, _told(unit)) for unit in units]
    return [
        (", ".join(name for name, _ in same), text)
        for text, group in groupby(told, lambda one: one[1])
        if (same := [*group])
    ]


def _told(unit: UnitView) -> str:
    if unit.works_at is None:
        return unit.told
    away = unit.away
    far = "" if away is None else f", {figures.price(away)} away" if away > 0 else ", at its price"
    return f"{unit.order} {figures.price(unit.works_at)}, mid {figures.price(unit.mid)}{far}"


def _unit_rows(units: tuple[UnitView, ...], width: int) -> list[Line]:
    found = _units(units)
    column = max((len(name) for name, _ in found), default=0)
    return [((row, Tone.PLAIN),) for name, text in found for row in wrap_after(f"{name:<{column}}  ", text, width)]


def _short_units(units: tuple[UnitView, ...]) -> list[Part]:
    """All in a row where a target works on each: `targets 1.25 (1.15 away)  0.83 (1.57)  1.57 (0.78)`."""
    if any(unit.works_at is None or unit.order != _TARGET for unit in units):
        return [(f"{name} {told}", Tone.PLAIN) for name, told in _units(units)]
    told = [f"{figures.price(unit.works_at)} ({figures.price(unit.away)}" for unit in units]
    first, *others = (f"{each}{'' if place else ' away'})" for place, each in enumerate(told))
    return [(f"targets {first}", Tone.PLAIN), *((text, Tone.PLAIN) for text in others)]


def wrap_after(lead: str, text: str, width: int) -> list[str]:
    """The text after its lead, and below itself where it does not fit."""
    first, *rest = wrap(text, max(8, width - len(lead)))
    return [lead + first, *(" " * len(lead) + more for more in rest)]


def _results(exits: TridentExits) -> list[Part]:
    """What its exits brought, and the most it can still lose."""
    parts: list[Part] = []
    if exits.realized_net is not None:
        told = amounts.realized(exits.realized_net, estimated=exits.net_estimated)
        parts.append((f"realized {told}", Tone.PLAIN))
    if exits.worst_case is not None:
        parts.append((f"worst case {figures.signed_money(exits.worst_case)} $", Tone.PLAIN))
    return parts


def _opened(view: PositionView, today: date | None) -> str:
    at = view.opened_at
    if at is None:
        return ""
    day = at.astimezone(EXCHANGE_ZONE).date()
    days = 0 if today is None else (today - day).days
    return f"opened {when(at, today)}" + (f", {figures.counted(days, 'day')} ago" if days > 0 else "")
