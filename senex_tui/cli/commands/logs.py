"""The command `senex logs`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senex_tui.reports.log_lines import Wanted

INTERRUPTED = 130
FindLogs = Callable[[typer.Context, Path | None], Path]


def _level(text: str) -> str:
    from senex_tui.reports.log_lines import level_named

    try:
        return level_named(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None


def add_log_command(app: typer.Typer, find_logs: FindLogs) -> None:
    """Adds `logs`; `find_logs` says in which folder they are."""

    @app.command()
    def logs(
        context: typer.Context,
        follow: Annotated[
            bool, typer.Option("--follow", "-f", help="Go on with each new line; ctrl+c ends it.")
        ] = False,
        level: Annotated[
            str,
            typer.Option(
                metavar="LEVEL", parser=_level, help="At least this: debug, info, warning, error or critical."
            ),
        ] = "debug",
        cycle: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only of this cycle.")] = None,
        count: Annotated[int, typer.Option("-n", "--lines", min=0, metavar="N", help="The newest N lines.")] = 50,
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder of the console meant.")
        ] = None,
    ) -> None:
        """Show the log, newest line last. Works whether or not a console runs.

        Times are the machine's, in exchange time. The file holds one JSON object a line, with times in UTC.
        """
        from senex_tui.reports.log_lines import Wanted, newest

        folder, wanted = find_logs(context, data_dir), Wanted(level, cycle)
        try:
            if follow:
                asyncio.run(_follow(folder, wanted, count))
            for line in newest(folder, wanted, count):
                typer.echo(line)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read it has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _follow(folder: Path, wanted: Wanted, count: int) -> None:
    from core.runtime.clock import SystemClock
    from senex_tui.reports.log_lines import follow

    async for line in follow(folder, wanted, SystemClock(), count):
        typer.echo(line)
