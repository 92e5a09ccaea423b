"""The footer: the keys that do something now, then the pages. For a moment it answers a key that does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from textual.events import Click
from textual.screen import Screen

from widgets.base.lines import Drawing, Line, Part, Tone, beside, fit, width_of
from widgets.base.panel import LinePanel

GOES_FIRST = ("command_palette", "app.freeze", "zoom", "next_section(1)", "export", "copy", "filter", "open")
"""The actions whose keys are left out first where there is no room for all; help lists them anyway."""
COMFORT = 3
"""So many of them go before the pages lose their names."""
OPENS_PAGE = "open("
"""How the action of a page's key begins."""
NOT_A_KEY = "no-key"
"""Textual's name for the key of an action that has none."""
_PAGES = "pages "
_TYPING = "enter done   esc back"
"""While a field takes what is typed, no key does anything else."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A key in the footer: as Textual names it, as it is written, its word, and the action."""

    key: str
    shown: str
    label: str
    action: str


class KeyLine(LinePanel["tuple[Offer, ...]"], can_focus=False):
    """Its slice is the keys that do something now; one that would be refused is not among them.

    The pages stand at the right, with their names where all have room, else as letters. Where not all keys fit, the
    least needed are left out.
    """

    NAME = "keys"
    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; padding: 0 1 0 0; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self.offer)
        self.call_after_refresh(self.offer, self.screen)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def offer(self, screen: Screen[Any]) -> None:
        """Shows the keys that do something on this screen now."""
        if screen is not self.app.screen:
            return
        offers = (
            Offer(active.binding.key, self.app.get_key_display(active.binding), active.binding.description, action)
            for active in screen.active_bindings.values()
            if (action := active.binding.action) and active.binding.show and active.enabled
        )
        one_each = {offer.action: offer for offer in reversed([o for o in offers if o.key != NOT_A_KEY])}
        shown = tuple(reversed(one_each.values()))
        if shown != self._slice:
            self.show(shown)

    def answer(self, text: str) -> bool:
        """Shows a sentence in place of the keys, with an empty one the keys again. Returns whether it fits."""
        fits = width_of(((text, Tone.PLAIN),)) <= self.content_size.width - 1
        said = text if fits else ""
        if said != self._said:
            self._said = said
            self.redraw()
        return fits

    def draw(self, value: tuple[Offer, ...], width: int, height: int) -> Drawing:
        if self._said:
            return Drawing("", (((f" {self._said}", Tone.WARN),),))
        return Drawing("", (_line(value, width) if value else ((_TYPING, Tone.DIM),),))

    def on_click(self, event: Click) -> None:
        """Presses the key that was clicked on."""
        if self._slice is None or self._said:
            return
        at = 0
        for text, _ in _line(self._slice, self.content_size.width):
            at += len(text)
            if event.x < at:
                clicked = next((offer for offer in self._slice if text == offer.shown), None)
                if clicked is not None:
                    self.app.simulate_key(clicked.key)
                return


def _line(offers: Sequence[Offer], width: int) -> Line:
    """The fullest form that fits; the last one is cut."""
    line: Line = ()
    for left, far in _forms(offers):
        line = beside(left, far, width) if far else left
        if width_of(left) + width_of(far) + (2 if far else 0) <= width:
            return line
    return tuple((fit(text, len(text)), tone) for text, tone in line)


def _forms(offers: Sequence[Offer]) -> Iterator[tuple[Line, Line]]:
    """What can be shown, from the fullest form to the shortest."""
    pages = [offer for offer in offers if offer.action.startswith(OPENS_PAGE)]
    keys = [offer for offer in offers if offer not in pages]
    fewer = [keys]
    for action in GOES_FIRST:
        fewer.append([offer for offer in fewer[-1] if offer.action != action])
    letters = _letters(pages)
    if pages:
        yield from ((_words(each), _words(pages)) for each in fewer[: COMFORT + 1])
        for each in fewer:
            yield _words(each), ((_PAGES, Tone.DIM), *letters)
            yield _words(each), letters
    yield from ((_words(each), ()) for each in fewer)


def _words(offers: Sequence[Offer]) -> Line:
    parts: list[Part] = []
    for offer in offers:
        parts += [(offer.shown, Tone.ACCENT), (f" {offer.label} ", Tone.PLAIN)]
    return (*parts[:-1], (parts[-1][0].rstrip(), Tone.PLAIN)) if parts else ()


def _letters(offers: Sequence[Offer]) -> Line:
    parts: list[Part] = []
    for offer in offers:
        parts += [(offer.shown, Tone.ACCENT), (" ", Tone.PLAIN)]
    return tuple(parts[:-1])
