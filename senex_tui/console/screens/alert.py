"""The dialog that shows one alert in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from senex_tui.console.screens.dialogs import facts_text
from senex_tui.console.screens.overlay import READING, AboveDashboard
from widgets.base import format as figures

if TYPE_CHECKING:
    from core.snapshot import AlertView


class AlertDialog(AboveDashboard, ModalScreen[None]):
    """Shows the alert as it was when the dialog opened. It is not kept up to date, because nothing is decided here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter,escape,ctrl+g", "leave", "Back", priority=True),
        *READING,
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    AlertDialog { align: center middle; background: $background 70%; }
    AlertDialog > VerticalScroll {
        width: 78; max-width: 96%; height: auto; max-height: 100%; padding: 1 2; background: $panel;
        border: heavy $primary; border-title-style: bold; border-subtitle-color: $text-muted;
        scrollbar-size-vertical: 1;
    }
    AlertDialog Static { height: auto; }
    """

    def __init__(self, alert: AlertView) -> None:
        super().__init__()
        self._alert = alert

    def compose(self) -> ComposeResult:
        yield from self.around()
        alert = self._alert
        with VerticalScroll(can_focus=False) as box:
            box.border_title = Content(f"Alert {alert.id}")
            box.border_subtitle = Content("j k scroll   q back")
            yield Static(
                facts_text(
                    [
                        ("severity", alert.severity),
                        ("kind", alert.code),
                        ("about", alert.whom or "all accounts"),
                        ("since", f"{figures.dated(alert.since)} ET"),
                        ("seen by", alert.seen_by or "nobody; space on the list acknowledges it"),
                        ("closed", "not yet" if alert.closed is None else f"{figures.dated(alert.closed)} ET"),
                        ("", ""),
                        ("", alert.text),
                    ]
                )
            )

    def action_leave(self) -> None:
        self.dismiss(None)
