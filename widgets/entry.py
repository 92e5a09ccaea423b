"""One entry: as it is now, then what the records tell of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.domain.events import Severity
from widgets import figures
from widgets.lines import Drawing, Line, Tone, fit, safe, wrap
from widgets.orders import order_lines
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.show.story import Story, StoryLine
    from core.snapshot import OrderView

_LABEL = 12
_DATED_FROM = 100
_TONES = {Severity.INFO: Tone.PLAIN, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.BAD}


@dataclass(frozen=True, slots=True)
class EntryTold:
    """The entry as it is now and its story; without one `trouble` says why, or it has yet to come."""

    order: OrderView
    story: Story | None = None
    trouble: str = ""


class EntryPanel(LinePanel["EntryTold"]):
    NAME = "Entry"

    def draw(self, value: EntryTold, width: int, height: int) -> Drawing:
        story = value.story
        # The story tells the fills leg by leg.
        now = value.order if story is None else replace(value.order, fills=())
        lines = order_lines(now, width)
        if value.trouble:
            lines += [(), *(((row, Tone.WARN),) for row in wrap(f"not read from the records: {value.trouble}", width))]
        if story is None:
            return Drawing(self.NAME, (*lines, *([] if value.trouble else [(("reading the records…", Tone.DIM),)])))
        for line in story.lines:
            lines += _told(line, width)
        return Drawing(story.title, tuple(lines))


def _told(line: StoryLine, width: int) -> list[Line]:
    if line.kind == "section":
        return [(), *(((row, Tone.STRONG),) for row in wrap(safe(line.label), width))]
    at = ""
    if line.at is not None:
        moment = line.at.astimezone(figures.EXCHANGE)
        at = f"{moment:%b %d %H:%M:%S}" if width >= _DATED_FROM else f"{moment:%H:%M:%S}"
    lead = f"  {at}  " if at else "  "
    label = f"{fit(safe(line.label), _LABEL)} "
    room = max(10, width - len(lead) - len(label))
    first, *rest = wrap(safe(line.text), room)
    tone = _TONES[line.severity]
    indent = " " * (len(lead) + len(label))
    return [
        ((lead, Tone.DIM), (label, tone if tone is not Tone.PLAIN else Tone.DIM), (first, tone)),
        *(((indent + row, tone),) for row in rest),
    ]
