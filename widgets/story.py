"""The panel that tells a story: sections that fold, events with their time, and the figures of each."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.operation.events import Severity
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, fit, plain, right, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_tone

if TYPE_CHECKING:
    from core.snapshot.story import Story, StoryLine

TEXT_BELOW = 60
"""In panels narrower than this, in cells, a text stands under its label."""
_LABEL = 13
_BAR_POINTS = 5
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.BAD}
_NOTICE = {Severity.INFO: " ", Severity.WARNING: "▲", Severity.CRITICAL: "✖"}


class StoryPanel(LinePanel["Story"]):
    NAME = "Story"
    PLACEHOLDER = "asking the records"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folded: set[str] = set()
        self._section = 0
        self._words: list[str] = []
        self._hit = 0
        self._hits = 0

    @property
    def words(self) -> str:
        """The words that are searched for."""
        return " ".join(self._words)

    def search(self, words: str) -> None:
        """Marks the lines that hold all these words and brings the first in sight. Nothing is folded meanwhile."""
        self._words, self._hit = words.lower().split(), 0
        self._scrolled = False
        self.redraw()

    def say(self, text: str) -> None:
        """Shows a sentence in place of a story."""
        self.PLACEHOLDER = text  # type: ignore[misc]
        self.show(None)

    def next_section(self, steps: int) -> None:
        """Chooses the section `steps` further and brings it in sight; in a search the line that holds the words."""
        if self._words:
            self._hit = (self._hit + steps) % max(1, self._hits)
            self._scrolled = False
            self.redraw()
            return
        last = len(self._sections()) - 1
        self._section = min(max(0, self._section + steps), max(0, last))
        self._scrolled = False
        self.redraw()

    def fold(self) -> None:
        """Folds the chosen section, or opens it again."""
        sections = self._sections()
        if self._section < len(sections):
            self._folded ^= {sections[self._section]}
            self._scrolled = False
            self.redraw()

    @property
    def whole(self) -> str:
        """The whole story as plain text, with folded sections, as wide as the panel."""
        if self._slice is None:
            return ""
        width = max(TEXT_BELOW, self.content_size.width)
        title: Line = ((self._slice.title, Tone.STRONG),)
        lines = [
            title,
            *_head(self._slice, width),
            *(line for story_line in self._slice.lines for line in _drawn(story_line, width)),
        ]
        return plain(lines)

    def _sections(self) -> list[str]:
        if self._slice is None:
            return []
        titles = (line.label for line in self._slice.lines if line.kind.value == "section")
        return [f"{number} {title}" for number, title in enumerate(titles)]

    def draw(self, value: Story, width: int, height: int) -> Drawing:
        return self._searched(value, width) if self._words else self._sectioned(value, width)

    def _searched(self, value: Story, width: int) -> Drawing:
        """The whole story with its hits marked: the present one most."""
        lines = _head(value, width)
        hits = 0
        follow = None
        for story_line in value.lines:
            drawn = _drawn(story_line, width)
            if self._holds_words(drawn):
                tone = Tone.CHOSEN if hits == self._hit else Tone.STRONG
                follow = len(lines) if hits == self._hit else follow
                drawn = [tuple((text, tone if text.strip() else kept) for text, kept in line) for line in drawn]
                hits += 1
            lines += drawn
        self._hits = hits
        found = f"{self._hit + 1} of {hits}" if hits else "not found"
        return Drawing(f"/{self.words} {found}  {value.title}", tuple(lines), follow=follow)

    def _holds_words(self, drawn: list[Line]) -> bool:
        text = " ".join("".join(part for part, _ in line) for line in drawn).lower()
        whole = " ".join(text.split())
        return all(word in whole for word in self._words)

    def _sectioned(self, value: Story, width: int) -> Drawing:
        lines = _head(value, width)
        sections = iter(self._sections())
        number, follow, is_folded, hidden = -1, None, False, 0
        for story_line in value.lines:
            if story_line.kind.value != "section":
                if is_folded:
                    hidden += 1
                else:
                    lines += _drawn(story_line, width)
                continue
            if is_folded:
                lines[-1] = (*lines[-1], (f"  {hidden} lines, enter opens", Tone.DIM))
            number, hidden = number + 1, 0
            is_folded = next(sections) in self._folded
            if number == self._section:
                follow = len(lines) if number else None
            tone = Tone.CHOSEN if number == self._section else Tone.STRONG
            lines.append((("+ " if is_folded else "- ", Tone.DIM), (fit_to(story_line.label, width - 2), tone)))
        if is_folded:
            lines[-1] = (*lines[-1], (f"  {hidden} lines, enter opens", Tone.DIM))
        return Drawing(value.title, tuple(lines), follow=follow)


def fit_to(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it is longer than the width; never padded."""
    return text if len(text) <= width else fit(text, width)


def _head(value: Story, width: int) -> list[Line]:
    return [((row, Tone.STRONG),) for row in wrap(value.verdict, width)]


def _drawn(story_line: StoryLine, width: int) -> list[Line]:
    if story_line.kind.value == "section":
        return [(), ((story_line.label, Tone.STRONG),)]
    if story_line.points is not None:
        return [_points(story_line, story_line.points, width)]
    if story_line.kind.value == "event" and story_line.at is not None:
        head: Line = (
            (f"{_NOTICE[story_line.severity]} {figures.clock(story_line.at)}  ", Tone.DIM),
            (f"{fit(story_line.label, _LABEL)} ", Tone.ACCENT),
        )
        return _hanging(head, story_line.text, _TONES[story_line.severity], width)
    indent = " " * (12 if width >= TEXT_BELOW else 4)
    return _hanging(
        ((indent, Tone.PLAIN), (f"{fit(story_line.label, _LABEL + 2)} ", Tone.DIM)), story_line.text, Tone.PLAIN, width
    )


def _hanging(head: Line, text: str, tone: Tone, width: int) -> list[Line]:
    """The head with the text after it, further rows indented to the text. In a narrow panel the text stands below."""
    taken = sum(len(part) for part, _ in head)
    if width < TEXT_BELOW:
        return [head, *(((f"    {row}", tone),) for row in wrap(text, width - 4))] if text else [head]
    first, *rest = wrap(text, width - taken) or [""]
    return [(*head, (first, tone)), *(((" " * taken + row, tone),) for row in rest)]


def _points(story_line: StoryLine, points: Decimal, width: int) -> Line:
    """A factor of the score: its words, its points, and a bar with one sign for every five points."""
    tone = Tone.STRONG if story_line.is_total else profit_tone(points) if points else Tone.DIM
    indent = 12 if width >= TEXT_BELOW else 2
    words = max(0, min(28, width - indent - _LABEL - 9))
    bar = "■" * max(0, min(abs(int(points / _BAR_POINTS)), width - indent - _LABEL - words - 9))
    return (
        (" " * indent, Tone.PLAIN),
        (f"{fit(story_line.label, _LABEL)} ", Tone.DIM),
        (fit(story_line.text, words), Tone.PLAIN),
        (right(story_line.shown_points, 7), tone),
        (f" {bar}", tone),
    )
