"""What happened in a cycle and why, in order, with the figures. A screen and `senex explain` share these lines (rules
4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from core.broker.port import DryRunAnswer
from core.domain.operation import amounts, times
from core.domain.operation.events import Event, Severity, Step, StepResult, masked
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason
from core.domain.orders.fate import day_words, fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.domain.orders.packages import fill_credit, risk_at
from core.records.repositories.rows import CommandRecord, CycleRecord, EvidenceRecord, IntentChange, SlotRecord
from core.records.search.cycle_details import CycleDetails, EntryDetails, SlotSurroundings
from core.records.search.told_cycles import CycleTold
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views.plain_words import plain_words
from core.views.step_words import figure_lines, words_of

_TOLD_BY_ENTRY = frozenset(
    {f"order.{state.value}" for state in OrderState} | {"order.status", "order.partially_filled", "order.fills_known"}
)
_INNER = frozenset({"alerts"})
"""Evidence that only the engine compares: the connection in which it was seen."""
_BEFORE_SLOT, _AFTER_SLOT = 8, 2


def story_of_cycle(file: CycleDetails, today: date | None = None) -> Story:
    """Each account's steps with their figures, its entry to the end, and the commands that touched it.

    `today` is the exchange's date when it is told, None where it may be read on any day.
    """
    lines: list[StoryLine] = []
    for account in dict.fromkeys(e.account for e in file.events if e.account is not None):
        lines += _account_lines(file, account)
        for entry in file.entries:
            if entry.entry.account == account:
                lines += entry_lines(entry, today)
    lines += [_event(e) for e in file.events if e.account is None and e.kind not in ("cycle.started", "cycle.ended")]
    lines += _command_lines(file.commands)
    return Story(_cycle_title(file.cycle), _cycle_verdict(file.cycle, file.told), tuple(lines))


def story_of_slot(slot: datetime, record: SlotRecord | None, around: SlotSurroundings) -> Story:
    """Why no cycle ran at a slot, and the events around it. Without a record no console has noted why."""
    if record is None:
        verdict = "did not run and has no record: no console was running, and none has started since"
    else:
        verdict = f"{record.state.upper()}: {record.reason_text or 'no reason is recorded'}"
    lines = [_section("breakers open at the slot")] if around.breakers else []
    lines += [StoryLine(StoryKind.EVENT, "breaker", why, opened) for opened, why in around.breakers]
    before = [e for e in around.events if e.at <= slot][-_BEFORE_SLOT:]
    after = [e for e in around.events if e.at > slot][:_AFTER_SLOT]
    lines += [_section("before the slot")] * bool(before) + [_event(e) for e in before]
    lines += [_section("after it")] * bool(after) + [_event(e) for e in after]
    lines += _command_lines(around.commands)
    return Story(f"Slot {_when(slot)}", verdict, tuple(lines))


def _cycle_title(cycle: CycleRecord) -> str:
    how = "forced" if cycle.slot is None else f"slot {times.minute(cycle.slot)}"
    return f"Cycle {cycle.number}, {how}, {times.title(cycle.day)}"


def _cycle_verdict(cycle: CycleRecord, told: CycleTold) -> str:
    """What the cycle came to, by the fates of its entries (rules 4.4), and how long it took."""
    began = f"began {times.clock(cycle.began_at)} ET"
    if cycle.ended_at is None:
        return f"still running, or its process ended: {began}"
    took = amounts.seconds(round((cycle.ended_at - cycle.began_at).total_seconds() * 1000))
    return f"{_told_words(told)}; {began} and took {took}"


def _told_words(cycle: CycleTold) -> str:
    """`FILLED 6.73`, `SKIPPED: no session today`, `1 REJECTED, 2 FILLED`: the word in capitals, then what is added."""
    told = cycle.told
    if sum(cycle.totals.values()) > 1 and told not in cycle.accounts.values():
        return told.words.upper()  # several accounts, counted
    head, words = told.word.upper(), told.words.removeprefix("day held: ")
    return head + words[len(head) :] if words.upper().startswith(head) else f"{head}: {words}"


def _account_lines(file: CycleDetails, account: str) -> Iterator[StoryLine]:
    yield _section(f"account {masked(account)}", account)
    tried: tuple[int, str | None] | None = None
    read: Figures = ()
    for event in file.events:
        if event.account != account or event.kind in _TOLD_BY_ENTRY:
            continue
        attempt = None if event.attempt is None else (event.attempt, event.underlying)
        if attempt is not None and attempt != tried:
            yield _section(f"attempt {event.attempt}, {event.underlying}", account)
            tried = attempt
        elif attempt is None and tried is not None and event.step is not None:
            yield _section("the suggestion", account)
            tried = None
        if event.step is None:
            yield _event(event)
            continue
        if event.step is Step.ACCOUNT:
            read = event.figures
        yield from _step_lines(event, event.step, read)
        if event.step is Step.SEND:
            yield from _dry_run_lines(file, account)


def _step_lines(event: Event, step: Step, read: Figures) -> Iterator[StoryLine]:
    refused = event.result is StepResult.REFUSED and event.reason is not Reason.OUTCOME_UNKNOWN
    text, code = words_of(event), "" if event.reason is None else event.reason.code
    yield StoryLine(
        kind=StoryKind.EVENT,
        label=step.word,
        text=f"REFUSED: {text}" if refused else text,
        at=event.at,
        severity=event.severity,
        account=event.account or "",
        reason=code,
        figures=event.figures,
    )
    for label, words, points in figure_lines(event, read):
        yield StoryLine(StoryKind.FIGURE, label, words, points=points, account=event.account or "")


def _dry_run_lines(file: CycleDetails, account: str) -> Iterator[StoryLine]:
    for suggestion in file.suggestions:
        answer = file.dry_runs.get(suggestion.id)
        if suggestion.account == account and answer is not None:
            yield StoryLine(StoryKind.FIGURE, "broker's dry run", _dry_run_words(answer), account=account)


def _dry_run_words(answer: DryRunAnswer) -> str:
    fees = "unknown" if answer.fees is None else amounts.dollars(answer.fees)
    warned = "; ".join(words or code for code, words in answer.warnings) or "none"
    change = amounts.signed_dollars(answer.buying_power_change)
    power = f"buying power {change} to {amounts.dollars(answer.new_buying_power)}"
    return f"{power}, fees {fees}, warnings: {warned}"


def entry_lines(file: EntryDetails, today: date | None = None) -> Iterator[StoryLine]:
    """The entry's states, its fills and the evidence about it, in the order of time; `today` as in `story_of_cycle`."""
    entry = file.entry
    what = f"{entry.underlying} {entry.strikes} {entry.expiration} at {amounts.credit(entry.standing_limit)} credit"
    yield _section(f"entry of {masked(entry.account)}: {what}", entry.account)
    happened = [
        *(fill_line(entry.account, fill) for fill in entry.fills),
        *(_change_line(file, change) for change in told_at_once(file.changes)),
        *evidence_lines(entry.account, file.evidence),
    ]
    yield from sorted(happened, key=lambda line: line.at or entry.prepared_at)
    fate = fate_of(entry)
    day = day_words(fate, reentry_allowed=file.reentry_allowed, today=today)
    now = f"{fate_words(fate)}; {day}; entry {entry.id}"
    yield StoryLine(StoryKind.FIGURE, "now", now, account=entry.account)


