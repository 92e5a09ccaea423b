"""The daily and the weekly mail: what happened, also when nothing did (rules 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.domain.operation.amounts import counted, credit, open_risk, risk
from core.domain.operation.breakers import Breaker, Scope
from core.domain.operation.events import masked
from core.domain.operation.times import day_of, moment, weekday
from core.domain.orders.fate import FateKind, fate_of, fate_words
from core.domain.orders.next_step import NextStep, TradingWords
from core.domain.orders.orders import Entry
from core.domain.orders.packages import total_risk
from core.domain.reporting.exit_digest import (
    Earned,
    ExitsAhead,
    ahead_lines,
    earned_lines,
    earned_words,
    has_news,
    total,
)
from core.domain.reporting.notices import Letterhead, Notice, Part, page


@dataclass(frozen=True, slots=True)
class AccountDay:
    """One account's results on one session day.

    `validated` describes the suggestions that a dry run validated. `reasons` counts the runs that made no entry, by the
    sentence that says why; runs that only met the day's entry are left out. `earned` is what its exits realized, None
    where it never had one.
    """

    account: str
    enabled: bool
    entries: tuple[Entry, ...]
    validated: tuple[str, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    earned: Earned | None = None


@dataclass(frozen=True, slots=True)
class SessionDay:
    """The results of one session day.

    `outcomes` counts its cycles by what they are told to have come to; `reasons` counts those that made no entry by the
    sentence that says why. `missed` counts its missed slots by the sentence that says why.
    """

    day: date
    accounts: tuple[AccountDay, ...]
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state when the digest is written: the open tridents by account, each with what differs at the broker and what
    is left of it can lose; the open breakers, the trading state, what comes next by account, and how its exits
    stand."""

    open_tridents: Mapping[str, tuple[tuple[Entry, str, Decimal | None], ...]]
    breakers: tuple[Breaker, ...]
    trading: TradingWords = field(default_factory=TradingWords)
    next_steps: Mapping[str, NextStep] = field(default_factory=dict)
    exits: Mapping[str, ExitsAhead] = field(default_factory=dict)


def daily_digest(session: SessionDay, outlook: Outlook, head: Letterhead) -> Notice:
    """The digest of one session day."""
    parts = [
        *(_account_part(account, outlook) for account in session.accounts),
        Part("Cycles", _cycle_lines(session)),
        *_attention(outlook),
    ]
    return page(
        key=f"daily:{session.day.isoformat()}",
        kind="daily",
        account="",
        subject=f"{weekday(session.day)}: {_headline([session])}",
        parts=parts,
        head=head,
        link="Orders at the broker",
    )


def weekly_digest(sessions: Sequence[SessionDay], outlook: Outlook, head: Letterhead) -> Notice:
    """The digest of a week's sessions, oldest first. There must be at least one."""
    first, last = sessions[0].day, sessions[-1].day
    year, week, _ = last.isocalendar()
    parts: list[Part] = []
    for account in sessions[-1].accounts:
        rows = tuple((day_of(session.day, last), _day_in_a_line(session, account.account)) for session in sessions)
        parts.append(Part(_name(account), rows=rows))
        parts.append(Part(lines=(*_week_lines(sessions, account.account), *_ahead_lines(account.account, outlook))))
    parts.append(Part("Cycles", tuple(f"{weekday(s.day)}: {_cycle_lines(s)[0]}" for s in sessions)))
    parts += _attention(outlook)
    return page(
        key=f"weekly:{year}-W{week:02}",
        kind="weekly",
        account="",
        subject=f"week of {weekday(first)}: {_headline(sessions)}",
        parts=parts,
        head=head,
        link="Orders at the broker",
    )


def _headline(sessions: Sequence[SessionDay]) -> str:
    fates = [fate_of(entry) for session in sessions for account in session.accounts for entry in account.entries]
    kinds = Counter(fate.kind.value for fate in fates if fate.kind is not FateKind.NOT_SENT)
    validated = sum(len(a.validated) for s in sessions for a in s.accounts)
    if not kinds:
        return f"{counted(validated, 'order')} validated, none sent" if validated else "no entry"
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def _account_part(account: AccountDay, outlook: Outlook) -> Part:
    lines = tuple(_entry_line(entry) for entry in account.entries) + tuple(
        f"Validated by the broker, not sent: {one}" for one in account.validated
    )
    earned = () if account.earned is None else earned_lines(account.earned)
    ahead = _ahead_lines(account.account, outlook)
    return Part(_name(account), (lines or ("No entry.",)) + _why(account) + earned + ahead)


