"""The questions before a setting of an account changes, with the facts to read first. Made from a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.domain.operation.account_settings import ACCEPTED, AccountField
from core.domain.positions.tridents import ExitMode
from core.snapshot import Mode
from senex_tui.console.actions.exit_questions import alike_facts, would_send_facts
from senex_tui.console.actions.questions import ANSWER_S
from senex_tui.console.screens.dialogs import Question, TypedQuestion, ValueQuestion
from widgets.account_list import notes_of, token_part
from widgets.account_settings import MEANING, is_own, value_of

if TYPE_CHECKING:
    from core.snapshot import AccountView, Snapshot

Now = Callable[[], "Snapshot"]
_TITLE = {
    AccountField.AUTOMATION: ("Switch the automation on", "enable"),
    AccountField.SKIP: ("Let the account enter today", "enter"),
    AccountField.PRIMARY: ("Make the account primary", "primary"),
}
"""The question's title, and the word to type in live."""
_WHAT = {
    AccountField.AUTOMATION: "The automation trades this account from the next cycle on.",
    AccountField.SKIP: "The account is no longer skipped: the next cycle may enter in it today.",
    AccountField.PRIMARY: "Its login feeds the market for all accounts; the present primary account gives it up.",
}
_KEPT = "A trident keeps the one under which it was filled."
_WHEN = {
    AccountField.EXITS: "It counts at once.",
    AccountField.TARGET_PUT_1: _KEPT,
    AccountField.TARGET_PUT_2: _KEPT,
    AccountField.TARGET_CALL: _KEPT,
    AccountField.EXIT_DTE: _KEPT,
    AccountField.LET_INDEX_EXPIRE: _KEPT,
    AccountField.CALL_TARGET_LAST: _KEPT,
}
"""From when a setting counts that no cycle uses."""
_NONE_HELD = "no trident is held: the first targets wait until exits are held and go on again"
_MODES = {ExitMode.TARGETS.value: "profit targets alone", ExitMode.ALL.value: "profit targets and time exits"}


def change_question(snapshot: Now, account: AccountView, field: AccountField) -> Question:
    """Asks for y or n where no money moves, for a typed word in live."""
    title, word = _TITLE[field]

    def facts() -> list[tuple[str, str]]:
        now = _current(snapshot(), account)
        return [("", _WHAT[field]), ("", ""), *_account_facts(snapshot(), now)]

    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {word} and press Enter to go ahead."
        return TypedQuestion(title, facts, prompt, word, expires_s=ANSWER_S)
    return Question(title, facts, f"{title}? y/n", expires_s=ANSWER_S)


def value_question(
    snapshot: Now,
    account: AccountView,
    field: AccountField,
    wrong: Callable[[str], str],
    given: Callable[[str], None],
) -> ValueQuestion:
    """Asks for a value. `wrong` says why a typed text is not one, `given` gets the text that is one."""

    def facts() -> list[tuple[str, str]]:
        now = _current(snapshot(), account)
        whose = "the account's own" if is_own(now, field) else "the default"
        return [
            ("", f"{field.value}: {MEANING[field]}. {_WHEN.get(field, 'The next cycle uses it.')}"),
            ("", ""),
            *_account_facts(snapshot(), now),
            ("now", f"{value_of(now, field)}, {whose}"),
        ]

    prompt = f"Type {ACCEPTED[field]}; Enter sets it."
    return ValueQuestion(f"Set {field.value}", facts, prompt, wrong, given, expires_s=2 * ANSWER_S)


def opt_in_question(snapshot: Now, account: AccountView, mode: str, words: str) -> TypedQuestion:
    """Asks in live before exits of an account are switched on, with every order that would be sent now. `words` are to
    be typed, `mode` is what is sent from then on."""

    def facts() -> list[tuple[str, str]]:
        now = _current(snapshot(), account)
        return [
            ("", f"Closing orders of this account are sent without asking from now on: {_MODES[mode]}."),
            ("", ""),
            *_account_facts(snapshot(), now),
            *alike_facts(account),
            *(would_send_facts(snapshot(), account.account, mode) or [("now", _NONE_HELD)]),
        ]

    prompt = f"Type {words} and press Enter to send them."
    return TypedQuestion("Switch exits on", facts, prompt, words, expires_s=4 * ANSWER_S)


def _current(snapshot: Snapshot, account: AccountView) -> AccountView:
    return next((known for known in snapshot.accounts if known.target == account.target), account)


def _account_facts(snapshot: Snapshot, account: AccountView) -> list[tuple[str, str]]:
    about = ", ".join(filter(None, [account.nickname, account.kind, notes_of(account)]))
    automation = "on" if account.automation else "off"
    return [
        ("mode", snapshot.status.mode.upper()),
        ("account", f"{account.account}  {about}".rstrip()),
        ("automation", f"{automation}; login {account.login}, token {token_part(account.token_valid)[0]}"),
    ]