def _change_line(file: EntryDetails, change: IntentChange) -> StoryLine:
    entry = file.entry
    parts = []
    if change.state is OrderState.PREPARED:
        parts.append(f"the whole request is recorded as {entry.identifier}")
    elif change.state is OrderState.SENT:
        parts.append("the last guards passed; from here on nothing is sent twice")
    if change.order_id is not None:
        parts.append(f"order {change.order_id}")
    if change.broker_status is not None:
        parts.append(f"the broker says {change.broker_status}")
    credit = fill_credit(entry)
    if change.state is OrderState.FILLED and credit is not None:
        parts.append(f"{amounts.credit(credit)} credit, {amounts.risk(risk_at(entry, credit))}")
    if change.detail:
        parts.append(plain_words(change.detail))
    bad = change.state in (OrderState.UNKNOWN, OrderState.INCIDENT)
    return StoryLine(
        kind=StoryKind.EVENT,
        label=change.state.words,
        text="; ".join(parts),
        at=change.at,
        severity=Severity.CRITICAL if bad else Severity.INFO,
        account=entry.account,
    )


_AT_ONCE = timedelta(seconds=5)
"""In so short a time an order goes through the broker's routing."""


def told_at_once(changes: Iterable[IntentChange]) -> list[IntentChange]:
    """The changes with what the broker said of one state within a moment told as one, at the instant of the first."""
    told: list[IntentChange] = []
    for change in changes:
        last = told[-1] if told else None
        if (
            last is not None
            and last.broker_status
            and change.broker_status
            and (last.state, last.order_id, last.detail) == (change.state, change.order_id, change.detail)
            and change.at - last.at <= _AT_ONCE
        ):
            told[-1] = replace(last, broker_status=f"{last.broker_status}, {change.broker_status}")
        else:
            told.append(change)
    return told


