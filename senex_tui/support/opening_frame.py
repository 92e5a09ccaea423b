"""The first frame of a console, painted before Textual is loaded: who it is and its mode, in the colours of the theme.

Loading the screen takes longer than all that comes before it. Meanwhile the operator sees what has been started, and
that the settings and the locks were good: what is refused for them is refused before, at the shell.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any, Self

ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
_NO_CURSOR, _CURSOR = "\x1b[?25l", "\x1b[?25h"
COLOURS: Mapping[str, tuple[str, str]] = {
    "senex-dark": ("#c8d0d9", "#0e1217"),
    "senex-light": ("#20262c", "#f7f8f9"),
    "senex-contrast": ("#ffffff", "#000000"),
}
"""The foreground and the background of each theme with colours of its own; the others have those of the terminal."""
_LEVELS = (0, 95, 135, 175, 215, 255)
"""The levels of red, green and blue in a terminal's 256 colours."""
_TRUE_COLOUR = ("truecolor", "24bit")


class OpeningFrame:
    """Paints the frame and leaves the screen again, unless Textual has taken it over. Only in the main thread.

    What is typed meanwhile is not shown, and is there for the screen to read. A signal that ends the process leaves the
    terminal as it was.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._handler: Any = None
        self._is_shown = False

    def show(self, mode: str, theme: str, colours: str, environ: Mapping[str, str]) -> None:
        """Enters the alternate screen and paints. `colours` is the setting console.colours."""
        descriptor = self._descriptor()
        if descriptor is None or self._is_shown or not _takes_more(descriptor):
            return
        self._handler = signal.signal(signal.SIGTERM, self._ended)
        with suppress(termios.error):
            self._before = termios.tcgetattr(descriptor)
            quiet = termios.tcgetattr(descriptor)
            quiet[3] &= ~termios.ECHO
            termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
        self._is_shown = True
        _write(descriptor, ENTER_SCREEN + _NO_CURSOR + frame(mode, theme, colours, environ))

    def hand_over(self) -> bool:
        """Leaves the alternate screen to whoever asks, with the terminal's settings as they were; False when it was
        not entered, or not any more."""
        was_shown, self._is_shown = self._is_shown, False
        if was_shown:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if self._handler is None else self._handler)
            descriptor = self._descriptor()
            if descriptor is not None and self._before is not None:
                with suppress(termios.error):
                    termios.tcsetattr(descriptor, termios.TCSANOW, self._before)
        return was_shown

    def leave(self) -> None:
        """Leaves the screen when nobody has taken it over."""
        descriptor = self._descriptor()
        if self.hand_over() and descriptor is not None:
            _write(descriptor, LEAVE_SCREEN + _CURSOR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _ended(self, number: int, frame: FrameType | None) -> None:
        """Ends the process by the signal that came, as if nobody had caught it."""
        self.leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    @staticmethod
    def _descriptor() -> int | None:
        screen = sys.__stderr__  # noqa: TID251 - the screen itself
        return None if screen is None or not screen.isatty() else screen.fileno()


opening_frame = OpeningFrame()
"""The frame of this process, which has one terminal."""


def frame(mode: str, theme: str, colours: str, environ: Mapping[str, str]) -> str:
    """What is painted: the row that the status bar begins with, on the theme's background. Only ASCII."""
    look = "" if "NO_COLOR" in environ else _colours(theme, colours, environ)
    return f"{look}\x1b[2J\x1b[H SENEX  {mode.upper()}  STARTING\x1b[0m"


def _colours(theme: str, colours: str, environ: Mapping[str, str]) -> str:
    """The sequence for the theme's colours, as many as the terminal has; empty for those of the terminal."""
    if theme not in COLOURS:
        return ""
    is_true = colours == "true" or (colours == "auto" and environ.get("COLORTERM", "").lower() in _TRUE_COLOUR)
    if not is_true and colours != "256" and not (colours == "auto" and "256" in environ.get("TERM", "")):
        return ""
    text, ground = (_channels(colour) for colour in COLOURS[theme])
    if is_true:
        return "".join(
            f"\x1b[{code};2;{red};{green};{blue}m" for code, (red, green, blue) in ((38, text), (48, ground))
        )
    return "".join(f"\x1b[{code};5;{_nearest(channels)}m" for code, channels in ((38, text), (48, ground)))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _nearest(channels: tuple[int, int, int]) -> int:
    """The colour of the 256 that is nearest in each channel."""
    red, green, blue = (min(range(6), key=lambda level: abs(_LEVELS[level] - channel)) for channel in channels)
    return 16 + 36 * red + 6 * green + blue


def _takes_more(descriptor: int) -> bool:
    """Whether the terminal takes more now. One that was stopped must not hold up the start, nor a signal's end."""
    return bool(select.select([], [descriptor], [], 0)[1])


def _write(descriptor: int, text: str) -> None:
    if _takes_more(descriptor):
        with suppress(OSError):  # a terminal that is gone: whoever reads it next says so
            os.write(descriptor, text.encode("ascii"))
