"""The history page: every cycle, attempt, suggestion, order, fill and command, newest first, with a search."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.worker import WorkType

from core.records.search.history_rows import HistoryFilter, HistoryKind, HistoryRow, Mark
from core.records.store.errors import RecordsError
from core.snapshot import EngineNotRunning
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views import lookups
from senex_tui.console import export as exporting
from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import Meant, of_trident
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.screens.story import StoryPage
from senex_tui.console.screens.trident import TridentPage
from senex_tui.reports.history import check
from senex_tui.reports.history_text import HistoryText
from senex_tui.support.refusals import Refused
from widgets.base.fates import tone_of
from widgets.base.lines import Tone
from widgets.base.list_panel import CHOSEN, GAP, Column, Listing, ListPanel, Row

if TYPE_CHECKING:
    from core.snapshot import CycleSlice

PAGE = 100
"""Rows read at a time."""
NEAR_THE_END = 20
"""The next page is read once the chosen row is this near the end."""
_OF_TRIDENTS = frozenset({HistoryKind.EXITS, HistoryKind.TRIDENTS})
"""The kinds that are listed once a trident is taken to its end."""
_WIDTHS = {
    **{"cycle": 5, "session": 10, "slot": 12, "ET": 16, "account": 7, "attempt": 7, "step": 14},
    **{"came to": 13, "state": 13, "qty": 3, "price": 7, "command": 13},
}
_RIGHT = ("cycle", "qty", "price")
_NARROW, _LEAST_LAST = 80, 24
"""Below so many columns of the terminal the last column has at least so many cells, where it can."""
_AROUND = 2
"""The cells of a narrow terminal beside its list."""
_GIVE_WAY = ("cycle", "attempt", "account")
"""The columns that make room for the last one, in this order. The row's story has them."""
_NAMED = {"day": "day", "from": "since", "to": "until"} | {
    name: name for name in ("account", "outcome", "reason", "underlying", "text")
}
"""The names of the filter's `name:value` words, and the fields of `HistoryFilter` that they set."""

_ABOUT = {HistoryKind.FILLS: "entry_id", HistoryKind.COMMANDS: "target"}
"""The figure of a row that names what it is about, where that is not its own id."""
_NO_CYCLE = 0
"""Cycles are numbered from 1."""


