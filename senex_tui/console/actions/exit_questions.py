"""The questions about closing orders, with the facts that the operator reads first. Made from a snapshot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.tridents import ExitMode
from core.snapshot import Mode
from senex_tui.console.actions.entry_questions import ABSENT_WORD, CANCEL_WORD
from senex_tui.console.actions.permission import UNKNOWN, WORKING
from senex_tui.console.actions.questions import ANSWER_S
from senex_tui.console.meant import is_alike
from senex_tui.console.screens.dialogs import Facts, Over, Question, TypedQuestion
from senex_tui.console.screens.entries import OrderIdQuestion
from widgets.base import format as figures
from widgets.base.key_names import key_for

if TYPE_CHECKING:
    from core.snapshot import AccountView, ExitView, Snapshot

_LONGEST = 150
HELD = "held"
_NEVER_AGAIN = (
    "No target that is cancelled here is placed again, by `senex retarget` neither; a time exit begins all the same."
)
Now = Callable[[], "Snapshot"]


def current(snapshot: Snapshot, exit_id: str) -> ExitView | None:
    """The closing order of this id as it is now; None when it holds no unit any more."""
    return next((one for one in snapshot.exits if one.exit_id == exit_id), None)


def what(one: ExitView) -> str:
    """A closing order in a line: account, what it closes, and its limit."""
    return f"{one.account}  {one.underlying} {one.strikes}  {one.name}  {figures.price(one.debit)} debit"


def over(snapshot: Now, exit_id: str, state: str, left: str) -> Over:
    """Why a question about this closing order is not asked any more. `left` is the verb of what cannot be done now."""

    def why() -> str:
        shown = snapshot()
        now = current(shown, exit_id)
        if shown.status.engine.is_over:
            return f"The engine has ended. Nothing can be {left} here."
        if now is None:
            return f"The order has ended. There is nothing left to be {left}."
        return "" if now.state == state else f"The order is {now.told}. There is nothing left to be {left}."

    return why


def cancel_question(snapshot: Now, one: ExitView) -> Question:
    """Asks for y or n where no money moves, for a typed word in live."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", _NEVER_AGAIN),
            ("", "Asks the broker to cancel this closing order. It works, and may fill, until the broker confirms."),
            ("", ""),
            ("mode", snapshot().status.mode.upper()),
            *_facts(current(snapshot(), one.exit_id) or one),
        ]

    gone = over(snapshot, one.exit_id, WORKING, "cancelled")
    return _asked(snapshot, "Cancel a closing order", facts, "Ask the broker to cancel it? y/n", gone)


def cancel_all_question(snapshot: Now, of: AccountView | None) -> Question:
    """Asks whether to cancel what rests of an account, or of all where none is named."""
    account = "" if of is None else of.account

    def facts() -> list[tuple[str, str]]:
        shown = snapshot()
        resting = resting_of(shown, account)
        held = shown.status.exits is not None and shown.status.exits.word == HELD
        whose = f"`senex exits cancel{'' if of is None else f' {of.target}'}`"
        later = f"{key_for('exits', 'X')} and c, or {whose}" if held and not account else whose
        return [
            ("", _NEVER_AGAIN),
            ("", "Each works, and may fill, until the broker confirms its cancel."),
            ("", f"With n they stay; {later} cancels them later."),
            ("mode", shown.status.mode.upper()),
            *alike_facts(of),
            ("", f"{figures.counted(len(resting), 'closing order')} of {account or 'all accounts'} at the broker:"),
            *((one.order_id or "no id", f"{one.name} at {figures.price(one.debit)}, {one.account}") for one in resting),
        ]

    def gone() -> str:
        shown = snapshot()
        if shown.status.engine.is_over:
            return "The engine has ended. Nothing can be cancelled here."
        return "" if resting_of(shown, account) else "No closing order rests at the broker any more."

    return _asked(snapshot, "Cancel what rests", facts, "Ask the broker to cancel them? y/n", gone)


