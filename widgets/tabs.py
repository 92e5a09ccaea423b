"""The strip of numbered panels, shown where only one lower panel fits."""

from __future__ import annotations

from collections.abc import Mapping

from widgets.base.key_names import key_for
from widgets.base.lines import Drawing, Line, Part, Tone, width_of
from widgets.base.panel import LinePanel

LOWER_PANELS = (
    ("1", "Spread", "spread"),
    ("2", "Attempts", "attempts"),
    ("3", "Orders", "orders"),
    ("4", "Schedule", "schedule"),
    ("5", "Messages", "messages"),
    ("6", "Judgement", "judgement"),
    ("7", "Chart", "chart"),
)
"""Key, label and widget id of each numbered panel."""
SHORT = {"attempts": "Tries", "schedule": "Slots", "messages": "Msgs", "judgement": "Judge"}
"""Labels for a narrow strip, where the whole ones do not fit; the others are short enough."""


class TabStrip(LinePanel[str], can_focus=False):
    """Shows which numbered panel is open; its slice is that panel's id."""

    NAME = "panels"
    DEFAULT_CSS = """
    TabStrip { height: 1; padding: 0 1; background: $background; }
    """

    def draw(self, value: str, width: int, height: int) -> Drawing:
        """With less room the gaps go first, then the long labels, then the ends of the short ones; the keys never."""
        whole = {name: label for _, label, name in LOWER_PANELS}
        short = whole | SHORT
        longest = max(map(len, short.values()))
        ways = [
            *((gap, " ", whole) for gap in (2, 1, 0)),
            *((gap, " ", short) for gap in (1, 0)),
            *((0, "", {name: label[:cut] for name, label in short.items()}) for cut in range(longest, -1, -1)),
        ]
        for gap, apart, labels in ways:
            line = _strip(value, gap, apart, labels)
            if width_of(line) <= width:
                break
        return Drawing("", (line,))


def _strip(chosen: str, gap: int, apart: str, labels: Mapping[str, str]) -> Line:
    parts: list[Part] = []
    for number, _, name in LOWER_PANELS:
        text = f"{key_for(f'panel_{name}', number)}{apart}{labels[name]}"
        if name == chosen:
            parts.append((f"[{text}]", Tone.ACCENT))
        else:
            parts.append((f" {text} " if gap else text, Tone.DIM))
        parts.append(("" if gap == 1 else " ", Tone.PLAIN))
    return tuple(parts[:-1])
