"""The footer: the keys that do something now."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from widgets.base.watchers import forget_closed

GOES_FIRST = ("command_palette", "app.freeze", "zoom", "export", "copy", "filter", "open")
"""The actions whose keys are left out first where there is no room for all; help lists them anyway."""


class KeyLine(Footer):
    """Textual's footer with two differences.

    It is also made anew while the terminal has no focus; Textual's own would never appear in a tmux session without a
    client. Where not all keys fit, the least needed are left out; Textual's own cuts off the last.
    """

    _made_for = 0

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._made_for = self.app.size.width
        for action in GOES_FIRST:
            if sum(len(key.key_display) + len(key.description) + 2 for key in keys) <= self._made_for + 1:
                break
            keys = [key for key in keys if key.action != action]
        yield from keys

    def on_resize(self) -> None:
        if self._made_for and self._made_for != self.app.size.width:
            self.call_after_refresh(self.recompose)

    def bindings_changed(self, screen: Screen[Any]) -> None:
        super().bindings_changed(screen)
        if not screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        """Makes the keys anew, and frees the old ones, which Textual would keep because every key watches the
        footer."""
        await super().recompose()
        forget_closed(self)
