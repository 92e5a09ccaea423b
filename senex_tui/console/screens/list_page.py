"""The base of a page with a list: `/` filters, n and N walk, y copies, e exports, enter opens a row."""

from __future__ import annotations

import csv
import io
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from senex_tui.console import clipboard as copying
from senex_tui.console import export as exporting
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.dialogs import SteadyCursorInput
from senex_tui.console.screens.page import Page
from senex_tui.support.text import harmless
from widgets.base.lines import safe
from widgets.base.list_panel import Listing, ListPanel, Row


class ListPage(Page):
    """Subclasses set `NAME`, which names an export, hand their rows to `show`, and say in `open` what enter does."""

    NAME: ClassVar[str] = "list"
    PLACES: ClassVar[tuple[Where, ...]] = (Where.EVERYWHERE, Where.PAGES, Where.LISTS)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.LISTS))
    AUTO_FOCUS = "ListPanel"
    DEFAULT_CSS = """
    ListPage #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    ListPage #filter.-open { display: block; }
    """

    def body(self) -> ComposeResult:
        yield ListPanel(id="list")
        yield self.filter_field()

    def filter_field(self) -> Input:
        """The field of the filter, below what `body` yields."""
        return SteadyCursorInput(placeholder="words to keep; !word leaves out", select_on_focus=False, id="filter")

    @property
    def list(self) -> ListPanel:
        return self.query_one("#list", ListPanel)

    def show(self, listing: Listing, *, is_whole: bool = True) -> None:
        """Shows the rows. While not all were read that may stand above these, `is_whole` is false."""
        self.list.show(listing, is_whole=is_whole)
        self.refresh_bindings()

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        self.refresh_bindings()

    def has_use_for(self, action: str) -> bool:
        """A key about the chosen row needs one."""
        return action not in ("open", "copy", "acknowledge", "default") or self.list.chosen is not None

    def open(self, row: Row) -> None:
        """Called with the chosen row when enter is pressed. Does nothing here."""

    # The filter

    @property
    def is_filtering(self) -> bool:
        """Whether the filter's field has the keyboard."""
        return self.query_one("#filter", Input).has_focus

    def filter_by(self, text: str) -> None:
        """Called with the filter's text at every key typed into it."""
        self.list.filter(text)

    def filter_entered(self, text: str) -> bool:
        """Called with the filter's text at Enter. Returns whether the field may be left; one that says no shows why."""
        return True

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = self.list.words
        field.add_class("-open")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.filter_by(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.filter_entered(event.value):
            self._leave_filter()

    def action_back(self) -> None:
        """Leaves the filter's field first, then drops the filter, then leaves the page."""
        if self.is_filtering:
            self._leave_filter()
        elif self.list.words:
            self.list.filter("")
        else:
            super().action_back()

    def _leave_filter(self) -> None:
        self.list.focus()
        self.query_one("#filter", Input).remove_class("-open")

    # Rows

    def action_next(self) -> None:
        self.list.action_choose(1)

    def action_previous(self) -> None:
        self.list.action_choose(-1)

    def action_open(self) -> None:
        row = self.list.chosen
        if row is not None:
            self.open(row)

    async def action_copy(self) -> None:
        row = self.list.chosen
        if row is None:
            self.console.say("nothing to copy: the list is empty", "warning")
            return
        self.console.say(await copying.copy(self.console, row.text), "information")

    def action_export(self) -> None:
        """Exports the rows that the filter keeps, with all columns, as CSV."""
        value = self.list.listing
        if value is None:
            return
        written = io.StringIO()
        lines = csv.writer(written, lineterminator="\n")
        lines.writerow([column.title for column in value.columns])
        lines.writerows([harmless(safe(text)) for text, _ in row.cells] for row in self.list.rows)
        self.console.say(exporting.export(self.console, self.NAME, written.getvalue()), "information")
