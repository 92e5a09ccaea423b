"""What the screen says: the values of a snapshot and the text of every panel drawn from it, at 80x24 and at 170x48."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from core.domain.operation.amounts import credit as credit_shown
from core.notify import prometheus
from core.snapshot import AttemptView, CycleSlice, OrderView, SlotState, SlotView, Snapshot, SpreadSlice
from core.snapshot.codec import decode, encode
from senex_tui.console.actions.questions import force_facts, resume_facts
from senex_tui.run.plain import StatusChanges
from tests.proofs.truth.said import Said
from tests.proofs.truth.values import NEW_YORK, Day, Kind
from tests.proofs.truth.words import STEP_OF, contracts_in, counts_down, credit_in, enters_at, kind_in, step_in
from widgets.alarms import alarms
from widgets.attempts import AttemptsPanel
from widgets.base.lines import Drawing, Line, Tone
from widgets.cycle import CyclePanel
from widgets.judgement import JudgementPanel
from widgets.orders import OrdersPanel
from widgets.schedule import SchedulePanel
from widgets.spread import SpreadPanel
from widgets.status_bar import StatusBar, StatusView, pane_title

SIZES = ((78, 9), (55, 14))
"""The inside of a numbered panel at 80x24 and at 170x48."""
BARS = (78, 168)
MOST_ATTEMPTS = 60
_SUCCESS = (Tone.GOOD, Tone.GAIN)


def on_screen(snapshot: Snapshot, day: Day, where: str = "screen") -> Iterator[Said]:
    """Everything the console shows from this snapshot."""
    for order in snapshot.orders:
        yield from _order(order, where)
    yield from _every_entry(snapshot, day, where)
    if snapshot.cycle is not None and snapshot.cycle.number:
        yield from _cycle(snapshot.cycle, day, where)
    yield from _schedule(snapshot.schedule, day, where)
    if snapshot.spread is not None:
        yield from _spread(snapshot.spread, snapshot.attempts, day, where)
    yield from _attempts(snapshot.attempts, day, where)
    yield from _alarms(snapshot, day, where)
    yield from _next(snapshot, day, where)
    yield from _metrics(snapshot, day, where)


def as_watched(snapshot: Snapshot) -> Iterator[Said]:
    """What a watcher shows of the published snapshot: the same value, so that every panel says the same."""
    seen = decode(encode(snapshot))
    yield Said("watcher", "the snapshot as published and read back")
    if seen != snapshot:
        yield Said("watcher", "the snapshot as published and read back", lie="it is another snapshot")


def texts_of(snapshot: Snapshot) -> dict[str, str]:
    """The panels that tell of today's trades, each as text: what a restart must not change."""
    width, height = SIZES[0]
    drawn: dict[str, str] = {}
    cycle = snapshot.cycle
    if cycle is not None and cycle.number:
        drawn["cycle"] = _text(CyclePanel().draw(cycle, width, height))
    drawn["schedule"] = "\n".join(
        f"{slot.at:%H:%M} {_text(SchedulePanel().draw((slot,), width, height))}"
        for slot in snapshot.schedule
        if slot.state in (SlotState.DONE, SlotState.MISSED)
    )
    spread = snapshot.spread
    if spread is None or not spread.live:  # live quotes move on
        drawn["spread"] = "" if spread is None else _text(SpreadPanel().draw(spread, width, height))
    drawn["attempts"] = _text(AttemptsPanel().draw(snapshot.attempts, width, height))
    judged = sorted(snapshot.judgements, key=lambda each: each.symbol)
    drawn["judgement"] = _text(JudgementPanel().draw(tuple(judged), width, height))
    drawn["orders"] = "\n".join(
        _text(OrdersPanel().draw((replace(order, age_s=0),), width, height)) for order in snapshot.orders
    )
    return drawn


def _text(drawing: Drawing) -> str:
    return "\n".join([drawing.title, *(_line(line) for line in drawing.lines)])


def _body(drawing: Drawing) -> str:
    return " ".join(_line(line) for line in drawing.lines)


