"""`senex history|explain|day`: what happened and why, from the records, with or without a running console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senex_tui.cli.commands.operator import FindPlace

if TYPE_CHECKING:
    from core.domain.market.sessions import SlotTimes

FindTimes = Callable[[typer.Context, Path | None, bool], "SlotTimes"]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date like 2026-03-02") from None


DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder whose records are meant.")
]
Demo = Annotated[bool, typer.Option("--demo", help="The records of the `senex demo` that started last and still runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def add_history_commands(app: typer.Typer, find_place: FindPlace, find_times: FindTimes) -> None:
    """Adds the commands to the command line; `find_place` says whose records are meant, `find_times` which slots a
    session has."""

    @app.command()
    def history(
        context: typer.Context,
        kind: Annotated[
            str,
            typer.Option(metavar="KIND", help="cycles, attempts, suggestions, orders, fills or commands."),
        ] = "cycles",
        since: Annotated[
            date | None, typer.Option("--from", parser=_day, metavar="DATE", help="From this day of the exchange on.")
        ] = None,
        until: Annotated[
            date | None, typer.Option("--to", parser=_day, metavar="DATE", help="To this day, which is included.")
        ] = None,
        account: Annotated[
            str, typer.Option(metavar="N", help="Only this account number, or its last characters.")
        ] = "",
        outcome: Annotated[
            str, typer.Option(metavar="WORD", help="How it ended, such as missed, refused or filled.")
        ] = "",
        reason: Annotated[str, typer.Option(metavar="CODE", help="Only with this reason code.")] = "",
        underlying: Annotated[str, typer.Option(metavar="SYMBOL", help="QQQ or SPX.")] = "",
        text: Annotated[str, typer.Option(metavar="TEXT", help="Only where a word of it holds this, literally.")] = "",
        limit: Annotated[
            int | None,
            typer.Option(min=1, max=1_000_000, metavar="N", help="At most so many; 20 as a table, else all."),
        ] = None,
        as_json: AsJson = False,
        as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Search the records, newest first.

        Cycles include the slots that were missed. Times are exchange time.
        """
        from core.records.search.history import HistoryFilter
        from senex_tui.reports.history import search
        from senex_tui.support.refusals import Refused

        if as_json and as_csv:
            raise Refused("--json and --csv exclude each other; give one of them.")
        wanted = HistoryFilter(since, until, account, outcome, reason, underlying.upper(), text)
        form = "json" if as_json else "csv" if as_csv else "text"
        asyncio.run(search(find_place(context, data_dir, demo), kind, wanted, limit, form, typer.echo))

    @app.command()
    def explain(
        context: typer.Context,
        cycle: Annotated[
            str, typer.Argument(metavar="CYCLE", help="A number, a slot like 11:15 or 2026-03-02T11:15, or last.")
        ],
        as_json: AsJson = False,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Tell what happened in a cycle and why, with the figures.

        For a slot that did not run it tells why it was missed. Times are exchange time, of today without a date.
        """
        from senex_tui.reports.explain import explain as tell

        place = find_place(context, data_dir, demo)
        told = asyncio.run(tell(place, find_times(context, data_dir, demo), cycle))
        typer.echo(told.to_json() if as_json else told.to_text())

    @app.command()
    def day(
        context: typer.Context,
        when: Annotated[
            date | None, typer.Argument(parser=_day, metavar="[DATE]", help="A day of the exchange; today without.")
        ] = None,
        as_json: AsJson = False,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Show a day's slots: what ran, was missed, is next."""
        from senex_tui.reports.day import read_day

        place = find_place(context, data_dir, demo)
        told = asyncio.run(read_day(place, find_times(context, data_dir, demo), when))
        typer.echo(told.to_json() if as_json else told.to_text())
