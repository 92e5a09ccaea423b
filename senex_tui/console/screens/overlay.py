"""The base of every dialog. Status bar and banner stay live above it, while the dashboard behind it stands still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from senex_tui.console.base import console_of
from senex_tui.console.screens.base import EndsItself
from widgets.banner import Alarm, Banner
from widgets.base.event_guard import EventGuard
from widgets.base.lines import fit, safe
from widgets.status_bar import StatusBar, StatusView

Answer = TypeVar("Answer")
NOT_UPDATING = "behind this: NOT UPDATING while it is open; the lines above and the figures in the box are live"
NOT_UPDATING_SHORT = "behind this: NOT UPDATING while it is open"
MOST_ALARM_ROWS, FEW_ALARM_ROWS = 4, 2
"""The most rows of the banner above a dialog; fewer on a screen below `TALL_FROM` rows."""
TALL_FROM = 38


SCROLLS: tuple[Binding, ...] = (
    Binding("down", "scroll(1)", show=False),
    Binding("up", "scroll(-1)", show=False),
    Binding("pagedown", "scroll(8)", show=False),
    Binding("pageup", "scroll(-8)", show=False),
    Binding("end", "scroll(100000)", show=False),
    Binding("home", "scroll(-100000)", show=False),
)
"""The keys that scroll what a modal screen shows."""
READING: tuple[Binding, ...] = (
    *SCROLLS,
    Binding("j", "scroll(1)", show=False),
    Binding("k", "scroll(-1)", show=False),
    Binding("G", "scroll(100000)", show=False),
    Binding("g", "scroll(-100000)", show=False),
)
"""The same with letters, for screens that take no letter as an answer."""


class Above(Widget):
    """A live status bar and banner, in the rows where the dashboard has them."""

    DEFAULT_CSS = """
    Above { dock: top; layout: vertical; height: auto; background: $background; }
    """

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield Banner()

    def keep_true(self, view: StatusView, alarms: Sequence[Alarm]) -> None:
        self.query_one(StatusBar).show(view)
        width, height = self.app.size
        self.query_one(Banner).say(alarms, width, MOST_ALARM_ROWS if height >= TALL_FROM else FEW_ALARM_ROWS)
        # A banner behind that stands lower, below the accounts, would show its last rows once more.
        for screen in self.app.screen_stack[:-1]:
            if not isinstance(screen, ModalScreen):
                screen.query(Banner).set(visible=False)


class Below(Static):
    """Says, in the row of the dashboard's keys, that the dashboard behind stands still. An answer takes its place."""

    DEFAULT_CSS = """
    Below { dock: bottom; height: 1; padding: 0 1; background: $panel; color: $text-warning; }
    """

    answered = ""

    def on_mount(self) -> None:
        self.say()

    def on_resize(self) -> None:
        self.say()

    def say(self) -> None:
        room = self.app.size.width - 2
        text = self.answered or (NOT_UPDATING if room >= len(NOT_UPDATING) else NOT_UPDATING_SHORT)
        self.update(Content(fit(text, room)), layout=False)


class AboveDashboard(EventGuard, EndsItself):
    """A mixin for modal screens, with live lines above. Yield `around` first in `compose`; the app then calls
    `keep_true` once a second."""

    def around(self) -> ComposeResult:
        """The lines above and below the dialog. The banner behind goes: its sentences are in the one above."""
        for screen in self.app.screen_stack:
            for banner in screen.query(Banner):
                banner.visible = isinstance(screen, ModalScreen)
        yield Above()
        yield Below()

    def answer(self, text: str) -> bool:
        """Says a sentence in the row below, with an empty one nothing any more. A long one is cut."""
        for below in self.query(Below) if isinstance(self, ModalScreen) else ():
            below.answered = safe(text)
            below.say()
        return True

    def action_scroll(self, lines: int) -> None:
        """Scrolls what does not fit, so many lines down."""
        for box in self.query(VerticalScroll) if isinstance(self, ModalScreen) else ():
            box.scroll_relative(y=lines, animate=False)

    def on_screen_resume(self) -> None:
        seen = console_of(self).seen_above()
        if seen is not None:
            self.keep_true(*seen)

    def keep_true(self, view: StatusView, alarms: Sequence[Alarm]) -> None:
        """Shows the status and the alarms in the lines above."""
        if isinstance(self, ModalScreen) and self.is_mounted:
            for above in self.query(Above):
                above.keep_true(view, alarms)


class FactsBox(VerticalScroll, can_focus=False):
    """The facts of a question. It scrolls when they do not fit, so that the question itself stays in sight."""

    DEFAULT_CSS = """
    FactsBox { height: auto; scrollbar-size-vertical: 1; }
    """


class Dialog(AboveDashboard, ModalScreen[Answer]):
    """A modal box in the middle of the dashboard."""

    BINDINGS: ClassVar[list[BindingType]] = [*SCROLLS]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 70%; overflow: hidden; }
    Dialog > .box { max-height: 100%; }
    Dialog.-low > .box, Dialog.-slim > .box { padding: 0 1; max-width: 100%; }
    """

    def compose(self) -> ComposeResult:
        yield from self.around()
        yield from self.box()

    def box(self) -> ComposeResult:
        """The dialog's own widgets; the box itself has the class `box`."""
        yield from ()

    def rows_below_facts(self, columns: int) -> int:
        """The rows that the box needs under its facts when it is `columns` wide inside."""
        return 0

    def on_resize(self) -> None:
        self.call_after_refresh(self.fit_facts)

    def keep_true(self, view: StatusView, alarms: Sequence[Alarm]) -> None:
        super().keep_true(view, alarms)
        self.fit_facts()

    def fit_facts(self) -> None:
        """Gives the facts the rows that the lines above, the box's frame and the question leave free."""
        for facts in self.query(FactsBox):
            above = sum(each.outer_size.height for each in self.query(Above))
            box = facts.parent
            frame = box.gutter.height if isinstance(box, Widget) else 0
            room = self.size.height - above - 1 - frame - self.rows_below_facts(facts.size.width)
            facts.styles.max_height = max(2, room)
