"""The command palette, fed from the key table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider
from textual.markup import escape

from senex_tui.console.keys import GO_TO, KEYS, Key, Where

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp


class KeyCommands(Provider):
    """Every command of the key table; one that is not possible now is listed with the reason and does nothing."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for key, help_text in self._commands():
            yield DiscoveryHit(_name(key), self._command(key), help=escape(help_text))

    async def search(self, query: str) -> AsyncIterator[Hit]:
        matcher = self.matcher(query)
        for key, help_text in self._commands():
            name = _name(key)
            score = matcher.match(f"{name} {key.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(name), self._command(key), text=name, help=escape(help_text))

    @property
    def _app(self) -> SenexApp:
        app: SenexApp = self.app  # type: ignore[assignment]
        return app

    def _command(self, key: Key) -> Callable[[], Awaitable[bool]]:
        """The key's action: the app's, or that of the screen the palette was opened on."""
        whose = self._app if key.where is Where.EVERYWHERE else self.screen
        return partial(self._app.run_action, key.action, whose)

    def _commands(self) -> list[tuple[Key, str]]:
        listed = []
        for key in KEYS:
            places = getattr(self.screen, "PLACES", (Where.EVERYWHERE,))
            if not key.palette or key.where not in places:
                continue
            state = self._app.check_action(key.action.partition("(")[0], ())
            if state is False:
                continue
            reason = self._app.why_not(key.action) if state is None else None
            listed.append((key, f"not now: {reason}" if reason else f"{key.help} ({key.display})"))
        return listed


def _name(key: Key) -> str:
    return f"Go to {key.label.lower()}" if key.action.startswith(GO_TO) else key.label
