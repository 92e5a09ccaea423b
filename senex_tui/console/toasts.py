"""Toasts, the terminal's bell and the pane's title: what the console says outside its panels, without flooding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senex_tui.support import terminal
from widgets.status_bar import StatusView, pane_title

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from senex_tui.console.attention import Notice
    from senex_tui.console.base import ConsoleApp

MAX_TOASTS = 3
TOAST_S = 6.0
BELL_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Toast:
    """A toast, in sight until monotonic `until`. `count` says how often its text came while it was in sight."""

    text: str
    severity: SeverityLevel
    until: float
    count: int = 1

    @property
    def shown(self) -> str:
        return self.text if self.count == 1 else f"{self.text}  (x{self.count})"


class ToastLimiter:
    """Keeps at most `MAX_TOASTS` toasts in sight, equal ones as one, and the bell to once in `BELL_EVERY_S`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._toasts: list[Toast] = []
        self._rang_at = float("-inf")

    def add(self, text: str, severity: SeverityLevel) -> tuple[Toast, ...]:
        """Adds a toast and returns those that should be in sight now, oldest first."""
        now = self._monotonic()
        alive = [toast for toast in self._toasts if toast.until > now]
        same = next((toast for toast in alive if (toast.text, toast.severity) == (text, severity)), None)
        count = 1 if same is None else same.count + 1
        alive = [toast for toast in alive if toast is not same]
        alive.append(Toast(text, severity, now + TOAST_S, count))
        self._toasts = alive[-MAX_TOASTS:]
        return tuple(self._toasts)

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
        self._limiter = ToastLimiter(monotonic)
        self._title = ""

    def say(self, text: str, severity: SeverityLevel) -> None:
        """Shows a toast. The text is shown as it is, never read as markup."""
        toasts = self._limiter.add(text, severity)
        self._app.clear_notifications()
        for toast in toasts:
            left_s = self._limiter.left_s(toast)
            self._app.notify(toast.shown, severity=toast.severity, timeout=left_s, markup=False)

    def tell(self, notices: list[Notice]) -> None:
        """Shows each notice as a toast and rings for those that the setting `bell` names."""
        for notice in notices:
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
