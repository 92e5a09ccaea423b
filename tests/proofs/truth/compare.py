"""Compares what the places say with the truth (rules 13.8): a sentence for every lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from tests.proofs.truth.said import Said
from tests.proofs.truth.values import CycleTruth, Day, Kind, NextTruth, Step, Truth
from tests.proofs.truth.words import shown

_SAME = {
    Kind.HELD: (Kind.HELD, Kind.SKIPPED),
    Kind.SKIPPED: (Kind.SKIPPED, Kind.HELD),
    Kind.INTERRUPTED: (Kind.INTERRUPTED, Kind.FAILED),
}
"""Words that tell the same; every other kind has only its own."""
_NO_TRADE = (Kind.REJECTED, Kind.ABSENT, Kind.UNKNOWN, Kind.EXPIRED, Kind.CANCELLED)
_GOOD = (Kind.FILLED, Kind.VALIDATED, Kind.SUCCEEDED)


def lies(said: Iterable[Said], day: Day) -> list[str]:
    """A sentence for each statement that is not true, and for two that tell different next steps."""
    said = tuple(said)
    found = list(_different_steps(said))
    for one in said:
        found += [f"{one.place}: {wrong}; it says: {' '.join(one.text.split())[:300]!r}" for wrong in _wrong(one, day)]
    return found


def _different_steps(said: Sequence[Said]) -> Iterator[str]:
    """Of several causes that hold at once, every place names the same."""
    told: dict[str, dict[Step, str]] = defaultdict(dict)
    for one in said:
        if one.step is not None:
            told[one.account].setdefault(one.step, one.place)
    for account, steps in told.items():
        if len(steps) > 1:
            words = ", ".join(f"{place} tells {step}" for step, place in steps.items())
            yield f"what comes next for {account or 'the console'} is told in two ways: {words}"


def changed_by_restart(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """A sentence for each panel that says something else of the same records after a restart."""
    return [
        f"{place} said {before[place]!r} before the restart, and says {after[place]!r} after it"
        for place in before.keys() & after.keys()
        if before[place] != after[place]
    ]


def _wrong(one: Said, day: Day) -> Iterator[str]:
    if one.lie:
        yield one.lie
    if one.entry:
        entry = day.entry(one.entry)
        if entry is None:
            yield f"no entry {one.entry} is recorded"
        else:
            yield from _of_entry(one, entry)
    elif one.cycle is not None:
        cycle = day.cycles.get(one.cycle)
        if cycle is None:
            yield f"no cycle {one.cycle} is recorded"
        else:
            yield from _of_cycle(one, cycle, day)
    if one.traded is not None and one.day is not None:
        yield from _of_day(one, day)
    yield from _of_next(one, day)


def _of_entry(one: Said, entry: Truth) -> Iterator[str]:
    if one.kind is not None and one.kind not in _SAME.get(entry.kind, (entry.kind,)):
        yield f"it tells {one.kind}, and entry {entry.entry} is {entry.kind}"
    if one.must and one.kind is None:
        yield f"it does not tell that entry {entry.entry} is {entry.kind}"
    if one.contracts is not None and one.contracts != entry.contracts:
        yield f"it tells {one.contracts} contracts, and {entry.contracts} of {entry.ordered} are filled"
    if one.credit is not None and (entry.credit is None or shown(one.credit) != shown(entry.credit)):
        yield f"it tells a fill at {one.credit}, and entry {entry.entry} is filled at {_credit(entry.credit)}"
    if one.must and one.credit is None and entry.kind is Kind.FILLED and entry.credit is not None:
        yield f"it does not tell the credit {_credit(entry.credit)} of the filled entry {entry.entry}"
    if one.good and not entry.traded:
        yield f"it has a tick or a colour of success, and entry {entry.entry} is {entry.kind}, unfilled"


def _of_cycle(one: Said, cycle: CycleTruth, day: Day) -> Iterator[str]:
    if not cycle.has_ended:
        return
    truth = cycle.worst
    fits = {same for kind in truth for same in _SAME.get(kind, (kind,))}
    of_entries = [e for e in day.of_cycle(cycle.number) if not one.account or e.account.endswith(one.account)]
    if one.account:
        own = next((kind for account, kind in cycle.came_to.items() if account.endswith(one.account)), None)
        fits = set() if own is None else set(_SAME.get(own, (own,)))
    if one.kind is not None and fits and one.kind not in fits:
        yield f"it tells {one.kind} of cycle {cycle.number}, which came to {', '.join(sorted(fits))}"
    if one.must and one.kind is None and fits:
        yield f"it does not tell that cycle {cycle.number} came to {', '.join(sorted(fits))}"
    credits = {shown(entry.credit) for entry in of_entries if entry.credit is not None}
    if one.credit is not None and of_entries and shown(one.credit) not in credits:
        yield f"it tells a fill at {one.credit}, and cycle {cycle.number} was filled at {sorted(credits) or 'nothing'}"
    if one.good and not fits & set(_GOOD):
        yield f"it has a tick or a colour of success, and cycle {cycle.number} came to {', '.join(sorted(fits))}"


def _of_day(one: Said, day: Day) -> Iterator[str]:
    entries = [e for e in day.entries if e.day == one.day and e.account.endswith(one.account)]
    traded = any(entry.traded for entry in entries)
    validated = any(
        kind is Kind.VALIDATED and account.endswith(one.account)
        for cycle in day.cycles.values()
        if cycle.day == one.day
        for account, kind in cycle.came_to.items()
    )
    if one.traded and not traded and not validated:
        yield f"it counts {one.account} on {one.day} as traded, and nothing is filled"
    if not one.traded and traded:
        yield f"it does not count {one.account} on {one.day} as traded, and contracts are filled"
    if one.kind is Kind.FAILED or traded or validated:
        return
    failed = [e for e in entries if e.kind in _NO_TRADE and not e.by and "opposing_order" not in e.why_not]
    if failed and one.kind is not None:
        yield f"it counts {one.account} on {one.day} as {one.kind}, and its entry came to nothing: an error"


def _of_next(one: Said, day: Day) -> Iterator[str]:
    whose = [n for n in day.next.values() if not one.account or n.account.endswith(one.account)]
    if one.countdown and not any(each.enters_at is not None for each in whose):
        yield f"it counts down ({one.countdown}), and nothing will enter: {_steps(whose)}"
    elif one.countdown:
        left = min(each.enters_at for each in whose if each.enters_at is not None) - day.facts.now
        said = _span(one.countdown)
        if said is not None and abs(said - left) > timedelta(seconds=60 if "min" in one.countdown else 2):
            yield f"it counts down {said}, and the next entry may come in {left}"
    if one.step is None or not whose:
        return
    true = {step for each in whose for step in each.steps}
    if one.step is Step.ENTERS and not any(each.enters_at is not None for each in whose):
        yield f"it tells that an account may enter, and none may: {_steps(whose)}"
    elif one.step is not Step.ENTERS and one.step not in true:
        yield f"it tells {one.step}, and the truth is {_steps(whose)}"
    if one.step is not Step.ENTERS and one.account and any(each.enters_at is not None for each in whose):
        yield f"it tells {one.step}, and the account enters at {whose[0].enters_at}"
    if one.enters_at is not None and one.enters_at not in [each.enters_at for each in whose]:
        yield f"it tells {one.enters_at}, and the slot that enters is {[str(each.enters_at) for each in whose]}"


def _steps(whose: Iterable[NextTruth]) -> str:
    return "; ".join(f"{each.account[-4:]} {', '.join(sorted(each.steps))}" for each in whose)


def _span(text: str) -> timedelta | None:
    """The span of a countdown as shown: `13:19`, `1:02:05`, `13 min 19 s`, `1 h 2 min`."""
    digits = "".join(sign if sign.isdigit() or sign == ":" else " " for sign in text).split()
    if not digits:
        return None
    parts = [int(part) for part in (digits[0].split(":") if ":" in digits[0] else digits)]
    if ":" in digits[0]:
        seconds = sum(part * 60**power for power, part in enumerate(reversed(parts)))
    elif " h " in text:
        seconds = parts[0] * 3600 + (parts[1] * 60 if len(parts) > 1 else 0)
    else:
        seconds = parts[0] * 60 + (parts[1] if len(parts) > 1 else 0)
    return timedelta(seconds=seconds)


def _credit(credit: Decimal | None) -> str:
    return "no credit yet" if credit is None else str(shown(credit))
