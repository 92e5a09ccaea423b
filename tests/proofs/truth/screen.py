"""What the screen says: every panel, bar, alarms, dialogs, lines of `--plain` and metrics, made from one snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from core.notify import prometheus
from core.snapshot import Snapshot
from core.snapshot.codec import decode, encode
from senex_tui.console.actions.questions import force_facts, resume_facts
from senex_tui.run.plain import StatusChanges
from tests.proofs.truth.holdings import of_holdings
from tests.proofs.truth.panels import (
    body,
    drawer,
    of_attempts,
    of_cycle,
    of_every_entry,
    of_order,
    of_schedule,
    of_spread,
)
from tests.proofs.truth.said import Said
from tests.proofs.truth.values import Day, Kind, Step
from tests.proofs.truth.words import STEP_OF, counts_down, enters_at, kind_in, step_in
from widgets.alarms import alarms
from widgets.status_bar import StatusBar, StatusView, pane_title

BARS = (78, 168)


def on_screen(snapshot: Snapshot, day: Day, where: str = "screen") -> Iterator[Said]:
    """Everything the console shows from this snapshot."""
    draw = drawer(snapshot)
    for order in snapshot.orders:
        yield from of_order(draw, order, where)
    yield from of_every_entry(snapshot, day, where)
    starts = bool(snapshot.status.start)  # its steps stand in the place of the cycle
    if snapshot.cycle is not None and snapshot.cycle.number and not starts:
        yield from of_cycle(draw, snapshot.cycle, day, where)
    yield from of_schedule(draw, snapshot.schedule, day, where)
    if snapshot.spread is not None:
        yield from of_spread(draw, snapshot.spread, snapshot.attempts, day, where)
    yield from of_attempts(snapshot.attempts, day, where)
    yield from of_holdings(snapshot, day, where)
    yield from _alarms(snapshot, day, where)
    yield from _next(snapshot, day, where)
    yield from _automation(snapshot, day, where)
    yield from _metrics(snapshot, day, where)


def as_watched(snapshot: Snapshot) -> Iterator[Said]:
    """What a watcher shows of the published snapshot: the same value, so that every panel says the same."""
    seen = decode(encode(snapshot))
    yield Said("watcher", "the snapshot as published and read back")
    if seen != snapshot:
        yield Said("watcher", "the snapshot as published and read back", lie="it is another snapshot")


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
        words = body(StatusBar().draw(_view(snapshot), width, 1))
        yield Said(f"{where} bar {width}", words, countdown=counts_down(words))
        yield from _date(f"{where} bar {width}", words, day.today)
    title = pane_title(_view(snapshot))
    yield Said(f"{where} pane title", title, countdown=counts_down(title))
    for name, facts in (("force", force_facts(snapshot)), ("resume", resume_facts(snapshot))):
        for label, text in facts:
            told = text if label == "next" and name == "force" else ""  # the other tells what would be
            about = re.findall(r"…(\w{4})", told)
            yield Said(
                f"{where} {name} dialog",
                f"{label} {text}",
                account=about[0] if about else "",
                step=step_in(told),
                enters_at=enters_at(told, day.today),
                countdown=counts_down(text),
            )
    for line in StatusChanges().lines(snapshot):
        yield Said(f"{where} plain line", line, countdown=counts_down(line))


_SUPPORT = {
    "paused": {Step.PAUSED},
    "halted": {Step.HALTED, Step.BREAKER},
    "reconciling": {Step.RECONCILING},
}
"""The causes of which one must hold for the bar's word about entries."""


def _automation(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    """The bar's word about entries, once the engine runs."""
    if snapshot.status.engine.value != "running" or not day.next:
        return
    word = snapshot.status.automation.value
    causes = {step for each in day.next.values() for step in each.steps}
    yield Said(f"{where} automation", word)
    if word == "active" and causes & {Step.PAUSED, Step.HALTED}:
        yield Said(f"{where} automation", word, lie=f"entries are stopped: {', '.join(sorted(causes))}")
    if word in _SUPPORT and not causes & _SUPPORT[word]:
        yield Said(f"{where} automation", word, lie=f"what holds is {', '.join(sorted(causes)) or 'nothing'}")


def _view(snapshot: Snapshot) -> StatusView:
    """The bar's view of a snapshot, as the console makes it."""
    names = StatusView.__dataclass_fields__
    more = {name: getattr(snapshot, name) for name in ("overall", "next_steps", "day") if name in names}
    return StatusView(snapshot.status, **more)


def _date(place: str, words: str, today: date) -> Iterator[Said]:
    """Where the bar has a date it is today's. Without one what comes next stands beside the clock."""
    months = [today.replace(day=1).strftime("%b")]
    beside_the_clock = words.split("  ")[-2:][0]
    if "next slot " in beside_the_clock:
        return
    for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"):
        if f" {month} " in beside_the_clock and month not in months:
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
