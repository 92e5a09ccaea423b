"""`senex replay`: a recorded day in the same console."""

from __future__ import annotations

from typing import Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DaysDir, DemoDays, TimeOfDay
from senex_tui.cli.printing import print_lines

commands = typer.Typer()


@commands.command()
def replay(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Argument(metavar="DAY", help="A day like 2026-11-20; without, they are listed."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=1, max=600, metavar="N", help="Market seconds per second, 1 to 600; else as recorded."),
    ] = None,
    at: TimeOfDay = None,
    demo: DemoDays = False,
    data_dir: DaysDir = None,
) -> None:
    """Look at a recorded day again, in the same console.

    Nothing in it is live: there is no connection to a broker, and no command is sent.
    """
    run = invocation.prepare(context, data_dir, own_simulator=demo)
    recorded = invocation.days_of(context, run, demo)
    from senex_tui.run.replay import listed, open_day, run_replay, tell_opening

    if day is None:
        print_lines(listed(recorded))
        return
    found = open_day(recorded, day, tell_opening(day))
    invocation.settle_terminal()
    raise typer.Exit(run_replay(found, speed, at, run.loaded, run.folders.state))
