"""The command palette: Textual's own, filled from the key table, with mode and alarms in sight above it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Provider
from textual.markup import escape

from senex_tui.console.base import ConsoleApp, console_of
from senex_tui.console.keys import GO_TO, KEYS, Key, Where
from senex_tui.console.screens.overlay import AboveDashboard


class Palette(AboveDashboard, CommandPalette):
    """`KeyCommands` fills it."""

    def compose(self) -> ComposeResult:
        yield from self.around()
        yield from super().compose()

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Ends the search first: its worker would look for the list that is gone, and its error would end the app."""
        self.app.workers.cancel_node(self)
        return super().dismiss(result)


class KeyCommands(Provider):
    """Lists every command of the key table, found by its name, by other words for it, and by what it does. One that is
    not possible now is listed with the reason and does nothing."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for key, help_text in self._commands():
            yield DiscoveryHit(_name(key), self._command(key), help=escape(help_text))

    async def search(self, query: str) -> AsyncIterator[Hit]:
        for key, help_text in self._commands():
            score = score_of(key, query)
            if score > 0:
                name = _name(key)
                yield Hit(score, escape(name), self._command(key), text=name, help=escape(help_text))

    @property
    def _console(self) -> ConsoleApp:
        return console_of(self.screen)

    def _command(self, key: Key) -> Callable[[], Awaitable[bool]]:
        """Runs the key's action, which is the app's or that of the screen under the palette."""
        whose = self._console if key.where is Where.EVERYWHERE else self.screen
        return partial(self._console.run_action, key.action, whose)

    def _commands(self) -> list[tuple[Key, str]]:
        listed = []
        for key in KEYS:
            places = getattr(self.screen, "PLACES", (Where.EVERYWHERE,))
            if not key.palette or key.where not in places:
                continue
            state = self._console.check_action(key.verb, ())
            if state is False:
                continue
            reason = self._console.why_not(key.verb) if state is None else None
            listed.append((key, f"not now: {reason}" if reason else f"{key.help} ({key.display})"))
        return listed


def score_of(key: Key, query: str) -> float:
    """How well what was typed names the command: by its name, else by another word for it, else by what it does. Every
    word must fit; 0 when one does not. Other words come in order: of two commands found by one of them, the one that
    names it earlier is meant."""
    name, also, does = f"{_name(key)} {key.name}".lower(), key.also.lower(), key.help.lower()
    scores = [
        max(
            _fits(word, name),
            _fits(word, also) * (0.7 - also.partition(word)[0].count(" ") / 200),
            0.4 * _fits(word, does),
        )
        for word in query.lower().split()
    ]
    return sum(scores) / len(scores) if scores and min(scores) > 0 else 0.0


def _fits(typed: str, text: str) -> float:
    words = text.replace("_", " ").replace(",", " ").replace(";", " ").split()
    if typed in words or typed == text:
        return 1.0
    if any(word.startswith(typed) for word in words) or typed in text.split():
        return 0.9
    return 0.3 if typed in text else 0.0


def _name(key: Key) -> str:
    return f"Go to {key.label.lower()}" if key.action.startswith(GO_TO) else key.label
