"""Toasts, the answer line, the terminal's bell and the pane's title: what the console says outside its panels.

No toast stands over a dialog, none repeats what is on the screen, and one that is no longer so goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen, Screen

from senex_tui.console.screens.base import Answers
from senex_tui.support import terminal
from widgets.status_bar import StatusView, pane_title

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from senex_tui.console.attention import Notice
    from senex_tui.console.base import ConsoleApp

MAX_TOASTS = 3
TOAST_S = 6.0
BELL_EVERY_S = 30.0


Still = Callable[[], bool]
"""Whether what was said is still so."""


def always() -> bool:
    """Of what stays so."""
    return True


@dataclass(frozen=True, slots=True)
class Toast:
    """A toast, in sight until monotonic `until`. `count` says how often its text came while it was in sight, `still`
    whether what it says is still so."""

    text: str
    severity: SeverityLevel
    until: float
    count: int = 1
    still: Still = always

    @property
    def shown(self) -> str:
        return self.text if self.count == 1 else f"{self.text}  (x{self.count})"


class ToastLimiter:
    """Keeps at most `MAX_TOASTS` toasts in sight, equal ones as one, and the bell to once in `BELL_EVERY_S`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._toasts: list[Toast] = []
        self._rang_at = float("-inf")

    def add(self, text: str, severity: SeverityLevel, still: Still = always) -> tuple[Toast, ...]:
        """Adds a toast and returns those that should be in sight now, oldest first."""
        now = self._monotonic()
        alive = [toast for toast in self._toasts if toast.until > now]
        same = next((toast for toast in alive if (toast.text, toast.severity) == (text, severity)), None)
        count = 1 if same is None else same.count + 1
        alive = [toast for toast in alive if toast is not same]
        alive.append(Toast(text, severity, now + TOAST_S, count, still))
        self._toasts = alive[-MAX_TOASTS:]
        return tuple(self._toasts)

    @property
    def alive(self) -> tuple[Toast, ...]:
        """The toasts that should be in sight now, oldest first."""
        now = self._monotonic()
        return tuple(toast for toast in self._toasts if toast.until > now)

    def drop_untrue(self) -> bool:
        """Drops the toasts of what is no longer so. Returns whether there was one."""
        kept = self.alive
        self._toasts = [toast for toast in kept if toast.still()]
        return len(self._toasts) < len(kept)

    def left_s(self, toast: Toast) -> float:
        """The seconds that a toast stays in sight from now on."""
        return max(0.1, toast.until - self._monotonic())

    def may_ring(self) -> bool:
        """Whether the bell may ring now. Asking counts as ringing."""
        now = self._monotonic()
        if now - self._rang_at < BELL_EVERY_S:
            return False
        self._rang_at = now
        return True


class Toasts:
    """Shows toasts, rings the bell and names the pane. The setting `bell` says which notices ring: none, the critical
    ones, or all."""

    def __init__(self, app: ConsoleApp, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._monotonic = monotonic
        self._limiter = ToastLimiter(monotonic)
        self._title = ""
        self._is_due = False
        self._line: tuple[Answers, float, Still] | None = None

    def say(self, text: str, severity: SeverityLevel, still: Still = always) -> None:
        """Shows a toast, and over a dialog the answer line until that is closed. The text is shown as it is, never read
        as markup."""
        self._limiter.add(text, severity, still)
        self._present_soon()
        if isinstance(self._top, ModalScreen):
            self._in_line(text, still)

    @property
    def _top(self) -> Screen[Any] | None:
        """The screen in front; None once the app ends."""
        return next(reversed(self._app.screen_stack), None)

    def answer(self, text: str, still: Still) -> None:
        """Shows a sentence in the bottom row for as long as it is so, but not for long; as a toast where it does not
        fit."""
        if not self._in_line(text, still):
            self.say(text, "warning", still)

    def _in_line(self, text: str, still: Still) -> bool:
        screen = self._top
        if not isinstance(screen, Answers) or not screen.answer(text):
            return False
        self._line = (screen, self._monotonic() + TOAST_S, still)
        return True

    def refresh(self) -> None:
        """Takes away what is no longer so, and an answer that stood long enough."""
        if self._line is not None:
            screen, until, still = self._line
            if self._monotonic() >= until or not still():
                self._line = None
                screen.answer("")
        if self._limiter.drop_untrue():
            self._present_soon()

    def _present_soon(self) -> None:
        """Shows the toasts anew in a moment. Textual adds one only later: of two calls at once, the first one's would
        come after the second had cleared them, and stand twice."""
        if not self._is_due:
            self._is_due = True
            self._app.call_later(self._present)

    def _present(self) -> None:
        self._is_due = False
        self._app.clear_notifications()
        for toast in self._limiter.alive:
            left_s = self._limiter.left_s(toast)
            self._app.notify(toast.shown, severity=toast.severity, timeout=left_s, markup=False)

    def tell(self, notices: list[Notice], in_sight: Callable[[str], bool]) -> None:
        """Shows each notice as a toast, unless the screen says it already, and rings for those that the setting `bell`
        names."""
        for notice in notices:
            if not in_sight(notice.about):
                self.say(notice.text, notice.severity)
            rings = (
                notice.ring if self._app.display_settings.bell == "crit" else self._app.display_settings.bell == "all"
            )
            if rings and self._limiter.may_ring():
                self._app.bell()

    def name_pane(self, view: StatusView) -> None:
        """Writes mode and state to the terminal's title when they have changed."""
        title = pane_title(view)
        if title != self._title:
            self._title = title
            self._app.write_sequence(terminal.set_title(title))
