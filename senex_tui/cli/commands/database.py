"""`senex db copy`: moving the records to PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senex_tui.trader.place import Place

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder with the records to copy.")
]


def add_database_commands(app: typer.Typer, find_place: Callable[[typer.Context, Path | None, bool], Place]) -> None:
    """Adds the commands to the command line; `find_place` says whose records are meant."""
    database = typer.Typer(help="Move the records to PostgreSQL.", no_args_is_help=True)
    app.add_typer(database, name="db")

    @database.command()
    def copy(context: typer.Context, data_dir: DataDir = None) -> None:
        """Copy this mode's records from the data folder into database.url.

        Into an empty schema only, in one commit; every row is read back and compared. The file is not changed. No
        console may run with either meanwhile.
        """
        from senex_tui.run.database_copy import copied

        for line in asyncio.run(copied(find_place(context, data_dir, False))):
            typer.echo(line)
