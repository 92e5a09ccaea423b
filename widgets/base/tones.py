"""Gives each tone its style, from the theme's variables.

Textual's component classes could do this, but every panel would have fifteen of them, and Textual computes all of them
again whenever a dialog opens and whenever a row is repainted.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import ANSI_COLOR_NAMES
from rich.style import Style

from widgets.base.lines import Tone

_RULES: dict[Tone, tuple[str, Style]] = {
    Tone.DIM: ("text-muted", Style()),
    Tone.STRONG: ("", Style(bold=True)),
    Tone.GOOD: ("text-success", Style()),
    Tone.WARN: ("text-warning", Style()),
    Tone.BAD: ("text-error", Style(bold=True)),
    Tone.ACCENT: ("text-accent", Style()),
    Tone.STALE: ("text-muted", Style(strike=True)),
    Tone.MODE: ("primary", Style(bold=True, reverse=True)),
    Tone.PICTURE: ("primary-muted", Style()),
    Tone.GAIN: ("success-muted", Style()),
    Tone.LOSS: ("error-muted", Style()),
    Tone.ABOVE: ("text-success", Style()),
    Tone.BELOW: ("text-error", Style()),
    Tone.CHOSEN: ("", Style(bold=True, reverse=True)),
}
"""For each tone the theme variable with its colour, and its attributes. A tone without a rule is plain."""


def tone_styles(variables: Mapping[str, str]) -> dict[Tone, Style]:
    """The styles of all tones.

    A variable that is neither `#rrggbb` nor a colour of the terminal (`ansi_red`) gives no colour; the attributes stay.
    """
    styles: dict[Tone, Style] = {}
    for tone in Tone:
        variable, attributes = _RULES.get(tone, ("", Style()))
        styles[tone] = _coloured(variables.get(variable, "")) + attributes
    return styles


def _coloured(colour: str) -> Style:
    if colour.startswith("#") and len(colour) == 7:
        return Style(color=colour)
    name = colour.removeprefix("ansi_")
    return Style(color=name) if name != colour and name in ANSI_COLOR_NAMES else Style()
