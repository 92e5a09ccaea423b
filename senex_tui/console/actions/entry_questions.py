"""The questions about one entry, with the facts that the operator reads first. Made from a snapshot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.snapshot import Mode
from senex_tui.console.actions.questions import ANSWER_S
from senex_tui.console.screens.dialogs import Facts, Question, TypedQuestion
from senex_tui.console.screens.entries import OrderIdQuestion
from widgets.base import format as figures
from widgets.base.fates import is_over, order_words

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


def cancel_facts(snapshot: Snapshot, entry: OrderView) -> list[tuple[str, str]]:
    entry = current(snapshot, entry.entry_id) or entry
    if is_over(entry):
        return [
            ("", f"The entry is {order_words(entry)}. There is nothing left to cancel."),
            ("", ""),
            ("mode", snapshot.status.mode.upper()),
            *_entry_facts(entry),
        ]
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

    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {CANCEL_WORD} and press Enter to go ahead."
        return TypedQuestion(title, facts, prompt, CANCEL_WORD, expires_s=ANSWER_S)
    return Question(title, facts, "Ask the broker to cancel it? y/n", expires_s=ANSWER_S)


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

    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {REENTRY_WORD} and press Enter to go ahead."
        return TypedQuestion(title, facts, prompt, REENTRY_WORD, expires_s=ANSWER_S)
    return Question(title, facts, "Allow another entry today? y/n", expires_s=ANSWER_S)


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
    return TypedQuestion("Attest it absent", facts, prompt, ABSENT_WORD, expires_s=2 * ANSWER_S)


def order_question(snapshot: Now, entry: OrderView, named: Callable[[str], None]) -> OrderIdQuestion:
    """Asks for the order's id at the broker; `named` gets it."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "The console reads that order. It must carry this entry's identifier, or none and differ in nothing."),
            ("", ""),
            *_entry_facts(current(snapshot(), entry.entry_id) or entry),
            ("identifier", entry.identifier or "--"),
        ]

    return OrderIdQuestion(facts, named, expires_s=2 * ANSWER_S)


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
