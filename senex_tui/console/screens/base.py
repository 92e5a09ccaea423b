"""The base classes of the console's screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from textual.await_complete import AwaitComplete
from textual.binding import ActiveBinding
from textual.message_pump import MessagePump
from textual.screen import Screen

from senex_tui.console.base import ConsoleApp, console_of
from senex_tui.console.keys import KEYS, Where
from widgets.banner import Banner
from widgets.base.event_guard import EventGuard
from widgets.key_line import KeyLine

if TYPE_CHECKING:
    from core.snapshot import Snapshot

Slice = TypeVar("Slice")
_RANK = {key.action: number for number, key in enumerate(KEYS)}


@runtime_checkable
class Answers(Protocol):
    """A screen with a row at its bottom that can say a sentence."""

    def answer(self, text: str) -> bool:
        """Says it there, with an empty one nothing any more. Returns whether it fits."""
        ...


class ConsoleScreen(EventGuard, Screen[None]):
    """A screen that fills the terminal: the dashboard or a page.

    Its footer lists the keys in the order of the key table; Textual would list a screen's own keys before the app's.
    """

    PLACES: ClassVar[tuple[Where, ...]] = (Where.EVERYWHERE,)
    """The places of the key table whose keys work here."""
    UNSAID: ClassVar[frozenset[str]] = frozenset()
    """Actions whose keys work here but are not in the footer."""

    @property
    def console(self) -> ConsoleApp:
        return console_of(self)

    def watch_slice(
        self, slice_of: Callable[[Snapshot], Slice], show: Callable[[Slice], object], *, init: bool = True
    ) -> None:
        """Calls `show` whenever the slice that `slice_of` takes from the shown snapshot has changed.

        With `init` it is called at once too.
        """
        last = slice_of(self.console.shown)
        if init:
            show(last)

        def changed(snapshot: Snapshot) -> None:
            nonlocal last
            now = slice_of(snapshot)
            if now != last:
                last = now
                show(now)

        self.watch(self.app, "shown", changed, init=False)

    def on_screen_resume(self) -> None:
        """Shows the banner again, which a dialog shows in its place."""
        self.query(Banner).set(visible=True)

    def answer(self, text: str) -> bool:
        """Says a sentence in place of the keys, with an empty one shows the keys again. Returns whether it fits."""
        return any([line.answer(text) for line in self.query(KeyLine)])

    def has_use_for(self, action: str) -> bool:
        """Whether the action would do something here now; the footer leaves out the others. Pressed, they say why."""
        return True

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        found = {
            key: self._unsaid(active)
            if active.binding.action in self.UNSAID or not self.has_use_for(active.binding.action)
            else active
            for key, active in super().active_bindings.items()
        }
        return dict(sorted(found.items(), key=lambda item: _RANK.get(item[1].binding.action, len(_RANK))))

    @staticmethod
    def _unsaid(active: ActiveBinding) -> ActiveBinding:
        return active._replace(binding=replace(active.binding, show=False))


class EndsItself(MessagePump):
    """A mixin for screens that makes `dismiss` end this screen, once. Name it before Textual's own class.

    Textual's `dismiss` ends the screen on top, whichever it is called on. A question that expires under the palette
    would then close the palette and stay open itself. A key that comes late would close the page under the dialog.
    """

    STAYS: ClassVar[bool] = False
    """Whether no screen below may end this one."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Ends the screen together with what was opened over it. Does nothing when it has ended already."""
        app: Any = self.app
        stack: list[Any] = app.screen_stack
        if self not in stack:
            return AwaitComplete()
        if any(above.STAYS for above in stack[stack.index(self) + 1 :] if isinstance(above, EndsItself)):
            return AwaitComplete()
        while app.screen is not self:
            app.screen.dismiss()  # each by its own `dismiss`: the palette's also ends its search
        ending: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
        return ending
