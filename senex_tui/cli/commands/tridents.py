"""`senex tridents` and `senex exits`: what is held, what closes it, and what comes next (rules 15)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DataDir, DemoRecords, OneAccount
from senex_tui.cli.printing import print_report

commands = typer.Typer()
_exits = typer.Typer(help="Show the closing orders of each account.", rich_markup_mode=None, no_args_is_help=True)
commands.add_typer(_exits, name="exits")


@commands.command()
def tridents(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show the tridents that are held, with what closes them.

    Its units and the orders that work on them, what is left to lose, what it realized, and what comes next. Reads the
    records alone, also while a console trades.
    """
    from senex_tui.reports.recorded_tridents import read_tridents

    place = invocation.place_for(context, data_dir, demo)
    print_report(asyncio.run(read_tridents(place, everything=everything, account=account)), as_json)


@_exits.command()
def status(
    context: typer.Context,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show whether exits are on, and what rests at the broker.

    What is sent for each account, who holds it, its targets, and when its next time exit begins.
    """
    from core.config.exits import ExitSettings
    from core.config.loader import SettingsError
    from core.snapshot import Mode
    from senex_tui.reports.recorded_tridents import read_exits

    place = invocation.place_for(context, data_dir, demo)
    settings = ExitSettings()
    with suppress(SettingsError):  # `place_for` has said it; a console that runs has its own settings
        settings = invocation.settings_of(context, data_dir, own_simulator=demo).exits
    print_report(asyncio.run(read_exits(place, settings.rules(live=place.mode is Mode.LIVE), account)), as_json)
