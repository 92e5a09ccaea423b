"""Asks at the terminal for the word that a command in live needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from senex_tui.support.outlet import print_line
from senex_tui.support.refusals import Refused


def need_typed(word: str, what: str, facts: Sequence[str], *, aside: bool = False) -> None:
    """Shows the facts, and goes on once `word` was typed; `what` says what it does. `aside` shows them beside the
    output, which then has the result alone. Raises Refused for another word, and where nobody can type one."""
    for line in facts:
        print_line(line, error=aside)
    if not sys.stdin.isatty():
        raise Refused(f"to {what} in live, {word} has to be typed at a terminal. Nothing was sent.")
    print_line(f"Type {word} and press Enter to {what}; anything else sends nothing.", error=True)
    if sys.stdin.readline().strip() != word:
        raise Refused(f"{word} was not typed. Nothing was sent.")
