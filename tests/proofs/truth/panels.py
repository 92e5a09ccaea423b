"""What the panels say: their values, and the text of each drawn at 80x24 and at 170x48."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from core.domain.operation.amounts import credit as credit_shown
from core.snapshot import AttemptView, CycleSlice, OrderView, SlotState, SlotView, Snapshot, SpreadSlice
from tests.proofs.truth.said import Said
from tests.proofs.truth.values import NEW_YORK, Day, Kind
from tests.proofs.truth.words import contracts_in, counts_down, credit_in, kind_in
from widgets.attempts import AttemptsPanel
from widgets.base.day_panel import day_context
from widgets.base.lines import Drawing, Line, Tone
from widgets.cycle import CyclePanel
from widgets.judgement import JudgementPanel
from widgets.orders import OrdersPanel
from widgets.schedule import SchedulePanel
from widgets.trade import TradePanel, TradeView

SIZES = ((78, 9), (55, 14))
"""The inside of a numbered panel at 80x24 and at 170x48."""
MOST_ATTEMPTS = 60
SUCCESS = (Tone.GOOD, Tone.GAIN)

Draw = Callable[[type[Any], Any, int, int], Drawing]
"""Draws a panel of this type with this slice in so many columns and rows."""
_drawn: dict[tuple[type[Any], int, int, str, str], Drawing] = {}
"""What was drawn last, by the text of the context and of the slice: a panel is drawn anew when one of them changes."""
MOST_DRAWN = 4096


@cache
def _panel(kind: type[Any]) -> Any:
    """The one panel of this type that draws: to draw leaves nothing behind in it."""
    return kind()


def drawer(snapshot: Snapshot, *, told_next: bool = True) -> Draw:
    """Draws panels as the dashboard does, with what they know of the rest of the snapshot, or without what comes
    next."""
    context = day_context(snapshot)
    if not told_next:
        context = replace(context, overall=None)
    known = repr(context)

    def draw(kind: type[Any], value: Any, width: int, height: int) -> Drawing:
        key = kind, width, height, known, repr(value)  # equal amounts may have other digits, equal texts have not
        if key not in _drawn:
            if len(_drawn) >= MOST_DRAWN:
                _drawn.clear()
            panel = _panel(kind)
            panel.context = context
            _drawn[key] = panel.drawing(value, width, height)
        return _drawn[key]

    return draw


def text(drawing: Drawing) -> str:
    return "\n".join([drawing.title, *(line_text(line) for line in drawing.lines)])


def body(drawing: Drawing) -> str:
    return " ".join(line_text(line) for line in drawing.lines)


def line_text(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def is_good(drawing: Drawing) -> bool:
    return any(
        tone in SUCCESS or text.lstrip().startswith("✓")
        for line in drawing.lines
        for text, tone in line
        if text.strip()
    )


def texts_of(snapshot: Snapshot) -> dict[str, str]:
    """The panels that tell of today's trades, each as text: what a restart must not change."""
    draw, (width, height) = drawer(snapshot, told_next=False), SIZES[0]
    drawn: dict[str, str] = {}
    cycle = snapshot.cycle
    if cycle is not None and cycle.number and not snapshot.status.start:
        drawn["cycle"] = text(draw(CyclePanel, cycle, width, height))
    drawn["schedule"] = "\n".join(
        f"{slot.at:%H:%M} {text(draw(SchedulePanel, (slot,), width, height))}"
        for slot in snapshot.schedule
        if slot.state in (SlotState.DONE, SlotState.MISSED)
    )
    spread = snapshot.spread
    if spread is None or not spread.live:  # live quotes move on
        drawn["spread"] = "" if spread is None else text(draw(TradePanel, TradeView(spread), width, height))
    drawn["attempts"] = text(draw(AttemptsPanel, snapshot.attempts, width, height))
    judged = sorted(snapshot.judgements, key=lambda each: each.symbol)
    drawn["judgement"] = text(draw(JudgementPanel, tuple(judged), width, height))
    drawn["orders"] = "\n".join(
        text(draw(OrdersPanel, (replace(order, age_s=0),), width, height))
        for order in snapshot.orders
        if order.settling is None  # the proof of the others counts down
    )
    return drawn


