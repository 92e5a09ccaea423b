"""How a command ends: with a report on standard output, or with an answer and its exit code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn, Protocol

import typer

from senex_tui.support.outlet import print_line, standard_output
from senex_tui.support.report import Answer

DONE = 0
NOT_WRITTEN = 1

_OF_RECORDS = (
    *("status", "day", "explain", "history", "report", "alerts", "accounts", "mail", "notify", "backup", "pause"),
    *("resume", "force", "preview", "halt", "reset", "cancel", "allow-reentry", "reconcile", "attest"),
    *("tridents", "exits", "close", "retarget", "release"),
)
"""The commands that work on some records, which `--demo` and `--data-dir` name."""
_QUOTED = re.compile(rf"`senex(\s+(?:{'|'.join(_OF_RECORDS)})\b[^`]*)`")


@dataclass
class _Options:
    """What this process's command was given to name the records it works on."""

    typed: str = ""


_options = _Options()


class Printed(Protocol):
    """A report: one JSON object, or text."""

    def to_json(self) -> str: ...

    def to_text(self) -> str: ...


def quote_commands_with(typed: str) -> None:
    """From now on each command that a printed sentence quotes has these options: typed as it stands, it works on the
    same records."""
    _options.typed = typed


def as_typed(text: str) -> str:
    """The text with the options in each command that it quotes."""
    return _QUOTED.sub(lambda found: f"`senex{found[1]} {_options.typed}`", text) if _options.typed else text


def print_report(report: Printed, as_json: bool) -> None:
    """Ends the command with exit code 1 when the output did not take the report."""
    print_lines([report.to_json() if as_json else as_typed(report.to_text())])


def print_lines(lines: Iterable[str]) -> None:
    """Prints the lines, until the output takes no more. Otherwise as `print_report`."""
    for line in lines:
        print_next(line)
    if standard_output().lost:
        raise typer.Exit(NOT_WRITTEN)


def print_next(line: str) -> None:
    """Prints one of many lines. Ends the command when nobody reads them any more, as after `| head`."""
    print_line(line)
    if standard_output().is_closed:
        raise typer.Exit(NOT_WRITTEN)


def exit_with(answer: Answer) -> NoReturn:
    """Prints the answer, on standard error unless it was done, and ends the command with its exit code.

    The code says what was done, also when the output did not take the answer.
    """
    print_line(as_typed(answer.text), error=answer.exit_code != DONE)
    raise typer.Exit(answer.exit_code)
