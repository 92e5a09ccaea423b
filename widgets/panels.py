"""The table of the numbered panels. The dashboard, its tab strip and the keys that go to a panel are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.domain.market.sessions import BEFORE_OPEN, MARKET_OPEN
from core.domain.operation.times import when
from core.snapshot import EngineState
from widgets.attempts import AttemptsPanel, shown_first
from widgets.base import format as figures
from widgets.charts.panel import ChartPanel
from widgets.charts.picture import ChartView
from widgets.judgement import JudgementPanel
from widgets.messages import MessagesPanel
from widgets.orders import OrdersPanel
from widgets.schedule import SchedulePanel
from widgets.trade import TradePanel, TradeView

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from widgets.base.panel import LinePanel


@dataclass(frozen=True, slots=True)
class NumberedPanel:
    """A panel of the dashboard that a number key goes to.

    `name` is its widget's id, and the settings call its key `panel_NAME`. `short` is the label where a tab is narrow.
    `slice_of` takes from a snapshot what the panel shows. `opens` is the page that enter opens from it; without one
    enter opens the story of the cycle that the panel shows.
    """

    number: str
    name: str
    label: str
    short: str
    panel: type[LinePanel[Any]]
    slice_of: Callable[[Snapshot], object]
    opens: str = ""


def chart_view(shown: Snapshot) -> ChartView:
    """The slices that the charts are drawn from."""
    return ChartView(
        shown.quotes, shown.schedule, shown.spread, shown.attempts, shown.judgements, shown.pictures, _coming(shown)
    )


def _coming(shown: Snapshot) -> str:
    """When the day has prices and slots, said before it has any."""
    status, step = shown.status, shown.overall
    if status.engine.is_over:
        return "The engine has ended"
    if status.engine is EngineState.STARTING:
        return "The curve begins once the engine has started and the market is open"
    if shown.schedule and status.market in (BEFORE_OPEN, MARKET_OPEN):
        first, last = shown.schedule[0].at, shown.schedule[-1].at
        slots = f"{figures.counted(len(shown.schedule), 'slot')}, {figures.minute(first)} to {figures.minute(last)}"
        return f"The curve begins at the open; {slots}" if status.market == BEFORE_OPEN else slots
    today = None if status.now is None else figures.exchange_day(status.now)
    coming = "" if step is None or step.next_day is None else f"next slot {when(step.next_day, today)}"
    return f"The market is closed{f'; {coming}' if coming else ''}"


def _trade_view(shown: Snapshot) -> TradeView:
    return TradeView(shown.spread, shown.positions.open)


PANELS: tuple[NumberedPanel, ...] = (
    NumberedPanel("1", "spread", "Trade", "Trade", TradePanel, _trade_view),
    NumberedPanel("7", "chart", "Chart", "Chart", ChartPanel, chart_view),
    NumberedPanel("6", "judgement", "Judgement", "Judge", JudgementPanel, lambda shown: shown.judgements),
    NumberedPanel("2", "attempts", "Attempts", "Tries", AttemptsPanel, lambda shown: shown.attempts),
    NumberedPanel("3", "orders", "Orders", "Orders", OrdersPanel, lambda shown: shown.orders, opens="orders"),
    NumberedPanel("4", "schedule", "Schedule", "Slots", SchedulePanel, lambda shown: shown.schedule, opens="history"),
    NumberedPanel("5", "messages", "Messages", "Msgs", MessagesPanel, lambda shown: shown.messages, opens="history"),
)
"""In the order in which they stand on the dashboard."""
TABS: tuple[NumberedPanel, ...] = tuple(sorted(PANELS, key=lambda each: each.number))
"""The panels in the order of their numbers, for the tab strip and the keys."""


def cycle_of(name: str, shown: Snapshot) -> int | None:
    """The number of the cycle that a panel shows: that of the spread, of the first attempt, else the newest one.

    None when no cycle has run.
    """
    newest = None if shown.cycle is None else shown.cycle.number or None
    spread = None if shown.spread is None else shown.spread.cycle
    tried = next((attempt.cycle for attempt in shown_first(shown.attempts)), None)
    both = (spread, tried)
    named = {"spread": (spread,), "attempts": (tried,), "judgement": both, "chart": both, "payoff": (spread,)}
    return next((number for number in named.get(name, ()) if number is not None), newest)
