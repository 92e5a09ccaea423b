"""The banner: loud lines under the status bar that say what the operator must not miss."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.base.lines import Drawing, Tone, fit, wrap
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
        """Gives every sentence a row, then further rows to urgent ones first.

        A sentence that is longer loses its middle: its beginning says what it is, its end what ends it.
        """
        wrapped = [wrap(sentence, width) for sentence, _ in value]
        shown = [1 if index < height else 0 for index in range(len(wrapped))]
        for index, lines in enumerate(wrapped):
            while shown[index] and sum(shown) < height and shown[index] < len(lines):
                shown[index] += 1
        rows = [
            line
            for (sentence, worst), count in zip(value, shown, strict=True)
            for line in (((text, Tone.STRONG if worst else Tone.PLAIN),) for text in shortened(sentence, width, count))
        ]
        return Drawing("", tuple(rows))


def shortened(sentence: str, width: int, rows: int) -> list[str]:
    """The sentence in at most so many rows. What is cut is its middle, so that its last clause can be read: it says how
    the thing ends, or what to press."""
    whole = wrap(sentence, width)
    if len(whole) <= rows or rows == 0:
        return whole[:rows]
    words = sentence.split()
    tail = _tail(words, width * rows)
    for count in range(len(words) - len(tail), 0, -1):
        lines = wrap(" ".join((*words[:count], "…", *tail)), width)
        if len(lines) <= rows:
            return lines
    return [*whole[: rows - 1], fit(" ".join(whole[rows - 1 :]), width)]


def _tail(words: Sequence[str], room: int) -> list[str]:
    """The last clause, where it leaves room for the beginning; else the last words."""
    clause = next((n + 1 for n in range(len(words) - 2, -1, -1) if words[n].endswith((";", ","))), len(words))
    if clause < len(words) and len(" ".join(words[clause:])) <= room * 0.6:
        return list(words[clause:])
    tail: list[str] = []
    for word in reversed(words):
        if len(" ".join((word, *tail))) > room * 0.45:
            break
        tail.insert(0, word)
    return tail
