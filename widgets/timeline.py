"""The timeline of a replay: the recorded day in one row, what happened on it, and where the replay stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.events import Click
from textual.message import Message

from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone
from widgets.base.panel import LinePanel
from widgets.charts.plot import runs

SIGNS = {"cycle": ("┴", Tone.PLAIN), "exit": ("X", Tone.STRONG), "fill": ("F", Tone.STRONG)}
"""The sign of each mark. A later one of these covers an earlier one."""
_HERE = ("▶", Tone.CHOSEN)
_PASSED, _TO_COME = ("━", Tone.ACCENT), ("─", Tone.DIM)
_SHORTEST = 20
"""The fewest columns of a bar that is worth its words beside it."""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """A recorded day from its first to its last moment, UTC. Places are shares of it, 0 to 1.

    `marks` are places and the word of what happened there; `trouble` says why some are missing. `searched` is the share
    that has been looked through for trades, None once all has.
    """

    first: datetime
    last: datetime
    here: float
    marks: tuple[tuple[float, str], ...] = ()
    searched: float | None = None
    trouble: str = ""


class Timeline(LinePanel[TimelineView], can_focus=False):
    """A click on it goes there."""

    NAME = "Timeline"
    PLACEHOLDER = ""
    DEFAULT_CSS = """
    Timeline { height: 1; padding: 0 1; background: $background; }
    """

    class Jump(Message):
        """The operator has clicked at this place of the day."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def draw(self, value: TimelineView, width: int, height: int) -> Drawing:
        left, bar, far = _parts(value, width)
        line: Line = ((left, Tone.DIM), *_bar(value, bar), (far, Tone.DIM))
        return Drawing(self.NAME, (line,))

    def on_click(self, event: Click) -> None:
        if self._slice is None:
            return
        left, bar, _ = _parts(self._slice, self.content_size.width)
        place = event.x - self.styles.padding.left - len(left)
        if 0 <= place < bar:
            self.post_message(self.Jump(place / max(1, bar - 1)))


def _parts(value: TimelineView, width: int) -> tuple[str, int, str]:
    """The words left of the bar, its columns, and the words right of it."""
    left, far = f"{figures.minute(value.first)} ", f" {figures.minute(value.last)}"
    if value.searched is not None:
        far += f"  looking for fills {int(100 * value.searched):>2} %"
    elif value.trouble:
        far += f"  {value.trouble}"
    if width - len(left) - len(far) < _SHORTEST:
        left = far = ""
    return left, max(1, width - len(left) - len(far)), far


def _bar(value: TimelineView, columns: int) -> list[Part]:
    def place(share: float) -> int:
        return round(min(1.0, max(0.0, share)) * (columns - 1))

    here = place(value.here)
    cells: list[Part] = [_PASSED if column < here else _TO_COME for column in range(columns)]
    for word, sign in SIGNS.items():
        for share, what in value.marks:
            if what == word:
                cells[place(share)] = sign
    under = cells[here]
    cells[here] = (under[0], Tone.CHOSEN) if under in SIGNS.values() else _HERE
    return runs(cells)
