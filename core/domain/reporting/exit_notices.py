"""The mails about how a trident ends: its targets, its exits, and what happens behind our back (rules 11, 15).

What an exit has come to is told by its fate alone. Times are exchange time, prices debits per share, results in $ after
fees. Account numbers are masked, also inside the broker's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.operation.amounts import counted, price, signed_dollars, strike
from core.domain.operation.events import masked
from core.domain.operation.times import moment, weekday
from core.domain.orders.fate import FateKind
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.exit_fate import ExitFate, exit_fate, gain_of
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.pnl import Realized
from core.domain.positions.trident_view import TridentView
from core.domain.positions.trident_words import (
    covered_order,
    how_it_ended,
    realized_words,
    short_id,
    strikes_of,
    unit_words,
)
from core.domain.positions.units import Unit, UnitState, left_of, names_of, names_with
from core.domain.reporting.notices import Letterhead, Notice, Part, page
from core.domain.trident.trident import SHARES_PER_CONTRACT

Rows = list[tuple[str, str]]
_LINK = "Orders at the broker"


@dataclass(frozen=True, slots=True)
class AboutTrident:
    """The trident that a mail is about, as it stands when the mail is written. `today` is the exchange's date;
    `realized` is that of all its units, None while nobody knows it."""

    account: str
    view: TridentView
    today: date
    realized: Realized | None = None


def targets_notice(about: AboutTrident, targets: Sequence[Exit], head: Letterhead) -> Notice:
    """One mail about the targets that now rest at the broker. `targets` are those just placed, at least one."""
    rules = about.view.trident.rules
    rows = [(name_of(one), _target_words(one, rules.targets.get(one.units[0]))) for one in targets]
    placed = {name for one in targets for name in one.units}
    missing = [unit.name for unit in left_of(about.view.trident.units) if unit.name not in placed | about.view.claimed]
    lines = ["They rest at the broker, also without this console, until they fill, are cancelled or its time exit."]
    if missing:
        lines.append(f"No target works for {names_of(missing)}.")
    return _page(
        about,
        key=f"exit:{targets[-1].id}:targets",
        word="targets",
        subject=f"{counted(len(targets), 'target')} placed",
        parts=(Part(lines=tuple(lines)), Part(rows=tuple(rows))),
        head=head,
        tells_units=False,
    )


def exit_notice(about: AboutTrident, exit: Exit, head: Letterhead) -> Notice | None:
    """The mail about what an exit has come to; None for what has none: an order that works, or that was cancelled for
    the next step."""
    fate = exit_fate(exit)
    found = _EXIT_WORDS.get(fate.kind)
    if found is None:
        return None
    word, subject, always = found
    if fate.kind is FateKind.FILLED:
        what = "target" if exit.kind is ExitKind.TARGET else "close"
        at = "" if fate.paid is None else f" at {price(fate.paid)}"
        subject = f"{what} of {names_of(exit.units)} filled{at}"
    gain = gain_of(exit, about.view.trident.units)
    rows: Rows = [
        ("Exit", f"{fate.name}, limit {price(fate.debit)}"),
        *((("Result", f"{signed_dollars(gain)} before fees"),) if gain is not None else ()),
        ("Order", fate.order_id or "no order id from the broker"),
        *((("Broker says", exit.broker_status),) if exit.broker_status else ()),
        *((("Sent", moment(exit.sent_at)),) if exit.sent_at is not None else ()),
    ]
    return _page(
        about,
        key=f"exit:{exit.id}:{word}",
        word=word,
        subject=subject,
        parts=(Part(lines=_exit_lead(about, fate)), Part(rows=tuple(rows))),
        head=head,
        always=always,
    )


def closing_notice(about: AboutTrident, why: str, head: Letterhead) -> Notice:
    """The mail that the time exit of a trident begins."""
    left = names_of(unit.name for unit in left_of(about.view.trident.units))
    resting = [one for one in about.view.resting if one.kind is ExitKind.TARGET]
    cancelled = f"{counted(len(resting), 'target')} {'is' if len(resting) == 1 else 'are'} cancelled first, and no"
    lines = (
        f"The time exit begins: {why}. {cancelled if resting else 'No'} target returns.",
        f"What is left ({left}) is closed by one order that walks from the mid towards natural, never over its cap.",
    )
    return _page(
        about,
        key=f"trident:{about.view.trident.id}:closing",
        word="closing",
        subject="time exit begins",
        parts=(Part(lines=lines),),
        head=head,
    )


def ended_notice(about: AboutTrident, days_held: int, head: Letterhead, *, settled: bool) -> Notice:
    """The mail that a trident has ended: closed, or `settled` by the broker's rows of its expiration. `days_held` are
    calendar days from its fill."""
    earned = "--" if about.realized is None else realized_words(about.realized)
    word = "settled" if settled else "closed"
    lead = "The broker's rows of its expiration are here." if settled else "Its last unit is closed."
    rows: Rows = [
        ("Realized", f"{earned}, after fees"),
        ("Held", counted(days_held, "day")),
        ("How", how_it_ended(about.view.trident.units)),
    ]
    if about.realized is not None and about.realized.estimated:
        rows.append(("Estimate", "a fee is not the broker's last word yet: that comes with its rows"))
    return _page(
        about,
        key=f"trident:{about.view.trident.id}:{word}",
        word=word,
        subject=f"trident {word}: {earned}",
        parts=(Part(lines=(lead,)), Part(rows=tuple(rows))),
        head=head,
    )


def broken_notice(about: AboutTrident, units: Sequence[Unit], head: Letterhead) -> Notice:
    """The mail that units have legs out of proportion. `units` are the broken ones."""
    names = names_of(unit.name for unit in units)
    lines = (
        f"The legs of {names} are out of proportion. No order of ours is sent for it; settle it at the broker.",
        _others_go_on(about.view, units),
    )
    return _page(
        about,
        key=f"trident:{about.view.trident.id}:broken:{names}",
        word="broken",
        subject=f"{names} BROKEN, settle it at the broker",
        parts=(Part(lines=tuple(filter(None, lines))),),
        head=head,
        always=True,
    )


def assigned_notice(about: AboutTrident, units: Sequence[Unit], head: Letterhead) -> Notice:
    """The mail that the short options of these units were assigned; all are of one right."""
    trident = about.view.trident
    names, right = names_of(unit.name for unit in units), "put" if units[0].is_put else "call"
    shares = len(units) * SHARES_PER_CONTRACT
    came = f"+{shares}" if units[0].is_put else f"-{shares}"
    lines = (
        f"{counted(len(units), f'short {right}')} assigned at {strike(trident.body)}: {came} {trident.underlying}.",
        "The shares and what is left of the unit are yours: the console trades no shares and exercises nothing.",
        _others_go_on(about.view, units),
        "Entries of the account are stopped; `senex reset assigned` lets them go on.",
    )
    return _page(
        about,
        key=f"trident:{trident.id}:assigned:{names}",
        word="assigned",
        subject=f"{names} ASSIGNED: {came} {trident.underlying}",
        parts=(
            Part(lines=tuple(filter(None, lines))),
            Part(rows=(("To consider", covered_order(units, trident.underlying)),)),
        ),
        head=head,
        always=True,
    )


def must_close_notice(about: AboutTrident, why: str, head: Letterhead, hour: str = "") -> Notice:
    """The mail that a trident which must not reach its expiration is not closed. One a day, and one for each `hour` of
    the exchange that is given."""
    trident = about.view.trident
    left = left_of(trident.units)
    expires = "today" if trident.expiration == about.today else weekday(trident.expiration)
    lines = (
        f"{names_with((unit.name for unit in left), 'is', 'are')} not closed, and it expires {expires}: {why}.",
        f"{trident.underlying} options deliver shares. Close it at the broker if no order of ours fills.",
    )
    return _page(
        about,
        key=f"trident:{trident.id}:must-close:{about.today.isoformat()}{f':{hour}' if hour else ''}",
        word="must_close",
        subject=f"NOT CLOSED, it expires {expires}",
        parts=(Part(lines=lines),),
        head=head,
        always=True,
    )


def mismatch_notice(about: AboutTrident, ours: Decimal, brokers: Decimal, head: Letterhead) -> Notice:
    """The mail that what the broker's rows add up to is not what the trident realized here."""
    rows = (
        ("Broker", signed_dollars(brokers)),
        ("Our records", signed_dollars(ours)),
        ("Difference", signed_dollars(brokers - ours)),
    )
    lines = ("The broker's rows and our records tell two results. The broker's counts; both are shown.",)
    return _page(
        about,
        key=f"trident:{about.view.trident.id}:mismatch",
        word="mismatch",
        subject="trident: the broker tells another result",
        parts=(Part(lines=lines), Part(rows=rows)),
        head=head,
    )


