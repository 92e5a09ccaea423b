"""The figures of the last sessions over the whole screen, and the open alerts, to be acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from widgets.figures_panel import FiguresPanel, FiguresView
from widgets.guard import EventGuard

if TYPE_CHECKING:
    from core.snapshot import AlertView, Snapshot

EVERY_S = 1.0
MOST = 9


class FiguresScreen(EventGuard, ModalScreen[None]):
    """Follows the snapshot; its figures change with each cycle and at the close, so seldom is often enough."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"acknowledge({number})", show=False) for number in range(1, MOST + 1)),
        Binding("q,a,escape,ctrl+g", "leave", "Back", priority=True),
    ]
    AUTO_FOCUS = "FiguresPanel"
    DEFAULT_CSS = """
    FiguresScreen { background: $background; }
    FiguresScreen FiguresPanel {
        height: 1fr; padding: 0 1; border: round $border; border-title-style: bold;
        border-title-color: $text-accent; border-subtitle-color: $text-muted;
    }
    FiguresScreen #hint { height: 1; padding: 0 1; background: $panel; color: $text-muted; }
    """

    def __init__(self, snapshot: Callable[[], Snapshot], acknowledge: Callable[[AlertView], None]) -> None:
        """`acknowledge` is handed the alert the operator has seen."""
        super().__init__()
        self._snapshot = snapshot
        self._acknowledge = acknowledge
        self._shown: FiguresView | None = None

    def compose(self) -> ComposeResult:
        yield FiguresPanel()
        yield Static(Content(f"1-{MOST} acknowledge an alert   j k scroll   q back"), id="hint")

    def on_mount(self) -> None:
        self.follow()
        self.set_interval(EVERY_S, self.follow)

    def follow(self) -> None:
        """Shows the newest snapshot's figures; equal ones cost nothing."""
        snapshot = self._snapshot()
        view = FiguresView(snapshot.alerts, snapshot.figures)
        if view != self._shown:
            self._shown = view
            self.query_one(FiguresPanel).show(view)

    def action_acknowledge(self, number: int) -> None:
        """Nothing happens for an alert that is not there or has been acknowledged."""
        alerts = () if self._shown is None else self._shown.alerts
        if number <= len(alerts) and not alerts[number - 1].seen_by:
            self._acknowledge(alerts[number - 1])

    def action_leave(self) -> None:
        self.dismiss(None)