def _line(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def _is_good(drawing: Drawing) -> bool:
    return any(
        tone in _SUCCESS or text.lstrip().startswith("✓")
        for line in drawing.lines
        for text, tone in line
        if text.strip()
    )


def _order(order: OrderView, where: str) -> Iterator[Said]:
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
        drawn = OrdersPanel().draw((order,), width, height)
        words = _body(drawn)
        yield Said(
            f"{place} panel {width}x{height}",
            words,
            order.entry_id,
            kind=kind_in(words),
            must=True,
            contracts=contracts_in(words),
            credit=credit_in(words),
            good=_is_good(drawn),
            countdown=counts_down(words),
        )


def _every_entry(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
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


def _cycle(cycle: CycleSlice, day: Day, where: str) -> Iterator[Said]:
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
        drawn = CyclePanel().draw(replace(cycle, steps=()), width, height)
        of_accounts = tuple(line for line in drawn.lines if re.match(r"\W*…\w{4}\b", _line(line)))
        whole = replace(drawn, lines=tuple(line for line in drawn.lines if line not in of_accounts))
        words = _body(whole)
        yield Said(
            f"{place} panel {width}x{height}",
            words,
            cycle=cycle.number,
            kind=kind_in(words),
            must=True,
            credit=credit_in(words),
            good=_is_good(whole),
            countdown=counts_down(words),
        )
        for line in of_accounts:
            words, drawn = _line(line), replace(drawn, lines=(line,))
            yield Said(
                f"{place} panel {width}x{height}",
                words,
                cycle=cycle.number,
                kind=kind_in(words),
                must=True,
                account=re.findall(r"…(\w{4})", words)[0],
                credit=credit_in(words),
                good=_is_good(drawn),
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


def _schedule(slots: Sequence[SlotView], day: Day, where: str) -> Iterator[Said]:
    for width, height in SIZES:
        whole = _body(SchedulePanel().draw(tuple(slots), width, height))
        yield Said(f"{where} schedule panel {width}x{height}", whole, countdown=counts_down(whole))
    by_slot = {cycle.slot: cycle for cycle in day.cycles.values() if cycle.slot is not None}
    for slot in slots:
        cycle = day.cycles.get(slot.cycle) if slot.cycle is not None else by_slot.get(slot.at)
        place = f"{where} schedule {slot.at.astimezone(NEW_YORK):%H:%M}"
        if slot.at.astimezone(NEW_YORK).date() != day.today:
            yield Said(place, str(slot.at), lie="it is a slot of another day")
        if cycle is None or not cycle.has_ended or slot.state is not SlotState.DONE:
            is_missed = slot.state is SlotState.MISSED
            if is_missed is not (slot.at in day.missed) and cycle is None:
                yield Said(
                    place, slot.state, lie=f"it tells {slot.state}, and the records say {day.missed.get(slot.at)}"
                )
            continue
        if slot.told is not None:
            yield Said(f"{place} value", slot.told.words, cycle=cycle.number, kind=kind_in(slot.told.word), must=True)
        for width, height in SIZES:
            one = SchedulePanel().draw((slot,), width, height)
            words = _body(one)
            yield Said(
                f"{place} panel {width}x{height}",
                words,
                cycle=cycle.number,
                kind=kind_in(words),
                must=True,
                credit=credit_in(words),
                good=_is_good(one),
                countdown=counts_down(words),
            )


def _spread(spread: SpreadSlice, attempts: Sequence[AttemptView], day: Day, where: str) -> Iterator[Said]:
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
        drawn = SpreadPanel().draw(spread, width, height)
        head = replace(drawn, lines=drawn.lines[:1])
        words = _body(drawn)
        filled = (
            spread.fill_credit if spread.fill_credit is not None and credit_shown(spread.fill_credit) in words else None
        )
        yield Said(
            f"{place} panel {width}x{height}",
            words,
            own.entry,
            kind=kind_in(_body(head)),
            must=True,
            credit=credit_in(_body(head)) or filled,
            good=_is_good(head),
        )


def _attempts(attempts: Sequence[AttemptView], day: Day, where: str) -> Iterator[Said]:
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


def _alarms(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    unknown = [entry for entry in day.entries if entry.kind is Kind.UNKNOWN]
    told = [text for text, _ in alarms(snapshot) if text.startswith("UNKNOWN")]
    if snapshot.status.engine.value == "running" and len(told) != len(unknown):
        yield Said(f"{where} alarms", "; ".join(told), lie=f"{len(unknown)} entries are unknown, {len(told)} are told")
    for text, _ in alarms(snapshot):
        yield Said(f"{where} alarms", text, countdown=counts_down(text))


def _next(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    """What comes next, wherever the screen tells it."""
    for view in snapshot.next_steps:
        step = view.step
        yield Said(
            f"{where} next step {view.account}",
            step.words,
            account=view.account[-4:],
            step=STEP_OF.get(step.kind.value),
            enters_at=step.enters_at,
        )
        yield Said(
            f"{where} next words {view.account}",
            step.words,
            account=view.account[-4:],
            step=step_in(step.words),
            enters_at=enters_at(step.words, day.today),
        )
    if snapshot.overall is not None:
        step = snapshot.overall
        yield Said(f"{where} overall", step.words, step=STEP_OF.get(step.kind.value), enters_at=step.enters_at)
    for width in BARS:
        words = _body(StatusBar().draw(_view(snapshot), width, 1))
        yield Said(f"{where} bar {width}", words, countdown=counts_down(words))
        yield from _date(f"{where} bar {width}", words, day.today)
    title = pane_title(_view(snapshot))
    yield Said(f"{where} pane title", title, countdown=counts_down(title))
    for name, facts in (("force", force_facts(snapshot)), ("resume", resume_facts(snapshot))):
        for label, text in facts:
            about = re.findall(r"…(\w{4})", label)
            is_next = label.startswith("next") or bool(about)
            yield Said(
                f"{where} {name} dialog",
                f"{label} {text}",
                account=about[0] if about else "",
                step=step_in(text) if is_next else None,
                enters_at=enters_at(text, day.today) if is_next else None,
                countdown=counts_down(text),
            )
    for line in StatusChanges().lines(snapshot):
        yield Said(f"{where} plain line", line, countdown=counts_down(line))


def _view(snapshot: Snapshot) -> StatusView:
    """The bar's view of a snapshot, as the console makes it."""
    names = StatusView.__dataclass_fields__
    more = {name: getattr(snapshot, name) for name in ("overall", "next_steps", "day") if name in names}
    return StatusView(snapshot.status, **more)


def _date(place: str, words: str, today: date) -> Iterator[Said]:
    """Where the bar has a date it is today's."""
    months = [today.replace(day=1).strftime("%b")]
    for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"):
        if f" {month} " in words.split("  ")[-2:][0] and month not in months:
            yield Said(place, words, lie=f"its date is not {today}")


_SENT = {"sent": "sending", "prepared": "sending"}


def _metrics(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    told = [
        sample.labels
        for metric in prometheus.metrics_of(snapshot)
        if metric.name == "senex_entries"
        for sample in metric.samples
    ]
    open_kinds = (Kind.WORKING, Kind.PARTLY, Kind.UNKNOWN, Kind.SENDING)
    for entry in day.of_today():
        yield Said(f"{where} metrics", str(told), entry.entry)
        own = [labels for labels in told if labels["account"].endswith(entry.account[-4:])]
        words = [
            _SENT.get(word, word) for labels in own for name in ("fate", "state") if (word := labels.get(name, ""))
        ]
        fits = {entry.kind, Kind.WORKING} if entry.kind is Kind.PARTLY else {entry.kind}
        if not any(kind_in(word.replace("_", " ")) in fits for word in words):
            yield Said(f"{where} metrics", str(own), lie=f"entry {entry.entry} is {entry.kind}")
    works = [kind_in(labels.get("fate", labels.get("state", "")).replace("_", " ")) in open_kinds for labels in told]
    if any(works) and not any(entry.kind in open_kinds for entry in day.entries):
        yield Said(f"{where} metrics", str(told), lie="no entry is open")
