"""The page of the tridents: a list, the chosen one as it is now, and what all of an underlying bring at expiry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Resize

from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import Meant, of_trident
from senex_tui.console.screens.asking import AsksRecords
from senex_tui.console.screens.list_page import ListPage
from widgets.base.list_panel import ListPanel, Row
from widgets.charts.book_panel import BELOW_FROM, BESIDE_FROM, BookPanel
from widgets.positions import TridentPanel
from widgets.trident_list import trident_listing

if TYPE_CHECKING:
    from core.records.records import Records
    from core.records.search.history_rows import Mark
    from core.snapshot import EndedTrident, PositionsSlice, PositionView
    from core.views.lookups import EndedFound

AT_A_TIME = 50
"""Ended tridents read at a time."""
MOST = 2000
"""How many ended tridents the page keeps at most; `senex tridents --all` has every one."""
_LEAST_BOOK, _AROUND = 11, 2
"""The fewest rows of a payoff that is worth its room, and those of the status bar and the keys."""


async def _page(after: Mark | None, records: Records) -> EndedFound:
    from core.views.lookups import ended_tridents

    return await ended_tridents(records, AT_A_TIME, after)


class PositionsPage(ListPage, AsksRecords):
    """Lists the open tridents, then those that have ended, each newest first. Enter tells the story of one.

    Where the chosen trident and the payoffs have no room together, the key for pictures changes between them.
    """

    NAME = "tridents"
    PLACES = (*ListPage.PLACES, Where.TRIDENTS)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.TRIDENTS))
    DEFAULT_CSS = """
    #tridents { layout: vertical; height: 1fr; }
    #tridents.-beside { layout: horizontal; }
    #tridents > .half { layout: vertical; width: 1fr; height: auto; }
    #tridents.-beside > #held { width: 3fr; height: 1fr; }
    #tridents > #books { height: 1fr; }
    #tridents > #books.-side-by-side { layout: horizontal; }
    #tridents.-beside > #books { width: 2fr; }
    #tridents LinePanel { width: 1fr; }
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._held: tuple[PositionView, ...] = ()
        self._ended: dict[str, EndedTrident] = {}
        self._end: Mark | None = None
        self._reading = False
        self._trouble = ""
        self._shows_picture = False
        self._laid_out: tuple[object, ...] = ()

    def body(self) -> ComposeResult:
        with Container(id="tridents"):
            with Container(id="held", classes="half"):
                yield ListPanel(id="list")
                yield TridentPanel(id="trident")
            with Container(id="books", classes="half"):
                yield BookPanel(id="book")
                yield BookPanel(id="other-book")
        yield self.filter_field()

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.positions, self._follow)
        self._read(None)

    def on_screen_resume(self) -> None:
        self._follow(self.console.shown.positions)

    @property
    def meant(self) -> Meant:
        """The chosen trident and its orders."""
        row = self.list.chosen
        return of_trident("" if row is None else row.key, "the chosen trident")

    def open(self, row: Row) -> None:
        # It imports the records; the first paint does not wait for them.
        from senex_tui.console.screens.trident import TridentPage

        self.app.push_screen(TridentPage(row.key))

    def action_story(self) -> None:
        self.action_open()

    def action_picture(self) -> None:
        """Shows the payoffs in the place of the chosen trident, or that again."""
        self._shows_picture = not self._shows_picture
        self._lay_out()

    # What is shown

    def _follow(self, held: PositionsSlice) -> None:
        """Follows the open tridents while the page is in sight. What has ended since is read."""
        if self.app.screen is not self:
            return
        gone = {view.entry_id for view in self._held} - {view.entry_id for view in held.open}
        self._held = held.open
        self._show()
        if gone:
            self._read(None)

    def _show(self) -> None:
        held = self.console.shown.positions
        now = self.console.status_view.status.now if self.console.status_view is not None else None
        open_ids = {view.entry_id for view in held.open}
        ended = [one for one in self._ended.values() if one.trident_id not in open_ids]
        self.show(trident_listing(held, ended, now, trouble=self._trouble, is_more=self._end is not None))
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Shows the chosen trident, the payoff of all of its underlying, and that of the other underlying."""
        chosen = self._chosen
        symbols = list(dict.fromkeys(view.underlying for view in self._held))
        if chosen is not None:
            symbols.sort(key=lambda symbol: symbol != chosen.underlying)
        books = [tuple(view for view in self._held if view.underlying == symbol) for symbol in symbols]
        first, other, *_ = [*books, None, None]
        self._lay_out()
        self.query_one(TridentPanel).show(chosen)
        self.query_one("#book", BookPanel).show(first)
        self.query_one("#other-book", BookPanel).show(other)

    @property
    def _chosen(self) -> PositionView | EndedTrident | None:
        """The chosen trident."""
        key = "" if self.list.chosen is None else self.list.chosen.key
        return next((view for view in self._held if view.entry_id == key), None) or self._ended.get(key)

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Gives the panels their room: that of the payoffs is what the list and the chosen trident leave. In a wide
        terminal they stand beside a list that fills it, else below, side by side."""
        width, height = self.app.size
        wide, chosen = width >= BESIDE_FROM, self._chosen
        has_books = bool(self._held)
        tells = chosen is not None and not (self._shows_picture and has_books)
        pictured = has_books and (wide or not tells or height >= BELOW_FROM)
        rows = 2 + max(1, len(self.list.rows))
        told = 1 + len(TridentPanel.lines_of(chosen, width - 2)) if chosen is not None and tells else 0
        beside = wide and pictured and rows + told > height // 2
        if beside and chosen is not None and tells:
            told = 1 + len(TridentPanel.lines_of(chosen, width * 3 // 5 - 2))
        several = wide and len({view.underlying for view in self._held}) > 1
        list_height: int | str = "1fr"
        panel_height: int | str = told
        if not beside and (tells or pictured):
            below = told + (_LEAST_BOOK if pictured else 0)
            list_height = min(rows, max(height * 3 // 10, height - _AROUND - below))
            panel_height = told if pictured else "1fr"
        laid_out = (wide, beside, tells, pictured, several, list_height, panel_height)
        if laid_out == self._laid_out:  # to set a style again would paint the whole screen
            return
        self._laid_out = laid_out
        panel, books = self.query_one(TridentPanel), self.query_one("#books")
        self.query_one("#tridents").set_class(beside, "-beside")
        books.set_class(wide and not beside, "-side-by-side")
        panel.display, books.display = tells, pictured
        self.query_one("#other-book").display = several
        self.list.styles.height, panel.styles.height = list_height, panel_height
        self.query_one("#held").styles.height = "auto" if pictured and not beside else "1fr"

    # Ended tridents, from the records

    def _read(self, after: Mark | None) -> None:
        self._reading = True
        self.ask_records("ended", partial(_page, after), self._found)

    def _found(self, found: EndedFound) -> None:
        is_older = not self._ended or all(one.trident_id not in self._ended for one in found.tridents)
        self._reading, self._trouble = False, ""
        self._ended.update((one.trident_id, one) for one in found.tridents)
        if is_older:  # else the newest were read again, and older ones are known already
            self._end = found.end
        self._show()
        self._read_on()

    def not_answered(self, about: str, why: str) -> None:
        self._reading, self._trouble = False, why
        self._show()

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        event.stop()
        self._show_chosen()
        self._read_on()

    def _read_on(self) -> None:
        rows = self.list.rows
        at_end = not rows or self.list.chosen is rows[-1]
        if at_end and self._end is not None and not self._reading and len(self._ended) < MOST:
            self._read(self._end)
