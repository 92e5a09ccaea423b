"""The questions about one entry, with the facts that the operator reads first. Made from a snapshot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.snapshot import Mode
from senex_tui.console.actions.permission import UNKNOWN, WORKING, closed_by_cancel
from senex_tui.console.actions.questions import ANSWER_S
from senex_tui.console.screens.dialogs import Facts, Over, Question, TypedQuestion
from senex_tui.console.screens.entries import OrderIdQuestion
from widgets.base import format as figures
from widgets.base.fates import order_words

if TYPE_CHECKING:
    from core.snapshot import OrderView, Snapshot

_LONGEST = 150
CANCEL_WORD = "cancel"
ABSENT_WORD = "absent"
REENTRY_WORD = "allow"
Now = Callable[[], "Snapshot"]


def current(snapshot: Snapshot, entry_id: str) -> OrderView | None:
    """The entry of this id as it is now; None when the engine no longer shows it."""
    return next((order for order in snapshot.orders if order.entry_id == entry_id), None)


def over(snapshot: Now, entry: OrderView, stands: Callable[[OrderView], bool], left: str) -> Over:
    """Why a question about this entry is not asked any more: it is no longer what the question was for, of which
    `stands` judges. `left` is the verb of what cannot be done now."""

    def why() -> str:
        shown = snapshot()
        now = current(shown, entry.entry_id)
        if shown.status.engine.is_over:
            return f"The engine has ended. Nothing can be {left} here."
        if now is None:
            return "The entry is no longer shown."
        return "" if stands(now) else f"The entry is {order_words(now)}. There is nothing left to be {left}."

    return why


def works(entry: OrderView) -> bool:
    """Whether the broker works this entry's order."""
    return entry.state == WORKING


def is_unknown(entry: OrderView) -> bool:
    """Whether only the broker knows what became of this entry."""
    return entry.state == UNKNOWN


def cancel_facts(snapshot: Snapshot, entry: OrderView) -> list[tuple[str, str]]:
    entry = current(snapshot, entry.entry_id) or entry
    return [
        ("", "Asks the broker to cancel this entry. It works, and may fill, until the broker confirms."),
        ("", "The day stays closed for this account: the automation enters nothing else today."),
        ("", ""),
        ("mode", snapshot.status.mode.upper()),
        *_entry_facts(entry),
        ("filled", f"{entry.filled_contracts} of {entry.total_contracts} contracts"),
    ]


def cancel_question(snapshot: Now, entry: OrderView) -> Question:
    """Asks for y or n where no money moves, for a typed word in live."""
    title = "Cancel the working entry"

    def facts() -> list[tuple[str, str]]:
        return cancel_facts(snapshot(), entry)

    gone = over(snapshot, entry, works, "cancelled")
    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {CANCEL_WORD} and press Enter to go ahead."
        return TypedQuestion(title, facts, prompt, CANCEL_WORD, expires_s=ANSWER_S, over=gone)
    return Question(title, facts, "Ask the broker to cancel it? y/n", expires_s=ANSWER_S, over=gone)


def reentry_question(snapshot: Now, entry: OrderView) -> Question:
    """Asks for y or n where no money moves, for a typed word in live."""
    title = "Allow re-entry"

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "The cancel closed the day for this account. With your word the automation may enter again today."),
            ("", "First two complete reads at the broker must show that this entry did not fill."),
            ("", ""),
            ("mode", snapshot().status.mode.upper()),
            *_entry_facts(current(snapshot(), entry.entry_id) or entry),
        ]

    gone = over(snapshot, entry, lambda now: bool(closed_by_cancel((now,))), "allowed")
    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {REENTRY_WORD} and press Enter to go ahead."
        return TypedQuestion(title, facts, prompt, REENTRY_WORD, expires_s=ANSWER_S, over=gone)
    return Question(title, facts, "Allow another entry today? y/n", expires_s=ANSWER_S, over=gone)


def unknown_facts(snapshot: Snapshot, entry: OrderView) -> list[tuple[str, str]]:
    entry = current(snapshot, entry.entry_id) or entry
    why = entry.detail if entry.fate is None else entry.fate.why
    return [
        ("", "The broker may have this order or not. Nothing is sent again; the day is held."),
        ("", ""),
        *_entry_facts(entry),
        ("identifier", entry.identifier or "--"),
        ("sent", f"{figures.clock(entry.at)} ET, {figures.age(entry.age_s)} ago"),
        ("why", textwrap.shorten(why or "the broker's answer is missing", _LONGEST, placeholder="…")),
        ("looked for", textwrap.shorten(entry.evidence or "not yet", _LONGEST, placeholder="…")),
    ]


def absent_question(snapshot: Now, entry: OrderView) -> TypedQuestion:
    """Asks for a typed word in every mode: an order that is at the broker all the same would be overlooked."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "Say this only after you looked at the broker's own orders of the day, filled and cancelled too."),
            ("", "It is recorded as your word. The entry is closed; the day stays closed for this account."),
            ("", ""),
            *_entry_facts(current(snapshot(), entry.entry_id) or entry),
            ("identifier", entry.identifier or "--"),
        ]

    prompt = f"No such order is at the broker? Type {ABSENT_WORD} and press Enter."
    gone = over(snapshot, entry, is_unknown, "attested")
    return TypedQuestion("Attest it absent", facts, prompt, ABSENT_WORD, expires_s=2 * ANSWER_S, over=gone)


def order_question(snapshot: Now, entry: OrderView, named: Callable[[str], None]) -> OrderIdQuestion:
    """Asks for the order's id at the broker; `named` gets it."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "The console reads that order. It must carry this entry's identifier, or none and differ in nothing."),
            ("", ""),
            *_entry_facts(current(snapshot(), entry.entry_id) or entry),
            ("identifier", entry.identifier or "--"),
        ]

    gone = over(snapshot, entry, is_unknown, "attested")
    return OrderIdQuestion(facts, named, expires_s=2 * ANSWER_S, over=gone)


def facts_of(snapshot: Now, entry: OrderView) -> Facts:
    """A function that gives the unknown entry's facts as they are when it is called."""
    return lambda: unknown_facts(snapshot(), entry)


def _entry_facts(entry: OrderView) -> list[tuple[str, str]]:
    expiration = f"{entry.expiration:%b} {entry.expiration.day} {entry.expiration.year}"
    return [
        ("account", entry.account),
        ("entry", f"{entry.underlying} {entry.strikes}  {expiration}  limit {figures.price(entry.limit)}"),
        ("order", f"{entry.order_id or 'no id'}  {entry.broker_status}".rstrip()),
    ]
