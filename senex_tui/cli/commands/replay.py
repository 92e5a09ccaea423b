"""`senex replay`: a recorded day in the same console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.config.loader import Loaded
    from senex_tui.run.replay import Recorded

FindDays = Callable[[typer.Context, Path | None, bool], "tuple[Recorded, Loaded, Path]"]


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 10:30") from None


def add_replay_command(app: typer.Typer, find_days: FindDays, settle_terminal: Callable[[], None]) -> None:
    """Adds the command; `find_days` says whose days are meant, how the console is to look and
    where it keeps copies."""

    @app.command()
    def replay(
        context: typer.Context,
        day: Annotated[
            str | None,
            typer.Argument(metavar="[DAY]", help="A day like 2026-11-20; without, they are listed."),
        ] = None,
        speed: Annotated[
            float | None,
            typer.Option(min=1, max=600, metavar="N", help="Market seconds per second, 1 to 600; else as recorded."),
        ] = None,
        at: Annotated[
            time | None, typer.Option(parser=_time, metavar="HH:MM", help="Exchange time to begin at.")
        ] = None,
        demo: Annotated[bool, typer.Option("--demo", help="The days recorded by `senex demo`.")] = False,
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder whose days are meant.")
        ] = None,
    ) -> None:
        """Look at a recorded day again, in the same console.

        Nothing in it is live: there is no connection to a broker, and no command is sent.
        """
        recorded, loaded, state_folder = find_days(context, data_dir, demo)
        from senex_tui.run.replay import listed, open_day, run_replay

        if day is None:
            for line in listed(recorded):
                typer.echo(line)
            return
        found = open_day(recorded, day)
        settle_terminal()
        raise typer.Exit(run_replay(found, speed, at, loaded, state_folder))
