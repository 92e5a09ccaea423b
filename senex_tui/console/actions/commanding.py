"""The actions of the key table that become commands."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from textual.app import App

from senex_tui.console.actions.automation import AutomationActions
from senex_tui.console.actions.entries import EntryActions

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp


class Commanding(App[None]):
    """Each asks what is to be asked, and sends."""

    @cached_property
    def automation(self) -> AutomationActions:
        """Pause, resume and force."""
        return AutomationActions(cast("SenexApp", self))

    @cached_property
    def entries(self) -> EntryActions:
        """What is about one entry, and reconcile."""
        return EntryActions(cast("SenexApp", self))

    def action_pause(self) -> None:
        self.automation.pause()

    def action_resume(self) -> None:
        self.automation.resume()

    def action_force(self) -> None:
        self.automation.force()

    def action_cancel(self) -> None:
        self.entries.cancel()

    def action_unknown(self) -> None:
        self.entries.decide()

    def action_reentry(self) -> None:
        self.entries.allow_reentry()

    def action_reconcile(self) -> None:
        self.entries.reconcile()