def name_of(exit: Exit) -> str:
    """The units of an exit, as the label of a row."""
    return names_of(exit.units)


_EXIT_WORDS = {
    FateKind.FILLED: ("filled", "", False),
    FateKind.REJECTED: ("rejected", "closing order REFUSED", False),
    FateKind.UNKNOWN: ("unknown", "closing order UNKNOWN, look at the broker", True),
    FateKind.ABSENT: ("absent", "closing order is not at the broker", False),
    FateKind.INCIDENT: ("incident", "closing order: INCIDENT, look at the broker", True),
}
"""What mails an exit: the word of its kind, its subject, and whether it is sent whatever the preference."""


def _exit_lead(about: AboutTrident, fate: ExitFate) -> tuple[str, ...]:
    because = f": {fate.why}" if fate.why else ""
    exit, no_other = fate.exit_id[:SHORT_ID], f"{names_with(fate.units, 'gets', 'get')} no other order"
    match fate.kind:
        case FateKind.FILLED:
            left = left_of(about.view.trident.units)
            rest = f"Left: {names_of(unit.name for unit in left)}." if left else "Nothing of the trident is left."
            return (f"The {fate.name} is filled. {rest}",)
        case FateKind.REJECTED:
            return (f"The broker refused the {fate.name}{because}.", "Three refusals of a session stop its exits.")
        case FateKind.UNKNOWN:
            return (
                f"Whether the broker took the {fate.name} is not known{because}.",
                f"{no_other} until it is. The console keeps looking for it.",
                f"Look at the broker's orders page. Then `senex attest absent {exit}` or "
                f"`senex attest {fate.order_id or 'ORDER'} {exit}` records what you saw there.",
            )
        case FateKind.ABSENT:
            return (
                f"The {fate.name}, whose fate was unknown, is not at the broker{because}.",
                f"{names_of(fate.units)} may get another order.",
            )
    return (
        f"The broker and the records contradict each other about the {fate.name}{because}.",
        f"{no_other}; settle it at the broker.",
    )


