"""Cancels a working entry, decides on an unknown one, allows re-entry after a cancel: the keys c, u and r."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind
from senex_tui.console.actions import entry_questions
from senex_tui.console.actions.permission import UNKNOWN, WORKING, closed_by_cancel, in_state
from senex_tui.console.meant import meant_by
from senex_tui.console.screens.entries import Decision, UnknownOrder, choose, what
from widgets.base.fates import order_words

if TYPE_CHECKING:
    from core.snapshot import OrderView
    from senex_tui.console.base import ConsoleApp


@dataclass(frozen=True, slots=True)
class EntryActions:
    """Asks, then sends. Looks at the entry again before sending: it may have changed while the question was open."""

    app: ConsoleApp

    def cancel(self) -> None:
        if self.app.is_asking:
            return

        def ask(entry: OrderView) -> None:
            question = entry_questions.cancel_question(self.app.client.snapshot, entry)
            self.app.ask(question, lambda: self._send(CommandKind.CANCEL, entry, WORKING, ""))

        self._choose("Cancel which entry?", in_state(self._orders, WORKING), ask)

    def allow_reentry(self) -> None:
        if self.app.is_asking:
            return

        def ask(entry: OrderView) -> None:
            question = entry_questions.reentry_question(self.app.client.snapshot, entry)
            self.app.ask(question, lambda: self._send(CommandKind.ALLOW_REENTRY, entry, entry.state, ""))

        self._choose("Allow re-entry after which entry?", closed_by_cancel(self._orders), ask)

    def decide(self) -> None:
        if self.app.is_asking:
            return

        def ask(entry: OrderView) -> None:
            facts = entry_questions.facts_of(self.app.client.snapshot, entry)
            gone = entry_questions.over(self.app.client.snapshot, entry, entry_questions.is_unknown, "decided")
            question = UnknownOrder("UNKNOWN entry", facts, gone)
            self.app.push_screen(question, lambda decision: self._decided(entry, decision))

        self._choose("Decide on which entry?", in_state(self._orders, UNKNOWN), ask)

    @property
    def _orders(self) -> tuple[OrderView, ...]:
        return self.app.client.snapshot().orders

    def _choose(self, title: str, found: tuple[OrderView, ...], then: Callable[[OrderView], None]) -> None:
        """Of what the page in front shows; nothing else is meant there."""
        meant = meant_by(self.app)
        if meant.unclear:
            self.app.say(f"{title} {meant.unclear}", "warning")
            return
        fits = [entry for entry in found if meant.has_entry(entry)]
        choose(self.app, title, fits, what, then)
        if found and not fits:
            others = ", ".join(f"{entry.underlying} of {entry.account}" for entry in found[:3])
            self.app.say(f"{title} {meant.none}; choose {others}", "warning")

    def _decided(self, entry: OrderView, decision: Decision | None) -> None:
        snapshot = self.app.client.snapshot
        if decision == "look":
            self.app.send(CommandKind.RECONCILE)
        elif decision == "absent":
            word = entry_questions.ABSENT_WORD
            self.app.ask(
                entry_questions.absent_question(snapshot, entry),
                lambda: self._send(CommandKind.ATTEST, entry, UNKNOWN, word),
            )
        elif decision == "order":
            named: list[str] = []
            self.app.ask(
                entry_questions.order_question(snapshot, entry, named.append),
                lambda: self._send(CommandKind.ATTEST, entry, UNKNOWN, named[-1]),
            )

    def _send(self, kind: CommandKind, entry: OrderView, state: str, note: str) -> None:
        now = entry_questions.current(self.app.client.snapshot(), entry.entry_id)
        if now is None:
            self.app.say(f"{kind.words} not sent: the entry is no longer shown", "warning")
            return
        if now.state != state:
            self.app.say(f"{kind.words} not sent: meanwhile the entry is {order_words(now)}", "warning")
            return
        self.app.send(kind, target=entry.entry_id, note=note)
