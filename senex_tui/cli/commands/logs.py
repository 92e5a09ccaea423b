"""`senex logs`: the log's lines for a person."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DataDir
from senex_tui.cli.printing import print_lines, print_next

if TYPE_CHECKING:
    from senex_tui.reports.log_lines import Wanted

commands = typer.Typer()
INTERRUPTED = 130
NEWEST = 50
"""The most lines without -n and --since."""


def _level(text: str) -> str:
    from senex_tui.reports.log_lines import level_named

    try:
        return level_named(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None


@commands.command()
def logs(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each new line; ctrl+c ends it.")] = False,
    level: Annotated[
        str,
        typer.Option(metavar="LEVEL", parser=_level, help="At least this: debug, info, warning, error or critical."),
    ] = "debug",
    cycle: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only of this cycle.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Only from then on: 15m or 2h ago, 10:30, a day or an instant, ET."),
    ] = None,
    grep: Annotated[
        str, typer.Option(metavar="TEXT", help="Only with this text, in any case; no character is special.")
    ] = "",
    count: Annotated[
        int | None,
        typer.Option("-n", "--lines", min=0, metavar="N", help="The newest N lines: 50, or all with --since."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show the log, newest line last.

    Works whether or not a console runs. Times are the machine's, in exchange time. The file holds one JSON object
    a line, with times in UTC.
    """
    from senex_tui.reports.log_lines import Wanted, newest

    folder, wanted = invocation.folders_of(context, data_dir).logs, Wanted(level, cycle, _since(since), grep)
    if count is None and since is None:
        count = NEWEST
    try:
        if follow:
            asyncio.run(_follow(folder, wanted, count))
        print_lines(newest(folder, wanted, count))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _since(text: str | None) -> datetime | None:
    from core.runtime.clock import SystemClock
    from senex_tui.support.when import moment_named

    try:
        return None if text is None else moment_named(text, SystemClock().now())
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--since") from None


async def _follow(folder: Path, wanted: Wanted, count: int | None) -> None:
    from core.runtime.clock import SystemClock
    from senex_tui.reports.log_lines import follow

    async for line in follow(folder, wanted, SystemClock(), count):
        print_next(line)
