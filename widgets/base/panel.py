"""The base of every panel. It shows lines, repaints only the rows that changed, and survives its own errors."""

from __future__ import annotations

import logging
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.domain.operation.failures import failure_words
from widgets.base.event_guard import EventGuard
from widgets.base.key_names import has_key, key_for
from widgets.base.lines import Drawing, Line, Tone, cut, fit, plain, safe, width_of, wrap
from widgets.base.tones import tone_styles

log = logging.getLogger(__name__)
Slice = TypeVar("Slice")


class LinePanel(EventGuard, Widget, Generic[Slice], can_focus=True):
    """A panel that shows toned lines, drawn from a slice: a part of the snapshot.

    Subclasses write `draw`, a function from a slice and a size to a `Drawing`. The panel keeps the last slice only to
    draw it again at another size. An exception in `draw` is logged and shown in the panel's own box.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", show=False),
        Binding("down,j", "scroll_lines(1)", show=False),
        Binding("pageup", "scroll_pages(-1)", show=False),
        Binding("pagedown", "scroll_pages(1)", show=False),
        Binding("home,g", "scroll_lines(-100000)", show=False),
        Binding("end,G", "scroll_lines(100000)", show=False),
    ]

    DEFAULT_CSS = """
    LinePanel {
        height: 1fr;
        background: $surface;
        color: $foreground;
    }
    """

    PLACEHOLDER: ClassVar[str] = "waiting for the engine"
    """The sentence shown without a slice."""
    NAME: ClassVar[str] = ""
    """The panel's title where its drawing has none."""

    goes_by = ("", "")
    """The action that goes to the panel and the key it ships with, which stands before the title; empty without one."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._slice: Slice | None = None
        self._drawing = Drawing(self.NAME, ())
        self._visible: tuple[Line, ...] = ()
        self._titles: tuple[str, ...] = ("", "")
        self._note = ""
        self._top = 0
        self._scrolled = False
        self._tones: dict[Tone, Style] = {}
        self._tones_of = ""

    @property
    def is_ascii(self) -> bool:
        """Whether the screen shows ASCII alone. A picture made of other signs is then drawn in another way."""
        settings = getattr(self.app, "display_settings", None) if self.is_attached else None
        return settings is not None and bool(settings.ascii)

    def draw(self, value: Slice, width: int, height: int) -> Drawing:
        """Draws a slice in `width` x `height` cells. Has no side effects. What it raises is shown in the panel."""
        raise NotImplementedError

    def show(self, value: Slice | None) -> None:
        """Shows a slice; with None the placeholder. Never raises."""
        self._slice = value
        self.redraw()

    def redraw(self) -> None:
        """Draws the last slice again at the present size and repaints the rows that changed. Never raises."""
        width, height = self.content_size.width, self.content_size.height
        if width < 4 or height < 1:
            return
        try:
            drawing = self._drawn(width, height)
        except Exception as error:  # shown in this box and logged; the other panels go on
            log.exception("panel %s failed", self.NAME)
            text = safe(f"panel error: {failure_words(error)}")
            drawing = Drawing(self.NAME, tuple(((line, Tone.BAD),) for line in wrap(text, width)))
        self._drawing = drawing
        self._place(height)

    def _drawn(self, width: int, height: int) -> Drawing:
        if self._slice is None:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.PLACEHOLDER, width)))
        return self.draw(self._slice, width, height)

    def _place(self, height: int) -> None:
        drawing = self._drawing
        rest = max(1, height - drawing.head)
        last_top = max(0, len(drawing.lines) - drawing.head - rest)
        if not self._scrolled:
            follow = drawing.follow
            self._top = 0 if follow is None else follow - drawing.head - rest // 2
        self._top = min(max(0, self._top), last_top)
        start = drawing.head + self._top
        visible = (*drawing.lines[: drawing.head], *drawing.lines[start : start + rest])[:height]
        more = "" if not last_top else f"{self._top + 1}-{min(self._top + rest, last_top + rest)} of {last_top + rest}"
        self._note = more or drawing.note
        self._set_titles(drawing.title, self._note)
        old = self._visible
        self._visible = visible
        for y in range(max(len(old), len(visible))):
            if old[y : y + 1] != visible[y : y + 1]:
                self.refresh(Region(0, y, self.content_size.width, 1))

    def _set_titles(self, title: str, note: str) -> None:
        mark = "▸ " if self.has_focus else ""
        action, shipped = self.goes_by
        if title and action and has_key(action):
            mark += f"{key_for(action, shipped)} "
        # A box's corners set its title off; a rule without corners needs the blanks.
        pad = "" if self.styles.border_left[0] else " "
        titles = tuple(f"{pad}{safe(text)}{pad}" if text else "" for text in (mark + title, note))
        if titles != self._titles:
            self._titles = titles
            self.border_title = Content(titles[0]) if titles[0] else None
            self.border_subtitle = Content(titles[1]) if titles[1] else None

    @property
    def text(self) -> str:
        """The title and the visible lines as plain text."""
        rows = ["".join(text for text, _ in line).rstrip() for line in self._visible]
        return "\n".join([self._titles[0].strip(), *rows])

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, with those scrolled out of sight."""
        return self._drawing.lines

    @property
    def whole(self) -> str:
        """All lines as plain text."""
        return plain(self.lines)

    def tone_style(self, tone: Tone) -> Style:
        """The style of a tone in the present theme."""
        if self._tones_of != self.app.theme:
            self._tones, self._tones_of = tone_styles(self.app.theme_variables), self.app.theme
        return self._tones[tone]

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        line = self._visible[y] if y < len(self._visible) else ()
        base = self.rich_style
        if self.has_focus and not self.styles.border_top[0] and self.app.no_color:
            base += Style(reverse=True)  # no title to mark, and no colour to see the ground by
        line = tuple((safe(text), tone) for text, tone in line)
        if width_of(line) > width:
            line = ((fit(line[0][0], width), line[0][1]),) if len(line) == 1 else cut(line, width)
        segments = [Segment(text, base + self.tone_style(tone)) for text, tone in line]
        return Strip(segments).crop_extend(0, width, base)

    def on_resize(self, event: Resize) -> None:
        self._visible = ()
        self.redraw()

    def watch_has_focus(self, focused: bool) -> None:
        """Marks the title. The events of the focus come while Textual has not noted it yet: a mark set by them stays on
        the panel that the focus left."""
        super().watch_has_focus(focused)
        self._set_titles(self._drawing.title, self._note)

    def action_scroll_lines(self, count: int) -> None:
        """Scrolls by lines. Scrolled back to the top, the panel keeps its `follow` line in sight again."""
        self._scrolled = True
        self._top += count
        self._place(self.content_size.height)
        if self._top == 0:
            self._scrolled = False

    def action_scroll_pages(self, count: int) -> None:
        self.action_scroll_lines(count * max(1, self.content_size.height - self._drawing.head - 1))
