"""Twelve questions of an operator, and the keys that answer each on the console at 80x24.

What an answer must show comes from the records alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.snapshot import Snapshot
from tests.proofs.truth.values import NEW_YORK, CycleTruth, Day, Kind, Step
from tests.proofs.truth.words import shown

STATES: Mapping[str, tuple[str, str]] = {
    "calm": ("calm", "calm"),
    "filled": ("filled", "filled"),
    "rejected": ("rejected", "rejected"),
    "unknown then found": ("lost", "unknown then found"),
    "restarted": ("filled", "restarted"),
    "paused": ("paused", "paused"),
    "all accounts off": ("all off", "all accounts off"),
    "next morning": ("filled", "next morning"),
}
"""The states to be asked in, with the scene that each is from and the name it is kept under."""
AT_ONCE = ""
"""The keys of an answer that is in sight already."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A state: what the console shows, and what is true. `records` are the rows of it."""

    snapshot: Snapshot
    day: Day
    records: sqlite3.Connection


@dataclass(frozen=True, slots=True)
class Question:
    """One question, the keys that answer it (two at most), and what the answer shows: texts, of which each has its
    forms, `|` between them. A text after `!` must not be there."""

    asked: str
    keys: tuple[str, ...]
    answer: Callable[[Seen], Iterator[str]]


def _is_live(seen: Seen) -> Iterator[str]:
    yield seen.snapshot.status.mode.upper()
    yield {"active": "● ON", "paused": "■ PAUSED", "halted": "✖ HALTED"}[seen.day.trading]


def _next(seen: Seen) -> Iterator[str]:
    at = seen.day.enters_at
    if at is not None:
        left = int((at - seen.day.facts.now.replace(microsecond=0)).total_seconds())
        yield f"{at.astimezone(NEW_YORK):%H:%M}"
        yield f"{left // 60:02}:{left % 60:02}"
        return
    steps = {step for each in seen.day.next.values() for step in each.steps}
    yield "|".join(word for step, word in _WORDS.items() if step in steps)
    yield "!free to enter"


_WORDS = {
    Step.DONE: "done today",
    Step.PAUSED: "PAUSED",
    Step.OFF: "automation is off|automation off|accounts off|no account",
    Step.WORKING: "an order works",
    Step.HELD: "held by",
    Step.CLOSED: "no slot is left|market closed",
    Step.HALTED: "HALTED|halted",
    Step.SKIPPED: "skipped today",
}


def _whose(seen: Seen) -> Iterator[str]:
    yield from _next(seen)
    if any(each.steps != {Step.OFF} for each in seen.day.next.values()):
        yield "|".join(f"…{account[-4:]}" for account in seen.day.accounts)


def _why_not(seen: Seen) -> Iterator[str]:
    ended = [cycle for cycle in _cycles(seen.day) if cycle.slot is not None]
    for cycle in ended[-2:]:
        yield f"{_slot(cycle)} {_word(cycle)}"
    for slot, reason in seen.day.missed.items():
        yield f"{slot.astimezone(NEW_YORK):%H:%M} MISSED"
        yield {"paused": "paused", "process_down": "not running"}.get(reason, "")
    if not ended and not seen.day.missed:
        yield "09:45"


def _pays(seen: Seen) -> Iterator[str]:
    row = seen.records.execute(
        "SELECT natural, mid FROM suggestions WHERE session_day = ? ORDER BY at DESC", (seen.day.today.isoformat(),)
    ).fetchone()
    if row is None:
        yield "no spread priced yet"
        return
    yield "natural"
    yield from (str(shown(Decimal(value))) for value in row)


def _ages(seen: Seen) -> Iterator[str]:
    for quote in seen.snapshot.quotes:
        yield quote.symbol
        yield f"{quote.freshness.value} {quote.age_s}s|{quote.freshness.value.upper()}"


def _at_broker(seen: Seen) -> Iterator[str]:
    rows = seen.records.execute(
        "SELECT order_id, broker_status FROM entries WHERE session_day = ?", (seen.day.today.isoformat(),)
    ).fetchall()
    if not rows:
        yield "no order today"
    for order, status in rows:
        yield f"broker {status}"
        yield f"order {order or '--'}"


