"""Cancels closing orders and decides on unknown ones: the keys c and u where they mean one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind
from core.domain.positions.trident_commands import ExitsWord, ExitsWords
from senex_tui.console.actions import exit_questions
from senex_tui.console.actions.entry_questions import ABSENT_WORD
from senex_tui.console.actions.permission import UNKNOWN, WORKING, exits_in_state, in_state, may_cancel_exits
from senex_tui.console.meant import meant_by
from senex_tui.console.screens.entries import Decision, UnknownOrder, choose
from senex_tui.console.screens.page import AboutAnEntry

if TYPE_CHECKING:
    from core.snapshot import AccountView, ExitView
    from senex_tui.console.base import ConsoleApp


@dataclass(frozen=True, slots=True)
class ExitOrderActions:
    """Asks, then sends. Looks at the order again before sending: it may have changed while the question was open."""

    app: ConsoleApp

    @property
    def chosen(self) -> ExitView | None:
        """The closing order that the page in front is about, or its chosen row, also one that has ended; None for
        none."""
        page = self.app.screen
        if not isinstance(page, AboutAnEntry) or page.entry_id is None:
            return None
        return exit_questions.current(self.app.client.snapshot(), page.entry_id) or page.closing_order

    def cancel(self) -> None:
        def ask(one: ExitView) -> None:
            question = exit_questions.cancel_question(self.app.client.snapshot, one)
            self.app.ask(question, lambda: self._send(CommandKind.CANCEL, one, WORKING, ""))

        self._choose("Cancel which closing order?", WORKING, ask)

    def decide(self) -> None:
        def ask(one: ExitView) -> None:
            snapshot = self.app.client.snapshot
            gone = exit_questions.over(snapshot, one.exit_id, UNKNOWN, "decided")
            question = UnknownOrder(
                "UNKNOWN closing order", lambda: exit_questions.unknown_facts(snapshot(), one), gone
            )
            self.app.push_screen(question, lambda decision: self._decided(one, decision))

        self._choose("Decide on which closing order?", UNKNOWN, ask)

    def offer_cancel(self, account: AccountView | None = None) -> None:
        """Asks whether to cancel what rests of an account, or of all. Does nothing where nothing rests, and for a
        watcher, which may not."""
        snapshot = self.app.client.snapshot
        shown, target = ("", "") if account is None else (account.account, account.target)
        if not may_cancel_exits(snapshot()) or not exit_questions.resting_of(snapshot(), shown):
            return
        note = ExitsWords(ExitsWord.CANCEL).note()
        question = exit_questions.cancel_all_question(snapshot, account)
        self.app.ask(question, lambda: self.app.send(CommandKind.EXITS, target=target, note=note))

    def _choose(self, title: str, state: str, then: Callable[[ExitView], None]) -> None:
        """Of what the page in front shows; nothing else is meant there."""
        snapshot, meant = self.app.client.snapshot(), meant_by(self.app)
        if meant.unclear:
            self.app.say(f"{title} {meant.unclear}", "warning")
            return
        found = exits_in_state(snapshot.exits, state)
        fits = [one for one in found if meant.has_exit(one)]
        choose(self.app, title, fits, exit_questions.what, then)
        if fits:
            return
        told = "" if self.chosen is None else f", which is {self.chosen.told}"
        entries = (f"{entry.underlying} of {entry.account}" for entry in in_state(snapshot.orders, state))
        others = ", ".join((*exit_questions.names(found), *entries))
        self.app.say(f"{title} {meant.none}{told}{f'; choose {others}' if others else ''}", "warning")

    def _decided(self, one: ExitView, decision: Decision | None) -> None:
        snapshot = self.app.client.snapshot
        if decision == "look":
            self.app.send(CommandKind.RECONCILE)
        elif decision == "absent":
            question = exit_questions.absent_question(snapshot, one)
            self.app.ask(question, lambda: self._send(CommandKind.ATTEST, one, UNKNOWN, ABSENT_WORD))
        elif decision == "order":
            named: list[str] = []
            self.app.ask(
                exit_questions.order_question(snapshot, one, named.append),
                lambda: self._send(CommandKind.ATTEST, one, UNKNOWN, named[-1]),
            )

    def _send(self, kind: CommandKind, one: ExitView, state: str, note: str) -> None:
        now = exit_questions.current(self.app.client.snapshot(), one.exit_id)
        if now is None or now.state != state:
            told = "it has ended" if now is None else f"it is {now.told}"
            self.app.say(f"{kind.words} not sent: meanwhile {told}", "warning")
            return
        self.app.send(kind, target=one.exit_id, note=note)
