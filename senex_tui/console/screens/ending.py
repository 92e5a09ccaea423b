"""How a screen ends: itself and once, whatever the keys' speed."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.await_complete import AwaitComplete
from textual.message_pump import MessagePump


class EndsItself(MessagePump):
    """A mixin for screens, to be named before Textual's own.

    Textual's `dismiss` ends whatever is on top: a question that ran out of time under the palette would close that,
    and stay itself for ever, its answer given; a key that comes late would close the page under its dialog.
    """

    STAYS: ClassVar[bool] = False
    """Whether nothing below may end it."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Ends the screen with what was opened over it. Once it has ended, does nothing."""
        app: Any = self.app
        stack: list[Any] = app.screen_stack
        if self not in stack:
            return AwaitComplete()
        if any(above.STAYS for above in stack[stack.index(self) + 1 :] if isinstance(above, EndsItself)):
            return AwaitComplete()
        while app.screen is not self:
            app.screen.dismiss()  # each in its own way: the palette ends its search
        ending: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
        return ending
