"""One loud line under the status bar: a frozen view or a failed engine. Hidden while there is nothing to say."""

from __future__ import annotations

from widgets.lines import Drawing, Tone, fit
from widgets.panel import LinePanel


class Banner(LinePanel[str], can_focus=False):
    """Its slice is the sentence; an empty one hides the line."""

    NAME = "banner"
    DEFAULT_CSS = """
    Banner { height: 1; padding: 0 1; display: none; background: $warning 20%; color: $text-warning; }
    Banner.-failure { background: $error 25%; color: $text-error; }
    """

    def say(self, sentence: str, *, failure: bool = False) -> None:
        self.display = bool(sentence)
        self.set_class(failure, "-failure")
        self.show(sentence)

    def draw(self, value: str, width: int, height: int) -> Drawing:
        return Drawing("", (((fit(value, width), Tone.PLAIN),),))
