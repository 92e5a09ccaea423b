"""The footer: the keys that do something now."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer

from widgets.watchers import forget_closed


class KeyLine(Footer):
    """Textual's footer leaves itself as it is while the terminal has no focus; in a tmux session without a client it
    would never be made at all."""

    def bindings_changed(self, screen: Screen[Any]) -> None:
        super().bindings_changed(screen)
        if not screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        """Every key watches the footer, and is made anew whenever one is greyed out or lit."""
        await super().recompose()
        forget_closed(self)