class HistoryPage(ListPage):
    """Reads the records page by page as the list is walked down. Cycles that end meanwhile are added on top.

    Plain words filter the rows that are loaded. Words like `day:2026-03-02 reason:low_score account:4021` go to the
    records as a question when enter is pressed.
    """

    NAME = "history"
    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.LISTS, Where.HISTORY)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.HISTORY))

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._kind = HistoryKind.CYCLES
        self._wanted = HistoryFilter()
        self._rows: list[HistoryRow] = []
        self._has_more = True
        self._trouble = ""
        self._ended = 0

    def on_mount(self) -> None:
        self._ask(from_top=True)
        self.watch_slice(lambda shown: shown.cycle, self._on_cycle, init=False)

    def on_resize(self) -> None:
        self._show()

    @property
    def meant(self) -> Meant:
        """What the chosen row is about: an order, a trident, or the entries of a cycle. A missed slot has none."""
        row = self._chosen_row
        told: dict[str, Any] = {} if row is None else dict(row.figures)
        which = str(told.get(_ABOUT.get(self._kind, "id")) or "")
        match self._kind:
            case HistoryKind.TRIDENTS:
                return of_trident(which, "the chosen trident")
            case HistoryKind.EXITS:
                return Meant("Not the chosen one", order=which, trident=str(told.get("trident", "")))
            case HistoryKind.ORDERS | HistoryKind.FILLS | HistoryKind.COMMANDS:
                return Meant("Not the chosen one", order=which, trident=which)
            case HistoryKind.CYCLES | HistoryKind.ATTEMPTS | HistoryKind.SUGGESTIONS:
                cycle = None if row is None else row.cycle
                return Meant("None of the chosen cycle", cycle=_NO_CYCLE if cycle is None else cycle)

    # What is shown

    def action_kind(self, steps: int) -> None:
        """Lists the kind that is so many steps further; the days asked for stay."""
        kinds = self._kinds()
        self._kind = kinds[(kinds.index(self._kind) + steps) % len(kinds)]
        self._wanted = replace(HistoryFilter(), since=self._wanted.since, until=self._wanted.until)
        self._rows = []
        self._ask(from_top=True)

    def open(self, row: Row) -> None:
        found = self._chosen_row
        if found is None or _key(found) != row.key:
            return
        told: dict[str, Any] = dict(found.figures)
        trident = told.get("id") if self._kind is HistoryKind.TRIDENTS else told.get("trident")
        if trident is not None:
            self.app.push_screen(TridentPage(str(trident)))
        elif found.cycle is not None:
            self.app.push_screen(StoryPage.of_cycle(found.cycle))
        elif self._kind is HistoryKind.CYCLES:
            self.app.push_screen(
                StoryPage(partial(lookups.slot_story, slot=found.at), f"slot-{found.at:%Y-%m-%d-%H%M}")
            )
        else:
            as_story = _story_of(self._kind, found)

            async def tell(_: object) -> Story:
                return as_story

            self.app.push_screen(StoryPage(tell, self._kind.value))

    @property
    def _chosen_row(self) -> HistoryRow | None:
        chosen = self.list.chosen
        return next((one for one in self._rows if chosen is not None and _key(one) == chosen.key), None)

    def _kinds(self) -> tuple[HistoryKind, ...]:
        has_any = self.console.client.snapshot().status.exits is not None or self._kind in _OF_TRIDENTS
        return tuple(kind for kind in HistoryKind if has_any or kind not in _OF_TRIDENTS)

    def _show(self) -> None:
        text = HistoryText(self._kind, ())
        heads = text.heads
        rows = tuple(Row(_key(row), _cells(text.cells(row))) for row in self._rows)
        columns = _columns(heads, rows, self.app.size.width)
        named = ((name, _value(self._wanted, field)) for name, field in _NAMED.items() if name != "day")
        asked = " ".join(f"{name}:{value}" for name, value in named if value)
        title = f"History  {self._kind.value}  {asked}".rstrip()
        kinds = self._kinds()
        number = kinds.index(self._kind) + 1
        empty = self._trouble or (f"no {self._kind.value} recorded" + (" that fit" if asked else ""))
        self.show(Listing(f"{title}  {number} of {len(kinds)}", columns, rows, empty))

    def action_export(self) -> None:
        """Exports the rows that the filter keeps with every column that `senex history --csv` writes."""
        shown = {row.key for row in self.list.rows}
        text = HistoryText(self._kind, ())
        lines = [text.csv_head(), *(text.csv_row(row) for row in self._rows if _key(row) in shown)]
        self.console.say(
            exporting.export(self.console, self.NAME, "".join(f"{line}\n" for line in lines)), "information"
        )

    # The filter

    def filter_by(self, text: str) -> None:
        super().filter_by(" ".join(word for word in text.split() if not _is_named(word)))

    def filter_entered(self, text: str) -> bool:
        try:
            wanted = asked_for(text)
            check(self._kind, wanted, "{}:")
        except Refused as refused:
            self.console.say(str(refused), "warning")
            return False
        if wanted != self._wanted:
            self._wanted, self._rows = wanted, []
            self._ask(from_top=True)
        return True

    def action_back(self) -> None:
        """Drops a filter that was asked of the records first, then leaves the page."""
        if self._wanted == HistoryFilter() or self.list.words or self.is_filtering:
            super().action_back()
        else:
            self._wanted, self._rows = HistoryFilter(), []
            self._ask(from_top=True)

    # Asking

    def _on_cycle(self, cycle: CycleSlice | None) -> None:
        ended = 0 if cycle is None else cycle.newest - cycle.running
        if ended != self._ended:
            self._ended = ended
            self._ask(from_top=True)

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        event.stop()
        keys = [row.key for row in self.list.rows]
        if self._has_more and event.row is not None and keys.index(event.row.key) >= len(keys) - NEAR_THE_END:
            self._ask(from_top=False)

    def _ask(self, *, from_top: bool) -> None:
        work: WorkType[None] = partial(self._asked, from_top)
        self.run_worker(work, exclusive=True, exit_on_error=False)

    async def _asked(self, from_top: bool) -> None:
        after: Mark | None = None if from_top or not self._rows else self._rows[-1].mark
        question = partial(lookups.history_page, kind=self._kind, wanted=self._wanted, limit=PAGE, after=after)
        try:
            page = await asyncio.wrap_future(self.console.client.look_up(question))
        except EngineNotRunning as error:
            self._trouble = f"there is nobody to ask: {error}"
        except (RecordsError, ValueError) as error:
            self._trouble = f"the records did not answer: {error}"
        else:
            self._trouble = ""
            self._take(page, from_top)
        self._show()

    def _take(self, page: tuple[HistoryRow, ...], from_top: bool) -> None:
        if not from_top:
            self._has_more = len(page) == PAGE
            self._rows += page
            return
        new = {_key(row) for row in page}
        older = [row for row in self._rows if _key(row) not in new]
        if not older or (page and older[0].at > page[-1].at):
            self._has_more = len(page) == PAGE
            older = []
        self._rows = [*page, *older]


