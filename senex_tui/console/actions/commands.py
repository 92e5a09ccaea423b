"""The actions of the app that send a command, for the keys and the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.commands import HALT, CommandKind
from senex_tui.console.actions import questions
from senex_tui.console.actions.accounts import AccountActions
from senex_tui.console.actions.entries import EntryActions
from senex_tui.console.actions.exit_orders import ExitOrderActions
from senex_tui.console.actions.exits import ExitActions
from senex_tui.console.actions.permission import RULES, UNKNOWN, WORKING, exits_in_state, in_state
from senex_tui.console.base import ConsoleApp
from senex_tui.console.key_map import shown_key
from senex_tui.console.keys import KEYS
from senex_tui.console.meant import Meant, meant_by

if TYPE_CHECKING:
    from core.domain.operation.account_settings import AccountField
    from core.snapshot import AccountView
    from senex_tui.console.base import Sent


class Actions(ConsoleApp):
    """One `action_` method for each commanding row of the key table. Only pause, reconcile and a hold of exits are sent
    unasked."""

    def action_pause(self) -> None:
        self.send(CommandKind.PAUSE)

    def action_resume(self) -> None:
        if self.is_asking:
            return
        self.ask(questions.resume_question(self.client.snapshot), lambda: self.send(CommandKind.RESUME))

    def action_end_halt(self) -> None:
        """The automation stays paused afterwards, as by `senex reset halt`."""
        if self.is_asking:
            return
        self.ask(questions.end_halt_question(self.client.snapshot), lambda: self.send(CommandKind.RESET, target=HALT))

    def action_force(self) -> None:
        if self.is_asking:
            return
        snapshot = self.client.snapshot
        before = snapshot()

        def force() -> None:
            changed = questions.changed_since(before, snapshot())
            if changed is None:
                self.send(CommandKind.FORCE)
            else:
                self.say(f"force not sent: {changed}", "warning")

        self.ask(questions.force_question(snapshot), force)

    def action_cancel(self) -> None:
        """On a page that shows an order, a trident or an account it means an order of that; elsewhere a working entry,
        and without one the closing orders."""
        if self.is_asking:
            return
        if self._means_entries(WORKING):
            EntryActions(self).cancel()
        else:
            ExitOrderActions(self).cancel()

    def action_unknown(self) -> None:
        if self.is_asking:
            return
        if self._means_entries(UNKNOWN):
            EntryActions(self).decide()
        else:
            ExitOrderActions(self).decide()

    def _means_entries(self, state: str) -> bool:
        """Whether an entry in this state is meant, or there is no closing order that could be."""
        shown, meant = self.client.snapshot(), meant_by(self)
        if any(meant.has_entry(entry) for entry in in_state(shown.orders, state)):
            return True
        return ExitOrderActions(self).chosen is None and not exits_in_state(shown.exits, state)

    def action_reentry(self) -> None:
        EntryActions(self).allow_reentry()

    def action_exits(self) -> None:
        ExitActions(self).switch()

    def action_close_units(self) -> None:
        shown_above: Meant | None = getattr(self.screen, "meant_trident", None)
        ExitActions(self).close(shown_above or meant_by(self))

    def action_reconcile(self) -> None:
        self.send(CommandKind.RECONCILE)

    def change_account(self, account: AccountView, field: AccountField, sent: Sent) -> None:
        AccountActions(self, sent).change(account, field)

    def give_account_default(self, account: AccountView, field: AccountField, sent: Sent) -> None:
        AccountActions(self, sent).give_default(account, field)

    def say_why_not(self, key: str) -> None:
        """Answers a key that does nothing now with the reason. While its command is on its way the status bar answers.

        Of actions that share a key it is the first that is in sight, else the first.
        """
        places = getattr(self.screen, "PLACES", ())
        rows = [row for row in KEYS if row.where in places and row.verb in RULES and row.display == shown_key(key)]
        states = [self.check_action(row.verb, ()) for row in rows]
        if not rows or any(states) or any(kind.value == row.verb for kind in self.pending for row in rows):
            return
        row = next((row for row, state in zip(rows, states, strict=True) if state is None), rows[0])
        why = self.why_not(row.verb)
        self.answer(f"{row.label.lower()}: not now, {why}", lambda: self.why_not(row.verb) == why)
