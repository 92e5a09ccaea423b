"""`senex db copy`: moving the records to PostgreSQL."""

from __future__ import annotations

import asyncio

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import CopiedDir
from senex_tui.cli.printing import print_lines

commands = typer.Typer()
_database = typer.Typer(help="Move the records to PostgreSQL.", no_args_is_help=True)
commands.add_typer(_database, name="db")


@_database.command()
def copy(context: typer.Context, data_dir: CopiedDir = None) -> None:
    """Copy this mode's records from the data folder into database.url.

    It copies into an empty schema only, in one commit, then reads every row back and compares it. The file is not
    changed. No console may run with either meanwhile.
    """
    from senex_tui.run.database_copy import copied

    invocation.trading_mode_of(context, invocation.prepare(context, data_dir))
    print_lines(asyncio.run(copied(invocation.place_for(context, data_dir, False))))
