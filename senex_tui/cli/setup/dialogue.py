"""Asks questions at the terminal. A wrong answer is told with its fix, and asked again."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from core.config.loader import SettingsError
from core.runtime.redaction import redact
from senex_tui.support.outlet import print_line, standard_output
from senex_tui.support.refusals import Refused

T = TypeVar("T")
Check = Callable[[str], T]


class GivenUp(Exception):
    """The input ended, or ctrl+c was pressed: nothing is written."""


def say(text: str = "") -> None:
    print_line(redact(text))


def ask(question: str, kept: str, check: Check[T]) -> T:
    """The answer as `check` understands it, which raises Refused or SettingsError for a wrong one. Enter alone means
    `kept`, which is shown in brackets; where it is empty an answer is needed."""
    while True:
        answer = _line(f"{question} [{kept}]: " if kept else f"{question}: ") or kept
        if not answer:
            say("  an answer is needed; ctrl+c gives up, and nothing is written.")
            continue
        try:
            return check(answer)
        except (Refused, SettingsError) as wrong:
            say(f"  {wrong}")


def agrees(question: str, *, kept: bool = False) -> bool:
    """Whether the answer is yes; `kept` is what Enter alone means."""
    return ask(f"{question} (y/n)", "y" if kept else "n", _yes_or_no)


def choose(question: str, words: Sequence[str], kept: str) -> str:
    """One of the words."""

    def known(answer: str) -> str:
        if answer not in words:
            raise Refused(f"the answer must be one of {', '.join(words)}; {answer!r} was given.")
        return answer

    return ask(question, kept, known)


def secret(question: str, *, blanks: bool = False) -> str:
    """A secret, which is not shown while it is typed, and in no output afterwards. `blanks` says whether it may have
    some inside."""
    while True:
        try:
            answer = getpass.getpass(f"{question} (not shown): ").strip()
        except (EOFError, KeyboardInterrupt):
            raise GivenUp from None
        if answer and (blanks or len(answer.split()) == 1):
            redact.add(answer)
            return answer
        say("  it is empty; paste it." if not answer else "  it has blanks in it; paste it alone.")


def _yes_or_no(answer: str) -> bool:
    if answer.lower() not in ("y", "yes", "n", "no"):
        raise Refused(f"the answer must be y or n; {answer!r} was given.")
    return answer.lower().startswith("y")


def _line(prompt: str) -> str:
    out = standard_output()
    out.write(redact(prompt))
    out.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        raise GivenUp from None
    if not line:
        raise GivenUp
    return line.strip()
