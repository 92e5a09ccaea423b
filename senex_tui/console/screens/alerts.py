"""The page of the alerts, which can be acknowledged here, and of the figures of the last sessions."""

from __future__ import annotations

from datetime import UTC, datetime, time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation.commands import CommandKind
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.alert import AlertDialog
from senex_tui.console.screens.asking import AsksRecords
from senex_tui.console.screens.list_page import ListPage
from widgets.alert_list import alert_listing
from widgets.base.list_panel import Row
from widgets.figures_panel import FiguresPanel

if TYPE_CHECKING:
    from core.domain.reporting.figures import SessionFigures
    from core.records.records import Records
    from core.snapshot import AlertView
    from widgets.status_bar import StatusView

MOST_CLOSED = 200
"""How many closed alerts are listed at most."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def _closed(since: datetime, records: Records) -> tuple[AlertView, ...]:
    from core.views.lookups import closed_alerts

    return await closed_alerts(records, since, MOST_CLOSED)


class AlertsPage(ListPage, AsksRecords):
    """Lists the open alerts first, then those that closed in the sessions that the figures cover."""

    NAME = "alerts"
    PLACES = (*ListPage.PLACES, Where.ALERTS)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.ALERTS))
    DEFAULT_CSS = """
    AlertsPage > #list { height: 2fr; }
    AlertsPage > FiguresPanel { height: 3fr; }
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._lately: tuple[AlertView, ...] = ()
        self._open: tuple[AlertView, ...] = ()
        self._sent: dict[int, str] = {}
        self._since: datetime | None = None
        self._trouble = ""

    def body(self) -> ComposeResult:
        yield from super().body()
        yield FiguresPanel(id="figures")

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.figures, self._show_figures)
        self.watch_slice(lambda shown: shown.alerts, self._follow)
        self.watch(self.app, "status_view", self._settle)

    def action_acknowledge(self) -> None:
        """Acknowledges the chosen alert. Says why not when it has closed or is acknowledged already."""
        alert = self._chosen()
        if alert is None or alert.id in self._sent:
            return
        if alert.closed is not None:
            self.console.say("this alert has closed: nothing to acknowledge", "information")
        elif alert.seen_by:
            self.console.say(f"acknowledged by {alert.seen_by} already", "information")
        else:
            self._sent[alert.id] = self.console.send(CommandKind.ACKNOWLEDGE, target=str(alert.id))
            self._show()
            self._settle(None)

    def has_use_for(self, action: str) -> bool:
        alert = self._chosen()
        can_be_seen = alert is not None and alert.closed is None and not alert.seen_by
        return can_be_seen if action == "acknowledge" else super().has_use_for(action)

    def open(self, row: Row) -> None:
        alert = self._chosen()
        if alert is not None:
            self.app.push_screen(AlertDialog(alert))

    def _chosen(self) -> AlertView | None:
        row = self.list.chosen
        return next((a for a in (*self._open, *self._lately) if row is not None and str(a.id) == row.key), None)

    def _follow(self, alerts: tuple[AlertView, ...]) -> None:
        gone = {alert.id for alert in self._open} - {alert.id for alert in alerts}
        self._open = alerts
        self._show()
        if gone:
            self._read()

    def _show_figures(self, figures: SessionFigures | None) -> None:
        self.query_one(FiguresPanel).show(figures)
        since = _EVER
        if figures is not None and figures.sessions:
            since = datetime.combine(figures.sessions[0], time(), EXCHANGE_ZONE)
        if since != self._since:
            self._since = since
            self._read()

    def _read(self) -> None:
        self.ask_records("closed", partial(_closed, self._since or _EVER), self._found)

    def _found(self, closed: tuple[AlertView, ...]) -> None:
        self._lately, self._trouble = closed, ""
        self._show()

    def not_answered(self, about: str, why: str) -> None:
        self._trouble = why
        self._show()

    def _settle(self, view: StatusView | None) -> None:
        settled = [alert for alert, command in self._sent.items() if not self.console.waits_for(command)]
        for alert in settled:
            del self._sent[alert]
        if settled:
            self._show()

    def _show(self) -> None:
        open_ids = {alert.id for alert in self._open}
        closed = [alert for alert in self._lately if alert.id not in open_ids]
        self.show(alert_listing(self._open, closed, self._sent, self._trouble))
