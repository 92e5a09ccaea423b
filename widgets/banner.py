"""The banner: loud lines under the status bar that say what the operator must not miss."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.base.lines import Drawing, Tone, wrap
from widgets.base.panel import LinePanel

Alarm = tuple[str, bool]
"""A sentence, and whether it is one of the worst kind, which colours the banner as an error."""


class Banner(LinePanel["tuple[Alarm, ...]"], can_focus=False):
    """Its slice is the alarms, most urgent first. It is as high as they need, up to a limit; hidden without any."""

    NAME = "banner"
    MOST_ROWS = 5
    DEFAULT_CSS = """
    Banner { height: 1; padding: 0 1; display: none; background: $warning 20%; color: $text-warning; }
    Banner.-failure { background: $error 25%; color: $text-error; }
    /* The terminal's own colours cannot be mixed: they would be one on itself. */
    Banner:ansi { background: ansi_default; }
    Banner.-failure:ansi { background: ansi_default; text-style: reverse; }
    """

    def say(self, alarms: Sequence[Alarm], columns: int, most_rows: int = MOST_ROWS) -> int:
        """Shows the alarms in a terminal of `columns` columns and returns the rows they take."""
        rows = min(most_rows, sum(len(wrap(sentence, columns - 2)) for sentence, _ in alarms))
        self.display = bool(alarms)
        self.styles.height = max(1, rows)
        self.set_class(any(worst for _, worst in alarms), "-failure")
        self.show(tuple(alarms))
        return rows

    def draw(self, value: tuple[Alarm, ...], width: int, height: int) -> Drawing:
        """Gives every sentence a row, then further rows to urgent ones first. A cut sentence ends in an ellipsis."""
        wrapped = [wrap(sentence, width) for sentence, _ in value]
        shown = [1 if index < height else 0 for index in range(len(wrapped))]
        for index, lines in enumerate(wrapped):
            while shown[index] and sum(shown) < height and shown[index] < len(lines):
                shown[index] += 1
        rows = [
            line
            for (_, worst), lines, count in zip(value, wrapped, shown, strict=True)
            for line in (((text, Tone.STRONG if worst else Tone.PLAIN),) for text in _cut(lines, count, width))
        ]
        return Drawing("", tuple(rows))


def _cut(lines: list[str], count: int, width: int) -> list[str]:
    if count >= len(lines) or count == 0:
        return lines[:count]
    return [*lines[: count - 1], lines[count - 1][: max(0, width - 1)] + "…"]
