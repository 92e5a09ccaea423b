"""The strip of numbered panels, shown where only one lower panel fits."""

from __future__ import annotations

from widgets.lines import Drawing, Part, Tone
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
        parts: list[Part] = []
        for key, label, name in LOWER_PANELS:
            if name == value:
                parts += [(f"[{key} {label}]", Tone.ACCENT)]
            else:
                parts += [(f" {key} {label} ", Tone.DIM)]
        return Drawing("", (tuple(parts),))
