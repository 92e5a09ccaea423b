"""How a command ends: with a report on standard output, or with an answer and its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, Protocol

import typer

from senex_tui.support.report import Answer

DONE = 0


class Printed(Protocol):
    """A report: one JSON object, or text."""

    def to_json(self) -> str: ...

    def to_text(self) -> str: ...


def print_report(report: Printed, as_json: bool) -> None:
    typer.echo(report.to_json() if as_json else report.to_text())


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def exit_with(answer: Answer) -> NoReturn:
    """Prints the answer, on standard error unless it was done, and ends the command with its exit code."""
    typer.echo(answer.text, err=answer.exit_code != DONE)
    raise typer.Exit(answer.exit_code)
