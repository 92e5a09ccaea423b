"""The options that several commands share, described once.

An option with the same name says in each command what it means there, so some have more than one description.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date like 2026-03-02") from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 10:30") from None


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date and time like 2026-03-02T09:44:45-05:00") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone; add one, for example {text}-05:00")
    return instant


def _data_dir(described: str) -> Any:
    return typer.Option("--data-dir", metavar="DIR", help=described)


# Whose folders are meant. None is the user's own.

OwnDataDir = Annotated[Path | None, _data_dir("Keep data, state and logs in DIR instead of the user's folders.")]
DataDir = Annotated[Path | None, _data_dir("The data folder of the console meant.")]
RecordsDir = Annotated[Path | None, _data_dir("The data folder whose records are meant.")]
CopiedDir = Annotated[Path | None, _data_dir("The data folder with the records to copy.")]
TraderDir = Annotated[Path | None, _data_dir("The data folder of the trader meant.")]
DaysDir = Annotated[Path | None, _data_dir("The data folder whose days are meant.")]

# A demo instead of the configured broker.

Demo = Annotated[
    bool, typer.Option("--demo", help="Speak to the running `senex demo`; with a NAME after it, to that one.")
]
DemoRecords = Annotated[
    bool, typer.Option("--demo", help="Read a `senex demo`: the one with NAME after it, else the running or newest.")
]
DemoDays = Annotated[bool, typer.Option("--demo", help="The days recorded by `senex demo`; with a NAME, by that one.")]
DemoTrader = Annotated[bool, typer.Option("--demo", help="Watch the running `senex demo`; with a NAME, that one.")]

# How a console opens.

Live = Annotated[bool, typer.Option("--live", help="Really trade; needs trading.live = true in the settings too.")]
Ascii = Annotated[bool, typer.Option("--ascii", help="Only ASCII characters on the screen.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Watch only: no command is sent from this console.")]
Plain = Annotated[
    bool, typer.Option("--plain", help="Without a screen: print one line per event, for logs and screen readers.")
]

# The simulated market.

Speed = Annotated[
    float | None, typer.Option(min=1, max=60, metavar="N", help="Market seconds per second, 1 to 60; 1 when left out.")
]
Start = Annotated[
    datetime | None,
    typer.Option(parser=_instant, metavar="ISO", help="Market time to start at, with its zone."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="The same seed and start give the same market.")]

Days = Annotated[
    int | None,
    typer.Option(min=1, max=250, metavar="N", help="Live N sessions before it, 1 to 250, and open on their morning."),
]

# What is printed.

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

# What a command is about.

Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept in the records.")]
EntryId = Annotated[str, typer.Option("--entry", metavar="ID", help="Which one, when there are several.")]
OneAccount = Annotated[str, typer.Option("--account", metavar="N", help="Only this account, by its last characters.")]
AccountNumber = Annotated[str, typer.Argument(metavar="NUMBER", help="The account number, or its last characters.")]
FromDay = Annotated[
    date | None, typer.Option("--from", parser=_date, metavar="DATE", help="From this day of the exchange on.")
]
ToDay = Annotated[
    date | None, typer.Option("--to", parser=_date, metavar="DATE", help="To this day, which is included.")
]
OneDay = Annotated[
    date | None, typer.Argument(parser=_date, metavar="DATE", help="A day of the exchange; today without.")
]
TimeOfDay = Annotated[time | None, typer.Option(parser=_time, metavar="HH:MM", help="Exchange time to begin at.")]
