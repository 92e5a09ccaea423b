"""A list of rows under column heads. One row is chosen; a filter keeps the rows that contain its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.base.lines import Drawing, Line, Part, Tone, fit, right, safe, width_of, wrap
from widgets.base.panel import LinePanel

GAP = "  "
CHOSEN = "> "
_AROUND_TITLE = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells; 0 takes the cells left over. Left out of lists narrower than `least` cells."""

    title: str
    width: int
    is_right: bool = False
    least: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row: `key` identifies what it stands for, `cells` has one part for each column."""

    key: str
    cells: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The row as one line of text, for copying and filtering, without what a terminal would obey."""
        return GAP.join(safe(text) for text, _ in self.cells if text)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list shows. `empty` is the sentence in place of rows when there are none."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str


def kept(rows: Sequence[Row], query: str) -> tuple[Row, ...]:
    """The rows that contain every word of the query, and none of the words written with `!`. Case does not matter."""
    words = query.lower().split()
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = [word[1:] for word in words if word.startswith("!") and word != "!"]

    def holds(row: Row) -> bool:
        text = row.text.lower()
        return all(word in text for word in wanted) and not any(word in text for word in unwanted)

    return tuple(row for row in rows if holds(row))


class ListPanel(LinePanel[Listing]):
    """Shows a listing. It opens with its first row chosen. The chosen row stays chosen, by its key, while rows come and
    go around it."""

    NAME = "List"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", show=False),
        Binding("down,j", "choose(1)", show=False),
        Binding("pageup", "choose_page(-1)", show=False),
        Binding("pagedown", "choose_page(1)", show=False),
        Binding("home,g", "choose(-1000000)", show=False),
        Binding("end,G", "choose(1000000)", show=False),
    ]

    class Chosen(Message):
        """Sent when another row is chosen. `row` is None when there is no row left."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._query = ""
        self._opening = True
        self._key = ""
        self._index = 0

    @property
    def listing(self) -> Listing | None:
        """The listing handed over last, with every row; None before the first."""
        return self._slice

    @property
    def words(self) -> str:
        """The filter's words; empty when all rows are shown."""
        return self._query

    def filter(self, query: str) -> None:
        """Shows only the rows that contain the words of the query; see `kept`."""
        self._query = query
        self._settle()
        self.redraw()

    def show(self, value: Listing | None, *, is_whole: bool = True) -> None:
        """Shows a listing. The first row is chosen until one is `is_whole`: rows that are still read may come above."""
        self._slice = value
        self._settle()
        self._opening = self._opening and not (is_whole and self.rows)
        self.redraw()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that the filter keeps."""
        return () if self._slice is None else kept(self._slice.rows, self._query)

    @property
    def chosen(self) -> Row | None:
        """The chosen row; None when there is no row."""
        rows = self.rows
        return rows[self._index] if self._index < len(rows) else None

    def choose_key(self, key: str) -> None:
        """Chooses the row with this key, when there is one."""
        rows = self.rows
        for index, row in enumerate(rows):
            if row.key == key:
                self._opening = False
                self._at(index, rows)
        self.redraw()

    def action_choose(self, steps: int) -> None:
        rows = self.rows
        if rows:
            self._opening = False
            self._at(min(max(0, self._index + steps), len(rows) - 1), rows)
            self.redraw()

    def action_choose_page(self, pages: int) -> None:
        self.action_choose(pages * max(1, self.content_size.height - 2))

    def _settle(self) -> None:
        """Finds the chosen row again after a change; takes the row now in its place when it is gone."""
        rows = self.rows
        found = next((index for index, row in enumerate(rows) if row.key == self._key), None)
        if self._opening:
            found = 0
        self._at(min(self._index, max(0, len(rows) - 1)) if found is None else found, rows)

    def _at(self, index: int, rows: Sequence[Row]) -> None:
        row = rows[index] if index < len(rows) else None
        moved = (row.key if row else "") != self._key
        self._index, self._key, self._scrolled = index, row.key if row else "", False
        if moved and self.is_mounted:
            self.post_message(self.Chosen(row))

    def draw(self, value: Listing, width: int, height: int) -> Drawing:
        rows = self.rows
        title = _title(value.title, width)
        if self._query:
            hits = f"  /{self._query}  {len(rows)} of {len(value.rows)}"
            # The title must show that rows are left out; its other words make room for that.
            title = f"{title}{hits}" if cell_len(title + hits) <= width - 4 else f"{title.partition(GAP)[0]}{hits}"
        if not rows:
            said = f"nothing holds {self._query}" if value.rows else value.empty
            return Drawing(title, tuple(((line, Tone.DIM),) for line in wrap(said, width)))
        columns = [(index, column) for index, column in enumerate(value.columns) if width >= column.least]
        widths = _widths([column for _, column in columns], width - len(CHOSEN))
        head = _line([(column.title, Tone.DIM) for _, column in columns], columns, widths, "  ")
        lines = [head]
        for number, row in enumerate(rows):
            cells = [row.cells[index] for index, _ in columns]
            if number == self._index:
                cells = [(text, Tone.CHOSEN) for text, _ in cells]
                line = _line(cells, columns, widths, CHOSEN, Tone.CHOSEN)
                lines.append((*line, (" " * max(0, width - width_of(line)), Tone.CHOSEN)))
            else:
                lines.append(_line(cells, columns, widths, "  "))
        return Drawing(title, tuple(lines), head=1, follow=self._index + 1)


def _title(title: str, width: int) -> str:
    """The title without the last of its phrases where not all have room beside the mark of the focus."""
    phrases = title.split(GAP)
    while len(phrases) > 1 and cell_len(GAP.join(phrases)) > width - _AROUND_TITLE:
        phrases.pop()
    return GAP.join(phrases)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    fixed = sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)
    left = max(4, width - fixed)
    return [column.width or left for column in columns]


def _line(
    cells: Sequence[Part],
    columns: Sequence[tuple[int, Column]],
    widths: Sequence[int],
    mark: str,
    gap_tone: Tone = Tone.PLAIN,
) -> Line:
    parts: list[Part] = [(mark, gap_tone)]
    for (text, tone), (_, column), width in zip(cells, columns, widths, strict=True):
        if len(parts) > 1:
            parts.append((GAP, gap_tone))
        parts.append(((right if column.is_right else fit)(safe(text), width), tone))
    return tuple(parts)