def asked_for(text: str) -> HistoryFilter:
    """The filter in the `name:value` words of a text. Raises Refused for a word that cannot be read."""
    wanted = HistoryFilter()
    words: dict[str, Any] = {}
    for word in text.split():
        name, _, value = word.partition(":")
        if not _is_named(word):
            continue
        if not value:
            raise Refused(f"{name}: has no value; write it right after the colon, like {name}:{_EXAMPLES[name]}")
        if name in ("day", "from", "to"):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                raise Refused(f"{word[:40]!r} names no day; write it like {name}:2026-03-02") from None
            since = wanted.since if name == "to" else day
            wanted = replace(wanted, since=since, until=wanted.until if name == "from" else day)
        else:
            words[name] = value.upper() if name == "underlying" else value
    return replace(wanted, **words)


_EXAMPLES = {
    **{"day": "2026-03-02", "from": "2026-03-02", "to": "2026-03-02", "account": "4021", "outcome": "failed"},
    **{"reason": "low_score", "underlying": "QQQ", "text": "stale"},
}


def _is_named(word: str) -> bool:
    return word.partition(":")[0] in _NAMED and ":" in word


def _value(wanted: HistoryFilter, field: str) -> str:
    value = getattr(wanted, field)
    return "" if value is None else str(value)


def _key(row: HistoryRow) -> str:
    return f"{row.mark.at.isoformat()} {row.mark.tie}"


def _cells(cells: list[str]) -> tuple[tuple[str, Tone], ...]:
    return tuple((cell, tone_of(cell)) for cell in cells)


def _columns(heads: Sequence[str], rows: Sequence[Row], width: int) -> tuple[Column, ...]:
    """The columns of a list in a terminal of so many columns. In a narrow one each is as wide as what it holds."""
    first = heads[:-1]
    if width >= _NARROW:
        return (*(Column(head, _WIDTHS[head], head in _RIGHT) for head in first), Column(heads[-1], 0))
    held = {head: max(len(head), *(len(row.cells[at][0]) for row in rows), 0) for at, head in enumerate(first)}
    widths = {head: min(held[head], _WIDTHS[head]) for head in first}
    dropped: set[str] = set()
    for head in _GIVE_WAY:
        taken = sum(widths[one] + len(GAP) for one in first if one not in dropped)
        if head in first and width - _AROUND - len(CHOSEN) - taken < _LEAST_LAST:
            dropped.add(head)
    return (
        *(Column(head, widths[head], head in _RIGHT, _NARROW if head in dropped else 0) for head in first),
        Column(heads[-1], 0),
    )


def _story_of(kind: HistoryKind, row: HistoryRow) -> Story:
    """One row as a story, with a line for each of its figures."""
    lines = [StoryLine(StoryKind.FIGURE, name, str(value)) for name, value in row.figures if value not in (None, "")]
    head = [StoryLine(StoryKind.EVENT, row.outcome, row.text, row.at)]
    return Story(kind.value.removesuffix("s"), row.text or row.outcome, (*head, *lines))
