"""The tab strip: names the numbered panels where only one of them fits at a time."""

from __future__ import annotations

from collections.abc import Mapping

from widgets.base.key_names import has_key, key_for
from widgets.base.lines import Drawing, Line, Part, Tone, width_of
from widgets.base.panel import LinePanel
from widgets.panels import TABS


class TabStrip(LinePanel[str], can_focus=False):
    """Shows which numbered panel is open. Its slice is that panel's name."""

    NAME = "panels"
    DEFAULT_CSS = """
    TabStrip { height: 1; padding: 0 1; background: $background; }
    """

    def draw(self, value: str, width: int, height: int) -> Drawing:
        """With less room the gaps go first, then the long labels, then the ends of the short ones. The keys stay."""
        whole = {tab.name: tab.label for tab in TABS}
        short = {tab.name: tab.short for tab in TABS}
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
    for tab in TABS:
        action = f"panel_{tab.name}"
        key = f"{key_for(action, tab.number)}{apart}" if has_key(action) else ""
        text = f"{key}{labels[tab.name]}"
        if tab.name == chosen:
            parts.append((f"[{text}]", Tone.ACCENT))
        else:
            parts.append((f" {text} " if gap else text, Tone.DIM))
        parts.append(("" if gap == 1 else " ", Tone.PLAIN))
    return tuple(parts[:-1])
