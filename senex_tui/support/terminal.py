"""The terminal of the console: what it must be able to do, and how it is prepared.

Its facts were measured with Textual 8.2 in tmux 3.3a. Importing this module does not import Textual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

MIN_COLUMNS, MIN_ROWS = 60, 20
_COLOUR_SYSTEMS = {"16": "standard", "256": "256", "true": "truecolor"}


def refusal_for_terminal(env: Mapping[str, str] | None = None, isatty: bool | None = None) -> str | None:
    """Why the console cannot start here, with the fix; None when it can. Judges this process unless told otherwise.

    Textual reads keys from stdin and paints on stderr, so both must be the terminal.
    """
    if env is None:
        env = os.environ
    if isatty is None:
        isatty = sys.stdin.isatty() and sys.stderr.isatty()
    if not isatty:
        return (
            "The console needs a terminal, and its output is not one. Run it in a terminal or in tmux, "
            "without piping or redirecting it; over SSH use `ssh -t`."
        )
    term = env.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        named = f"TERM={term}" if term else "TERM is not set, and such a terminal"
        return (
            f"{named} cannot place a cursor, so the console would only scroll. "
            "Set TERM to what your terminal is, for example `TERM=xterm-256color`, or run it inside tmux."
        )
    return None


def too_small(columns: int, rows: int) -> str | None:
    """The sentence for a terminal below 60x20, or None."""
    if columns >= MIN_COLUMNS and rows >= MIN_ROWS:
        return None
    return (
        f"The console needs {MIN_COLUMNS} columns and {MIN_ROWS} rows; this terminal has {columns} and {rows}. "
        "Make it larger, or use a smaller font. Trading goes on meanwhile."
    )


def not_kept_running(env: Mapping[str, str]) -> str:
    """The warning for a console that ends with its terminal; empty when tmux, screen or a service keeps it running."""
    if any(env.get(name) for name in ("TMUX", "STY", "INVOCATION_ID")):
        return ""
    return "This console ends when its terminal does: it runs neither in tmux nor as a service (docs/operations.md)"


def prepare_environment(env: MutableMapping[str, str]) -> None:
    """Prepares the environment for Textual. Call it with `os.environ` before Textual is imported.

    COLUMNS and LINES would freeze the size (Textual follows no resize with them set); ESCDELAY is read once, at import.
    """
    for name in ("COLUMNS", "LINES"):
        env.pop(name, None)
    env.setdefault("ESCDELAY", "25")


def prepare_colours(env: MutableMapping[str, str], colours: str) -> None:
    """Sets how many colours the terminal is sent: "16", "256", "true", or "auto" to judge it by its own variables.

    Call with `os.environ` before Textual is imported, which reads this once.
    """
    if colours in _COLOUR_SYSTEMS:
        env["TEXTUAL_COLOR_SYSTEM"] = _COLOUR_SYSTEMS[colours]


def can_show(signs: str) -> bool:
    """Whether the encoding of the screen, which is painted on standard error, has these signs."""
    screen = sys.__stderr__  # noqa: TID251 - the screen itself
    try:
        signs.encode("ascii" if screen is None else screen.encoding)
    except UnicodeEncodeError:
        return False
    return True


def set_title(text: str) -> str:
    """The sequence (OSC 2) that names the terminal's window or pane; only printable ASCII passes."""
    return f"\x1b]2;{''.join(c for c in text if ' ' <= c <= '~')}\x07"


SAVE_TITLE = "\x1b[22;2t"
RESTORE_TITLE = "\x1b[23;2t"
