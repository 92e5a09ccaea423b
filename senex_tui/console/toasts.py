"""What is said beside the panels: toasts through their limiter, the terminal's bell, the pane's title."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from senex_tui.console.toast_rules import Severity, ToastLimiter
from senex_tui.support import terminal
from widgets.status_bar import StatusView, pane_title

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp
    from senex_tui.console.attention import Notice


class Telling:
    """The setting `bell` says which notices ring: none, the critical ones, or all."""

    def __init__(self, app: SenexApp, monotonic: Callable[[], float]) -> None:
        self._app = app
        self._toasts = ToastLimiter(monotonic)
        self._title = ""

    def say(self, text: str, severity: Severity) -> None:
        """A toast. The text is shown as it is, never read as markup."""
        toasts = self._toasts.add(text, severity)
        self._app.clear_notifications()
        for toast in toasts:
            left_s = self._toasts.left_s(toast)
            self._app.notify(toast.shown, severity=toast.severity, timeout=left_s, markup=False)

    def tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self.say(notice.text, notice.severity)
            rings = notice.ring if self._app.looks.bell == "crit" else self._app.looks.bell == "all"
            if rings and self._toasts.may_ring():
                self._app.bell()

    def name_pane(self, view: StatusView) -> None:
        title = pane_title(view)
        if title != self._title:
            self._title = title
            self._app.write_sequence(terminal.set_title(title))
