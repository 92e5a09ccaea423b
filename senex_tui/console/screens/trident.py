"""The pages of a trident and of one of its closing orders: the story from its entry to what it earned (rules 15)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize

from core.views import lookups
from senex_tui.console.meant import Meant, of_trident
from senex_tui.console.screens.asking import AsksRecords
from senex_tui.console.screens.page import AboutAnEntry
from senex_tui.console.screens.story import StoryPage
from widgets.charts.book_panel import BELOW_FROM, BESIDE_FROM, BookPanel
from widgets.exit_order import ExitOrderPanel, exit_order_lines
from widgets.positions import TridentPanel

if TYPE_CHECKING:
    from core.snapshot import ExitView, PositionsSlice, PositionView, Snapshot

_PICTURE_FROM = 100
"""From so many columns on the payoff stands beside the trident."""
_PICTURE_ROWS = 14


class TridentStory(StoryPage):
    """Reads the story again whenever a unit or a closing order of the trident has changed."""

    def __init__(self, trident_id: str) -> None:
        super().__init__(partial(lookups.trident_story, trident_id=trident_id), f"trident-{trident_id}")
        self._trident_id = trident_id

    @property
    def meant(self) -> Meant:
        """The trident and its orders."""
        return of_trident(self._trident_id)

    def on_mount(self) -> None:
        self.watch_slice(self._recorded, lambda _: self._ask(), init=False)

    def _recorded(self, shown: Snapshot) -> tuple[object, ...]:
        """What comes from the records: ages and prices change on the screen alone."""
        orders = tuple((one.exit_id, one.state, one.told) for one in shown.exits if one.trident_id == self._trident_id)
        units = tuple(
            unit.told
            for view in shown.positions.open
            if view.entry_id == self._trident_id and view.exits is not None
            for unit in view.exits.units
        )
        return orders, units


class TridentPage(TridentStory):
    """The story; where there is room and while the trident is open, also how it stands now and its payoff."""

    DEFAULT_CSS = """
    #whole { layout: vertical; height: 1fr; }
    #whole > #now { layout: horizontal; height: auto; }
    #whole.-wide { layout: horizontal; }
    #whole.-wide > #now { layout: vertical; width: 2fr; height: 1fr; }
    #whole.-wide > StoryPanel { width: 3fr; }
    #whole LinePanel { width: 1fr; }
    """

    def __init__(self, trident_id: str) -> None:
        super().__init__(trident_id)
        self._view: PositionView | None = None
        self._laid_out: tuple[object, ...] = ()

    def body(self) -> ComposeResult:
        with Container(id="whole"):
            with Container(id="now"):
                yield TridentPanel(id="trident")
                yield BookPanel(id="book")
            yield from super().body()

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.positions, self._follow_trident)

    def _follow_trident(self, held: PositionsSlice) -> None:
        self._view = next((view for view in held.open if view.entry_id == self._trident_id), None)
        self._lay_out()
        self.query_one(TridentPanel).show(self._view)
        self.query_one(BookPanel).show(None if self._view is None else (self._view,))

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width, height = self.app.size
        wide, is_open = width >= BESIDE_FROM, self._view is not None
        shows, pictured = is_open and (wide or height >= BELOW_FROM), wide or width >= _PICTURE_FROM
        rows = 0
        if self._view is not None:
            columns = width * 2 // 5 if wide else width // 2 if pictured else width
            rows = 1 + len(TridentPanel.lines_of(self._view, columns - 2))
        laid_out = (wide, shows, pictured, rows)
        if laid_out == self._laid_out:  # to set a style again would paint the whole screen
            return
        self._laid_out = laid_out
        panel, book = self.query_one(TridentPanel), self.query_one(BookPanel)
        self.query_one("#whole").set_class(wide, "-wide")
        self.query_one("#now").display, book.display = shows, pictured
        panel.styles.height = rows if wide or not pictured else max(rows, _PICTURE_ROWS)
        book.styles.height = "1fr" if wide else max(rows, _PICTURE_ROWS)


class ExitPage(AboutAnEntry, TridentStory, AsksRecords):
    """Above, the closing order as it is now, or as it ended; c and u mean it."""

    UNSAID = StoryPage.UNSAID - {"cancel", "unknown"}
    DEFAULT_CSS = """
    ExitPage > ExitOrderPanel { max-height: 50%; }
    """

    def __init__(self, one: ExitView) -> None:
        super().__init__(one.trident_id)
        self._order = one

    @property
    def entry_id(self) -> str:
        return self._order.exit_id

    @property
    def closing_order(self) -> ExitView:
        return self._order

    def body(self) -> ComposeResult:
        yield ExitOrderPanel(id="exit-order")
        yield from super().body()

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.exits, self._follow_order)
        self.watch_slice(self._recorded, lambda _: self._read_end())

    def _follow_order(self, exits: tuple[ExitView, ...]) -> None:
        self._show_order(next((one for one in exits if one.exit_id == self.entry_id), self._order))

    def _read_end(self) -> None:
        """Reads what became of the order once it holds no unit: the screen is shown no more of it then."""
        if not self._is_shown:
            self.ask_records("end", partial(lookups.closing_order, exit_id=self.entry_id), self._found_end)

    @property
    def _is_shown(self) -> bool:
        return any(one.exit_id == self.entry_id for one in self.console.shown.exits)

    def _found_end(self, found: ExitView | None) -> None:
        if found is not None and not self._is_shown:
            self._show_order(found)

    def not_answered(self, about: str, why: str) -> None:
        if not self._is_shown:
            self._show_order(replace(self._order, told=f"how it stands now is not read: {why}"))

    def _show_order(self, order: ExitView) -> None:
        self._order = order
        panel = self.query_one(ExitOrderPanel)
        panel.styles.height = 1 + len(exit_order_lines(order, max(20, self.app.size.width - 2)))
        panel.show(order)
