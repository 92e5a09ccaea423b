"""The dashboard: one widget tree, laid out for 80, 110 and 170 columns by style rules alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from core.snapshot import Mode
from senex_tui.console import clipboard as copying
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.keys_in_order import KeysInOrder
from widgets.attempts import AttemptsPanel
from widgets.banner import Alarm, Banner
from widgets.base.event_guard import EventGuard
from widgets.base.panel import LinePanel
from widgets.charts.panel import ChartPanel
from widgets.charts.picture import ChartView
from widgets.cycle import CyclePanel
from widgets.judgement import JudgementPanel
from widgets.key_line import KeyLine
from widgets.messages import MessagesPanel
from widgets.orders import OrdersPanel
from widgets.quote import QuotePanel
from widgets.schedule import SchedulePanel
from widgets.spread import SpreadPanel
from widgets.status_bar import StatusBar, StatusView
from widgets.tabs import LOWER_PANELS, TabStrip

if TYPE_CHECKING:
    from core.snapshot import QuoteSlice
    from senex_tui.console.app import SenexApp

SHORT_ROWS, TALL_ROWS = 4, 6
"""The most rows the banner takes, below `TALL_FROM` terminal rows and from there on."""
TALL_FROM = 38
_OPENS = {"orders": "orders", "schedule": "history", "messages": "history"}
"""What enter opens from a panel; from the others it is the story of the newest cycle."""
_LOWER = tuple(name for _, _, name in LOWER_PANELS)


class Dashboard(EventGuard, KeysInOrder, Screen[None]):
    """Hands each slice of the app to its panel. The style rules decide what is in sight:

    * below 110 columns or 38 rows: quotes, cycle, one numbered panel at a time, the newest messages;
    * from 110 columns: every panel, two abreast; the chart takes the judgement's place when asked for;
    * from 170 columns: three abreast, with the chart.
    """

    AUTO_FOCUS = ""
    PLACES: ClassVar[tuple[Where, ...]] = (Where.EVERYWHERE, Where.DASHBOARD)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.DASHBOARD))

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self.chart = ChartPanel(monotonic, id="chart", classes="panel lower")

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield Banner(id="banner")
        with Container(id="body"):
            yield QuotePanel(id="quote-1", classes="panel")
            yield QuotePanel(id="quote-2", classes="panel")
            yield CyclePanel(id="cycle", classes="panel")
            yield TabStrip(id="tabs")
            yield SpreadPanel(id="spread", classes="panel lower -open")
            yield self.chart
            yield JudgementPanel(id="judgement", classes="panel lower")
            yield AttemptsPanel(id="attempts", classes="panel lower")
            yield OrdersPanel(id="orders", classes="panel lower")
            yield SchedulePanel(id="schedule", classes="panel lower")
            yield MessagesPanel(id="messages", classes="panel lower")
        yield KeyLine(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(TabStrip).show("spread")
        self.watch(self.app, "status_view", self._show_status)
        self.watch(self.app, "quotes", self._show_quotes)
        for name in ("cycle", "spread", "attempts", "orders", "schedule", "messages"):
            self.watch(self.app, name, self.query_one(f"#{name}", LinePanel).show)
        self.watch(self.app, "judgements", self.query_one(JudgementPanel).show)
        self.watch(self.app, "positions", self.query_one(OrdersPanel).show_positions)
        for name in ("quotes", "schedule", "spread", "attempts", "judgements", "pictures"):
            self.watch(self.app, name, self._show_chart)

    def _show_status(self, view: StatusView | None) -> None:
        self.query_one(StatusBar).show(view)
        if view is not None:
            for mode in Mode:
                self.set_class(view.status.mode is mode, f"-{mode.value}")

    def _show_quotes(self, quotes: tuple[QuoteSlice, ...]) -> None:
        for number, panel in enumerate(self.query(QuotePanel)):
            panel.show(quotes[number] if number < len(quotes) else None)

    def _show_chart(self) -> None:
        app = cast("SenexApp", self.app)
        view = ChartView(app.quotes, app.schedule, app.spread, app.attempts, app.judgements, app.pictures)
        self.chart.show(view)

    def on_screen_resume(self) -> None:
        """The chart draws what it did not while another screen was before it."""
        self._show_chart()

    def action_show_panel(self, name: str) -> None:
        """Opens a numbered panel where one fits at a time, and focuses it everywhere."""
        for other in _LOWER:
            self.query_one(f"#{other}").set_class(other == name, "-open")
        body = self.query_one("#body")
        body.set_class(name == "messages", "-messages")
        if name in ("chart", "judgement"):
            body.set_class(name == "chart", "-chart")
        self.query_one(TabStrip).show(name)
        panel = self.query_one(f"#{name}", LinePanel)
        if body.has_class("-zoom"):
            self._zoom(panel)
        self.call_after_refresh(panel.focus)

    def action_picture(self) -> None:
        """The chart's next picture; a chart that is out of sight comes in sight first."""
        if self.chart.display:
            self.chart.next_picture()
        else:
            self.action_show_panel("chart")

    def action_open_panel(self) -> None:
        """What the focused panel shows, in full: the newest cycle's story, the orders, the history."""
        panel = self.focused
        name = (panel.id if isinstance(panel, LinePanel) else None) or "cycle"
        console = cast("SenexApp", self.app)
        if name in _OPENS:
            console.action_open(_OPENS[name])
        elif console.cycle is None or not console.cycle.number:
            console.say("no cycle has run yet", "warning")
        else:
            from senex_tui.console.screens.story import (
                StoryPage,  # with the records: the first paint does not wait for them
            )

            console.push_screen(StoryPage.of_cycle(console.cycle.number))

    async def action_copy(self) -> None:
        panel = self.focused
        console = cast("SenexApp", self.app)
        if not isinstance(panel, LinePanel):
            console.say("nothing to copy: choose a panel first, with tab or its number", "warning")
            return
        console.say(await copying.copy(console, panel.whole), "information")

    def action_zoom(self) -> None:
        """The focused panel alone, or everything again; without a focus, the open numbered panel."""
        if self.query_one("#body").has_class("-zoom"):
            self._zoom(None)
            return
        focused = self.focused
        panel: Any = focused if isinstance(focused, LinePanel) else self.query_one(".lower.-open", LinePanel)
        self._zoom(panel)
        panel.focus()

    def _zoom(self, panel: LinePanel[Any] | None) -> None:
        self.query_one("#body").set_class(panel is not None, "-zoom")
        for each in self.query("#body > LinePanel"):
            each.set_class(each is panel, "-zoomed")

    @property
    def zoomed(self) -> bool:
        return self.query_one("#body").has_class("-zoom")

    def say(self, alarms: Sequence[Alarm]) -> None:
        """The banner under the status bar; it hides when there is nothing to say."""
        rows = self.query_one(Banner).say(alarms, self.app.size.width, SHORT_ROWS if self._is_short else TALL_ROWS)
        body = self.query_one("#body")
        body.set_class(rows > 0, "-banner")
        body.set_class(rows > 2, "-banners")

    @property
    def _is_short(self) -> bool:
        return self.app.size.height < TALL_FROM
