"""The dashboard: one tree of widgets. Style rules alone lay it out for 80, 110 and 170 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from core.domain.orders.next_step import Next
from core.snapshot import Mode
from senex_tui.console import clipboard as copying
from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import ANYTHING, Meant, of_trident
from senex_tui.console.screens.base import ConsoleScreen
from widgets.account_strip import AccountStrip, StripView, strip_view
from widgets.banner import Alarm, Banner
from widgets.base.day_panel import DayContext, DayPanel, day_context
from widgets.base.panel import LinePanel
from widgets.charts.panel import ChartPanel, PayoffPanel
from widgets.cycle import CyclePanel
from widgets.key_line import KeyLine
from widgets.orders import OrdersPanel
from widgets.panels import PANELS, chart_view, cycle_of
from widgets.quote import QuotePanel
from widgets.status_bar import StatusBar, StatusView
from widgets.tabs import TabStrip
from widgets.trade import TradePanel

if TYPE_CHECKING:
    from core.snapshot import QuoteSlice, Snapshot

SHORT_ROWS, TALL_ROWS = 4, 6
"""The most rows the banner takes: below `TALL_FROM` terminal rows, and from there on."""
TALL_FROM = 38
_OPENS = {panel.name: panel.opens for panel in PANELS if panel.opens} | {"accounts-now": "accounts"}


def _has_few_tries(shown: Snapshot) -> bool:
    """Whether the attempts of today are told without a panel of their own: one of each account at most, or the day is
    done."""
    tries = Counter(attempt.account for attempt in shown.attempts if attempt.day is None or attempt.day == shown.day)
    return max(tries.values(), default=0) <= 1 or (shown.overall is not None and shown.overall.kind is Next.DONE)


class Dashboard(ConsoleScreen):
    """Hands the slices of the snapshot to its panels. The style rules decide what is in sight:

    * below 110 columns or 38 rows: quotes, cycle, one numbered panel at a time, the newest messages;
    * from 110 columns: every panel, in two columns; of chart and judgement the one whose key was pressed last;
    * from 170 columns: every panel in three columns, with the chart and the payoff at once.
    """

    AUTO_FOCUS = ""
    PLACES: ClassVar[tuple[Where, ...]] = (Where.EVERYWHERE, Where.DASHBOARD)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.DASHBOARD))

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives wall seconds; the chart spaces its drawings by it."""
        super().__init__()
        self.chart = ChartPanel(monotonic, id="chart", classes="panel lower")
        self.payoff = PayoffPanel(monotonic, id="payoff", classes="panel lower")
        self.chart.elsewhere = self._pictures_elsewhere

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield AccountStrip(id="accounts-now")
        yield Banner(id="banner")
        with Container(id="body"):
            for number, name in enumerate(("First underlying", "Second underlying"), 1):
                yield QuotePanel(lambda: self.chart.display, unnamed=name, id=f"quote-{number}", classes="panel")
            yield CyclePanel(id="cycle", classes="panel")
            yield TabStrip(id="tabs")
            for each in PANELS:
                classes = "panel lower -open" if each is PANELS[0] else "panel lower"
                yield self.chart if each.panel is ChartPanel else each.panel(id=each.name, classes=classes)
                if each.name == "attempts":
                    yield self.payoff
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(TabStrip).show(PANELS[0].name)
        for each in PANELS:
            self.query_one(f"#{each.name}", LinePanel).goes_by = (f"panel_{each.name}", each.number)
        self.watch(self.app, "status_view", self._show_status)
        self.watch_slice(lambda shown: shown.quotes, self._show_quotes)
        self.watch_slice(lambda shown: shown.status.engine.is_over, self._show_ended)
        self.watch_slice(lambda shown: shown.cycle, self.query_one(CyclePanel).show)
        self.watch_slice(_has_few_tries, self._give_room)
        for each in PANELS:
            self.watch_slice(each.slice_of, self.query_one(f"#{each.name}", LinePanel).show)
        self.watch_slice(strip_view, self._show_accounts)
        self.watch_slice(chart_view, self.payoff.show)
        self.watch_slice(day_context, self._show_context)
        self.watch_slice(lambda shown: shown.positions, self.query_one(OrdersPanel).show_positions)

    def _show_status(self, view: StatusView | None) -> None:
        self.query_one(StatusBar).show(view)
        if view is not None:
            for mode in Mode:
                self.set_class(view.status.mode is mode, f"-{mode.value}")

    def _show_context(self, context: DayContext) -> None:
        for panel in self.query(DayPanel):
            panel.show_context(context)

    def _show_accounts(self, view: StripView) -> None:
        self.query_one(AccountStrip).show(view)
        self.query_one("#body").set_class(len(view.accounts) > 1, "-accounts")

    def _give_room(self, few: bool) -> None:
        """With no more than one attempt today, its panel gives its room to the position, or to the orders."""
        self.query_one("#body").set_class(few and not self.query_one("#attempts").has_class("-open"), "-few-tries")

    def on_trade_panel_turned(self, message: TradePanel.Turned) -> None:
        self.query_one("#body").set_class(message.with_exits, "-held")

    def _show_quotes(self, quotes: tuple[QuoteSlice, ...]) -> None:
        for number, panel in enumerate(self.query(QuotePanel)):
            panel.show(quotes[number] if number < len(quotes) else None)

    def _show_ended(self, ended: bool) -> None:
        for panel in self.query(QuotePanel):
            panel.show_ended(ended)

    def _pictures_elsewhere(self) -> frozenset[str]:
        """The pictures that other panels show at the same time."""
        return frozenset({"payoff", "score"}) if self.payoff.display else frozenset()

    def on_screen_resume(self) -> None:
        """Lets the charts draw: they draw nothing while another screen is in front."""
        self.chart.catch_up()
        self.payoff.catch_up()

    def action_show_panel(self, name: str) -> None:
        """Focuses a numbered panel; where only one fits at a time, opens it."""
        for each in PANELS:
            self.query_one(f"#{each.name}").set_class(each.name == name, "-open")
        self._give_room(_has_few_tries(self.console.shown))
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
        """Shows the chart's next picture; brings the chart in sight when it is not."""
        if self.chart.display:
            self.chart.next_picture()
        else:
            self.action_show_panel("chart")

    def action_trident(self, steps: int) -> None:
        """Shows an older trident in place of the present one, or a newer one."""
        panel = self.query_one(TradePanel)
        if not panel.choose(steps):
            self.console.say("there is no other trident to show", "warning")
        elif not panel.display:
            self.action_show_panel("spread")

    @property
    def meant_trident(self) -> Meant:
        """The trident that the operator has chosen, or looks at; the keys about orders mean every one all the same."""
        panel = self.query_one(TradePanel)
        return of_trident(panel.trident) if panel.is_chosen or panel.has_focus else ANYTHING

    def action_open_panel(self) -> None:
        """Opens what the focused panel shows: the orders, the history, the story of a trident or of the cycle."""
        panel = self.focused
        if isinstance(panel, TradePanel) and panel.trident:
            from senex_tui.console.screens.trident import TridentPage

            self.console.push_screen(TridentPage(panel.trident))
            return
        name = (panel.id if isinstance(panel, LinePanel) else None) or "cycle"
        console = self.console
        if name in _OPENS:
            console.action_open(_OPENS[name])
            return
        cycle = cycle_of(name, console.shown)
        if cycle is None:
            console.say("no cycle has run yet", "warning")
        else:
            # It imports the records; the first paint does not wait for them.
            from senex_tui.console.screens.story import StoryPage

            console.push_screen(StoryPage.of_cycle(cycle))

    async def action_copy(self) -> None:
        panel = self.focused
        if not isinstance(panel, LinePanel):
            self.console.say("nothing to copy: choose a panel first, with tab or its number", "warning")
            return
        self.console.say(await copying.copy(self.console, panel.whole), "information")

    def action_zoom(self) -> None:
        """Shows the focused panel alone, or everything again. Without a focus it takes the open numbered panel."""
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
        """Whether one panel is shown alone."""
        return self.query_one("#body").has_class("-zoom")

    def say(self, alarms: Sequence[Alarm]) -> None:
        """Shows the alarms in the banner under the status bar; without any, the banner hides."""
        rows = self.query_one(Banner).say(alarms, self.app.size.width, SHORT_ROWS if self._is_short else TALL_ROWS)
        body = self.query_one("#body")
        body.set_class(rows > 0, "-banner")
        body.set_class(rows > 2, "-banners")

    @property
    def _is_short(self) -> bool:
        return self.app.size.height < TALL_FROM
