"""`senex watch`: the same console without the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.config.loader import Loaded
    from senex_tui.trader.place import Place

FindTrader = Callable[[typer.Context, Path | None, bool], "tuple[Place, Loaded, Path]"]


def add_watch_command(app: typer.Typer, find_trader: FindTrader, settle_terminal: Callable[[], None]) -> None:
    """Adds the command; `find_trader` says whose records and which settings are meant."""

    @app.command()
    def watch(
        context: typer.Context,
        operator: Annotated[
            bool, typer.Option("--operator", help="May pause, resume, force and cancel; else it only looks.")
        ] = False,
        demo: Annotated[bool, typer.Option("--demo", help="Watch the `senex demo` that started last.")] = False,
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder of the trader meant.")
        ] = None,
    ) -> None:
        """Watch a trader that runs elsewhere, in the same console.

        Its screen and quotes come through Redis (redis.url), what is kept and commands through its records. Any number
        of consoles may watch; none of them slows the trader, and quitting one stops nothing.
        """
        place, loaded, state_folder = find_trader(context, data_dir, demo)
        from core.snapshot import Watching
        from senex_tui.run.watch import run_watch, watcher

        watching = Watching.OPERATOR if operator else Watching.READ_ONLY
        client = watcher(place, loaded.settings, watching)
        settle_terminal()
        raise typer.Exit(run_watch(client, watching, loaded, state_folder))