def fill_line(account: str, fill: Fill) -> StoryLine:
    """One fill of one leg."""
    text = f"{amounts.quantity(fill.quantity)} x {' '.join(fill.symbol.split())} at {amounts.price(fill.price)}"
    return StoryLine(StoryKind.EVENT, "fill", text, fill.at, account=account)


def evidence_lines(account: str, evidence: tuple[EvidenceRecord, ...]) -> Iterator[StoryLine]:
    """Everything that was seen of an intent, in its order."""
    before: object = None
    for seen in evidence:
        said = [_evidence_words(name, value, before) for name, value in seen.detail.items() if name not in _INNER]
        whole = "" if seen.complete else "incomplete, so it proves nothing: "
        text = f"{seen.kind} by {seen.who}: {whole}{', '.join(word for word in said if word)}"
        yield StoryLine(StoryKind.EVENT, "evidence", text, seen.at, account=account)
        before = seen.detail.get("positions", before)


def _evidence_words(name: str, value: object, positions_before: object) -> str:
    """One thing that was seen. Of the positions only a hash is kept: what counts is whether they changed since."""
    match name, value:
        case "found", bool():
            return "the order is there" if value else "no such order is there"
        case "positions", _:
            if positions_before is None:
                return "positions noted"
            return "positions unchanged" if value == positions_before else "positions CHANGED since the read before"
        case "seen", _:
            return "no such order at the broker" if value == "absent" else f"order {value} at the broker"
        case "allow_reentry", True:
            return "re-entry allowed"
        case "agrees", bool():
            return f"the positions read after it {'agree' if value else 'DIFFER'}"
    return f"{name.replace('_', ' ')} {value}"


def _command_lines(given: tuple[CommandRecord, ...]) -> list[StoryLine]:
    lines = [_section("commands")] if given else []
    for record in given:
        command = record.command
        said = "".join(f" {word}" for word in (command.target, command.note and f"({command.note})") if word)
        text = f"{command.kind.words}{said} by {command.who}: {record.state.value}"
        lines.append(
            StoryLine(StoryKind.EVENT, "command", f"{text}, {record.text}" if record.text else text, command.at)
        )
    return lines


def _event(event: Event) -> StoryLine:
    return StoryLine(
        kind=StoryKind.EVENT,
        label=event.kind.split(".")[0],
        text=event.text,
        at=event.at,
        severity=event.severity,
        account=event.account or "",
        reason="" if event.reason is None else event.reason.code,
        figures=event.figures,
    )


def _section(title: str, account: str = "") -> StoryLine:
    return StoryLine(StoryKind.SECTION, title, account=account)


def _when(instant: datetime) -> str:
    return f"{times.minute(instant)}, {times.title(instant.astimezone(times.EXCHANGE_ZONE).date())}"