def unknown_facts(snapshot: Snapshot, one: ExitView) -> list[tuple[str, str]]:
    one = current(snapshot, one.exit_id) or one
    return [
        ("", "The broker may have this closing order or not. Nothing is sent again; its units get no order."),
        ("", ""),
        *_facts(one),
        ("sent", f"{figures.clock(one.at)} ET, {figures.age(one.age_s)} ago"),
        ("why", textwrap.shorten(one.told, _LONGEST, placeholder="…")),
    ]


def absent_question(snapshot: Now, one: ExitView) -> TypedQuestion:
    """Asks for a typed word in every mode: an order that is at the broker all the same could close its units twice."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "Say this only after you looked at the broker's own orders of the day, filled and cancelled too."),
            ("", "It is recorded as your word. Its units may get another closing order."),
            ("", ""),
            *_facts(current(snapshot(), one.exit_id) or one),
        ]

    prompt = f"No such order is at the broker? Type {ABSENT_WORD} and press Enter."
    gone = over(snapshot, one.exit_id, UNKNOWN, "attested")
    return TypedQuestion("Attest it absent", facts, prompt, ABSENT_WORD, expires_s=2 * ANSWER_S, over=gone)


def order_question(snapshot: Now, one: ExitView, named: Callable[[str], None]) -> OrderIdQuestion:
    """Asks for the order's id at the broker; `named` gets it."""

    def facts() -> list[tuple[str, str]]:
        return [
            ("", "The console reads that order. It must carry this one's identifier, or none and differ in nothing."),
            ("", ""),
            *_facts(current(snapshot(), one.exit_id) or one),
        ]

    gone = over(snapshot, one.exit_id, UNKNOWN, "attested")
    return OrderIdQuestion(facts, named, expires_s=2 * ANSWER_S, over=gone)


def resting_of(snapshot: Snapshot, account: str = "") -> tuple[ExitView, ...]:
    """The closing orders that work at the broker, of an account, masked here, or of all where it is empty."""
    return tuple(one for one in snapshot.exits if one.state == WORKING and account in ("", one.account))


def alike_facts(account: AccountView | None) -> list[tuple[str, str]]:
    """That what is listed of an account may be another one's, where both are shown alike; else nothing."""
    if account is None or not is_alike(account):
        return []
    return [
        ("", f"Of these only what is of account …{account.target} is meant: another is shown as {account.account}.")
    ]


def would_send_facts(snapshot: Snapshot, account: str = "", mode: str = ExitMode.ALL.value) -> list[tuple[str, str]]:
    """What is sent at once for each trident of an account, masked here, or of all, once nothing keeps its exits from
    being sent and this is its mode."""
    facts = []
    for view in snapshot.positions.open:
        exits = view.exits
        if exits is None or account not in ("", view.account):
            continue
        orders = exits.sends_targets if mode == ExitMode.TARGETS.value else exits.sends_all
        facts.append((view.entry_id[:SHORT_ID], f"{view.account}  {view.underlying} {view.strikes}"))
        facts += [("", f"  {order}") for order in orders or (exits.next,)]
    return facts


def _asked(snapshot: Now, title: str, facts: Facts, prompt: str, gone: Over) -> Question:
    if snapshot().status.mode is not Mode.LIVE:
        return Question(title, facts, prompt, expires_s=ANSWER_S, over=gone)
    typed = f"Type {CANCEL_WORD} and press Enter to go ahead."
    return TypedQuestion(title, facts, typed, CANCEL_WORD, expires_s=ANSWER_S, over=gone)


def _facts(one: ExitView) -> list[tuple[str, str]]:
    return [
        ("account", one.account),
        ("closes", f"{one.underlying} {one.strikes}  {one.name}"),
        ("order", f"{one.order_id or 'no id'}  {figures.price(one.debit)} debit  {one.told}"),
        ("id", one.exit_id[:SHORT_ID]),
    ]


def names(found: Sequence[ExitView]) -> tuple[str, ...]:
    """A few closing orders for a sentence."""
    return tuple(f"{one.name} of {one.account}" for one in found[:3])