def _target_words(one: Exit, percent: int | None) -> str:
    taken = "" if percent is None else f", {percent} % of its credit"
    of = "" if one.basis is None else f" {price(one.basis)}"
    order = f", order {one.order_id}" if one.order_id else ""
    return f"{price(one.debit)}{taken}{of if percent is not None else ''}{order}"


def _others_go_on(view: TridentView, units: Iterable[Unit]) -> str:
    out = {unit.name for unit in units}
    whole = [u.name for u in view.trident.units if u.state is UnitState.WHOLE and u.name not in out]
    return f"{names_with(whole, 'keeps its', 'keep their')} exits." if whole else ""


def _page(
    about: AboutTrident,
    *,
    key: str,
    word: str,
    subject: str,
    parts: Sequence[Part],
    head: Letterhead,
    always: bool = False,
    tells_units: bool = True,
) -> Notice:
    """The mail, with the trident it is about, and how its units stand where the mail does not say so itself."""
    trident = about.view.trident
    days = (trident.expiration - about.today).days
    expires = counted(days, "day") if days >= 0 else "expired"
    rows: Rows = [
        ("Account", masked(about.account)),
        ("Trident", f"{short_id(trident)}, {trident.underlying} {strikes_of(trident)}"),
        ("Expiration", f"{weekday(trident.expiration)}, {expires}"),
        *((unit.name.value, unit_words(unit, about.view, about.today)) for unit in trident.units if tells_units),
    ]
    return page(
        key=key,
        kind=f"exit.{word}",
        account=about.account,
        subject=f"{trident.underlying} {subject}, account {masked(about.account)}",
        parts=(*parts, Part(rows=tuple(rows))),
        head=head,
        link=_LINK,
        always=always,
    )
