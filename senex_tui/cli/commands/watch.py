"""`senex watch`: the same console without the engine."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DemoTrader, TraderDir

commands = typer.Typer()


@commands.command()
def watch(
    context: typer.Context,
    operator: Annotated[
        bool, typer.Option("--operator", help="May pause, resume, force and cancel; else it only looks.")
    ] = False,
    demo: DemoTrader = False,
    data_dir: TraderDir = None,
) -> None:
    """Watch a trader that runs elsewhere, in the same console.

    The trader's screen and quotes come through Redis (redis.url); history and commands go through its records. Any
    number of consoles may watch; none of them slows the trader, and quitting one stops nothing.
    """
    run = invocation.prepare(context, data_dir, own_simulator=demo)
    place = invocation.trader_for(context, data_dir, demo)
    from core.snapshot import Watching
    from senex_tui.doctor.beside_console import rows_of_machine
    from senex_tui.run.watch import run_watch, watcher

    watching = Watching.OPERATOR if operator else Watching.READ_ONLY
    client = watcher(place, run.loaded.settings, watching)
    invocation.settle_terminal()
    look = partial(rows_of_machine, run.loaded, run.folders, place, own_simulator=demo)
    raise typer.Exit(run_watch(client, watching, run.loaded, run.folders.state, look))