def _why(account: AccountDay) -> tuple[str, ...]:
    """Why the account did not trade: the sentences with their counts, most frequent first."""
    ordered = sorted(account.reasons.items(), key=lambda item: -item[1])
    return tuple(f"{_times(count).capitalize()}: {why}" for why, count in ordered)


def _name(account: AccountDay) -> str:
    return f"Account {masked(account.account)}" + ("" if account.enabled else " (automation off)")


def _entry_line(entry: Entry) -> str:
    fate = fate_of(entry)
    what = f"{entry.underlying} {entry.strikes}, expires {weekday(entry.expiration)}"
    price = f"limit {credit(fate.limit)}" if fate.credit is None else f"mid {credit(entry.mid)}"
    order = f", order {fate.order_id}" if fate.order_id else ""
    return f"{what}: {fate_words(fate)}; {price}, {risk(fate.max_risk)}{order}"


def _week_lines(sessions: Sequence[SessionDay], number: str) -> tuple[str, ...]:
    """What the account realized in these sessions; no line where it never had an exit."""
    days = [a.earned for s in sessions for a in s.accounts if a.account == number and a.earned is not None]
    return earned_lines(total(days)) if days else ()


def _day_in_a_line(session: SessionDay, number: str) -> str:
    mine = next((a for a in session.accounts if a.account == number), None)
    earned = None if mine is None else mine.earned
    result = () if earned is None or not has_news(earned) else (earned_words(earned),)
    if mine is None or not (mine.entries or mine.validated):
        why = _why(mine)[:1] if mine is not None else ()
        return "; ".join(("no entry", *(f"{each[:1].lower()}{each[1:]}" for each in why), *result))
    phrases = []
    for entry in mine.entries:
        fate = fate_of(entry)
        price = f"at {credit(fate.credit)} credit" if fate.credit is not None else f"limit {credit(fate.limit)}"
        part = f", {fate.filled} of {fate.contracts} filled" if fate.traded and fate.credit is None else ""
        phrases.append(f"{fate.kind.value} {entry.underlying} {entry.strikes} {price}{part}")
    phrases += [f"validated, not sent: {one}" for one in mine.validated]
    return "; ".join((*phrases, *result))


def _ahead_lines(number: str, outlook: Outlook) -> tuple[str, ...]:
    """What is open, and what comes next."""
    step, exits = outlook.next_steps.get(number), outlook.exits.get(number)
    ahead = () if exits is None else ahead_lines(exits)
    return _open_lines(number, outlook) + ahead + (() if step is None else (f"Next: {step.words}.",))


def _open_lines(number: str, outlook: Outlook) -> tuple[str, ...]:
    tridents = outlook.open_tridents.get(number, ())
    if not tridents:
        return ("Open tridents: none.",)
    in_all = total_risk(left for _, _, left in tridents)
    nearest = min(e.expiration for e, _, _ in tridents)
    differing = (f"{e.underlying} {e.strikes}: {differs}." for e, differs, _ in tridents if differs)
    return (
        f"Open tridents: {len(tridents)}, {open_risk(in_all)} in all, the next expires {weekday(nearest)}.",
        *differing,
    )


def _cycle_lines(session: SessionDay) -> tuple[str, ...]:
    if session.outcomes:
        outcomes = ", ".join(f"{count} {word}" for word, count in session.outcomes.items())
        lines = [f"{counted(sum(session.outcomes.values()), 'cycle')}: {outcomes}."]
    else:
        lines = ["No cycle ran."]
    lines += [f"{_times(count)}: {why}" for why, count in session.reasons.items()]
    lines += [f"{counted(count, 'slot')} missed: {why}" for why, count in session.missed.items()]
    return tuple(lines)


def _attention(outlook: Outlook) -> list[Part]:
    lines = [] if outlook.trading.state == "active" else [_stopped(outlook.trading)]
    for breaker in outlook.breakers:
        whom = masked(breaker.subject) if breaker.kind.scope is Scope.ACCOUNT else breaker.subject
        lines.append(f"{f'{whom}: ' if whom else ''}entries are stopped: {breaker.why}; {breaker.kind.reset}.")
    return [Part("What needs you", tuple(lines))] if lines else []


def _stopped(trading: TradingWords) -> str:
    by = f" by {trading.who}" if trading.who else ""
    since = "" if trading.at is None else f" since {moment(trading.at)}"
    return f"Automation is {trading.state}{by}{since}" + (f": {trading.why}." if trading.why else ".")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