def _did_it_fill(seen: Seen) -> Iterator[str]:
    for entry in seen.day.of_today():
        yield entry.kind.upper()
        yield f"{entry.contracts} of {entry.ordered} filled"
        if entry.credit is not None:
            yield f"FILLED {shown(entry.credit)}"
    if not seen.day.of_today():
        yield "no order today"
        yield "!of 6 filled"


def _is_anything_wrong(seen: Seen) -> Iterator[str]:
    unknown = any(entry.kind is Kind.UNKNOWN for entry in seen.day.entries)
    yield "Press u" if unknown else "!UNKNOWN"
    yield "HALTED" if seen.day.trading == "halted" else "!HALTED"


def _what_changed(seen: Seen) -> Iterator[str]:
    rows = seen.records.execute(
        "SELECT kind, who, target, note FROM commands WHERE state = 'done' AND substr(at, 1, 10) = ? ORDER BY seq",
        (seen.day.today.isoformat(),),
    ).fetchall()
    for kind, who, _, note in rows[-1:]:
        yield who
        yield {"pause": "paused", "set_account": note.split(" ")[-1]}.get(kind, kind)


def _while_away(seen: Seen) -> Iterator[str]:
    for cycle in _cycles(seen.day)[-3:]:
        yield f"{_slot(cycle)}"
        yield _word(cycle).lower()
    if not seen.day.cycles:
        yield "no cycles|nothing"


def _if_pressed(seen: Seen) -> Iterator[str]:
    yield "pause automation at once: no new entries"
    yield "force a cycle now; asks first"


def _healthy(seen: Seen) -> Iterator[str]:
    for part in ("feed", "broker", "records"):
        yield f"{part} ok|all ok|rest ok"


QUESTIONS = (
    Question("is it live", (AT_ONCE,), _is_live),
    Question("will it trade next, when", (AT_ONCE,), _next),
    Question("on which account", ("f", "A", AT_ONCE), _whose),
    Question("why not at that slot", ("4",), _why_not),
    Question("what would it pay now", ("1",), _pays),
    Question("how old are the quotes", (AT_ONCE,), _ages),
    Question("what stands at the broker", ("3",), _at_broker),
    Question("did it fill, at what, how much", ("3",), _did_it_fill),
    Question("is anything unknown or halted", (AT_ONCE,), _is_anything_wrong),
    Question("what changed, by whom", ("5",), _what_changed),
    Question("what happened while I was away", ("4", "h"), _while_away),
    Question("what if I press this", ("question_mark",), _if_pressed),
    Question("is the box healthy", (AT_ONCE,), _healthy),
)


def answers(question: Question, seen: Seen, screens: Mapping[str, str]) -> tuple[str, list[str]]:
    """The keys whose screen answers the question, and what is missing there; with keys that answer nothing is."""
    best: tuple[str, list[str]] | None = None
    for keys in question.keys:
        missing = [text for text in question.answer(seen) if not _shows(screens[keys], text)]
        if best is None or len(missing) < len(best[1]):
            best = (keys, missing)
    assert best is not None
    return best


def as_table(rows: Sequence[tuple[str, Mapping[str, str]]], states: Sequence[str]) -> str:
    """The answers as a table in Markdown: for each question the keys that answered it in each state."""
    lines = ["| question | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    lines += [f"| {asked} | " + " | ".join(by_state[state] for state in states) + " |" for asked, by_state in rows]
    return "\n".join(lines)


def _shows(screen: str, text: str) -> bool:
    told = " ".join(screen.split())
    if text.startswith("!"):
        return text[1:] not in told
    return any(form in told for form in text.split("|"))


def _cycles(day: Day) -> list[CycleTruth]:
    return [cycle for cycle in day.cycles.values() if cycle.day == day.today and cycle.has_ended]


def _slot(cycle: CycleTruth) -> str:
    return "" if cycle.slot is None else f"{cycle.slot.astimezone(NEW_YORK):%H:%M}"


def _word(cycle: CycleTruth) -> str:
    return "|".join(kind.upper() for kind in cycle.worst)
