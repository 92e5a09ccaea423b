"""The page of what was earned: today, week, month and all, in pictures and in a table (rules 15.6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Container
from textual.events import Resize

from senex_tui.console import clipboard as copying
from senex_tui.console import export as exporting
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.asking import AsksRecords, exits_recorded
from widgets.base.panel import LinePanel
from widgets.endings import EndingsPanel
from widgets.money import EarnedPanel, MoneyLine, MoneyNow, WeeksPanel, now_lines, open_now
from widgets.months import MonthsPanel

if TYPE_CHECKING:
    from datetime import date

    from core.records.records import Records
    from core.snapshot import Snapshot
    from core.snapshot.money import MoneyView
    from core.views.money import MoneyFound, Version

EVERY_S = 30.0
"""Wall seconds between two looks whether the records have something new; what fills is seen at once."""
_MEDIUM, _WIDE, _TALL = 110, 170, 38
"""The columns and rows from which on parts stand side by side, and all are in sight."""
_LEAST_TABLE = 9


async def _read(choice: str, known: Version, records: Records) -> MoneyFound | None:
    from core.views.money import money_page

    return await money_page(records, choice, known)


async def _csv(choice: str, mode: str, records: Records) -> str:
    from senex_tui.reports.pnl import csv_of

    return await csv_of(records, mode, choice)


class MoneyPage(AsksRecords):
    """Four parts under a line of figures. Where all of them fit they are in sight together, else one at a time."""

    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.MONEY)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.MONEY))
    AUTO_FOCUS = "#earned"
    PARTS = ("earned", "weeks", "endings", "months")
    DEFAULT_CSS = """
    MoneyPage > MoneyLine { height: 3; }
    MoneyPage #money { layout: grid; grid-size: 1; grid-rows: 1fr; height: 1fr; }
    MoneyPage #money > LinePanel { display: none; }
    MoneyPage #money > LinePanel.-open { display: block; }
    MoneyPage.-tall #money > LinePanel { display: block; }
    MoneyPage.-tall.-medium #money { grid-size: 2; }
    MoneyPage.-tall.-medium #earned, MoneyPage.-tall.-medium #months { column-span: 2; }
    MoneyPage.-tall.-wide #money { grid-size: 5; }
    MoneyPage.-tall.-wide #earned, MoneyPage.-tall.-wide #months { column-span: 3; }
    MoneyPage.-tall.-wide #weeks, MoneyPage.-tall.-wide #endings { column-span: 2; }
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._choice = ""
        self._view: MoneyView | None = None
        self._version: Version = None
        self._trouble = ""
        self._now: MoneyNow | None = None
        self._rows = 1

    def body(self) -> ComposeResult:
        yield MoneyLine(id="line")
        with Container(id="money"):
            yield EarnedPanel(id="earned", classes="-open")
            yield WeeksPanel(id="weeks")
            yield EndingsPanel(id="endings")
            yield MonthsPanel(id="months")

    def on_mount(self) -> None:
        self.watch_slice(_moves, lambda _: self._tell())
        self.watch_slice(exits_recorded, lambda _: self._look(), init=False)
        self._look()
        self.set_interval(EVERY_S, self._look)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """Without a choice of accounts its key is not in the footer."""
        found = super().active_bindings
        if self._view is not None and len(self._view.accounts) > 1:
            return found
        return {
            key: self._unsaid(active) if active.binding.action.startswith("account(") else active
            for key, active in found.items()
        }

    # What is shown

    def action_account(self, steps: int) -> None:
        """Shows the next choice of accounts: all of them together, then one after the other."""
        accounts = () if self._view is None else self._view.accounts
        if len(accounts) < 2:
            self.console.say("no other account has something to tell", "information")
            return
        choices = ("", *accounts)
        at = choices.index(self._choice) if self._choice in choices else 0
        self._choice = choices[(at + steps) % len(choices)]
        self._version = None
        self._look()

    def action_part(self, steps: int) -> None:
        """Goes to the next part, and opens it where one is in sight at a time."""
        names = self.PARTS
        at = next((number for number, name in enumerate(names) if self._part(name).has_class("-open")), 0)
        self._open(names[(at + steps) % len(names)])

    def _open(self, name: str) -> None:
        for each in self.PARTS:
            self._part(each).set_class(each == name, "-open")
        self._part(name).focus()

    def _part(self, name: str) -> LinePanel[Any]:
        found: LinePanel[Any] = self.query_one(f"#{name}", LinePanel)
        return found

    def _tell(self) -> None:
        """Shows the line above with what is open now."""
        shown, line = self.console.shown, self.query_one(MoneyLine)
        now = MoneyNow(self._view, shown.day, open_now(shown.positions, self._view), self._trouble)
        if now != self._now:
            self._now = now
            # It gives no row back: the parts below would be drawn again with a price.
            self._rows = max(self._rows, len(now_lines(now, max(20, self.app.size.width - 2))))
            line.styles.height = 1 + self._rows
            line.show(now)

    def on_resize(self, event: Resize) -> None:
        self._now, self._rows = None, 1
        self._tell()
        self._share_rows()

    def _share_rows(self) -> None:
        """Gives the tables the rows that they need, as far as they are many enough for all parts, and the pictures the
        rest."""
        width, height = self.app.size
        months = 1 if self._view is None else len(self._view.figures.periods)
        needed = max(_LEAST_TABLE, months + 3)
        rows = "1fr"
        if height >= _TALL:
            if width >= _WIDE:
                rows = f"1fr {min(needed, height * 2 // 5)}"
            elif width >= _MEDIUM:
                rows = f"3fr 2fr {min(needed, height // 3)}"
            else:
                rows = f"3fr 2fr {_LEAST_TABLE} {min(needed, height // 4)}"
        self.query_one("#money").styles.grid_rows = rows

    # Asking

    def _look(self) -> None:
        """Asks for what was earned, when this page is the one in sight."""
        if self.app.screen is self or self._view is None:
            self.ask_records("money", partial(_read, self._choice, self._version), self._found)

    def _found(self, found: MoneyFound | None) -> None:
        self._trouble = ""
        if found is not None:
            self._version = found.version
            if found.view != self._view:
                self._view, self._choice = found.view, found.view.chosen
                self._share_rows()
                for name in self.PARTS:
                    self._part(name).show(found.view)
                self.refresh_bindings()
        self._tell()

    def not_answered(self, about: str, why: str) -> None:
        if about == "csv":
            self.console.say(f"not exported: {why}", "warning")
            return
        self._trouble = f"the records did not answer: {why}"
        self._tell()

    # Copying and exporting

    async def action_copy(self) -> None:
        part = next(self._part(name) for name in self.PARTS if self._part(name).has_class("-open"))
        self.console.say(await copying.copy(self.console, part.text), "information")

    def action_export(self) -> None:
        """Exports one row a closed unit, as `senex report --pnl --csv` prints them."""
        mode = self.console.shown.status.mode.value
        self.ask_records("csv", partial(_csv, self._choice, mode), self._export)

    def _export(self, text: str) -> None:
        self.console.say(exporting.export(self.console, "pnl", text + "\n"), "information")


def _moves(shown: Snapshot) -> tuple[date | None, tuple[tuple[object, ...], ...]]:
    """What the line above follows from besides the records."""
    held = shown.positions.open
    return shown.day, tuple((one.entry_id, one.open_mid, one.open_natural, one.freshness) for one in held)