def _told(place: str, drawn: Drawing) -> Said:
    """What a drawn panel tells of a trade, by its words and tones."""
    words = body(drawn)
    return Said(
        place,
        words,
        kind=kind_in(words),
        must=True,
        credit=credit_in(words),
        good=is_good(drawn),
        countdown=counts_down(words),
    )


def of_order(draw: Draw, order: OrderView, where: str) -> Iterator[Said]:
    place = f"{where} orders"
    fate = order.fate
    kind = kind_in(order.state if fate is None else fate.kind.value)
    credit = order.fill_credit if fate is None else fate.credit
    filled = order.filled_contracts if fate is None else fate.filled
    yield Said(
        f"{place} value",
        repr(fate or order.state),
        order.entry_id,
        kind=kind,
        must=True,
        credit=credit,
        contracts=filled,
        traded=None,
    )
    yield Said(f"{place} fill credit", str(order.fill_credit), order.entry_id, credit=order.fill_credit)
    for width, height in SIZES:
        drawn = draw(OrdersPanel, (order,), width, height)
        said = _told(f"{place} panel {width}x{height}", drawn)
        yield replace(said, entry=order.entry_id, contracts=contracts_in(said.text))


def of_every_entry(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    """No entry of today is missing, and none of another day is shown as today's."""
    shown = {order.entry_id for order in snapshot.orders}
    for entry in day.of_today():
        if entry.entry not in shown:
            yield Said(f"{where} orders", "", entry.entry, lie=f"entry {entry.entry} of today is not shown")
    for order in snapshot.orders:
        entry_of = day.entry(order.entry_id)
        if entry_of is None or entry_of.day == day.today:
            continue
        if entry_of.kind not in (Kind.WORKING, Kind.PARTLY, Kind.UNKNOWN, Kind.SENDING, Kind.INCIDENT):
            yield Said(f"{where} orders", order.state, order.entry_id, lie=f"it is of {entry_of.day} and over")
        elif order.day is not None and order.day != entry_of.day:
            yield Said(f"{where} orders", str(order.day), order.entry_id, lie=f"it is of {entry_of.day}")


def of_cycle(draw: Draw, cycle: CycleSlice, day: Day, where: str) -> Iterator[Said]:
    place = f"{where} cycle"
    told = cycle.told
    if told is not None and not cycle.running:
        yield Said(
            f"{place} value", f"{told.word}: {told.words}", cycle=cycle.number, kind=kind_in(told.word), must=True
        )
        for each in cycle.accounts:
            yield Said(
                f"{place} {each.account}",
                each.told.words,
                cycle=cycle.number,
                account=each.account[-4:],
                kind=kind_in(each.told.word),
                must=True,
                credit=credit_in(each.told.words),
            )
    if cycle.running:
        return
    for width, height in SIZES:
        drawn = draw(CyclePanel, replace(cycle, steps=()), width, height)
        of_accounts = tuple(line for line in drawn.lines if re.match(r"\W*…\w{4}\b", line_text(line)))
        whole = replace(drawn, lines=tuple(line for line in drawn.lines if line not in of_accounts))
        yield replace(_told(f"{place} panel {width}x{height}", whole), cycle=cycle.number)
        for text, tone in (part for line in of_accounts for part in line if part[0].strip()):
            yield Said(
                f"{place} panel {width}x{height}",
                text,
                cycle=cycle.number,
                kind=kind_in(text),
                must=True,
                account=re.findall(r"…(\w{4})", text)[0],
                credit=credit_in(text),
                good=tone in SUCCESS,
            )
    yield from _before(cycle, day, place)


def _before(cycle: CycleSlice, day: Day, place: str) -> Iterator[Said]:
    """The line about the slot before the shown cycle's."""
    told = re.match(r"(\d\d:\d\d) (.*)", cycle.previous)
    if told is None:
        return
    for each in day.cycles.values():
        if (
            each.day == day.today
            and each.slot is not None
            and f"{each.slot.astimezone(NEW_YORK):%H:%M}" == told.group(1)
        ):
            yield Said(f"{place} before", cycle.previous, cycle=each.number, kind=kind_in(told.group(2)), must=True)


def of_schedule(draw: Draw, slots: Sequence[SlotView], day: Day, where: str) -> Iterator[Said]:
    for width, height in SIZES:
        whole = body(draw(SchedulePanel, tuple(slots), width, height))
        yield Said(f"{where} schedule panel {width}x{height}", whole, countdown=counts_down(whole))
    by_slot = {cycle.slot: cycle for cycle in day.cycles.values() if cycle.slot is not None}
    for slot in slots:
        cycle = day.cycles.get(slot.cycle) if slot.cycle is not None else by_slot.get(slot.at)
        place = f"{where} schedule {slot.at.astimezone(NEW_YORK):%H:%M}"
        if slot.at.astimezone(NEW_YORK).date() != day.today:
            yield Said(place, str(slot.at), lie="it is a slot of another day")
        if cycle is None or not cycle.has_ended or slot.state is not SlotState.DONE:
            is_missed = slot.state is SlotState.MISSED
            waits = slot.at in day.facts.unrecorded
            if is_missed is not (slot.at in day.missed) and cycle is None and not (is_missed and waits):
                yield Said(
                    place, slot.state, lie=f"it tells {slot.state}, and the records say {day.missed.get(slot.at)}"
                )
            continue
        if slot.told is not None:
            yield Said(f"{place} value", slot.told.words, cycle=cycle.number, kind=kind_in(slot.told.word), must=True)
        for width, height in SIZES:
            one = draw(SchedulePanel, (slot,), width, height)
            yield replace(_told(f"{place} panel {width}x{height}", one), cycle=cycle.number)


def of_spread(draw: Draw, spread: SpreadSlice, attempts: Sequence[AttemptView], day: Day, where: str) -> Iterator[Said]:
    place = f"{where} spread"
    account = spread.account[-4:]
    entries = [] if spread.cycle is None else day.of_cycle(spread.cycle)
    own = next((e for e in entries if e.account.endswith(account) and e.kind is not Kind.NOT_SENT), None)
    if own is not None and own.underlying != spread.underlying:
        yield Said(place, spread.underlying, lie=f"cycle {spread.cycle} entered {own.underlying}")
    if spread.reason and spread.cycle is not None:
        of_other = {a.reason for a in attempts if a.cycle == spread.cycle and a.underlying != spread.underlying}
        of_own = {a.reason for a in attempts if a.cycle == spread.cycle and a.underlying == spread.underlying}
        if spread.reason in of_other - of_own:
            yield Said(place, spread.reason, lie=f"it gives {spread.underlying} the refusal of another underlying")
    if own is None:
        return
    if spread.fate is not None:
        yield Said(
            f"{place} value",
            spread.fate.words,
            own.entry,
            kind=kind_in(spread.fate.kind.value),
            must=True,
            credit=spread.fate.credit,
            contracts=spread.fate.filled,
        )
    yield Said(f"{place} fill credit", str(spread.fill_credit), own.entry, credit=spread.fill_credit)
    for width, height in SIZES:
        drawn = draw(TradePanel, TradeView(spread), width, height)
        head = replace(drawn, lines=drawn.lines[:1])
        words = body(drawn)
        filled = (
            spread.fill_credit if spread.fill_credit is not None and credit_shown(spread.fill_credit) in words else None
        )
        yield Said(
            f"{place} panel {width}x{height}",
            words,
            own.entry,
            kind=kind_in(body(head)),
            must=True,
            credit=credit_in(body(head)) or filled,
            good=is_good(head),
        )


def of_attempts(attempts: Sequence[AttemptView], day: Day, where: str) -> Iterator[Said]:
    shown = {(attempt.cycle, attempt.attempt, attempt.underlying) for attempt in attempts}
    if len(attempts) < MOST_ATTEMPTS:
        for missing in sorted(day.attempts - shown):
            yield Said(f"{where} attempts", str(sorted(shown)), lie=f"it does not show attempt {missing}")
    for attempt in attempts:
        cycle = day.cycles.get(attempt.cycle)
        place = f"{where} attempts {attempt.cycle}.{attempt.attempt} {attempt.underlying}"
        yield Said(place, attempt.result)
        if cycle is None or cycle.day != (attempt.day or day.today):
            yield Said(place, attempt.result, lie="no such cycle ran on that day")
        elif attempt.traded and not any(e.underlying == attempt.underlying for e in day.of_cycle(attempt.cycle)):
            yield Said(place, attempt.result, lie="no entry came from it")
