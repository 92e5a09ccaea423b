"""The strip of numbered panels, shown where only one lower panel fits."""

from __future__ import annotations

from widgets.key_names import key_for
from widgets.lines import Drawing, Line, Part, Tone, width_of
from widgets.panel import LinePanel

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


class TabStrip(LinePanel[str], can_focus=False):
    """Shows which numbered panel is open; its slice is that panel's id."""

    NAME = "panels"
    DEFAULT_CSS = """
    TabStrip { height: 1; padding: 0 1; background: $background; }
    """

    def draw(self, value: str, width: int, height: int) -> Drawing:
        """With less room the gaps go first, then the ends of the labels; the keys never."""
        longest = max(len(label) for _, label, _ in LOWER_PANELS)
        ways = [(2, " ", longest), (1, " ", longest), (0, " ", longest), *((0, "", n) for n in range(longest, -1, -1))]
        for gap, apart, cut in ways:
            line = _strip(value, gap, apart, cut)
            if width_of(line) <= width:
                break
        return Drawing("", (line,))


def _strip(chosen: str, gap: int, apart: str, cut: int) -> Line:
    parts: list[Part] = []
    for number, label, name in LOWER_PANELS:
        text = f"{key_for(f'panel_{name}', number)}{apart}{label[:cut]}"
        if name == chosen:
            parts.append((f"[{text}]", Tone.ACCENT))
        else:
            parts.append((f" {text} " if gap else text, Tone.DIM))
        parts.append(("" if gap == 1 else " ", Tone.PLAIN))
    return tuple(parts[:-1])
