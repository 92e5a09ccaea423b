"""What the keys p and f do: pause, resume and force; and why a key does nothing now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind
from senex_tui.console.actions import questions
from senex_tui.console.key_map import shown_key
from senex_tui.console.keys import KEYS
from senex_tui.console.screens.dialogs import Question

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp


class AutomationActions:
    """Asks, then sends. Only a pause is sent without a question."""

    def __init__(self, app: SenexApp) -> None:
        self._app = app

    def pause(self) -> None:
        self._app.send(CommandKind.PAUSE)

    def resume(self) -> None:
        if self._app.is_asking:
            return
        snapshot = self._app.client.snapshot
        question = Question("Resume automation", lambda: questions.resume_facts(snapshot()), "Resume? y/n")
        self._app.ask(question, lambda: self._app.send(CommandKind.RESUME))

    def force(self) -> None:
        if self._app.is_asking:
            return
        snapshot = self._app.client.snapshot
        before = snapshot()

        def force() -> None:
            changed = questions.changed_since(before, snapshot())
            if changed is None:
                self._app.send(CommandKind.FORCE)
            else:
                self._app.say(f"force not sent: {changed}", "warning")

        self._app.ask(questions.force_question(snapshot), force)

    def say_why_not(self, key: str) -> None:
        """A greyed key answers too. One whose command is on its way is answered by the status bar."""
        for row in KEYS:
            pending = any(kind.value == row.action for kind in self._app.pending)
            if row.display == shown_key(key) and not pending and self._app.check_action(row.action, ()) is None:
                self._app.say(f"{row.label.lower()}: not now, {self._app.why_not(row.action)}", "warning")
